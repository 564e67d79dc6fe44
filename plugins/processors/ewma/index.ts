// Deviation from a running mean, in running standard deviations (Roberts 1959), learnt robustly.
import { defineDetector, z } from "vedette";

/** A deviation counts as at most this many standard deviations when it is learnt, so that one outlier does not blind. */
const CLIP = 5;
/** Score of the first move of a series that has stood at zero: it has no scale, only the length of its silence. */
const STIRRED = 10;
/** How many times longer than the variance the lasting one remembers, and what it learns of one point at most, in variances. */
const LASTING = 20;
const LASTING_CLIP = 1000;
/** The variance is never taken as less than this share of the lasting one: what moves seldom is not news each time. */
const LASTING_SHARE = 0.25;
/** Nearer than so many standard deviations is no deviation: an outlier leaves the mean that far off, for long after it in a still series. */
const NEAR = 0.25;

export default defineDetector({
  type: "ewma",
  signal: "metrics",
  stability: "beta",
  summary: "Flags points far from their series' exponentially weighted mean.",
  finds: { above: "spike", below: "drop" },
  config: z.object({
    alpha: z.number().gt(0).lt(1).default(0.05).describe("Weight of the newest point: 0.05 remembers about 20 points."),
    min_relative_deviation: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe(
        "The standard deviation is taken as at least this share of the mean: steady series are not watched by a hair.",
      ),
  }),
  state: { seen: "u32", mean: "f64", variance: "f64", lasting: "f64" },
  scoreThenLearn(
    { length, series, value },
    { seen, mean, variance, lasting },
    verdicts,
    { alpha, min_relative_deviation },
  ) {
    const { score, expected, lower, upper } = verdicts;
    const memory = 1 / alpha;
    for (let i = 0; i < length; i++) {
      const v = value[i];
      const s = series[i];
      // beyond 1e150 a square is no finite number any more
      if (!(Math.abs(v) < 1e150)) continue;
      const n = seen[s];
      if (n === 0) mean[s] = v;
      if (n < 0xffffffff) seen[s] = n + 1;
      const m = mean[s];
      const floor = min_relative_deviation * Math.abs(m);
      const least = LASTING_SHARE * lasting[s];
      const spread = Math.sqrt(variance[s] > least ? variance[s] : least);
      const unit = spread > floor ? spread : floor;
      const deviation = v - m;
      const distance = deviation < 0 ? -deviation : deviation;
      expected[i] = m;
      lower[i] = m - 3 * unit;
      upper[i] = m + 3 * unit;
      score[i] = distance <= NEAR * unit ? 0 : unit > 0 ? distance / unit : STIRRED;
      // 1/n while young: the mean and variance of all points so far
      const weight = n + 1 < memory ? 1 / (n + 1) : alpha;
      const limit = CLIP * unit;
      const learnt = n > 1 && limit > 0 && distance > limit ? (deviation < 0 ? -limit : limit) : deviation;
      mean[s] = m + weight * learnt;
      variance[s] = (1 - weight) * (variance[s] + weight * learnt * learnt);
      const most = LASTING_CLIP * lasting[s];
      const square = deviation * deviation;
      const slow = n + 1 < memory * LASTING ? 1 / (n + 1) : alpha / LASTING;
      lasting[s] += slow * ((most > 0 && square > most ? most : square) - lasting[s]);
    }
  },
});
