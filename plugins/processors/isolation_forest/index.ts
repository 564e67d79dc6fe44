// An isolation forest over the metrics of a resource: a vector is odd when few random splits part it from those of the last days.
import { defineVectorDetector, duration, z } from "vedette";
import { Chance } from "./chance.ts";
import { build, earliness, type Forest, innerOf, nodesOf } from "./forest.ts";
import { forget, offer, type Sample, SUBSAMPLES, seen, settle } from "./sample.ts";

/** Vectors from which the first trees are built; they are built anew at each doubling until the sample is full. */
const FIRST = 64;
/** Vectors over which the building of all trees is spread. */
const SPREAD = 25;

const chance = new Chance();
let point = new Float32Array(0);

export default defineVectorDetector({
  type: "isolation_forest",
  stability: "alpha",
  summary: "Flags combinations of a resource's metrics that random splits part from those of its last days.",
  finds: { above: "outlier", below: "outlier" },
  defaults: { threshold: 4, max_series: 200 },
  config: z.object({
    trees: z.int().min(1).max(1000).default(25).describe("Trees: more are steadier and cost more."),
    subsample: z.int().min(FIRST).max(1024).default(256).describe("Vectors that a tree is built from."),
    retrain: duration()
      .refine((milliseconds) => milliseconds > 0, { error: "no time at all; write a duration, as in 1h" })
      .prefault("1h")
      .describe(
        "Time of the events after which all trees are built anew, some with each vector; those before serve on.",
      ),
  }),
  state: ({ trees, subsample, dimensions }) => ({
    // the trees, see Forest
    dimension: ["u8", trees * innerOf(subsample)],
    split: ["f32", trees * innerOf(subsample)],
    low: ["f32", trees * innerOf(subsample)],
    high: ["f32", trees * innerOf(subsample)],
    size: ["u16", trees * nodesOf(subsample)],
    // trees that are to be built, and that there are
    due: "u16",
    built: "u16",
    // when building began last
    began: "f64",
    sample: ["f32", SUBSAMPLES * subsample * dimensions],
    filled: "u32",
    usual: ["f32", dimensions],
    // dimensions that the trees know as another metric's
    strange: ["u8", dimensions],
    drawn: "u32",
  }),
  scoreThenLearn(rows, state, { score, contributions }, { trees, subsample, retrain }) {
    const { length, width, series, time, deviations, held } = rows;
    const { due, built, began, filled, strange, drawn } = state;
    const forest: Forest = { ...state, trees, subsample };
    const room = SUBSAMPLES * subsample;
    if (point.length !== width) point = new Float32Array(width);
    for (let i = 0; i < length; i++) {
      const s = series[i];
      const from = i * width;
      const own = sampleOf(state, s, room, width);
      const odd = strange.subarray(s * width, (s + 1) * width);
      chance.drawn = drawn[s];
      for (let k = 0; k < width; k++) {
        if (held[from + k] > 0) continue;
        forget(own, k);
        odd[k] = 1;
      }
      if (built[s] === trees) {
        seen(deviations, from, odd, point);
        contributions.fill(0, from, from + width);
        score[i] = earliness(forest, s * trees, point, contributions, from);
        // those it was parted by: beside an odd metric the others look odd too, but none as odd as that
        for (let k = from; k < from + width; k++) if (contributions[k] > 0) contributions[k] = Math.abs(deviations[k]);
      }
      const grew = offer(own, deviations, from, room, chance);
      filled[s] = own.filled;
      const doubled = grew && own.filled >= FIRST && (own.filled & (own.filled - 1)) === 0;
      const over = own.filled >= FIRST && due[s] === 0 && !(Math.abs(time[i] - began[s]) < retrain);
      if (doubled || over) {
        began[s] = time[i];
        due[s] = trees;
        settle(own);
        odd.fill(0);
      }
      for (let n = Math.ceil(trees / SPREAD); n > 0 && due[s] > 0; n--) {
        const tree = trees - due[s]--;
        build(forest, s * trees + tree, own, chance);
        if (built[s] < trees) built[s] = Math.max(built[s], tree + 1);
      }
      drawn[s] = chance.drawn;
    }
  },
});

interface Columns {
  readonly sample: Float32Array;
  readonly usual: Float32Array;
  readonly filled: Uint32Array;
}

function sampleOf({ sample, usual, filled }: Columns, s: number, room: number, width: number): Sample {
  return {
    values: sample.subarray(s * room * width, (s + 1) * room * width),
    usual: usual.subarray(s * width, (s + 1) * width),
    filled: filled[s],
    width,
  };
}
