// Vectors of the last days that stand for what is normal: a reservoir in which the old fade (Aggarwal 2006).
import type { Chance } from "./chance.ts";

/** Vectors kept, in subsamples of one tree. */
export const SUBSAMPLES = 4;
/** Once it is full, a vector gets in with this chance, and then one of those in it goes. */
const ENTRY = 0.25;
/** Of a metric that was silent, in the place of its value; values are held below it. */
const MISSING = 2 ** 127;
const LARGEST = 2 ** 126;

/** The part of the state columns that is one resource's. */
export interface Sample {
  readonly values: Float32Array;
  /** By dimension: the median, which stands for what is missing. */
  readonly usual: Float32Array;
  /** Vectors in it. */
  filled: number;
  readonly width: number;
}

/** A finite number that an f32 can be, or MISSING. */
export function held(value: number): number {
  if (Number.isNaN(value)) return MISSING;
  return value > LARGEST ? LARGEST : value < -LARGEST ? -LARGEST : Math.fround(value);
}

export function at({ values, usual, width }: Sample, position: number, k: number): number {
  const value = values[position * width + k];
  return value === MISSING ? usual[k] : value;
}

/** Takes the vector in, perhaps; whether the sample still grew. */
export function offer(sample: Sample, vector: Float64Array, from: number, room: number, chance: Chance): boolean {
  const { values, width } = sample;
  const grows = sample.filled < room;
  if (!grows && chance.next() >= ENTRY) return false;
  const position = grows ? sample.filled++ : Math.floor(chance.next() * room);
  for (let k = 0; k < width; k++) values[position * width + k] = held(vector[from + k]);
  return grows;
}

/** The dimension is another metric's from now on. */
export function forget({ values, filled, usual, width }: Sample, k: number): void {
  for (let position = 0; position < filled; position++) values[position * width + k] = MISSING;
  usual[k] = 0;
}

/** Finds the medians anew. */
export function settle({ values, filled, usual, width }: Sample): void {
  const column = new Float32Array(filled);
  for (let k = 0; k < width; k++) {
    let count = 0;
    for (let position = 0; position < filled; position++) {
      const value = values[position * width + k];
      if (value !== MISSING) column[count++] = value;
    }
    usual[k] = count === 0 ? 0 : column.subarray(0, count).sort()[count >> 1];
  }
}

/** The vector as trees see it: NaN where it is silent, or its dimension not known to them. */
export function seen(vector: Float64Array, from: number, strange: Uint8Array, to: Float32Array): void {
  for (let k = 0; k < strange.length; k++) {
    const value = held(vector[from + k]);
    to[k] = value === MISSING || strange[k] === 1 ? Number.NaN : value;
  }
}
