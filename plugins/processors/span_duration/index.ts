// Latency per service, operation and kind: how rare a span's own time and duration are, alone and over the last minutes.
import { defineDetector, z } from "vedette";
import { OPENS } from "./excursion.ts";
import { judge, usual } from "./judge.ts";
import { STATE } from "./memory.ts";
import {
  DURATION_MS,
  EXPECTED,
  FROM,
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
} from "./span.ts";
import { words } from "./words.ts";

/** Where the line lies unless the user says otherwise. */
const THRESHOLD = 5;
/** What the agent's options say of the line. */
interface Line {
  readonly threshold?: number;
  readonly alert_budget?: number;
}

export default defineDetector({
  type: "span_duration",
  signal: "traces",
  stability: "beta",
  summary:
    "Flags spans that take far longer by themselves than their service and operation usually do, or are over too soon.",
  finds: { above: "latency", below: "latency" },
  scores: "rarity",
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
  scoreThenLearn({ length, series, time, duration, self, failed }, memory, verdicts, config) {
    const { threshold, alert_budget } = config as Line;
    span[LINE] = alert_budget === undefined ? Math.max(OPENS, threshold ?? THRESHOLD) : Number.NaN;
    span[LEAST_UNIT] = config.min_spread;
    for (let i = 0; i < length; i++) {
      const took = duration[i];
      const own = self[i];
      if (!(took >= 0 && took < Number.POSITIVE_INFINITY && own >= 0 && Number.isFinite(time[i]))) continue;
      // that it is over early is part of the failure
      if (failed[i] === 1 && own < usual(memory, series[i])) continue;
      span[START] = time[i];
      span[DURATION_MS] = took;
      span[SELF_MS] = own;
      judge(memory, series[i]);
      verdicts.score[i] = verdict[SCORE];
      verdicts.observed[i] = verdict[OBSERVED];
      verdicts.expected[i] = verdict[EXPECTED];
      verdicts.lower[i] = verdict[LOWER];
      verdicts.upper[i] = verdict[UPPER];
      verdicts.since[i] = verdict[FROM];
      verdicts.rows[i] = verdict[SPANS];
    }
  },
});
