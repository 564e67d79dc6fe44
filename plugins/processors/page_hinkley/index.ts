// The Page-Hinkley test (Page 1954, Hinkley 1971) on standardised deviations from the mean so far: drift, and small lasting shifts.
import { defineDetector, z } from "vedette";

/** A deviation counts as at most this many standard deviations, so that a few outliers make no drift. */
const CLIP = 3;
/** The log-likelihood ratio of a change has a lighter tail than is believed of scores at first; a power of it has not. */
const SHARPNESS = 1.5;
/** An excursion of fewer points is an outlier's, not of the mean. */
const FEW = 10;

export default defineDetector({
  type: "page_hinkley",
  signal: "metrics",
  stability: "beta",
  summary: "Flags series whose mean slowly departs from what it was, by the Page-Hinkley test.",
  finds: { above: "drift", below: "drift" },
  config: z.object({
    delta: z
      .number()
      .positive()
      .default(0.1)
      .describe(
        "Deviation that is let pass at each point, in standard deviations: half of the smallest change to find.",
      ),
    lambda: z
      .number()
      .positive()
      .default(50)
      .describe("Sum of deviations that is a drift, in standard deviations: larger is slower and surer."),
    alpha: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.001)
      .describe("Least weight of the newest point in the mean: 0.001 remembers about 1,000 points."),
    min_instances: z.int().min(2).default(100).describe("Points that a mean is learnt of before a drift can be told."),
    min_relative_deviation: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe("The standard deviation is taken as at least this share of the mean."),
  }),
  state: {
    /** Points since the mean began, and since the series did. */
    settled: "u32",
    seen: "u32",
    mean: "f64",
    variance: "f64",
    /** Upwards and downwards, since each was zero: sum of deviations, points, the largest that the sum was, sum of plain deviations. */
    sum: ["f64", 2],
    run: ["u32", 2],
    peak: ["f64", 2],
    total: ["f64", 2],
  },
  scoreThenLearn({ length, series, value }, state, verdicts, config) {
    const { settled, seen, mean, variance, sum, run, peak, total } = state;
    const { score, observed, expected, lower, upper } = verdicts;
    const { delta, lambda, alpha, min_instances, min_relative_deviation } = config;
    for (let i = 0; i < length; i++) {
      const v = value[i];
      // beyond 1e150 a square is no finite number any more
      if (!(Math.abs(v) < 1e150)) continue;
      const s = series[i];
      const n = settled[s];
      if (n === 0) mean[s] = v;
      const m = mean[s];
      const deviation = v - m;
      const floor = min_relative_deviation * Math.abs(m);
      const spread = Math.sqrt(variance[s]);
      const unit = spread > floor ? spread : floor;
      expected[i] = m;
      lower[i] = m - 3 * unit;
      upper[i] = m + 3 * unit;
      const most = CLIP * unit;
      const learnt = most > 0 && n > 4 ? (deviation > most ? most : deviation < -most ? -most : deviation) : deviation;
      mean[s] = m + (n + 1 < 1 / alpha ? 1 / (n + 1) : alpha) * learnt;
      const k = seen[s];
      variance[s] += (k + 1 < 1 / alpha ? 1 / (k + 1) : alpha) * (learnt * learnt - variance[s]);
      if (k < 0xffffffff) seen[s] = k + 1;
      if (n < 0xffffffff) settled[s] = n + 1;
      if (n < min_instances) continue;

      // a series that has stood at zero has no spread: any move is as large as counts
      const far = deviation === 0 ? 0 : unit > 0 ? deviation / unit : Math.sign(deviation) * CLIP;
      const z = far > CLIP ? CLIP : far < -CLIP ? -CLIP : far;
      const up = add(state, 2 * s, z - delta, deviation);
      const down = add(state, 2 * s + 1, -z - delta, deviation);
      score[i] = (2 * delta * (up > down ? up : down)) ** SHARPNESS;
      const drifted = sum[2 * s] >= lambda ? 2 * s : 2 * s + 1;
      if (sum[drifted] < lambda) continue;
      const count = run[drifted];
      score[i] = ((count * (sum[drifted] / count + delta) ** 2) / 2) ** SHARPNESS;
      observed[i] = m + total[drifted] / count;
      for (let side = 2 * s; side <= 2 * s + 1; side++) sum[side] = run[side] = peak[side] = total[side] = 0;
      settled[s] = 0;
    }
  },
});

/**
 * Adds to a cumulative sum. When it has fallen back to zero it is the largest that it was, 0 where a few points made it:
 * what excursions are ordinary is what a drift is judged by. 0 as well while it lasts.
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
