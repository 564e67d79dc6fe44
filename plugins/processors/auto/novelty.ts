// How far is a value from every value that the series has shown? A set of bits over a range that grows with them.
import { LEAST, LEVELS, LOW, type Memory, MOST, type Point, WIDTH, WORDS } from "./memory.ts";

const BITS = 32 * WORDS;
/** Points before novelty speaks. */
const WARM = 60;
/** For the doubling of a range. */
const half = new Uint32Array(WORDS);

/** Distance to the nearest value seen, as a part of the range of all, 0 to 1. Adds the value. */
export function noveltyOf({ levels, seen }: Memory, s: number, { value, n }: Point): number {
  const f = s * LEVELS;
  const w = s * WORDS;
  if (n === 1) {
    levels[f + LOW] = value;
    levels[f + LEAST] = value;
    levels[f + MOST] = value;
    return 0;
  }
  if (levels[f + WIDTH] === 0) {
    const constant = levels[f + LOW];
    const distance = Math.abs(value - constant);
    const width = (2 * distance) / BITS;
    if (width === 0) return 0;
    levels[f + WIDTH] = width;
    levels[f + LOW] = Math.min(value, constant) - distance / 2;
    mark(seen, w, bitOf(constant, levels[f + LOW], width));
  }
  // The range doubles once a point only, so that one wild value does not blind the set.
  if (value < levels[f + LOW]) {
    halve(seen, w, WORDS / 2);
    levels[f + LOW] -= BITS * levels[f + WIDTH];
    levels[f + WIDTH] *= 2;
  } else if (value >= levels[f + LOW] + BITS * levels[f + WIDTH]) {
    halve(seen, w, 0);
    levels[f + WIDTH] *= 2;
  }
  const low = levels[f + LOW];
  const width = levels[f + WIDTH];
  const within = Math.max(low, Math.min(value, low + (BITS - 0.5) * width));
  if (within < levels[f + LEAST]) levels[f + LEAST] = within;
  if (within > levels[f + MOST]) levels[f + MOST] = within;
  const bit = bitOf(within, low, width);
  const steps = nearest(seen, w, bit);
  mark(seen, w, bit);
  return n < WARM || steps <= 0 ? 0 : ((steps - 0.5) * width) / (levels[f + MOST] - levels[f + LEAST]);
}

function bitOf(value: number, low: number, width: number): number {
  return Math.max(0, Math.min(BITS - 1, Math.floor((value - low) / width)));
}

function mark(seen: Uint32Array, w: number, bit: number): void {
  seen[w + (bit >> 5)] |= 1 << (bit & 31);
}

/** Each two bits become one; the set fills the half of itself that begins at word `to`. */
function halve(seen: Uint32Array, w: number, to: number): void {
  half.fill(0);
  for (let word = 0; word < WORDS; word++) {
    let x = seen[w + word];
    x = (x | (x >>> 1)) & 0x55555555;
    x = (x | (x >>> 1)) & 0x33333333;
    x = (x | (x >>> 2)) & 0x0f0f0f0f;
    x = (x | (x >>> 4)) & 0x00ff00ff;
    x = (x | (x >>> 8)) & 0xffff;
    half[to + (word >> 1)] |= x << ((word & 1) << 4);
  }
  seen.set(half, w);
}

/** Steps from the bit to the nearest one that is set: 0 if it is itself, -1 if none is. */
function nearest(seen: Uint32Array, w: number, bit: number): number {
  const home = bit >> 5;
  let up = -1;
  let word = home;
  let rest = seen[w + word] & (-1 << (bit & 31));
  while (rest === 0 && ++word < WORDS) rest = seen[w + word];
  if (rest !== 0) up = (word << 5) + 31 - Math.clz32(rest & -rest) - bit;
  if (up === 0) return 0;
  word = home;
  rest = seen[w + word] & ((1 << (bit & 31)) - 1);
  while (rest === 0 && --word >= 0) rest = seen[w + word];
  if (rest === 0) return up;
  const down = bit - ((word << 5) + 31 - Math.clz32(rest));
  return up < 0 || down < up ? down : up;
}
