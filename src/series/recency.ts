// Which row must go when there is no room for a new one: exact to the row, one write a touch, a rare linear pass.
import { grown } from "./growing.ts";

/** Touches after which a row is established. */
export const ESTABLISHED = 50;
/** Established rows keep their place up to this share of the room: what is new can always become established. */
const ESTABLISHED_SHARE = 0.8;
/** Milliseconds without a touch after which an established row is no better than a new one. */
const UNSEEN = 3_600_000;
/** The clock is written down so often in that time. */
const MARKS = 8;
/** Share of a segment that one pass over the stamps serves: a pass costs about a nanosecond a row. */
const SHARE = 1 / 16;
const SAMPLES = 1024;

/**
 * Segmented LRU (Karedla, Love & Wherry 1994): a flood of rows that are touched once or twice passes through the fifth of
 * the room that is not established, and leaves the rest alone. Two differences. Demotion is decided when room is needed and
 * not on a touch, so that a touch moves nothing and rows that fit are never shuffled. And an established row that was not
 * touched for an hour counts as one that is not: after a deployment that renames every series, the new ones find room.
 */
export class Recency {
  #clock = 0;
  /** 0: never touched, or forgotten. */
  #stamp = new Float64Array(0);
  /** Touches so far, up to ESTABLISHED. */
  #touches = new Uint8Array(0);
  #established = 0;
  readonly #marks: { time: number; clock: number }[] = [];
  /** Rows with a stamp up to this one were not touched for UNSEEN. */
  #horizon = 0;
  readonly #settled = new Segment(true);
  readonly #young = new Segment(false);

  grow(capacity: number): void {
    this.#stamp = grown(this.#stamp, capacity);
    this.#touches = grown(this.#touches, capacity);
  }

  /** The number of touches so far: a row whose stamp is larger than a clock read earlier was touched since. */
  get clock(): number {
    return this.#clock;
  }

  /** Rows that are established. */
  get established(): number {
    return this.#established;
  }

  /** Bytes that the columns hold. */
  get byteLength(): number {
    return this.#stamp.byteLength + this.#touches.byteLength;
  }

  touch(row: number): void {
    this.#stamp[row] = ++this.#clock;
    if (this.#touches[row] < ESTABLISHED) this.#count(row);
  }

  #count(row: number): void {
    if (++this.#touches[row] === ESTABLISHED) this.#established++;
  }

  /** A touch of a row that had been touched so often before, as another process remembers it. */
  recall(row: number, touches: number): void {
    this.forget(row);
    this.#touches[row] = Math.min(Math.max(touches, 1), ESTABLISHED) - 1;
    this.touch(row);
  }

  /** The row is empty, or another's from the next touch on. */
  forget(row: number): void {
    if (this.#touches[row] === ESTABLISHED) this.#established--;
    this.#touches[row] = 0;
    this.#stamp[row] = 0;
  }

  stampOf(row: number): number {
    return this.#stamp[row];
  }

  /** The stamps of the rows [from, to), as they are now. */
  stamps(from: number, to: number): Float64Array {
    return this.#stamp.subarray(from, to);
  }

  /** Says what time it is: Unix milliseconds, once a request. Without it nothing is ever unseen for long. */
  tick(now: number): void {
    const last = this.#marks.at(-1);
    if (last && now < last.time - UNSEEN) this.#marks.length = 0;
    else if (last && !(now - last.time >= UNSEEN / MARKS)) return;
    this.#marks.push({ time: now, clock: this.#clock });
    while (this.#marks[0].time <= now - UNSEEN) this.#horizon = this.#marks.shift()!.clock;
  }

  /** Which of rows [0, length), all of them in use and filling the room, must go. It stays so until a touch or a tick. */
  oldest(length: number): number {
    const stamp = this.#stamp;
    const touches = this.#touches;
    if (this.#established > Math.floor(length * ESTABLISHED_SHARE)) return this.#settled.first(stamp, touches, length);
    const young = this.#young.first(stamp, touches, length);
    if (this.#established === 0 || this.#settled.least > this.#horizon) return young;
    const settled = this.#settled.first(stamp, touches, length);
    return stamp[settled] <= this.#horizon && stamp[settled] < stamp[young] ? settled : young;
  }
}

/** The established rows or the others, the least recently touched of them queued in order. */
class Segment {
  readonly #established: boolean;
  #queue: number[] = [];
  #queued: number[] = [];
  #next = 0;

  constructor(established: boolean) {
    this.#established = established;
  }

  /** No row of the segment has a smaller stamp. */
  get least(): number {
    return this.#queued[this.#next] ?? 0;
  }

  /** The least recently touched row of the segment, which must not be empty. */
  first(stamp: Float64Array, touches: Uint8Array, length: number): number {
    for (;;) {
      while (this.#next < this.#queue.length) {
        const row = this.#queue[this.#next];
        if (stamp[row] === this.#queued[this.#next]) return row;
        this.#next++;
      }
      this.#refill(stamp, touches, length);
    }
  }

  /** Queues every row of the segment below a cut through its stamps, oldest first. */
  #refill(stamp: Float64Array, touches: Uint8Array, length: number): void {
    const established = this.#established;
    const belongs = (row: number) => (touches[row] === ESTABLISHED) === established;
    const sample: number[] = [];
    const samples = Math.min(SAMPLES, length);
    for (let i = 0; i < samples; i++) {
      const row = Math.floor((i * length) / samples);
      if (belongs(row)) sample.push(stamp[row]);
    }
    sample.sort((a, b) => a - b);
    // a segment that the sample missed is small: all of it
    const cut = sample[Math.floor(sample.length * SHARE)] ?? Number.POSITIVE_INFINITY;
    const queue: number[] = [];
    for (let row = 0; row < length; row++) if (stamp[row] <= cut && belongs(row)) queue.push(row);
    queue.sort((a, b) => stamp[a] - stamp[b]);
    this.#queue = queue;
    this.#queued = queue.map((row) => stamp[row]);
    this.#next = 0;
  }
}
