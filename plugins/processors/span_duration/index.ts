// Latency per service, operation and kind: how rare a span's own time and duration are, alone and over the last minutes.
import { defineDetector, z } from "vedette";
import { OPENS } from "./excursion.ts";
import { isLate, judge } from "./judge.ts";
import { STATE } from "./memory.ts";
import * as fields from "./span.ts";
import { words } from "./words.ts";

// constants of its own are folded into the code, those of another module are read each time
const {
  DURATION_MS,
  EXPECTED,
  FAILED,
  FROM,
  GOES_ON,
  LEAST_UNIT,
  LINE,
  LOWER,
  OBSERVED,
  SCORE,
  SELF_MS,
  SPANS,
  START,
  span,
  UPPER,
  verdict,
  WARM,
} = fields;

/** Where the line lies unless the user says otherwise. */
const THRESHOLD = 5.5;

export default defineDetector({
  type: "span_duration",
  signal: "traces",
  stability: "beta",
  summary:
    "Flags spans that take far longer by themselves than their service and operation usually do, or are over too soon.",
  finds: { above: "latency", below: "latency" },
  scores: "rarity",
  defaults: { threshold: THRESHOLD },
  measure: (_, { name }) => ({ name: `own time of ${name}`, unit: "ms", say: (values) => words(name, values) }),
  config: z.object({
    min_spread: z
      .number()
      .positive()
      .default(0.1)
      .describe(
        "The standard deviation of the logarithm is taken as at least this: 0.1 is about 10 % of the duration.",
      ),
  }),
  state: STATE,
  stateVersion: 2,
  scoreThenLearn({ length, series, age, time, duration, self, failed, inherited }, memory, verdicts, config) {
    const { threshold = THRESHOLD, alert_budget, warmup = 0 } = config;
    span[LINE] = alert_budget === undefined ? Math.max(OPENS, threshold) : Number.NaN;
    span[LEAST_UNIT] = config.min_spread;
    for (let i = 0; i < length; i++) {
      const took = duration[i];
      const own = self[i];
      if (!(took >= 0 && took < Number.POSITIVE_INFINITY && own >= 0 && Number.isFinite(time[i]))) continue;
      // that it is over early is part of the failure, and so is the wait for the next try where a call of it failed
      if (failed[i] === 1 && (inherited[i] === 1 || !isLate(memory, series[i], took, own))) continue;
      span[FAILED] = failed[i];
      span[WARM] = age[i] >= warmup ? 1 : 0;
      span[START] = time[i];
      span[DURATION_MS] = took;
      span[SELF_MS] = own;
      judge(memory, series[i], config);
      verdicts.score[i] = verdict[SCORE];
      verdicts.observed[i] = verdict[OBSERVED];
      verdicts.expected[i] = verdict[EXPECTED];
      verdicts.lower[i] = verdict[LOWER];
      verdicts.upper[i] = verdict[UPPER];
      verdicts.since[i] = verdict[FROM];
      verdicts.rows[i] = verdict[SPANS];
      verdicts.lasts[i] = verdict[GOES_ON];
    }
  },
});
