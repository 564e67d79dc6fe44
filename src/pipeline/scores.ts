// What is remembered of a series' scores: a histogram of the upper ones, by their logarithm, that slides with them and forgets.

/** Bins a series; a doubling of the score takes four, so they span five. */
export const BINS = 20;
const PER_OCTAVE = 4;
/** Width of a bin in natural logarithms of the score. */
export const BIN_LN = Math.LN2 / PER_OCTAVE;
/** The tail is the scores that this share reaches. Below it nothing is a surprise and no bin is read. */
export const TAIL = 0.15;
/** Place of a score too small to have one. */
export const NOWHERE = -5000;

// A row, f32. Scores so far, up to 2^24; those above zero, which count on from 2^23 when they get there; the weight of all that
// is remembered, of which a score is one when it comes.
export const SCORES = 0;
export const POSITIVE = 1;
export const WEIGHT = 2;
/** Place of the lower edge of the first bin. */
export const BASE = 3;
/** The bin where the tail begins, and the place below which a score is ordinary: that bin's, or none when most scores are zero. */
export const START = 4;
export const EDGE = 5;
/** Share of the last 256 scores or so that were in the top tenth, less a tenth; and `POSITIVE` at the last of those. */
export const BUSY = 6;
export const LOUD = 7;
/** Extreme scores in the present burst of them, less what was forgiven since. */
export const BURST = 8;
// How surely the scores of the tail are steps of a lattice, the last one, and the smallest step between two.
const TIES = 9;
const LAST = 10;
const STEP = 11;
export const FIRST_BIN = 12;
export const WIDTH = FIRST_BIN + BINS;

/** The weight is halved here: a series remembers 16,000 to 32,000 scores. What else is forgotten leaves it this much. */
const MEMORY = 32_768;
const LEAST_WEIGHT = 64;
/** Scores none of which is in the top tenth show that they shrank for good; then that is asked again; and what is left of the past. */
const QUIET = 4096;
const QUIET_AGAIN = 1024;
const QUIET_LEAVES = 0.25;
/** What a tie counts beside a score that is none, and where it stops. */
const TIE = 32;
const MOST_TIES = 255;
const POSITIVE_MOST = 2 ** 24;

const bits = new Float64Array(1);
const halves = new Uint32Array(bits.buffer);
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0];

/** Four times the binary logarithm of a normal x > 0, to 0.04, in steps of a millionth; never falls as x rises. */
export function placeOf(x: number): number {
  bits[0] = x;
  const high = halves[HIGH];
  const m = 1 + (high & 0xfffff) / 0x100000;
  return ((high >>> 20) - 1023 + (2 - m / 3) * m - 5 / 3) * PER_OCTAVE;
}

/** Another score above zero. */
export function countPositive(row: Float32Array, at: number, m: number): void {
  row[at + POSITIVE] = m < POSITIVE_MOST ? m + 1 : POSITIVE_MOST / 2;
}

/** A score that no bin learns. */
export function pass(row: Float32Array, at: number): void {
  const weight = row[at + WEIGHT] + 1;
  row[at + WEIGHT] = weight;
  if (weight >= MEMORY) scale(row, at, 0.5);
}

/** A score at its place. */
export function learn(row: Float32Array, at: number, place: number): void {
  let bin = Math.floor(place - row[at + BASE]);
  if (bin >= BINS) {
    slideUp(row, at);
    bin = bin > BINS ? BINS - 1 : bin - 1;
  }
  if (bin >= 0) row[at + FIRST_BIN + bin] += 1;
  const m = row[at + POSITIVE];
  if (m < 64 || (m & (m < 512 ? 3 : 15)) === 0) settle(row, at, place);
  pass(row, at);
}

/**
 * Place at which a score x of the tail is learnt: its own, unless equal ones are common. Those are spread evenly over the step
 * between two of them, so that half of them count as beyond: the mid-p value.
 */
