// Latency per service and operation: the logarithm of a span's duration against its running mean.
import { defineDetector, z } from "vedette";

const CLIP = 4;
/** Nearer than so many standard deviations is no deviation: a slow span leaves the mean that far off, for long after it where others are alike. */
const NEAR = 0.25;
/** Spans of less than this are all alike to a person: a microsecond, in milliseconds. */
const SHORTEST = 0.001;

export default defineDetector({
  type: "span_duration",
  signal: "traces",
  stability: "beta",
  summary: "Flags spans that take far longer than their service and operation usually do.",
  finds: { above: "latency", below: "latency" },
  defaults: { detection_direction: "above_expected" },
  measure: (_, labels) => ({ name: `duration of ${labels.name}`, unit: "ms" }),
  config: z.object({
    alpha: z.number().gt(0).lt(1).default(0.02).describe("Weight of the newest span: 0.02 remembers about 50 spans."),
    min_spread: z
      .number()
      .positive()
      .default(0.1)
      .describe(
        "The standard deviation of the logarithm is taken as at least this: 0.1 is about 10 % of the duration.",
      ),
  }),
  state: { seen: "u32", mean: "f64", variance: "f64" },
  scoreThenLearn({ length, series, duration }, { seen, mean, variance }, verdicts, { alpha, min_spread }) {
    const { score, expected, lower, upper } = verdicts;
    const memory = 1 / alpha;
    for (let i = 0; i < length; i++) {
      const d = duration[i];
      if (!(d >= 0 && d < Number.POSITIVE_INFINITY)) continue;
      const s = series[i];
      const v = Math.log(d > SHORTEST ? d : SHORTEST);
      const n = seen[s];
      if (n === 0) mean[s] = v;
      if (n < 0xffffffff) seen[s] = n + 1;
      const m = mean[s];
      const spread = Math.sqrt(variance[s]);
      const unit = Math.max(spread, min_spread);
      const deviation = v - m;
      const distance = deviation < 0 ? -deviation : deviation;
      score[i] = distance > NEAR * unit ? distance / unit : 0;
      expected[i] = Math.exp(m);
      lower[i] = Math.exp(m - 3 * unit);
      upper[i] = Math.exp(m + 3 * unit);
      const weight = n + 1 < memory ? 1 / (n + 1) : alpha;
      const limit = CLIP * unit;
      const learnt = n > 1 && distance > limit ? (deviation < 0 ? -limit : limit) : deviation;
      mean[s] = m + weight * learnt;
      variance[s] = (1 - weight) * (variance[s] + weight * learnt * learnt);
    }
  },
});
