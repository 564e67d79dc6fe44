// Calls per service, operation and kind: surges, drops and silence, against the recent past and the time of day and week.
import { defineIntervalDetector, isWanted, z } from "vedette";
import { judgeRate, paceOf, RATE_STATE, rate, rateLasts } from "vedette/counts";

const THRESHOLD = 5;
/** `finds.more[0]`, as verdicts have it. */
const ABSENCE = 1;

export default defineIntervalDetector({
  type: "span_rate",
  signal: "traces",
  stability: "beta",
  summary: "Finds operations that are called far more or far less often than usual, or no longer at all.",
  finds: { above: "throughput", below: "throughput", more: ["absence"] },
  scores: "rarity",
  together: true,
  // how long a series must be known before it is judged is for the model to say
  defaults: { threshold: THRESHOLD, warmup: 0 },
  measure: (_, { name }) => ({ name: `rate of ${name}`, unit: "/s" }),
  config: z.object({}),
  state: RATE_STATE,
  scoreThenLearn({ length, series, time, count, others }, state, verdicts, options) {
    const { score, observed, expected, lower, upper, finding, basis, since, rows, lasts } = verdicts;
    const { interval, threshold, alert_budget } = options;
    const pace = paceOf(interval);
    const line = alert_budget === undefined ? (threshold ?? THRESHOLD) : Number.POSITIVE_INFINITY;
    const wanted = (now: number, usual: number) => isWanted(options, now, usual);
    for (let i = 0; i < length; i++) {
      judgeRate(state, series[i], time[i] / 1000, count[i], pace, line, wanted, others[i]);
      if (rateLasts(state, series[i], pace, line)) lasts[i] = 1;
      if (Number.isNaN(rate.rarity)) continue;
      score[i] = rate.rarity;
      observed[i] = (1000 * count[i]) / interval;
      if (rate.rarity === 0) continue;
      observed[i] = rate.observed;
      expected[i] = rate.expected;
      lower[i] = rate.lower;
      upper[i] = rate.upper;
      basis[i] = rate.basis;
      since[i] = rate.since * 1000;
      if (rate.silent) finding[i] = ABSENCE;
      else rows[i] = rate.events;
    }
  },
});
