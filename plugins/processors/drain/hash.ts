// Hashes of words, and keys of whole lines as sums over them: a word of a line is taken out of its key, or made a parameter, in two multiplications.

/** Most tokens of a line that count. */
export const MOST_TOKENS = 192;

const SEED = 0x811c9dc5 | 0;
const STEP = 0x9e3779b1 | 0;
/** Stands for a parameter, whatever it is. */
export const PARAMETER = 0x2545f491;

export function mixed(h: number, x: number): number {
  const y = Math.imul(h ^ x, STEP);
  return y ^ (y >>> 15);
}

/** Of a word: the same for the same bytes wherever they stand. Four bytes a step, the last ones filled with zeros. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let h = SEED;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    h = mixed(h, bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
  }
  if (i === end) return h;
  let last = bytes[i];
  if (i + 1 < end) last |= bytes[i + 1] << 8;
  if (i + 2 < end) last |= bytes[i + 2] << 16;
  return mixed(h, last);
}

export const hashOfText = (text: string): number => {
  const bytes = Buffer.from(text);
  return hashOf(bytes, 0, bytes.length);
};

/** Hash of a mark by its byte. */
export const hashOfMark = Int32Array.from({ length: 256 }, (_, c) => Math.imul(c ^ 0x5bd1e995, 0x01000193));

/** Where a hash for a word starts. */
export const WORD_SEED = SEED;

const powers = (base: number): Int32Array => {
  const all = new Int32Array(MOST_TOKENS + 2);
  all[0] = 1;
  for (let i = 1; i < all.length; i++) all[i] = Math.imul(all[i - 1], base);
  return all;
};

/** What the token at each place is multiplied by, in either half of a key. */
export const place1 = powers(0x9e3779b1 | 0);
export const place2 = powers(0x85ebca77 | 0);

/** The hash of a token as the second half of a key has it, so that the halves are independent. */
export function second(h: number): number {
  return Math.imul(h ^ (h >>> 13), 0xc2b2ae35 | 0);
}

const SECOND_PARAMETER = second(PARAMETER);

/** What is added to each half of a key when the token of hash `h` at place `i` becomes a parameter. */
export function widened1(h: number, i: number): number {
  return Math.imul(PARAMETER - h, place1[i]);
}
export function widened2(h: number, i: number): number {
  return Math.imul(SECOND_PARAMETER - second(h), place2[i]);
}

/** What a line of so many tokens has in the first half of its key before any of them. */
export const lengthPart = (length: number): number => Math.imul(length, 0x27d4eb2f);

/** 16 hex digits. */
export const hexOf = (k1: number, k2: number): string =>
  (k1 >>> 0).toString(16).padStart(8, "0") + (k2 >>> 0).toString(16).padStart(8, "0");
