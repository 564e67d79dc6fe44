// Error rates: the share of failed spans of each operation, and of each class of its errors, against what is usual.
import { defineIntervalDetector, isWanted, z } from "vedette";
import { judgeRatio, RATIO_STATE, ratio, ratioLasts } from "vedette/counts";
import { errorClass } from "./error_class.ts";

const THRESHOLD = 6;

export default defineIntervalDetector({
  type: "span_errors",
  signal: "traces",
  stability: "beta",
  summary: "Flags operations of which far more calls fail than usual, and says with which status code or exception.",
  finds: { above: "error_rate", below: "error_rate" },
  scores: "rarity",
  defaults: { warmup: 0, threshold: THRESHOLD, detection_direction: "above_expected" },
  part: errorClass,
  measure: (_, { name, part }) => ({ name: `share of failed ${name}${part ? ` with ${part}` : ""}`, unit: "%" }),
  config: z.object({
    min_errors: z
      .int()
      .positive()
      .default(3)
      .describe("Fewer failed calls than this are never told, however rare they are."),
  }),
  state: RATIO_STATE,
  scoreThenLearn({ length, series, time, count, failed }, state, verdicts, options) {
    const { interval, min_errors, threshold, alert_budget } = options;
    const { score, observed, expected, lower, upper, since, rows, lasts } = verdicts;
    const line = alert_budget === undefined ? (threshold ?? THRESHOLD) : Number.POSITIVE_INFINITY;
    const wanted = (now: number, usual: number) => isWanted(options, 100 * now, 100 * usual);
    for (let i = 0; i < length; i++) {
      const s = series[i];
      judgeRatio(state, s, time[i], interval, count[i], failed[i], min_errors, line, wanted);
      if (count[i] > 0 && ratioLasts(state, s, line)) lasts[i] = 1;
      score[i] = ratio.rarity;
      if (count[i] > 0) observed[i] = (100 * failed[i]) / count[i];
      if (!(ratio.rarity > 0)) continue;
      observed[i] = (100 * ratio.errors) / ratio.calls;
      expected[i] = 100 * ratio.expected;
      lower[i] = 100 * ratio.lower;
      upper[i] = 100 * ratio.upper;
      since[i] = state.since[s] > 0 ? state.since[s] : time[i] - ratio.length * interval;
      rows[i] = state.since[s] > 0 ? state.lastingErrors[s] : ratio.errors;
    }
  },
});