export function spread(row: Float32Array, at: number, x: number, place: number): number {
  const value = Math.fround(x);
  const last = row[at + LAST];
  const ties = row[at + TIES];
  if (value === last) row[at + TIES] = Math.min(ties + TIE, MOST_TIES);
  else {
    if (ties > 0) row[at + TIES] = ties - 1;
    const step = Math.abs(value - last);
    if (last > 0 && (row[at + STEP] === 0 || step < row[at + STEP])) row[at + STEP] = step;
    row[at + LAST] = value;
  }
  if (ties < TIE) return place;
  const part = ((row[at + POSITIVE] * 0.6180339887498949) % 1) - 0.5;
  const y = x + part * (row[at + STEP] > 0 ? row[at + STEP] : BIN_LN * x);
  return y > 1e-37 ? placeOf(y) : NOWHERE;
}

/** Fills an empty row as `weight` scores of a Weibull tail of that slope would, of which 5 % are beyond `near`. */
export function seed(row: Float32Array, at: number, near: number, slope: number, weight: number): void {
  const middle = placeOf(near);
  const base = Math.floor(middle) - 11;
  const beyond = (bin: number) => Math.exp(Math.log(0.05) * Math.exp(slope * BIN_LN * (base + bin - middle)));
  row[at + BASE] = base;
  for (let bin = 0; bin < BINS; bin++) row[at + FIRST_BIN + bin] = weight * (beyond(bin) - beyond(bin + 1));
  settle(row, at, NOWHERE);
}

/** What was learnt weighs `factor` of what it did, but no less than a few scores. */
export function forget(row: Float32Array, at: number, factor: number): void {
  const least = LEAST_WEIGHT / row[at + WEIGHT];
  if (least < 1) scale(row, at, factor > least ? factor : least);
}

function scale(row: Float32Array, at: number, factor: number): void {
  row[at + WEIGHT] *= factor;
  for (let k = at + FIRST_BIN; k < at + WIDTH; k++) row[k] *= factor;
}

/** Keeps the bins over the upper half of the scores, the last of which was at `place`, and finds where the tail begins. */
function settle(row: Float32Array, at: number, place: number): void {
  const first = at + FIRST_BIN;
  const quiet = row[at + POSITIVE] - row[at + LOUD];
  if (quiet > QUIET && row[at + TIES] === 0) {
    forget(row, at, QUIET_LEAVES);
    row[at + LOUD] += QUIET_AGAIN;
  }
  let all = 0;
  for (let bin = 0; bin < BINS; bin++) all += row[first + bin];
  const weight = row[at + WEIGHT];
  if (all > 0.5 * weight && all - row[first] > TAIL * weight) {
    all -= row[first];
    slideUp(row, at);
  } else if (place < row[at + BASE] && place > NOWHERE && all < 0.25 * weight) {
    const top = row[first + BINS - 1] + row[first + BINS - 2];
    if (top < 0.5 || top < 0.002 * all || quiet > QUIET / 2) slideDown(row, at);
  }
  const sparse = all < TAIL * weight;
  const need = TAIL * (sparse ? all : weight);
  let start = 0;
  for (let above = all; start < BINS - 1 && above > need; start++) above -= row[first + start];
  row[at + START] = start;
  row[at + EDGE] = sparse ? 2 * NOWHERE : row[at + BASE] + start;
}

/** The first bin goes. */
function slideUp(row: Float32Array, at: number): void {
  const first = at + FIRST_BIN;
  row.copyWithin(first, first + 1, first + BINS);
  row[first + BINS - 1] = 0;
  row[at + BASE] += 1;
  if (row[at + START] > 0) row[at + START] -= 1;
}

/** The last two become one. */
function slideDown(row: Float32Array, at: number): void {
  const first = at + FIRST_BIN;
  row[first + BINS - 2] += row[first + BINS - 1];
  row.copyWithin(first + 1, first, first + BINS - 1);
  row[first] = 0;
  row[at + BASE] -= 1;
}
