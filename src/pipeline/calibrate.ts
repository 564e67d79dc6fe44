// A detector's raw score -> rarity: -log10 of the probability that a normal row of the series scores this much.
import { SeriesState } from "../series/state.ts";
import { count as countClaim, FLEET, worth } from "./fleet.ts";
import {
  BURST,
  BUSY,
  countPositive,
  FIRST_BIN,
  forget,
  LOUD,
  learn,
  NOWHERE,
  POSITIVE,
  pass,
  placeOf,
  SCORES,
  seed,
  spread,
  WEIGHT,
  WIDTH,
} from "./scores.ts";
import { ordinary, tailAt } from "./tail.ts";

/** Scores above zero that are judged by a prior tail and their mean so far; only then is there a histogram, that of this tail. */
const FIRST = 16;
const SUM = FIRST_BIN;
const LOGARITHMS = FIRST_BIN + 1;
/** The prior: detectors score about 1 for an ordinary deviation, 5 % are beyond 2, as if three scores had said so. */
const NEAR = 2;
const NEAR_WEIGHT = 3;
const NEAR_LOG = -Math.log(0.05);
/** Slope of ln(-ln survival) over ln score, and beyond the 1 % of it. Exponential 1, normal about 1.6. */
const SLOPE = 0.8;
const FAR = 1.7;
const FAR_SLOPE = 0.5;
/**
 * In that mean a score counts as at most so many times the 95 % quantile, or that quantile over the geometric mean: 3.7 for a
 * half-normal, 5.3 for an exponential. The one mean is not moved by an outlier, the other not by a score near zero.
 */
const FAR_OUT = 4;
const NEAR_TO_MEAN = 4;
/** After d decades of rows without a move the first one is worth d + 2 (d / 3)^4 at most: 2.4 after 100 rows, 5 after 1,000. */
const STILL = 3;

/** Scores above zero after which a series stands for itself. */
const GROWN = 4096;
/** Of d decades of scores hardly more than this times d^3 is claimed: 3 after 50, 5 after 110; what is beyond only ranks. */
const CAP = 0.6;

/** Extreme is a rarity above 3 and, by this, above that of one score among those remembered. It is learnt as if it were no more. */
const EXTREME = 3;
const MARGIN = 0.5;
/** Of a burst of extreme scores one is learnt, until they are so many that this is how it is now; ordinary ones forgive this much. */
const ADOPTED = 400;
const FORGIVEN = 1 / 16;
/** Share of scores in the top tenth at which they grew for good, what is then left of the past, and what that share is taken for. */
const GREW = 0.3 - 0.1;
const GREW_LEAVES = 0.2;
const GREW_AGAIN = 0.05;
const NEWEST = 1 / 256;

const MOST_SCORES = 2 ** 24;
const LARGEST = 1e37;
const SMALLEST = 1e-37;
const RAREST = 40;

/** A number of this module's own: beside an imported one, each score would be made an object. */
const NO_PLACE: number = NOWHERE;

const found = new Float64Array(2);

/**
 * Each series has a histogram of its upper scores and from it a tail (`scores`, `tail`), in 128 bytes. While it is young its
 * claims are corrected by what such claims came to in all series of the detector (`fleet`). What an anomaly teaches is bounded:
 * an extreme score is learnt as a less extreme one, and of a burst only one.
 */
export class Calibrator {
  readonly state = new SeriesState({ scores: ["f32", WIDTH], ...FLEET });

  /** Scores of the series so far, up to 2^24. */
  scores(s: number): number {
    return this.state.columns.scores[s * WIDTH + SCORES];
  }

  /**
   * rarity[i] of score[i] of series[i] by what came before it, which it then joins; in order. NaN for a score that is NaN or
   * negative: it says nothing and is not learnt.
   */
  apply(series: Uint32Array, score: Float64Array, count: number, rarity: Float64Array): void {
    const { columns } = this.state;
    const row = columns.scores;
    for (let i = 0; i < count; i++) {
      const x = score[i] < LARGEST ? score[i] : score[i] >= LARGEST ? LARGEST : -1;
      if (x < 0) {
        rarity[i] = Number.NaN;
        continue;
      }
      const at = Math.imul(series[i], WIDTH);
      const n = row[at + SCORES];
      if (n < MOST_SCORES) row[at + SCORES] = n + 1;
      const m = row[at + POSITIVE];
      if (x === 0) {
        rarity[i] = 0;
        row[at + BUSY] -= row[at + BUSY] * NEWEST;
        forgive(row, at);
        if (m < GROWN) countClaim(columns, kindOf(m, row[at + WEIGHT]), 0);
        pass(row, at);
        continue;
      }
      countPositive(row, at, m);
      if (m < FIRST) {
        rarity[i] = first(columns, row, at, m, x);
        continue;
      }
      const place = x > SMALLEST ? placeOf(x) : NO_PLACE;
      const plain = ordinary(row, at, place);
      if (plain < 0) {
        rarity[i] = surprise(columns, row, at, m, x, place);
        continue;
      }
      rarity[i] = plain;
      calm(row, at);
      forgive(row, at);
      if (m < GROWN) countClaim(columns, kindOf(m, row[at + WEIGHT]), 0);
      learn(row, at, place);
    }
  }
}

