// Fixed limits, for those who know them: told when one is crossed, not on every row beyond it.
import { defineDetector, duration, z } from "vedette";

/** What the severities begin at, in scores. */
const SCORE = { info: 1, warning: 1.25, critical: 2 } as const;
/** A row that is older than the newest by less is late and says nothing about now; by more, the clock was set back. */
const LATE = 3_600_000;

const ABOVE = 1;
const BELOW = 2;

export default defineDetector({
  type: "threshold",
  signal: "metrics",
  stability: "beta",
  summary: "Flags points at which a series crosses a fixed limit.",
  finds: { above: "above_limit", below: "below_limit", more: ["above_limit", "below_limit"] },
  scores: "line",
  defaults: { warmup: 0 },
  config: z
    .object({
      upper: z.number().optional().describe("Highest value that is fine, in the row's own unit."),
      lower: z.number().optional().describe("Lowest value that is fine."),
      for: duration().prefault("0s").describe("How long the value must stay beyond the limit before it is told."),
      severity: z.enum(["info", "warning", "critical"]).default("warning").describe("How grave a crossing is."),
    })
    .refine(({ upper, lower }) => upper !== undefined || lower !== undefined, {
      error: "there is no limit; write upper, lower or both",
    })
    .refine(({ upper, lower }) => upper === undefined || lower === undefined || lower <= upper, {
      path: ["lower"],
      error: "above upper, so that no value is fine; exchange the two",
    }),
  state: {
    /** Unix milliseconds of the newest row, and of the first of those beyond the limit by now. */
    last: "f64",
    since: "f64",
    /** On which side those lie, 0 within, and whether it was told. */
    side: "u8",
    told: "u8",
  },
  scoreThenLearn({ length, series, age, time, value }, { last, since, side, told }, verdicts, config) {
    const { score, lower, upper, finding, lasts } = verdicts;
    const highest = config.upper ?? Number.POSITIVE_INFINITY;
    const lowest = config.lower ?? Number.NEGATIVE_INFINITY;
    for (let i = 0; i < length; i++) {
      const v = value[i];
      const t = time[i];
      if (Number.isNaN(v) || !(t >= 0)) continue;
      const s = series[i];
      if (age[i] > 0 && t < last[s] && last[s] - t < LATE) continue;
      last[s] = t;
      if (config.lower !== undefined) lower[i] = lowest;
      if (config.upper !== undefined) upper[i] = highest;
      score[i] = 0;
      const now = v > highest ? ABOVE : v < lowest ? BELOW : 0;
      if (now !== side[s] || t < since[s]) {
        side[s] = now;
        since[s] = t;
        told[s] = 0;
      }
      if (now !== 0 && told[s] === 1) lasts[i] = 1;
      if (now === 0 || told[s] === 1 || t - since[s] < config.for) continue;
      told[s] = 1;
      finding[i] = now;
      score[i] = SCORE[config.severity];
    }
  },
});
