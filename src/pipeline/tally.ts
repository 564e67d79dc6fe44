// Counts of rows by member and interval of event time: open ones in rings, closed when the clock has passed them by the lateness.
import type { Attributes } from "../api/index.ts";

/** Of the intervals in which a service is silent for longer than is usual for it, none is judged. */
const USUAL_SILENCE = 3;
const ALWAYS_ALLOWED = 6;
const FORGETTING = 0.98;
/** Intervals that are judged after the fact, at most. */
const LONGEST_SILENCE = 360;
/** A service whose events are all older than the lateness has a clock that is behind: it is followed by a share of that, so often. Milliseconds. */
const FOLLOWING = 0.1;
const FOLLOWS_EVERY = 10_000;
/** A member that was silent for so long sleeps: sooner when it was counted but a few times. Milliseconds. */
const SLEEPS_AFTER = 2 * 86_400_000;
const FEW = 20;
const SLEEPS_SOON = 3_600_000;

/** What is counted together: all series of one service. */
export class Source {
  readonly key: string;
  /** The attributes that name it, once for all of its series. */
  resource: Attributes | undefined;
  members: number[] = [];
  /** Milliseconds that its clock is behind ours, where that is more than the lateness. */
  lag = 0;
  /** Least age of an event when it came, of late. */
  youngest = Number.POSITIVE_INFINITY;
  /** Number of the latest interval in which anything came from it and that is closed, or that anything came too late for. */
  closed = Number.NaN;
  /** Intervals that it is silent for at times. */
  usual = 0;

  constructor(key: string) {
    this.key = key;
  }
}

/** Told of each closed interval of each source that was heard in it: `end` is in Unix milliseconds. */
export type OnClosed = (source: Source, number: number, end: number, counted: boolean) => void;

export class Tally {
  readonly sources = new Map<string, Source>();
  /** Rows that came after their interval was closed. */
  late = 0;
  readonly #interval: number;
  readonly #lateness: number;
  /** Open intervals at most; a member's counts of interval n are at member * ring + n % ring. */
  readonly ring: number;
  #count = new Uint32Array(0);
  #failed = new Uint32Array(0);
  /** By member: counted so far, up to FEW; number of the latest interval it was counted in. */
  #known = new Uint8Array(0);
  #latest = new Float64Array(0);
  /** Number of the last closed interval; and of the last that was not counted from its beginning. */
  #closed = Number.NaN;
  #partial = Number.NaN;
  /** When clocks were last followed. */
  #followed = Number.NaN;

  constructor(interval: number, lateness: number) {
    this.#interval = interval;
    this.#lateness = lateness;
    this.ring = Math.ceil(lateness / interval) + 3;
  }

  get byteLength(): number {
    return this.#count.byteLength + this.#failed.byteLength + this.#known.byteLength + this.#latest.byteLength;
  }

  grow(capacity: number): void {
    const count = new Uint32Array(capacity * this.ring);
    const failed = new Uint32Array(capacity * this.ring);
    const known = new Uint8Array(capacity);
    const latest = new Float64Array(capacity);
    count.set(this.#count);
    failed.set(this.#failed);
    known.set(this.#known);
    latest.set(this.#latest);
    this.#count = count;
    this.#failed = failed;
    this.#known = known;
    this.#latest = latest;
  }

  clear(member: number): void {
    const at = member * this.ring;
    this.#count.fill(0, at, at + this.ring);
    this.#failed.fill(0, at, at + this.ring);
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

  join(source: Source, member: number): void {
    source.members.push(member);
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

  /** The clock of a service of which anything came in time is right, and one that is ahead does no harm. */
  #follow(now: number): void {
    if (Math.abs(now - this.#followed) < FOLLOWS_EVERY) return;
    this.#followed = now;
    for (const source of this.sources.values()) {
      const { youngest } = source;
      if (youngest === Number.POSITIVE_INFINITY) continue;
      source.lag += FOLLOWING * ((youngest > this.#lateness ? youngest : 0) - source.lag);
      source.youngest = Number.POSITIVE_INFINITY;
    }
  }

  add(member: number, number: number, count: number, failed: number): void {
    const at = member * this.ring + (number % this.ring);
    this.#count[at] += count;
    this.#failed[at] += failed;
    if (this.#known[member] < FEW) this.#known[member]++;
    this.#latest[member] = number;
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
      this.#count.fill(0);
      this.#failed.fill(0);
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

  #close(source: Source, number: number, closed: OnClosed): void {
    const counted = source.members.some((member) => this.#count[member * this.ring + (number % this.ring)] > 0);
    if (!counted) return;
    const silent = Number.isNaN(source.closed) ? 0 : number - source.closed - 1;
    const allowed = Math.min(LONGEST_SILENCE, USUAL_SILENCE * source.usual + ALWAYS_ALLOWED);
    if (silent <= allowed) {
      for (let missed = source.closed + 1; missed < number; missed++) {
        closed(source, missed, (missed + 1) * this.#interval, false);
      }
    }
    source.usual = Math.max(FORGETTING * source.usual, Math.min(silent, 2 * source.usual + ALWAYS_ALLOWED));
    source.closed = number;
    closed(source, number, (number + 1) * this.#interval, true);
  }

  /** Count and failures of a member in the interval being closed, which are forgotten by this. */
  take(member: number, number: number, into: { count: number; failed: number }): void {
    const at = member * this.ring + (number % this.ring);
    into.count = this.#count[at];
    into.failed = this.#failed[at];
    this.#count[at] = 0;
    this.#failed[at] = 0;
  }

  /** Whether it was not counted for so long that it is not judged any more, until it is counted again. */
  sleeps(member: number, number: number): boolean {
    const silent = (number - this.#latest[member]) * this.#interval;
    if (Number.isNaN(silent)) this.#latest[member] = number;
    return silent > SLEEPS_AFTER || (silent > SLEEPS_SOON && this.#known[member] < FEW);
  }
}
