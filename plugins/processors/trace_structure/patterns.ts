// Traces of the same pattern: the same operations below each other in the same order, of which the same failed. They teach the same.
import type { Operation, Trace } from "vedette";
import type { Lesson } from "./lesson.ts";
import { Pattern } from "./pattern.ts";
import type { Reading } from "./reading.ts";

/** Of each of two generations: patterns, and their spans in all. */
const MOST_PATTERNS = 2000;
const MOST_SPANS = 50_000;
/** Hashes of patterns that were read once and are remembered if they come again; a power of two. */
const MET = 8192;
/** Spans of a trace, and numbers of operations, that have a place in 31 bits; powers of two. */
const MOST_PLACES = 2 ** 13;
const MOST_NUMBERS = 2 ** 17;

/** Bounded: where there is no room, what did not come since there was none last is forgotten. */
export class Patterns {
  #recent = new Map<number, Pattern>();
  #older = new Map<number, Pattern>();
  /** Of the recent ones. */
  #spans = 0;
  /** Those with traces that callers were not taught yet; and those that are not settled. */
  readonly #counted: Pattern[] = [];
  readonly #taught: Pattern[] = [];
  readonly #met = new Int32Array(MET);
  /** By number, as long as it means the same. */
  readonly #operations: Operation[] = [];
  /** Of the trace that was hashed last, by span. */
  #places = new Int32Array(64);
  readonly #sampled: boolean;
  #now = Number.NaN;

  /** `sampled`: what is missing counts in whole traces only. */
  constructor(sampled: boolean) {
    this.#sampled = sampled;
  }

  /** 0 of what has no pattern: what it teaches depends on more. */
  hash({ length, parent, operation, operations, failed, left, whole }: Trace): number {
    if (left > 0 || length > MOST_PLACES - 2 || (this.#sampled && !whole)) return 0;
    if (length > this.#places.length) this.#places = new Int32Array(2 * length);
    const places = this.#places;
    const known = this.#operations;
    let hash = 0;
    for (let i = 0; i < length; i++) {
      const number = operation[i];
      const above = parent[i];
      // spans that were lost may have been between roots
      if ((above < 0 && i > 0) || number >= MOST_NUMBERS) return 0;
      if (known[number] !== operations[number]) this.#meet(number, operations[number]);
      const place = number * (2 * MOST_PLACES) + 2 * (above + 2) + failed[i];
      places[i] = place;
      hash = Math.imul(hash ^ place, 0x85ebca77);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** Numbers may come to mean other operations. */
  #meet(number: number, operation: Operation): void {
    if (this.#operations[number] !== undefined) this.clear();
    this.#operations[number] = operation;
  }

  /** Counts the trace that was hashed last; false where its pattern is not known, or holds no more. `now` is the clock. */
  count(hash: number, trace: Trace, lesson: Lesson, now: number): boolean {
    this.#now = now;
    if (hash === 0) return false;
    const pattern = this.#recent.get(hash) ?? this.#older.get(hash);
    if (!pattern?.fits(this.#places, trace.length)) return false;
    if (pattern.traces === 0) {
      if (!pattern.holds) return false;
      if (this.#older.size > 0 && !this.#recent.has(hash)) this.#keep(hash, pattern);
      pattern.stir(lesson);
      this.#counted.push(pattern);
    }
    pattern.count(trace);
    return true;
  }

  /** The trace was read and teaches what its pattern says and nothing else. It is remembered the second time. */
  add(hash: number, trace: Trace, reading: Reading): void {
    if (hash === 0) return;
    const slot = (hash >>> 8) & (MET - 1);
    if (this.#met[slot] !== hash) this.#met[slot] = hash;
    else this.#keep(hash, new Pattern(Array.from(this.#places.subarray(0, trace.length)), trace, reading));
  }

  #keep(hash: number, pattern: Pattern): void {
    if (this.#recent.size >= MOST_PATTERNS || this.#spans + pattern.length > MOST_SPANS) {
      this.settle();
      this.#older = this.#recent;
      this.#recent = new Map();
      this.#spans = 0;
    }
    this.#recent.set(hash, pattern);
    this.#spans += pattern.length;
  }

  /** Teaches callers what was counted since they were taught last: enough to judge them. */
  teach(): void {
    for (const pattern of this.#counted) {
      if (pattern.passed === 0) this.#taught.push(pattern);
      pattern.teach(this.#now);
    }
    this.#counted.length = 0;
  }

  /** Likewise all that is known: before something new is looked at, or anything is saved or forgotten. */
  settle(): void {
    this.teach();
    for (const pattern of this.#taught) pattern.settle();
    this.#taught.length = 0;
  }

  clear(): void {
    this.settle();
    this.#recent.clear();
    this.#older.clear();
    this.#spans = 0;
  }
}
