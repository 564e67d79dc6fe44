// The value that a field of few had last, in three words: most come again, and touch nothing else.
import type { Values } from "./values.ts";

/** Words of one. */
export const LATEST = 3;
/** The third word: sights that were not told yet, and above them looks. */
const SIGHTS = 20;
const MOST_SIGHTS = 2 ** SIGHTS - 1;
const MOST_LOOKS = 2 ** 11 - 1;
/** In the place of a look. */
const CLOSED = -1;

/** Counts a value that is the latest: hash, its look and the counts begin at `at`. False where it is another, or too many were counted. */
export function isLatest(words: Int32Array, at: number, hash: number, look: number): boolean {
  if (words[at] !== hash) return false;
  const counts = words[at + 2];
  if ((counts & MOST_SIGHTS) === MOST_SIGHTS) return false;
  if (words[at + 1] === look) {
    words[at + 2] = counts + 1;
    return true;
  }
  if (words[at + 1] > look || counts >>> SIGHTS === MOST_LOOKS) return false;
  words[at + 1] = look;
  words[at + 2] = counts + 1 + (1 << SIGHTS);
  return true;
}

/** From now on that is the latest; what was counted was told. */
export function remember(words: Int32Array, at: number, hash: number, look: number): void {
  words[at] = hash;
  words[at + 1] = look;
  words[at + 2] = 0;
}

/** Whether it is of a field that has too many values: then nothing is counted. */
export const isClosed = (words: Int32Array, at: number) => words[at + 1] === CLOSED;

export function close(words: Int32Array, at: number): void {
  words[at + 1] = CLOSED;
  words[at + 2] = 0;
}

/** Tells the values what was counted. */
export function settle(words: Int32Array, at: number, values: Values): void {
  const counts = words[at + 2];
  if (counts === 0) return;
  words[at + 2] = 0;
  values.repeat(words[at], counts & MOST_SIGHTS, counts >>> SIGHTS, words[at + 1]);
}
