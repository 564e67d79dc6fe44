// What is kept of one series over time: of each interval the row that surprised most, finely for the last minutes, coarsely for the last hours.
import type { SeriesPoints } from "../api/index.ts";

/** Points of each of the two. */
export const POINTS = 128;
/** Milliseconds of a fine point: at first, so that a young series has many, and at most. */
const FINEST = 1000;
const FINE = 16_000;
/** Numbers of a point, f32: its time over the width as u32, observed, expected, lower, upper, score. */
const WIDTH = 6;
const SCORE = 5;
const NEVER = 0;

/** Bytes that the points of one series take. */
export const SERIES_BYTES = 2 * POINTS * WIDTH * 4;

/** Points of equal width in a ring, each where its number says. */
class Ring {
  width: number;
  readonly values: Float32Array;
  readonly numbers: Uint32Array;
  /** Numbers of its first and its latest point. */
  first = NEVER;
  latest = NEVER;

  constructor(width: number, buffer: ArrayBuffer, from: number) {
    this.width = width;
    this.values = new Float32Array(buffer, from, POINTS * WIDTH);
    this.numbers = new Uint32Array(buffer, from, POINTS * WIDTH);
  }

  /** The place of a point, which is empty if its number was another one; -1 of one that lies too far back. */
  place(number: number): number {
    const { latest } = this;
    if (latest === NEVER) this.first = this.latest = number;
    else if (number > latest) this.latest = number;
    else if (number <= latest - POINTS) return -1;
    else if (number < this.first) this.first = number;
    return (number % POINTS) * WIDTH;
  }

  clear(width: number): void {
    this.width = width;
    this.numbers.fill(NEVER);
    this.first = this.latest = NEVER;
  }

  /** Unix milliseconds of its first point; Infinity of an empty one. */
  get begin(): number {
    if (this.latest === NEVER) return Number.POSITIVE_INFINITY;
    return Math.max(this.first, this.latest - POINTS + 1) * this.width;
  }

  read(from: number, until: number): SeriesPoints {
    const { width, latest, numbers } = this;
    const begin = Math.max(this.first, latest - POINTS + 1, Math.ceil((from - width) / width));
    const places: number[] = [];
    for (let number = Math.max(1, begin); number <= Math.min(latest, until / width); number++) {
      const at = (number % POINTS) * WIDTH;
      if (numbers[at] === number && number * width + width > from) places.push(at);
    }
    const column = (k: number) => places.map((at) => this.values[at + k]);
    return {
      width,
      time: places.map((at) => numbers[at] * width),
      observed: column(1),
      expected: column(2),
      lower: column(3),
      upper: column(4),
      score: column(SCORE),
    };
  }
}

export class Points {
  readonly #fine: Ring;
  /** What the fine ones have no more room for. */
  readonly #coarse: Ring;

  /** `span` is how many milliseconds both reach back together. */
  constructor(span: number) {
    const buffer = new ArrayBuffer(SERIES_BYTES);
    const coarse = Math.max(FINE, Math.ceil((span / POINTS - FINE) / FINE) * FINE);
    this.#fine = new Ring(FINEST, buffer, 0);
    this.#coarse = new Ring(coarse, buffer, SERIES_BYTES / 2);
  }

  /** A row: Unix milliseconds, numbers in its own unit, NaN where there is none. Rows from before what is kept are passed over. */
  add(time: number, observed: number, expected: number, lower: number, upper: number, score: number): void {
    const fine = this.#fine;
    let number = Math.floor(time / fine.width);
    if (!(number > 0 && number <= 0xffffffff)) return;
    while (fine.latest !== NEVER && number - fine.first >= POINTS && fine.width < FINE) {
      this.#widen();
      number = Math.floor(time / fine.width);
    }
    const at = fine.place(number);
    if (at < 0) return;
    const { values, numbers } = fine;
    if (numbers[at] === number) {
      if (score < values[at + SCORE] || (Number.isNaN(score) && values[at + SCORE] >= 0)) return;
    } else {
      if (numbers[at] !== NEVER) fold(fine, at, this.#coarse);
      numbers[at] = number;
    }
    values[at + 1] = observed;
    values[at + 2] = expected;
    values[at + 3] = lower;
    values[at + 4] = upper;
    values[at + SCORE] = score;
  }

  /** Two points become one. */
  #widen(): void {
    const fine = this.#fine;
    const { width, time, observed, expected, lower, upper, score } = fine.read(0, Number.POSITIVE_INFINITY);
    fine.clear(2 * width);
    for (let i = 0; i < time.length; i++) this.add(time[i], observed[i], expected[i], lower[i], upper[i], score[i]);
  }

  /** Coarse ones as far as the fine ones do not reach back, then those. */
  read(from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY): SeriesPoints {
    const fine = this.#fine.read(from, until);
    const coarse = this.#coarse.read(from, until);
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

/** Puts a point into a ring of wider ones, unless the one it is part of has a higher score. */
function fold(from: Ring, at: number, to: Ring): void {
  const number = Math.floor((from.numbers[at] * from.width) / to.width);
  const place = to.place(number);
  if (place < 0) return;
  const score = from.values[at + SCORE];
  const known = to.values[place + SCORE];
  const held = to.numbers[place] === number;
  if (held && (score < known || (Number.isNaN(score) && known >= 0))) return;
  for (let k = 1; k < WIDTH; k++) to.values[place + k] = from.values[at + k];
  to.numbers[place] = number;
}
