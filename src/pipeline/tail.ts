// The share of a series' scores beyond a point, as its histogram and a Weibull tail have it.
import { BASE, BIN_LN, BINS, EDGE, FIRST_BIN, NOWHERE, placeOf, START, TAIL, WEIGHT } from "./scores.ts";

/** Scores of the prior behind what each bin holds, and behind the slope. */
const PRIOR = 4;
const SLOPE_PRIOR = 20;
const LEAST_SLOPE = 0.15;
const MOST_SLOPE = 3;
/** A bin says this much less of the slope than the next one. */
const OLDER = 0.7;
/** Where fewer scores than this are left, the slope is taken this much flatter: a power law bends that way. */
const FEW = 8;
const CAUTION = 0.6;
/** Beyond this a rarity orders nothing any more. */
const RAREST = 40;

/** The natural logarithm, to 0.007. */
function ln(x: number): number {
  return placeOf(x) * BIN_LN;
}

/** exp(-x) for x >= 0, to a hundredth while x < 2. */
function decay(x: number): number {
  return 1 / (1 + x * (1 + x * (0.5 + x / 6)));
}

/** By how much -ln S grows over one bin, as a share of it. */
function growth(slope: number): number {
  const x = slope * BIN_LN;
  return x * (1 + x * (0.5 + x / 6));
}

/** Rarity of an ordinary score, roughly, by one look at the row; -1 for a score in the tail. */
export function ordinary(row: Float32Array, at: number, place: number): number {
  if (place >= row[at + EDGE]) return -1;
  const over = place - row[at + BASE];
  return over < 0 ? 0.3 * decay(-over / 8) : 0.3 + (0.4 * over) / row[at + START];
}

/**
 * found[0] is the rarity of a score at `place`, -log10 of the share of scores beyond it; found[1] the place where `limit` was
 * passed on the way, or its own. From bin to bin the share that the bin holds of those left is the series' own, shrunk to that of
 * a Weibull tail: a beta prior on the hazard of each bin (beta-Stacy: Walker & Muliere 1997; Susarla & Van Ryzin 1976). The
 * tail's slope, d ln(-ln S) / d ln x, is that of the bins below, shrunk to `prior` (the Weibull-tail coefficient: Beirlant,
 * Broniatowski, Teugels & Vynckier 1995; Gardes & Girard 2008); beyond the last few scores it is drawn flatter.
 */
export function tailAt(
  row: Float32Array,
  at: number,
  place: number,
  prior: number,
  limit: number,
  found: Float64Array,
): void {
  const bins = at + FIRST_BIN;
  const base = row[at + BASE];
  const weight = row[at + WEIGHT];
  let i = row[at + START];
  let above = 0;
  for (let k = i; k < BINS; k++) above += row[bins + k];
  let whole = weight;
  let zero = 0;
  if (row[at + EDGE] < NOWHERE) {
    // most scores are zero or far below: the tail is that of the others
    whole = above;
    for (let k = 0; k < i; k++) whole += row[bins + k];
    zero = ln((weight + 1) / (whole + 1));
  }
  found[1] = place;
  if (place < base + i) {
    const over = place - base;
    found[0] = Math.LOG10E * (over < 0 ? zero * decay(-over / 8) : zero - ln(1 - ((1 - TAIL) * over) / i));
    return;
  }
  const stop = limit * Math.LN10 - zero;
  let passed = false;
  let slope = prior;
  let grown = growth(slope);
  let rise = 0;
  let run = 0;
  let events = 0;
  let few = false;
  let tail = -ln((above + PRIOR * TAIL) / (whole + PRIOR));
  for (let edge = base + i; i < BINS; i++, edge++) {
    const own = row[bins + i];
    const left = above > own ? above - own : 0;
    const hazard = tail * grown;
    const stay = decay(hazard);
    if (place < edge + 1) {
      const part = place - edge;
      const here = decay(hazard * part);
      const gone = hazard > 1e-6 ? (1 - here) / (1 - stay) : part;
      const end = tail - ln((left + own * (1 - gone) + PRIOR * here) / (above + PRIOR));
      if (!passed && end > stop) found[1] = edge + (stop > tail ? (part * (stop - tail)) / (end - tail) : 0);
      found[0] = Math.LOG10E * (end + zero);
      return;
    }
    const more = -ln((left + PRIOR * stay) / (above + PRIOR));
    if (!passed && tail + more > stop) {
      passed = true;
      found[1] = edge + (stop > tail ? (stop - tail) / more : 0);
    }
    if (above >= FEW) {
      rise = OLDER * rise + more / (tail + more / 2);
      run = OLDER * run + BIN_LN;
      events += own;
      slope = ((events * rise) / run + SLOPE_PRIOR * prior) / (events + SLOPE_PRIOR);
      slope = slope < LEAST_SLOPE ? LEAST_SLOPE : slope > MOST_SLOPE ? MOST_SLOPE : slope;
      grown = growth(slope);
    } else if (!few) {
      few = true;
      slope *= CAUTION;
      grown = growth(slope);
    }
    tail += more;
    above = left;
  }
  if (!few) slope *= CAUTION;
  const end = tail * Math.exp(slope * BIN_LN * (place - base - BINS));
  if (!passed && end > stop) found[1] = base + BINS + 1;
  found[0] = Math.min(RAREST, Math.LOG10E * (end + zero));
}
