// A detector's raw score -> rarity: -log10 of the probability that a normal row of the series scores this much.
import { SeriesState } from "../series/state.ts";

/** The two quantiles that are tracked, as shares of scores beyond them and as -ln of those. */
const NEAR = 0.05;
const FAR = 0.01;
const NEAR_LOG = -Math.log(NEAR);
const FAR_LOG = -Math.log(FAR);
/** Where the near quantile is thought to be before anything is known: detectors score about 1 for an ordinary deviation. */
const NEAR_PRIOR = 2;
/** Slope of ln(-ln survival) over ln score, and how many scores that belief is worth. Exponential 1, normal about 1.6. */
const SLOPE_PRIOR = 0.8;
const SLOPE_WEIGHT = 200;
/** The far quantile over the near one, by the prior slope. */
const FAR_TO_NEAR = (FAR_LOG / NEAR_LOG) ** (1 / SLOPE_PRIOR);
/** Beyond the far quantile a power law bends the slope this way. */
const CAUTION = 0.6;
/** Scores that set the near quantile by their mean before it is tracked by counting, and how many the prior is worth then. */
const MEAN_UNTIL = 16;
const PRIOR_WEIGHT = 3;
/**
 * In that mean a score counts as at most so many times the near quantile, or that quantile over the geometric mean: 3.7 for a
 * half-normal, 5.3 for an exponential. The one mean is not moved by an outlier, the other not by a score near zero.
 */
const FAR_OUT = 4;
const NEAR_TO_MEAN = 4;
/** Robbins-Monro gains on the logarithm: 1 / (density there), over the number of scores, never below 1 / MEMORY. */
const NEAR_GAIN = 1 / (NEAR * NEAR_LOG);
const FAR_GAIN = 1 / (FAR * FAR_LOG);
const MEMORY = 4000;
/** The far quantile is at least this many times the near one, and no further from it than so few scores can tell. */
const LEAST_RATIO = 1.1;
const LARGEST = 1e30;
/** Counts stop here, where an f32 would no longer count by one. */
const MOST = 2 ** 24;
/** Beyond this a rarity orders nothing any more. */
const RAREST = 40;

// A series' row: scores so far, those above zero, the forgetting share of those, and their 95 % and 99 % quantiles. While
// there are few, the places of these hold the sum of the scores and the sum of their logarithms.
const WIDTH = 5;
const SCORES = 0;
const POSITIVE = 1;
const SHARE = 2;
const NEAR_AT = 3;
const FAR_AT = 4;

/**
 * A streaming tail model of each series in 20 bytes: two quantiles of its scores, tracked by stochastic approximation
 * (Robbins & Monro 1951), and through them a Weibull tail, -ln S(x) proportional to x^slope (the Weibull-tail coefficient:
 * Beirlant, Broniatowski, Teugels & Vynckier 1995; Gardes & Girard 2008), drawn flatter beyond the second. Counting which
 * side of a quantile a score falls on, not how far, keeps a burst of anomalies from hiding the next one. Scores of exactly
 * zero, all that a constant series has, are counted apart, so that the first change of a series is judged by how long it was
 * still and by the prior.
 */
export class Calibrator {
  readonly state = new SeriesState({ tail: ["f32", WIDTH] });

  /** Scores of the series so far, up to 2^24. */
  scores(s: number): number {
    return this.state.columns.tail[s * WIDTH + SCORES];
  }

