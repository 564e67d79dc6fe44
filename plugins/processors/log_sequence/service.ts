// What a service writes: its messages, which of them come together, and which without fail.
import { Cause, type Labels } from "vedette";
import { Discoveries } from "vedette/counts";
import { Pairs } from "./pairs.ts";

/** Messages of a service that are followed. */
export const MOST_MESSAGES = 512;
/** Partners of a message that are remembered. */
const MOST_PARTNERS = 32;
/** A partner that is there less often than in this share of so many groups is none, and makes room. */
const WEAK = 0.5;
const WEAK_AFTER = 200;
/** A message that was not seen for so long makes room for a new one. Milliseconds. */
const STALE = 86_400_000;
const MINUTE = 60_000;

/** How often a message had another one, by its number, in its group. */
export interface Partner {
  readonly other: number;
  groups: number;
  both: number;
}

export interface Message {
  /** Of its template, 16 hex digits. */
  readonly id: string;
  /** Of its first record: what is told of it. */
  readonly labels: Labels;
  /** Groups that had it; the end of the latest interval with one, Unix milliseconds; and how often it came in one at most, as a grade. */
  groups: number;
  last: number;
  grade: number;
  partners: Partner[];
  /** Row of the columns in which its absence is judged; -1 while there is none. */
  row: number;
}

/** Groups of the interval that is not judged yet which had the same messages. */
export interface Combination {
  /** Numbers of messages, and how often each came, as a grade. */
  readonly messages: readonly number[];
  readonly grades: readonly number[];
  groups: number;
  /** What one of them is known by. */
  low: number;
  high: number;
  left0: number;
  left1: number;
  /** Whether that is a trace id. */
  isTrace: boolean;
}

/** The trace of a group that has them; "" where something else holds it together. */
export function traceOf({ left0, left1, high, low, isTrace }: Combination): string {
  return isTrace ? [left0, left1, high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("") : "";
}

/** What never was in a group before: "together", a and b; "without", a without b; "often", a with the grade b. */
export interface News {
  readonly what: "together" | "without" | "often";
  readonly a: number;
  readonly b: number;
  /** Unix milliseconds: the end of its first interval, and of the latest that counted as seen again. */
  readonly first: number;
  counted: number;
  /** Groups that had it, and the trace of one. */
  groups: number;
  trace: string;
  /** Of its first sight; what later ones added; and what was tried and not raised. */
  readonly rarity: number;
  added: number;
  tried: number;
}

let services = 0;

export class Service {
  readonly key: string;
  /** Of this process: another for each. */
  readonly number = ++services;
  began: number;
  readonly labels: Labels;
  readonly messages: Message[] = [];
  readonly byId = new Map<string, number>();
  readonly together = new Pairs();
  readonly discoveries = [new Discoveries()];
  news: News[] = [];
  groups = 0;
  /** Rises when a number is given to another message. */
  generation = 0;
  readonly fresh = new Map<number, Combination>();
  readonly cause = new Cause();
  /** When no message was found that could make room. */
  #full = Number.NaN;
  /** Series of the agent that are of it. */
  series = 0;

  constructor(key: string, began: number, labels: Labels) {
    this.key = key;
    this.began = began;
    this.labels = labels;
  }

  /** Number of the message of that template, -1 where there are too many; `labels` are asked for when it is new, rows are given back. */
  message(id: string, now: number, labels: () => Labels, release: (row: number) => void): number {
    const known = this.byId.get(id);
    if (known !== undefined) return known;
    const number = this.messages.length < MOST_MESSAGES ? this.messages.length : this.#recycle(now, release);
    if (number < 0) return -1;
    this.byId.set(id, number);
    this.messages[number] = { id, labels: labels(), groups: 0, last: now, grade: 0, partners: [], row: -1 };
    return number;
  }

  /** Forgets the message that was not seen for longest, where that is long, and all that it was part of: its number. */
  #recycle(now: number, release: (row: number) => void): number {
    if (Math.abs(now - this.#full) < MINUTE) return -1;
    let oldest = 0;
    for (const [number, { last }] of this.messages.entries()) if (last < this.messages[oldest].last) oldest = number;
    const { id, last, row } = this.messages[oldest];
    if (now - last < STALE) {
      this.#full = now;
      return -1;
    }
    this.byId.delete(id);
    if (row >= 0) release(row);
    for (const message of this.messages) message.partners = message.partners.filter(({ other }) => other !== oldest);
    this.together.clear(oldest);
    this.news = this.news.filter(({ what, a, b }) => a !== oldest && (what === "often" || b !== oldest));
    for (const [key, { messages }] of this.fresh) if (messages.includes(oldest)) this.fresh.delete(key);
    this.generation++;
    return oldest;
  }

  /** The partners of a message learn so many groups of it that had these messages, but those that are `held`. */
  learn(number: number, present: readonly number[], count: number, held: (message: Message) => boolean): void {
    const own = this.messages[number];
    const { partners } = own;
    let here = 0;
    for (const { other } of partners) if (present.includes(other)) here++;
    // mostly they are partners already
    for (const other of here === present.length - 1 ? [] : present) {
      if (partners.length >= MOST_PARTNERS) break;
      if (other !== number && !partners.some((each) => each.other === other))
        partners.push({ other, groups: 0, both: 0 });
    }
    let isWeak = false;
    for (const partner of partners) {
      if (held(this.messages[partner.other])) continue;
      partner.groups += count;
      if (present.includes(partner.other)) partner.both += count;
      else isWeak ||= isWeakOne(partner);
    }
    if (!isWeak) return;
    own.partners = partners.filter(
      (each) => held(this.messages[each.other]) || present.includes(each.other) || !isWeakOne(each),
    );
  }
}

const isWeakOne = ({ groups, both }: Partner) => groups >= WEAK_AFTER && both < WEAK * groups;
