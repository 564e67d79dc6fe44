// What a service writes: its messages, which of them come together, and which without fail.
import { Cause, type Labels } from "vedette";
import { Discoveries } from "vedette/counts";

/** Messages of a service that are followed. */
const MOST_MESSAGES = 512;
/** Combinations of a service, and partners of a message, that are remembered. */
const MOST_COMBINATIONS = 2000;
const MOST_PARTNERS = 32;
/** A message that was not seen for so long makes room for a new one. Milliseconds. */
const STALE = 86_400_000;

/** How often a message had another one in its group. */
export interface Partner {
  groups: number;
  both: number;
}

export interface Message {
  /** Of its template, 16 hex digits. */
  readonly id: string;
  /** Of its first record: what is told of it. */
  readonly labels: Labels;
  /** Groups that had it; and the end of the latest interval with one, Unix milliseconds. */
  groups: number;
  last: number;
  /** By number of the other message. */
  readonly partners: Map<number, Partner>;
  /** Row of the columns in which its absence is judged; -1 while there is none. */
  row: number;
}

/** Messages that were all the messages of a group, each once, a few times or often. */
export interface Combination {
  readonly key: number;
  /** Numbers of messages. */
  readonly messages: readonly number[];
  groups: number;
  /** In the interval that is not judged yet, and one of these groups. */
  fresh: number;
  example: string;
  /** Unix milliseconds of the first, of the latest, and of the latest that counted as seen again. */
  readonly first: number;
  last: number;
  counted: number;
  /** While it is new: groups in the intervals in which it was seen, what these intervals add to its rarity; and the rarity that was tried and not raised. */
  added: number;
  tried: number;
  /** Whether all its messages were well known when it was first seen. */
  readonly novel: boolean;
}

export class Service {
  readonly key: string;
  readonly began: number;
  readonly labels: Labels;
  readonly messages: Message[] = [];
  readonly byId = new Map<string, number>();
  readonly combinations = new Map<number, Combination>();
  readonly discoveries = [new Discoveries()];
  groups = 0;
  /** Rises when a number is given to another message. */
  generation = 0;
  /** Combinations of the interval that is not judged yet. */
  readonly fresh = new Set<Combination>();
  readonly cause = new Cause();
  /** Series of the agent that are of it. */
  series = 0;

  constructor(key: string, began: number, labels: Labels) {
    this.key = key;
    this.began = began;
    this.labels = labels;
  }

  /** Number of the message of that template, -1 where there are too many; `labels` are asked for when it is new. */
  message(id: string, now: number, labels: () => Labels): number {
    const known = this.byId.get(id);
    if (known !== undefined) return known;
    const number = this.messages.length < MOST_MESSAGES ? this.messages.length : this.#recycle(now);
    if (number < 0) return -1;
    this.byId.set(id, number);
    const row = this.messages[number]?.row ?? -1;
    this.messages[number] = { id, labels: labels(), groups: 0, last: now, partners: new Map(), row };
    return number;
  }

  /** Forgets the message that was not seen for longest, where that is long, and all that it was part of: its number. */
  #recycle(now: number): number {
    let oldest = 0;
    for (const [number, { last }] of this.messages.entries()) if (last < this.messages[oldest].last) oldest = number;
    if (now - this.messages[oldest].last < STALE) return -1;
    this.byId.delete(this.messages[oldest].id);
    for (const { partners } of this.messages) partners.delete(oldest);
    for (const combination of this.combinations.values()) {
      if (!combination.messages.includes(oldest)) continue;
      this.combinations.delete(combination.key);
      this.fresh.delete(combination);
    }
    this.generation++;
    return oldest;
  }

  /** Makes a combination known; the eighth that was not seen for longest has made room for it. */
  add(combination: Combination): void {
    if (this.combinations.size >= MOST_COMBINATIONS) {
      const all = [...this.combinations.values()].sort((a, b) => a.last - b.last);
      for (const { key } of all.slice(0, MOST_COMBINATIONS >> 3)) this.combinations.delete(key);
    }
    this.combinations.set(combination.key, combination);
  }

  /** The partners of a message learn so many groups of it that had these messages, but those that are `held`. */
  learn(number: number, present: readonly number[], count: number, held: (message: Message) => boolean): void {
    const { partners } = this.messages[number];
    for (const other of present) {
      if (other !== number && !partners.has(other) && partners.size < MOST_PARTNERS) {
        partners.set(other, { groups: 0, both: 0 });
      }
    }
    for (const [other, partner] of partners) {
      if (held(this.messages[other])) continue;
      partner.groups += count;
      if (present.includes(other)) partner.both += count;
      else if (partner.groups >= WEAK_AFTER && partner.both < WEAK * partner.groups) partners.delete(other);
    }
  }
}

/** A partner that is there less often is none, and makes room. */
const WEAK_AFTER = 200;
const WEAK = 0.5;
