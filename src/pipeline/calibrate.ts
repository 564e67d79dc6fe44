// A detector's raw score -> rarity: -log10 of the probability that a normal row of the series scores this much.
import { SeriesState } from "../series/state.ts";

/** The two quantiles that are tracked, as -ln of the share of scores beyond them: 5 % and 1 %. */
const NEAR = 0.05;
const FAR = 0.01;
const NEAR_LOG = -Math.log(NEAR);
const FAR_LOG = -Math.log(FAR);
/** Where the near quantile is thought to be before anything is known: detectors score about 1 for an ordinary deviation. */
const NEAR_PRIOR = 2;
/** Slope of ln(-ln survival) over ln score, and how many scores that belief is worth. Exponential 1, normal about 1.6. */
const SLOPE_PRIOR = 0.8;
const SLOPE_WEIGHT = 200;
/** Beyond the far quantile a power law bends the slope this way. */
const CAUTION = 0.6;
/** Scores that set the near quantile by their mean before it is tracked by counting, and how many the prior is worth then. */
const MEAN_UNTIL = 16;
const PRIOR_WEIGHT = 3;
/** Robbins-Monro gains on the logarithm: 1 / (density there), over the number of scores, never below 1 / MEMORY. */
const NEAR_GAIN = 1 / (NEAR * NEAR_LOG);
const FAR_GAIN = 1 / (FAR * FAR_LOG);
const MEMORY = 4000;
/** The far quantile over the near one, by the prior slope. */
const FAR_TO_NEAR = (FAR_LOG / NEAR_LOG) ** (1 / SLOPE_PRIOR);
const LARGEST = 1e30;
/** Beyond this a rarity orders nothing any more. */
const RAREST = 40;

const SHAPE = {
  /** Scores so far, and how many of them were above zero. */
  scores: "u32",
  positive: "u32",
  /** Share of scores above zero, forgetting. */
  share: "f32",
  /** The 95 % and 99 % quantiles of the positive scores; while there are few, `far` is the sum of those instead. */
  near: "f32",
  far: "f32",
} as const;

/**
 * A streaming tail model of each series in 20 bytes: two quantiles of its scores, tracked by stochastic approximation
 * (Robbins & Monro 1951), and through them a Weibull tail, -ln S(x) proportional to x^slope (the Weibull-tail coefficient:
 * Beirlant, Broniatowski, Teugels & Vynckier 1995; Gardes & Girard 2008), drawn flatter beyond the second. Counting which
 * side of a quantile a score falls on, not how far, keeps a burst of anomalies from hiding the next one. Scores of exactly
 * zero, all that a constant series has, are counted apart, so that the first change of a series is judged by how long it was
 * still and by the prior.
 */
export class Calibrator {
  readonly state = new SeriesState(SHAPE);

  /** Scores of the row's series so far. */
  scores(s: number): number {
    return this.state.columns.scores[s];
  }

  /** Rarity of score x of series s by what came before, then learns it. NaN for a score that is NaN or negative. */
  rarity(s: number, x: number): number {
    if (!(x >= 0)) return Number.NaN;
    const { scores, positive, share, near, far } = this.state.columns;
    if (x > LARGEST) x = LARGEST;
    const n = scores[s];
    if (n < 0xffffffff) scores[s] = n + 1;
    const gain = n < MEMORY ? 1 / (n + 1) : 1 / MEMORY;
    if (x === 0) {
      share[s] -= gain * share[s];
      return 0;
    }
    const m = positive[s];
    if (m < 0xffffffff) positive[s] = m + 1;
    const still = -Math.log10((share[s] * n + 1) / (n + 1));
    share[s] += gain * (1 - share[s]);
    if (m < MEAN_UNTIL) {
      if (m === 0) near[s] = NEAR_PRIOR;
      const rarity = this.#tail(x, near[s], near[s] * FAR_TO_NEAR, m) + still;
      // a score far beyond belief is learnt as one at its edge: an anomaly among the first must not hide the next
      far[s] += Math.min(x, 4 * near[s]);
      near[s] = (NEAR_PRIOR * PRIOR_WEIGHT + far[s] * NEAR_LOG) / (PRIOR_WEIGHT + m + 1);
      if (m === MEAN_UNTIL - 1) {
        near[s] = (far[s] * NEAR_LOG) / MEAN_UNTIL;
        far[s] = near[s] * FAR_TO_NEAR;
      }
      return rarity < RAREST ? rarity : RAREST;
    }
    const rarity = this.#tail(x, near[s], far[s], m) + still;
    const age = m < MEMORY ? m : MEMORY;
    const a = Math.min(0.5, NEAR_GAIN / age);
    near[s] *= x > near[s] ? 1 + a * (1 - NEAR) : 1 - a * NEAR;
    const b = Math.min(0.05, FAR_GAIN / age);
    far[s] *= x > far[s] ? 1 + b * (1 - FAR) : 1 - b * FAR;
    if (far[s] < near[s] * 1.1) far[s] = near[s] * 1.1;
    return rarity < RAREST ? rarity : RAREST;
  }

  /** -log10 of the share of positive scores beyond x. */
  #tail(x: number, near: number, far: number, m: number): number {
    if (x <= near) return (NEAR_LOG * Math.LOG10E * x) / near;
    const seen = Math.log(FAR_LOG / NEAR_LOG) / Math.log(far / near);
    const slope = (m * seen + SLOPE_WEIGHT * SLOPE_PRIOR) / (m + SLOPE_WEIGHT);
    if (x <= far) return NEAR_LOG * Math.LOG10E * (x / near) ** slope;
    return NEAR_LOG * Math.LOG10E * (far / near) ** slope * (x / far) ** (slope * CAUTION);
  }
}
