// my_plugin: how far each metric point is from the running mean of its series, in running mean distances.
import { defineDetector, z } from "vedette";

export default defineDetector({
  type: "my_plugin",
  signal: "metrics",
  stability: "experimental",
  summary: "Flags points that are unusually far from their series' running mean.",
  finds: { above: "spike", below: "drop" },
  config: z.object({
    alpha: z.number().gt(0).lt(1).default(0.05).describe("Weight of the newest point."),
  }),
  // a column each, a number for each series; the agent keeps, grows, saves and restores them
  state: { mean: "f64", distance: "f64" },
  scoreThenLearn({ length, series, age, value }, { mean, distance }, { score, expected }, { alpha }) {
    for (let i = 0; i < length; i++) {
      const s = series[i];
      // beyond this, sums of squares and distances are no finite numbers any more
      if (!(Math.abs(value[i]) < 1e150)) continue;
      if (age[i] === 0) mean[s] = value[i];
      const away = Math.abs(value[i] - mean[s]);
      expected[i] = mean[s];
      // any scale will do: the agent learns which scores are rare
      if (distance[s] > 0) score[i] = away / distance[s];
      // one outlier must not blind the detector to the next
      const learnt = distance[s] > 0 ? Math.min(away, 5 * distance[s]) : away;
      mean[s] += alpha * Math.sign(value[i] - mean[s]) * learnt;
      distance[s] += alpha * (learnt - distance[s]);
    }
  },
});
