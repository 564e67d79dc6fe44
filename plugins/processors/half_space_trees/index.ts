// Half-space trees over the metrics of a resource: a vector is odd where those of the window before hardly ever were.
import { defineVectorDetector, z } from "vedette";
import { emptiness, nodesOf } from "./trees.ts";
import { adopt, fill, meet, open, place, point, type Windows, windows } from "./windows.ts";

/** Vectors of the first window; each is twice the one before. */
const SHORTEST = 64;

export default defineVectorDetector({
  type: "half_space_trees",
  stability: "alpha",
  summary: "Flags combinations of a resource's metrics that its last hours did not have.",
  finds: { above: "outlier", below: "outlier" },
  config: z.object({
    trees: z.int().min(1).max(500).default(25).describe("Trees: more are steadier and cost more."),
    depth: z.int().min(1).max(15).default(8).describe("Halvings from the root of a tree to its leaves."),
    window: z
      .int()
      .min(SHORTEST)
      .max(65_535)
      .default(250)
      .describe("Vectors of a window; each is judged by the window before its own. 250 of a minute are four hours."),
  }),
  defaults: { threshold: 4 },
  state: windows,
  scoreThenLearn(rows, state, { score, contributions }, { trees, depth, window }) {
    const { length, width, series, deviations } = rows;
    const { reference, of, seen, target, split, known } = state as Windows;
    const size = trees * nodesOf(depth);
    for (let i = 0; i < length; i++) {
      const s = series[i];
      const from = i * width;
      if (of[s] > 0) {
        contributions.fill(0, from, from + width);
        place(deviations, from, width);
        const halvings = emptiness(reference, s * size, trees, depth, of[s], point, split[s], contributions, from);
        // those it was parted by: beside an odd metric the others look odd too, but none as odd as that
        for (let k = from; k < from + width; k++) if (contributions[k] > 0) contributions[k] = Math.abs(deviations[k]);
        // as a share of the most there can be, since that grows with the window
        score[i] = halvings / Math.log2(2 * of[s]);
      }
      meet(state, s, deviations, from, width);
      if (target[s] > 0) {
        fill(state, s, deviations, from, width, trees, depth);
        if (seen[s] < target[s]) continue;
        adopt(state, s, size);
        target[s] = Math.min(window, target[s] * 2);
        open(state, s, size);
      } else if (known[s] > 0) {
        target[s] = SHORTEST;
        open(state, s, size);
      }
    }
  },
});
