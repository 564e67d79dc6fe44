// How far a value lies from every value that its series has shown, as a share of the range of those.
import { defineDetector, z } from "vedette";
import { begin, mark, WORDS } from "./seen_values.ts";

/** Points before novelty says anything: at first every value is new. */
const ENOUGH = 100;
/** Distance, as a share of the range, that is an ordinary novelty: a bin of the set. */
const ORDINARY = 0.002;
/** Distance that is as far as any: that of the first change of a constant series. */
const FARTHEST = 1000;
const OUTLIER = 1;

export default defineDetector({
  type: "novelty",
  signal: "metrics",
  stability: "beta",
  summary: "Flags values that are unlike any that their series has shown.",
  finds: { above: "spike", below: "drop", more: ["outlier"] },
  defaults: { warmup: 200 },
  config: z.object({
    quiet: z
      .int()
      .positive()
      .max(10_000)
      .default(80)
      .describe("A novelty must top those of so many points before it (up to twice as many): one event is told once."),
  }),
  state: {
    points: "u32",
    seen: ["u32", WORDS],
    low: "f64",
    width: "f64",
    least: "f64",
    most: "f64",
    /** Largest distance in the open block of `quiet` points and in the one before; points in the open one. */
    peak: "f32",
    before: "f32",
    filled: "u16",
  },
  scoreThenLearn({ length, series, value }, state, { score, expected, lower, upper, finding }, { quiet }) {
    const { points, width, least, most, peak, before, filled } = state;
    for (let i = 0; i < length; i++) {
      const v = value[i];
      // beyond it the range, squared or doubled, is no finite number any more
      if (!(Math.abs(v) < 1e150)) continue;
      const s = series[i];
      const n = points[s];
      if (n < 0xffffffff) points[s] = n + 1;
      if (n === 0) {
        begin(state, s, v);
        continue;
      }
      const from = least[s];
      const to = most[s];
      const steps = mark(state, s, v);
      if (n < ENOUGH) continue;
      const away = steps < 0 ? -steps : steps;
      const within = v >= from && v <= to;
      const gap = within ? (away > 0 ? (away - 0.5) * width[s] : 0) : v < from ? from - v : v - to;
      const distance = gap === 0 ? 0 : gap < FARTHEST * (to - from) ? gap / (to - from) : FARTHEST;
      const passes = distance > peak[s] && distance > before[s];
      if (distance > peak[s]) peak[s] = distance;
      if (++filled[s] >= quiet) {
        before[s] = peak[s];
        peak[s] = 0;
        filled[s] = 0;
      }
      score[i] = passes ? distance / ORDINARY : 0;
      if (within) {
        if (away > 0) finding[i] = OUTLIER;
        expected[i] = v + steps * width[s];
      } else {
        expected[i] = v < from ? from : to;
        lower[i] = from;
        upper[i] = to;
      }
    }
  },
});
