// Counts of rows by member and interval of event time: open ones in rings, closed when the clock has passed them by the lateness.
import { Source } from "./source.ts";

/** Clocks are followed so often. Milliseconds, as all times here. */
const FOLLOWS_EVERY = 10_000;
/** A member that was silent for so long sleeps: sooner when it was counted but a few times. */
const SLEEPS_AFTER = 2 * 86_400_000;
const FEW = 20;
const SLEEPS_SOON = 3_600_000;

/** Told of each closed interval of each source that was heard in it: `end` is in Unix milliseconds. */
export type OnClosed = (source: Source, number: number, end: number, counted: boolean) => void;

export class Tally {
  readonly sources = new Map<string, Source>();
  /** Rows that came after their interval was closed. */
  late = 0;
  readonly #interval: number;
  readonly #lateness: number;
  /** Open intervals at most; interval n is the one at n % ring of a member. */
  readonly ring: number;
  /** By member and interval: count and failures, next to each other since they are counted together. */
  #counts = new Uint32Array(0);
  readonly #sourceOf: Source[] = [];
  /** By member, as of the intervals that are closed: counted so far, up to FEW; number of the latest it was counted in. */
  #known = new Uint8Array(0);
  #latest = new Float64Array(0);
  /** Number of the last closed interval; and of the last that was not counted from its beginning. */
  #closed = Number.NaN;
  #partial = Number.NaN;
  /** The interval that was last asked for, as it mostly is again, and its place in the ring. */
  #lastAsked = Number.NaN;
  #slot = 0;
  /** When clocks were last followed. */
  #followed = Number.NaN;

  constructor(interval: number, lateness: number) {
    this.#interval = interval;
    this.#lateness = lateness;
    this.ring = Math.ceil(lateness / interval) + 3;
  }

  get byteLength(): number {
    return this.#counts.byteLength + this.#known.byteLength + this.#latest.byteLength;
  }

  grow(capacity: number): void {
    const counts = new Uint32Array(2 * capacity * this.ring);
    const known = new Uint8Array(capacity);
    const latest = new Float64Array(capacity);
    counts.set(this.#counts);
    known.set(this.#known);
    latest.set(this.#latest);
    this.#counts = counts;
    this.#known = known;
    this.#latest = latest;
  }

  clear(member: number): void {
    const from = 2 * member * this.ring;
    this.#counts.fill(0, from, from + 2 * this.ring);
    this.#known[member] = 0;
    this.#latest[member] = Number.NaN;
  }

  source(key: string): Source {
    let source = this.sources.get(key);
    if (!source) {
      source = new Source(key);
      this.sources.set(key, source);
    }
    return source;
  }

  sourceOf(member: number): Source {
    return this.#sourceOf[member];
  }

  join(source: Source, member: number): void {
    source.members.push(member);
    this.#sourceOf[member] = source;
  }

  leave(source: Source, member: number): void {
    const at = source.members.indexOf(member);
    if (at >= 0) source.members.splice(at, 1);
    if (source.members.length === 0) this.sources.delete(source.key);
  }

  /** The interval that a row of `time` counts in, NaN when that is closed; `now` is the clock of receipt. */
  intervalOf(source: Source, time: number, now: number): number {
    // a record without a time counts as it comes
    const age = time > 0 ? now - time : 0;
    if (age < source.youngest) source.youngest = age;
    const shift = source.lag > this.#lateness ? source.lag : 0;
    const number = Math.floor((shift < age ? time + shift : now) / this.#interval);
    if (number > this.#closed) return number;
    if (number > this.#partial) this.late++;
    // what came too late for an interval that waits is no silence
    if (number > source.closed) source.closed = number;
    return Number.NaN;
  }

  /** Whether it is the first of the member in this interval, or the first failure. */
  add(member: number, number: number, count: number, failed: number): boolean {
    const counts = this.#counts;
    const at = this.#at(member, number);
    const first = counts[at + 1] === 0 && (failed > 0 || counts[at] === 0);
    counts[at] += count;
    counts[at + 1] += failed;
    return first;
  }

  #at(member: number, number: number): number {
    if (number !== this.#lastAsked) {
      this.#lastAsked = number;
      this.#slot = number % this.ring;
    }
    return 2 * (member * this.ring + this.#slot);
  }

  /** Closes what the clock has passed; `now` is in Unix milliseconds. */
  advance(now: number, closed: OnClosed): void {
    if (!(now >= 0 && now < 1e15)) return;
    this.#follow(now);
    const until = Math.floor((now - this.#lateness) / this.#interval) - 1;
    if (Number.isNaN(this.#closed) || until < this.#closed - this.ring) {
      // the first look at the clock, or it was set back: what came before, in this interval too, is not known
      this.#closed = this.#partial = Math.ceil(now / this.#interval) - 1;
      for (const source of this.sources.values()) source.closed = Number.NaN;
      this.#counts.fill(0);
      return;
    }
    for (let number = this.#closed + 1; number <= until; number++) {
      if (number > this.#closed + this.ring) {
        // nothing can be open that far on
        number = until;
      }
      for (const source of this.sources.values()) this.#close(source, number, closed);
    }
    if (until > this.#closed) this.#closed = until;
  }

  #follow(now: number): void {
    if (Math.abs(now - this.#followed) < FOLLOWS_EVERY) return;
    this.#followed = now;
    for (const source of this.sources.values()) source.follow(this.#lateness);
  }

  #close(source: Source, number: number, closed: OnClosed): void {
    if (!source.members.some((member) => this.#counts[this.#at(member, number)] > 0)) return;
    for (let missed = source.heard(number); missed < number; missed++) {
      closed(source, missed, (missed + 1) * this.#interval, false);
    }
    closed(source, number, (number + 1) * this.#interval, true);
  }

  /** Count and failures of a member in the interval being closed, which are forgotten by this. */
  take(member: number, number: number, into: { count: number; failed: number }): void {
    const at = this.#at(member, number);
    const count = this.#counts[at];
    const failed = this.#counts[at + 1];
    into.count = count;
    into.failed = failed;
    if (count + failed === 0) return;
    this.#counts[at] = this.#counts[at + 1] = 0;
    // failures of a part are counted with its whole
    this.#known[member] = Math.min(FEW, this.#known[member] + Math.max(count, failed));
    this.#latest[member] = number;
  }

  /** Whether it was not counted for so long that it is not judged any more, until it is counted again. */
  sleeps(member: number, number: number): boolean {
    const silent = (number - this.#latest[member]) * this.#interval;
    if (Number.isNaN(silent)) this.#latest[member] = number;
    const long = silent > SLEEPS_AFTER || (silent > SLEEPS_SOON && this.#known[member] < FEW);
    return long && !this.#isOpen(member);
  }

  /** Whether it was counted in an interval that is not closed yet. */
  #isOpen(member: number): boolean {
    const from = 2 * member * this.ring;
    for (let at = from; at < from + 2 * this.ring; at++) if (this.#counts[at] > 0) return true;
    return false;
  }
}