type Columns = Calibrator["state"]["columns"];

/** What a series with m scores above zero, of so many, is to the fleet. */
function kindOf(m: number, weight: number): number {
  if (m < FIRST) return m < 0.5 * weight ? 0 : 1;
  return m < 64 ? 2 : m < 256 ? 3 : m < 1024 ? 4 : 5;
}

/** Rarity of one of the first scores above zero, by the prior and the mean of those before, which it joins. */
function first(columns: Columns, row: Float32Array, at: number, m: number, x: number): number {
  const n = row[at + WEIGHT];
  const near = (NEAR * NEAR_WEIGHT + NEAR_LOG * row[at + SUM]) / (NEAR_WEIGHT + m);
  const times = x / near;
  const tail = times <= FAR ? times ** SLOPE : FAR ** SLOPE * (times / FAR) ** FAR_SLOPE;
  const kind = kindOf(m, n);
  let claim = NEAR_LOG * Math.LOG10E * tail;
  if (kind === 0) {
    // mostly zero: what it scores has no scale yet, all that is known is how long it stood still
    const still = Math.log10((n + 1) / (m + 1));
    claim = Math.min(claim + still, still + 2 * (still / STILL) ** 4 + 2 * Math.log10(m + 1));
  }
  claim = Math.min(RAREST, claim);
  const typical = NEAR_TO_MEAN * Math.exp((Math.log(NEAR / NEAR_TO_MEAN) + row[at + LOGARITHMS]) / (1 + m));
  row[at + SUM] += Math.min(x, FAR_OUT * Math.max(typical, near));
  row[at + LOGARITHMS] += Math.log(x);
  pass(row, at);
  if (m === FIRST - 1) seed(row, at, (row[at + SUM] * NEAR_LOG) / FIRST, SLOPE, FIRST);
  const rarity = worth(columns, kind, claim);
  countClaim(columns, kind, claim);
  return rarity;
}

/** Rarity of a score that may be in the tail, which then learns of it what it may. */
function surprise(columns: Columns, row: Float32Array, at: number, m: number, x: number, place: number): number {
  const decades = Math.log10(row[at + WEIGHT] + 1);
  const limit = Math.max(EXTREME, decades + MARGIN);
  tailAt(row, at, place, SLOPE, limit, found);
  const claim = found[0];
  const burst = row[at + BURST];
  const extreme = claim > limit;
  let rarity = claim;
  if (m < GROWN) {
    const kind = kindOf(m, row[at + WEIGHT]);
    rarity = worth(columns, kind, claim);
    if (!extreme || burst <= 0) countClaim(columns, kind, claim);
  }
  if (extreme) {
    if (burst < 2 * ADOPTED) row[at + BURST] = burst + 1;
    if (burst >= ADOPTED) learn(row, at, place);
    else if (burst <= 0) learn(row, at, found[1]);
    else pass(row, at);
  } else {
    if (claim < 1) calm(row, at);
    else stir(row, at, m);
    if (claim < 2) forgive(row, at);
    learn(row, at, spread(row, at, x, place));
  }
  const most = CAP * decades * decades * decades;
  return rarity < most ? rarity : most + Math.log10(1 + rarity - most);
}

function forgive(row: Float32Array, at: number): void {
  if (row[at + BURST] > 0) row[at + BURST] -= FORGIVEN;
}

/** A score that was not in the top tenth. */
function calm(row: Float32Array, at: number): void {
  row[at + BUSY] -= (row[at + BUSY] + 0.1) * NEWEST;
}

/** A score that was. */
function stir(row: Float32Array, at: number, m: number): void {
  row[at + LOUD] = m;
  const busy = row[at + BUSY] + (0.9 - row[at + BUSY]) * NEWEST;
  row[at + BUSY] = busy;
  if (busy <= GREW) return;
  row[at + BUSY] = GREW_AGAIN;
  forget(row, at, GREW_LEAVES);
}
