// How durations are spread: a histogram of their logarithms that forgets, and how rare it makes one beyond them.
import * as layout from "./memory.ts";
import * as fields from "./span.ts";

// constants of its own are folded into the code, those of another module are read each time
const { BIN, BINS } = layout;
const { span } = fields;

/** The mean is kept in this bin, or near to it: there are more above than below. */
const MIDDLE = 14;
const ASTRAY = 3;
/** The first spans place the bins; if these then missed most of them, they begin anew. */
const PLACED = 16;
/** They are placed anew every so many spans. */
const OFTEN = 256;
/** All counts are halved here. */
const MEMORY = 30_000;

/** Spans that tell how a tail falls off, at most, and their share of all; and how many it takes to change what is thought before. */
const TAIL = 20;
const TAIL_SHARE = 0.1;
const FEWEST = 4;
const PRIOR = 4;
/** What is thought before: the mean excess of the logarithm over the tail's begin, of this part of a standard deviation. */
const PRIOR_EXCESS = 0.6;
/** Of d decades of spans what goes beyond d is extrapolated: it counts this much, and up to so many times d. */
const EXTRAPOLATED = 0.5;
const FARTHEST = 1.5;

/** Bins, in which bin they begin, and how many spans they hold: of one thing at index `at` of `places` and `totals`. */
export interface Spread {
  readonly bins: Uint16Array;
  readonly places: Int32Array;
  readonly totals: Uint16Array;
}

/** Counts the span at hand, of which `field` is the logarithm. */
export function count({ bins, places, totals }: Spread, at: number, field: number): void {
  const first = at * BINS;
  if (totals[at] === PLACED && bins[first] + bins[first + BINS - 1] > PLACED / 2) {
    bins.fill(0, first, first + BINS);
    totals[at] = 0;
  } else if (totals[at] >= MEMORY) {
    let left = 0;
    // of odd counts every other one keeps its half
    for (let b = 0; b < BINS; b++) left += bins[first + b] = (bins[first + b] + (b & 1)) >> 1;
    totals[at] = left;
  }
  const total = totals[at];
  const x = Math.floor(span[field] / BIN);
  if (total === 0) places[at] = x - MIDDLE;
  else if (total === PLACED || total % OFTEN === 0) center(bins, places, at, total);
  const bin = x - places[at];
  bins[first + (bin < 0 ? 0 : bin < BINS ? bin : BINS - 1)]++;
  totals[at]++;
}

function center(bins: Uint16Array, places: Int32Array, at: number, total: number): void {
  const first = at * BINS;
  let sum = 0;
  for (let b = 0; b < BINS; b++) sum += b * bins[first + b];
  const by = Math.round(sum / total) - MIDDLE;
  if (by > ASTRAY || by < -ASTRAY) slide(bins, places, at, by);
}

/** Bins begin `by` higher; what falls off at an end is counted in the last bin there. */
function slide(bins: Uint16Array, places: Int32Array, at: number, by: number): void {
  const first = at * BINS;
  const last = first + BINS - 1;
  places[at] += by;
  const steps = Math.min(BINS, Math.abs(by));
  for (let step = 0; step < steps; step++) {
    if (by > 0) {
      bins[first + 1] += bins[first];
      bins.copyWithin(first, first + 1, last + 1);
      bins[last] = 0;
    } else {
      bins[last - 1] += bins[last];
      bins.copyWithin(first + 1, first, last);
      bins[first] = 0;
    }
  }
}

/** All that was counted is from now on that much longer, as a logarithm. */
export function move({ places }: Spread, at: number, by: number): void {
  places[at] += Math.round(by / BIN);
}

/**
 * The logarithm that the share `beyond` of spans reaches above, or stays below where `side` is -1; as the tail falls off where there are too few.
 * Call `tailOf` for that side before.
 */
export function quantile(spread: Spread, at: number, beyond: number, side: number): number {
  const total = spread.totals[at];
  const share = tail[HELD_BY] / total;
  if (beyond >= share) return within(spread, at, beyond * total, side);
  const k = tail[HELD_BY] + PRIOR;
  return tail[BEGIN] + side * k * tail[FALL] * ((share / beyond) ** (1 / k) - 1);
}

/** -log10 of the share of spans at least as long as x, or as short where `side` is -1; `unit` is the least a standard deviation is taken for. */
export function rarity(spread: Spread, at: number, x: number, side: number, unit: number): number {
  const total = spread.totals[at];
  const seen = above(spread, at, x, side);
  const counted = Math.log10((total + 1) / (seen + 1));
  tailOf(spread, at, side, unit);
  const beyond = side * (x - tail[BEGIN]);
  if (beyond <= 0) return counted;
  const k = tail[HELD_BY] + PRIOR;
  // what follows from k excesses whose mean is known no better than that; but what was seen is no rarer than it was
  const r = Math.log10((total + 1) / (tail[HELD_BY] + 1)) + k * Math.log10(1 + beyond / (k * tail[FALL]));
  if (seen >= 1) return Math.min(r, Math.log10((total + 1) / seen));
  const decades = Math.log10(total + 1);
  return r > decades ? decades + Math.min(FARTHEST * decades, EXTRAPOLATED * (r - decades)) : r;
}

/** Of the tail found last: where it begins, spans in it, their mean excess. */
const tail = new Float64Array(3);
const BEGIN = 0;
const HELD_BY = 1;
const FALL = 2;

/** Finds the tail of that side; `unit` as in `rarity`. */
export function tailOf({ bins, places, totals }: Spread, at: number, side: number, unit: number): void {
  const total = totals[at];
  const first = at * BINS;
  const want = Math.max(FEWEST, Math.min(TAIL, TAIL_SHARE * total));
  let held = 0;
  let sum = 0;
  let b = side > 0 ? BINS : -1;
  const end = side > 0 ? 0 : BINS - 1;
  while (b !== end && held < want) {
    // each bin that is taken in lifts those before by its width, and its own by half
    sum += held * BIN;
    b -= side;
    held += bins[first + b];
    sum += bins[first + b] * (BIN / 2);
  }
  tail[BEGIN] = (places[at] + (side > 0 ? b : b + 1)) * BIN;
  tail[HELD_BY] = held;
  tail[FALL] = Math.max(0.5 * unit, (sum + PRIOR * PRIOR_EXCESS * unit) / (held + PRIOR));
}

/** Spans at x or beyond it; in its own bin by where it lies. */
function above({ bins, places }: Spread, at: number, x: number, side: number): number {
  const place = x / BIN - places[at];
  const bin = Math.floor(place);
  const own = bin < 0 ? 0 : bin < BINS ? bin : BINS - 1;
  const share = bin === own ? place - bin : 0.5;
  const first = at * BINS;
  let sum = bins[first + own] * (side > 0 ? 1 - share : share);
  if (side > 0) for (let b = own + 1; b < BINS; b++) sum += bins[first + b];
  else for (let b = 0; b < own; b++) sum += bins[first + b];
  return sum;
}

/** The logarithm beyond which so many spans lie. */
function within({ bins, places }: Spread, at: number, many: number, side: number): number {
  const first = at * BINS;
  let sum = 0;
  let b = side > 0 ? BINS - 1 : 0;
  for (let left = BINS - 1; left > 0 && sum + bins[first + b] < many; left--) {
    sum += bins[first + b];
    b -= side;
  }
  const part = bins[first + b] === 0 ? 0 : Math.min(1, (many - sum) / bins[first + b]);
  return (places[at] + (side > 0 ? b + 1 - part : b + part)) * BIN;
}
