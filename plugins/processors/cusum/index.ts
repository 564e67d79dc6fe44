// Cumulative sums of deviations from a slow robust level: shifts of the level (Page 1954), two-sided and standardised.
import { defineDetector, z } from "vedette";

/** Points that a level is learnt of before it can be left. */
const ENOUGH = 30;
/** A deviation counts as at most this many standard deviations, so that no single point makes a shift. */
const CLIP = 3;
/** The log-likelihood ratio of a change has a lighter tail than is believed of scores at first; a power of it has not. */
const SHARPNESS = 1.5;
/** An excursion of fewer points is an outlier's, not of the level. */
const FEW = 4;
/** Points that the spread remembers, in memories of the level. */
const STEADY = 5;

export default defineDetector({
  type: "cusum",
  signal: "metrics",
  stability: "beta",
  summary: "Flags points from which on the level of a series has shifted, by cumulative sums.",
  finds: { above: "level_shift", below: "level_shift" },
  config: z.object({
    drift: z
      .number()
      .positive()
      .default(0.5)
      .describe(
        "Deviation that is let pass at each point, in standard deviations: half of the smallest shift to find.",
      ),
    limit: z
      .number()
      .positive()
      .default(12)
      .describe("Cumulative sum that is a shift, in standard deviations: larger is slower and surer."),
    alpha: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.01)
      .describe("Weight of the newest point in the level that is left: 0.01 remembers about 100 points."),
    min_relative_deviation: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe("The standard deviation is taken as at least this share of the level."),
  }),
  state: {
    /** Points since the level began, and since the series did. */
    settled: "u32",
    seen: "u32",
    level: "f64",
    variance: "f64",
    /** Above and below, since each was zero: cumulative sum, points, the largest that the sum was, sum of plain deviations. */
    sum: ["f64", 2],
    run: ["u32", 2],
    peak: ["f64", 2],
    total: ["f64", 2],
  },
  scoreThenLearn({ length, series, value }, state, verdicts, { drift, limit, alpha, min_relative_deviation }) {
    const { settled, seen, level, variance, sum, run, peak, total } = state;
    const { score, observed, expected, lower, upper } = verdicts;
    const slow = alpha / STEADY;
    for (let i = 0; i < length; i++) {
      const v = value[i];
      // beyond 1e150 a square is no finite number any more
      if (!(Math.abs(v) < 1e150)) continue;
      const s = series[i];
      const n = settled[s];
      if (n === 0) level[s] = v;
      const m = level[s];
      const deviation = v - m;
      const floor = min_relative_deviation * Math.abs(m);
      const spread = Math.sqrt(variance[s]);
      const unit = spread > floor ? spread : floor;
      expected[i] = m;
      lower[i] = m - 3 * unit;
      upper[i] = m + 3 * unit;
      const most = CLIP * unit;
      const learnt = most > 0 && n > 4 ? (deviation > most ? most : deviation < -most ? -most : deviation) : deviation;
      level[s] = m + (n + 1 < 1 / alpha ? 1 / (n + 1) : alpha) * learnt;
      const k = seen[s];
      variance[s] += (k + 1 < 1 / slow ? 1 / (k + 1) : slow) * (learnt * learnt - variance[s]);
      if (k < 0xffffffff) seen[s] = k + 1;
      if (n < 0xffffffff) settled[s] = n + 1;
      if (n < ENOUGH) continue;

      // a series that has stood at zero has no spread: any move is as large as counts
      const far = deviation === 0 ? 0 : unit > 0 ? deviation / unit : Math.sign(deviation) * CLIP;
      const z = far > CLIP ? CLIP : far < -CLIP ? -CLIP : far;
      const up = add(state, 2 * s, z - drift, deviation);
      const down = add(state, 2 * s + 1, -z - drift, deviation);
      score[i] = (2 * drift * (up > down ? up : down)) ** SHARPNESS;
      const shifted = sum[2 * s] >= limit ? 2 * s : 2 * s + 1;
      if (sum[shifted] < limit) continue;
      const count = run[shifted];
      score[i] = ((count * (sum[shifted] / count + drift) ** 2) / 2) ** SHARPNESS;
      observed[i] = m + total[shifted] / count;
      for (let side = 2 * s; side <= 2 * s + 1; side++) sum[side] = run[side] = peak[side] = total[side] = 0;
      settled[s] = 0;
    }
  },
});

/**
 * Adds to a cumulative sum. When it has fallen back to zero it is the largest that it was, 0 where a few points made it:
 * what excursions are ordinary is what a shift is judged by. 0 as well while it lasts.
 */
function add({ sum, run, peak, total }: Sums, at: number, step: number, deviation: number): number {
  const now = sum[at] + step;
  if (now > 0) {
    sum[at] = now;
    run[at]++;
    total[at] += deviation;
    if (now > peak[at] && run[at] >= FEW) peak[at] = now;
    return 0;
  }
  const largest = peak[at];
  sum[at] = run[at] = peak[at] = total[at] = 0;
  return largest;
}

interface Sums {
  readonly sum: Float64Array;
  readonly run: Uint32Array;
  readonly peak: Float64Array;
  readonly total: Float64Array;
}
