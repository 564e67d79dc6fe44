// The detector that needs no options: several channels over each series, combined so that one line fits all.
import { defineDetector, z } from "vedette";
import { FINDS, judge, LINE, point } from "./combine.ts";
import { shape } from "./memory.ts";

export default defineDetector({
  type: "auto",
  signal: "metrics",
  stability: "beta",
  summary: "Finds spikes, drops, shifts and drifts in any metric, without options.",
  finds: { above: "spike", below: "drop", more: FINDS },
  scores: "rarity",
  defaults: { threshold: LINE, warmup: 60 },
  config: z.object({}),
  state: shape,
  scoreThenLearn({ length, series, time, value }, state, verdicts) {
    const { score, expected, lower, upper, finding, basis, lasts } = verdicts;
    for (let i = 0; i < length; i++) {
      if (!Number.isFinite(value[i])) continue;
      score[i] = judge(state, series[i], time[i] / 1000, value[i]);
      if (point.n === 1) continue;
      expected[i] = point.expected;
      lower[i] = point.lower;
      upper[i] = point.upper;
      finding[i] = point.finding;
      basis[i] = point.basis;
      if (point.away) lasts[i] = 1;
    }
  },
});