  /**
   * rarity[i] of score[i] of series[i] by what came before it, which it then joins; in order. NaN for a score that is NaN or
   * negative: it says nothing and is not learnt.
   */
  apply(series: Uint32Array, score: Float64Array, count: number, rarity: Float64Array): void {
    const tail = this.state.columns.tail;
    for (let i = 0; i < count; i++) {
      const x = score[i] < LARGEST ? score[i] : score[i] >= LARGEST ? LARGEST : -1;
      if (x < 0) {
        rarity[i] = Number.NaN;
        continue;
      }
      const at = series[i] * WIDTH;
      const n = tail[at + SCORES];
      const share = tail[at + SHARE];
      const gain = n < MEMORY ? 1 / (n + 1) : 1 / MEMORY;
      if (n < MOST) tail[at + SCORES] = n + 1;
      if (x === 0) {
        rarity[i] = 0;
        tail[at + SHARE] = share - gain * share;
        continue;
      }
      tail[at + SHARE] = share + gain * (1 - share);
      const m = tail[at + POSITIVE];
      if (m < MOST) tail[at + POSITIVE] = m + 1;
      if (m < MEAN_UNTIL) {
        young(tail, at, m, n, share, x, rarity, i);
        continue;
      }
      const near = tail[at + NEAR_AT];
      const far = tail[at + FAR_AT];
      const rate = m < MEMORY ? 1 / m : 1 / MEMORY;
      const a = NEAR_GAIN * rate;
      const b = FAR_GAIN * rate;
      const nearStep = a < 0.5 ? a : 0.5;
      const farStep = b < 0.1 ? b : 0.1;
      if (x > near || share < 0.5) surprise(near, far, m, n, share, x, rarity, i);
      else rarity[i] = (NEAR_LOG * Math.LOG10E * x) / near;
      const grown = x > near ? 1 + nearStep * (1 - NEAR) : 1 - nearStep * NEAR;
      // the far one moves with the near one, so that what is counted for it is the ratio: what set both wrong is soon forgotten
      const moved = far * grown * (x > far ? 1 + farStep * (1 - FAR) : 1 - farStep * FAR);
      const least = LEAST_RATIO * near * grown;
      const most = FAR_TO_NEAR * (1 + m / SLOPE_WEIGHT) * near * grown;
      tail[at + NEAR_AT] = near * grown;
      tail[at + FAR_AT] = moved < least ? least : moved > most ? most : moved;
    }
  }
}

/** One of the first scores: judged by the prior and the mean so far. */
function young(
  tail: Float32Array,
  at: number,
  m: number,
  n: number,
  share: number,
  x: number,
  rarity: Float64Array,
  i: number,
): void {
  const sum = tail[at + NEAR_AT];
  const logarithms = tail[at + FAR_AT];
  const near = (NEAR_PRIOR * PRIOR_WEIGHT + NEAR_LOG * sum) / (PRIOR_WEIGHT + m);
  surprise(near, near * FAR_TO_NEAR, m, n, share, x, rarity, i);
  const typical = NEAR_TO_MEAN * Math.exp((Math.log(NEAR_PRIOR / NEAR_TO_MEAN) + logarithms) / (1 + m));
  const most = FAR_OUT * (typical > near ? typical : near);
  tail[at + NEAR_AT] = sum + (x < most ? x : most);
  tail[at + FAR_AT] = logarithms + Math.log(x);
  if (m < MEAN_UNTIL - 1) return;
  tail[at + NEAR_AT] *= NEAR_LOG / MEAN_UNTIL;
  tail[at + FAR_AT] = tail[at + NEAR_AT] * FAR_TO_NEAR;
}

/** rarity[i] of a score x: -log10 of the share of scores above zero, and of the share of those beyond x. */
function surprise(
  near: number,
  far: number,
  m: number,
  n: number,
  share: number,
  x: number,
  rarity: Float64Array,
  i: number,
): void {
  let tail = (NEAR_LOG * x) / near;
  if (x > near) {
    const seen = Math.log(FAR_LOG / NEAR_LOG) / Math.log(far / near);
    const slope = (m * seen + SLOPE_WEIGHT * SLOPE_PRIOR) / (m + SLOPE_WEIGHT);
    tail = NEAR_LOG * (x <= far ? (x / near) ** slope : (far / near) ** slope * (x / far) ** (slope * CAUTION));
  }
  const sum = tail * Math.LOG10E - Math.log10((share * n + 1) / (n + 1));
  rarity[i] = sum < RAREST ? sum : RAREST;
}
