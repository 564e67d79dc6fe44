// Half-space trees over the metrics of a resource: a vector is odd where those of the window before hardly ever were.
import { defineVectorDetector, z } from "vedette";
import { emptiness, nodesOf } from "./trees.ts";
import { adopt, fill, forget, learn, open, place, point, type Windows, windows } from "./windows.ts";

/** Vectors from which the ranges are learnt before the first window, and the length of that; each is twice the one before. */
const FIRST = 16;
const SHORTEST = 32;

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
    const { length, width, series, age, values, held } = rows;
    const { reference, of, seen, target, split, centre, scale } = state as Windows;
    const size = trees * nodesOf(depth);
    for (let i = 0; i < length; i++) {
      const s = series[i];
      const from = i * width;
      for (let k = 0; k < width; k++) if (held[from + k] === 0) forget(state, s * width + k);
      if (of[s] > 0) {
        contributions.fill(0, from, from + width);
        place(values, from, split[s], centre, scale, s * width, width, Number.NaN);
        score[i] = emptiness(reference, s * size, trees, depth, of[s], point, split[s], contributions, from);
      }
      learn(state, s, values, from, width, window);
      if (target[s] > 0) {
        fill(state, s, values, from, width, trees, depth);
        if (seen[s] < target[s]) continue;
        adopt(state, s, width, size);
        target[s] = Math.min(window, target[s] * 2);
        open(state, s, width, size);
      } else if (age[i] + 1 >= FIRST) {
        target[s] = SHORTEST;
        open(state, s, width, size);
      }
    }
  },
});
