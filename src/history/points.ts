// What is kept of one series over time: of each interval the row that surprised most, finely for the last minutes, coarsely for the last hours.
import type { SeriesPoints } from "../api/index.ts";
import { Slabs, type Slot } from "./slabs.ts";

/** Points of each of the two. */
export const POINTS = 128;
/** Milliseconds of a fine point: at first, so that a young series has many, and at most. */
const FINEST = 1000;
const FINE = 16_000;
/** Words of a point: its time over the width as u32; observed, expected, lower, upper, score as f32. */
const POINT = 6;
const SCORE = 5;
const NEVER = 0;

// A slot, in words: the fine ring's width and the numbers of its first and its latest point; the same of the coarse one; the last row as f64; then the
// points of both.
const WIDTH = 0;
const FIRST = 1;
const LATEST = 2;
const RING = 4;
const LAST = 2 * RING;
const HEAD = LAST + 2 * 8;
const WORDS = HEAD + 2 * POINTS * POINT;

/** Bytes that the points of one series take. */
export const SERIES_BYTES = 4 * WORDS;

/** Where the points of all series lie: few large pieces, so that a row touches few lines of memory. */
export const roomForPoints = (): Slabs => new Slabs(WORDS);

export class Points {
  readonly #slot: Slot;
  readonly #u32: Uint32Array;
  readonly #f32: Float32Array;
  /** Eight numbers from `lastAt` on, for whoever keeps the points: they lie beside them. */
  readonly last: Float64Array;
  readonly lastAt: number;
  readonly #base: number;

  /** `span` is how many milliseconds fine and coarse points reach back together. `free` when it is of no use any more. */
  constructor(span: number, room: Slabs = roomForPoints()) {
    this.#slot = room.take();
    this.#u32 = this.#slot.u32;
    this.#f32 = this.#slot.f32;
    this.#base = this.#slot.at;
    this.last = this.#slot.f64;
    this.lastAt = (this.#base + LAST) / 2;
    this.#u32[this.#base + WIDTH] = FINEST;
    this.#u32[this.#base + RING + WIDTH] = Math.max(FINE, Math.ceil((span / POINTS - FINE) / FINE) * FINE);
  }

  free(): void {
    this.#slot.free();
  }

  /** A row: Unix milliseconds, numbers in its own unit, NaN where there is none. Rows from before what is kept are passed over. */
  add(time: number, observed: number, expected: number, lower: number, upper: number, score: number): void {
    const u32 = this.#u32;
    const fine = this.#base;
    let width = u32[fine + WIDTH];
    let number = Math.floor(time / width);
    if (!(number > 0 && number <= 0xffffffff)) return;
    while (u32[fine + LATEST] !== NEVER && number - u32[fine + FIRST] >= POINTS && width < FINE) {
      this.#widen();
      width = u32[fine + WIDTH];
      number = Math.floor(time / width);
    }
    const at = this.#place(fine, number);
    if (at < 0) return;
    const f32 = this.#f32;
    if (u32[at] === number) {
      if (score < f32[at + SCORE] || (Number.isNaN(score) && f32[at + SCORE] >= 0)) return;
    } else {
      if (u32[at] !== NEVER) this.#fold(at);
      u32[at] = number;
    }
    f32[at + 1] = observed;
    f32[at + 2] = expected;
    f32[at + 3] = lower;
    f32[at + 4] = upper;
    f32[at + SCORE] = score;
  }

  /** Where the point of that number lies, which is empty if its own number is another one; -1 of one that lies too far back. */
  #place(ring: number, number: number): number {
    const u32 = this.#u32;
    const latest = u32[ring + LATEST];
    if (latest === NEVER) u32[ring + FIRST] = u32[ring + LATEST] = number;
    else if (number > latest) u32[ring + LATEST] = number;
    else if (number <= latest - POINTS) return -1;
    else if (number < u32[ring + FIRST]) u32[ring + FIRST] = number;
    return this.#at(ring, number);
  }

  #at(ring: number, number: number): number {
    const points = this.#base + HEAD + (ring === this.#base ? 0 : POINTS * POINT);
    return points + (number % POINTS) * POINT;
  }

  /** Puts a fine point that leaves into the coarse one it is part of, unless that has a higher score. */
  #fold(at: number): void {
    const u32 = this.#u32;
    const f32 = this.#f32;
    const coarse = this.#base + RING;
    const number = Math.floor((u32[at] * u32[this.#base + WIDTH]) / u32[coarse + WIDTH]);
    const place = this.#place(coarse, number);
    if (place < 0) return;
    const score = f32[at + SCORE];
    const known = f32[place + SCORE];
    if (u32[place] === number && (score < known || (Number.isNaN(score) && known >= 0))) return;
    for (let k = 1; k < POINT; k++) f32[place + k] = f32[at + k];
    u32[place] = number;
  }

  /** Two fine points become one. */
  #widen(): void {
    const fine = this.#base;
    const { time, observed, expected, lower, upper, score } = this.#read(fine, 0, Number.POSITIVE_INFINITY);
    const u32 = this.#u32;
    u32[fine + WIDTH] *= 2;
    u32[fine + FIRST] = u32[fine + LATEST] = NEVER;
    u32.fill(NEVER, fine + HEAD, fine + HEAD + POINTS * POINT);
    for (let i = 0; i < time.length; i++) this.add(time[i], observed[i], expected[i], lower[i], upper[i], score[i]);
  }

  #read(ring: number, from: number, until: number): SeriesPoints {
    const u32 = this.#u32;
    const width = u32[ring + WIDTH];
    const latest = u32[ring + LATEST];
    const begin = Math.max(1, u32[ring + FIRST], latest - POINTS + 1, Math.ceil((from - width) / width));
    const places: number[] = [];
    for (let number = begin; number <= Math.min(latest, until / width); number++) {
      const at = this.#at(ring, number);
      if (u32[at] === number && number * width + width > from) places.push(at);
    }
    const column = (k: number) => places.map((at) => this.#f32[at + k]);
    return {
      width,
      time: places.map((at) => u32[at] * width),
      observed: column(1),
      expected: column(2),
      lower: column(3),
      upper: column(4),
      score: column(SCORE),
    };
  }

  /** Coarse ones as far as the fine ones do not reach back, then those. */
  read(from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY): SeriesPoints {
    const fine = this.#read(this.#base, from, until);
    const coarse = this.#read(this.#base + RING, from, until);
    if (coarse.time.length === 0) return fine;
    return {
      width: coarse.width,
      time: [...coarse.time, ...fine.time],
      observed: [...coarse.observed, ...fine.observed],
      expected: [...coarse.expected, ...fine.expected],
      lower: [...coarse.lower, ...fine.lower],
      upper: [...coarse.upper, ...fine.upper],
      score: [...coarse.score, ...fine.score],
    };
  }
}
