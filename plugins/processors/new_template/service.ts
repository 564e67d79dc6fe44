// What a service has said so far: its statements, those that are new, and the event that new ones belong to.
import type { Labels } from "vedette";
import { Discoveries } from "vedette/counts";
import { kindOf, RANKS } from "./surprise.ts";
import { isVariant, wordsOf } from "./words.ts";

/** A statement is watched for so long after its first sight. Milliseconds. */
export const WATCHED = 3_600_000;
/** Sights within so long count once. */
const APART = 10_000;
const DAY = 86_400_000;
/** Templates that are compared with. */
const ALIKE = 512;

export interface Statement {
  /** 16 hex digits. */
  readonly id: string;
  readonly rank: number;
  readonly variant: boolean;
  /** Unix milliseconds. */
  readonly first: number;
  /** Number of the day of its last sight. */
  day: number;
  /** While it is watched: sights that count, the last of them, and what they added. */
  sights: number;
  last: number;
  added: number;
  /** Rarity that was tried and not raised. */
  tried: number;
}

/** One that waits to be told with others. */
export interface Candidate {
  readonly statement: Statement;
  readonly labels: Labels;
  readonly text: string;
  rarity: number;
}

/** New statements that came one after the other, told once. */
export interface Event {
  until: number;
  readonly began: number;
  rank: number;
  rarity: number;
}

export class Service {
  readonly key: string;
  readonly began: number;
  readonly statements = new Map<string, Statement>();
  readonly discoveries = Array.from({ length: 2 * RANKS }, () => new Discoveries());
  /** The words of the templates learnt of late. */
  readonly #words: string[][] = [];
  /** Since when candidates wait, Unix milliseconds. */
  waiting = Number.NaN;
  candidates: Candidate[] = [];
  event: Event | undefined;
  /** service.version, and when it became that; NaN while there was but one. */
  version = "";
  changed = Number.NaN;
  /** Series of the agent that are of it. */
  series = 0;

  constructor(key: string, began: number) {
    this.key = key;
    this.began = began;
  }

  /** Takes it as known. */
  discover(id: string, text: string, rank: number, time: number): Statement {
    const variant = this.learn(text);
    const day = Math.floor(time / DAY);
    const statement = { id, rank, variant, first: time, day, sights: 1, last: time, added: 0, tried: 0 };
    this.statements.set(id, statement);
    this.discoveries[kindOf(rank, variant)].add(time);
    return statement;
  }

  /** Whether a template is a variant of one that was learnt of late; it is learnt. */
  learn(text: string): boolean {
    const words = wordsOf(text);
    const variant = this.#words.some((other) => isVariant(words, other));
    this.#words.push(words);
    if (this.#words.length > ALIKE) this.#words.shift();
    return variant;
  }

  /** What was learnt, to be learnt again. */
  get texts(): string[] {
    return this.#words.map((words) => words.join(" "));
  }

  /** Sees a known one again: whether that is a sight that counts. */
  see(statement: Statement, time: number): boolean {
    statement.day = Math.max(statement.day, Math.floor(time / DAY));
    if (time - statement.last < APART) return false;
    statement.last = time;
    statement.sights++;
    return true;
  }

  /** Forgets the eighth that was not seen for longest. */
  shrink(): void {
    const all = [...this.statements.values()].sort((a, b) => a.day - b.day);
    for (const { id } of all.slice(0, Math.ceil(all.length / 8))) this.statements.delete(id);
  }
}
