// Deviation from a rolling median, in median absolute deviations: the Hampel identifier (Hampel 1974; Davies & Gather 1993).
import { defineDetector, z } from "vedette";

/** Median absolute deviation -> standard deviation, for normal noise. */
const NORMAL = 1.4826;
/** Points before the median says anything. */
const ENOUGH = 10;
/** Score of the first move of a series that has stood at zero: it has no scale, only the length of its silence. */
const STIRRED = 10;
/** How many windows the lasting mean square remembers, and what it learns of one point at most, in mean squares. */
const LASTING = 20;
const LASTING_CLIP = 1000;
/** The squared spread is never taken as less than this share of the lasting one: what moves seldom is not news each time. */
const LASTING_SHARE = 0.25;

export default defineDetector({
  type: "mad",
  signal: "metrics",
  stability: "beta",
  summary: "Flags points far from their series' rolling median, in median absolute deviations.",
  finds: { above: "spike", below: "drop" },
  config: z.object({
    window: z
      .int()
      .min(3)
      .max(10_000)
      .default(60)
      .describe("Points that the median is taken of; each takes 16 bytes a series."),
    min_relative_deviation: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe(
        "The deviation is taken as at least this share of the median: steady series are not watched by a hair.",
      ),
  }),
  state: ({ window }) => ({
    seen: "u32",
    /** Where in `recent` the oldest point of a full window lies. */
    oldest: "u16",
    recent: ["f64", window],
    sorted: ["f64", window],
    lasting: "f64",
  }),
  scoreThenLearn(
    { length, series, value },
    { seen, oldest, recent, sorted, lasting },
    { score, expected, lower, upper },
    { window, min_relative_deviation },
  ) {
    const enough = window < ENOUGH ? window : ENOUGH;
    const memory = window * LASTING;
    for (let i = 0; i < length; i++) {
      const v = value[i];
      // beyond 1e150 a square is no finite number any more
      if (!(Math.abs(v) < 1e150)) continue;
      const s = series[i];
      const n = seen[s];
      const from = s * window;
      const size = n < window ? n : window;
      if (size >= enough) {
        const median = medianOf(sorted, from, size);
        const mad = NORMAL * distanceOf(sorted, from, size, median);
        const lasted = Math.sqrt(LASTING_SHARE * lasting[s]);
        const floor = min_relative_deviation * Math.abs(median);
        const spread = mad > lasted ? mad : lasted;
        const unit = spread > floor ? spread : floor;
        const distance = Math.abs(v - median);
        expected[i] = median;
        lower[i] = median - 3 * unit;
        upper[i] = median + 3 * unit;
        score[i] = distance === 0 ? 0 : unit > 0 ? distance / unit : STIRRED;
        const most = LASTING_CLIP * lasting[s];
        const square = distance * distance;
        const weight = n + 1 < memory ? 1 / (n + 1) : 1 / memory;
        lasting[s] += weight * ((most > 0 && square > most ? most : square) - lasting[s]);
      }
      const at = oldest[s];
      if (n < window) insert(sorted, from, size, size, v);
      else insert(sorted, from, window - 1, rankOf(sorted, from, window, recent[from + at]), v);
      recent[from + at] = v;
      oldest[s] = at + 1 === window ? 0 : at + 1;
      if (n < 0xffffffff) seen[s] = n + 1;
    }
  },
});

function medianOf(sorted: Float64Array, from: number, size: number): number {
  const middle = from + (size >> 1);
  return size % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Median distance of the sorted values from their median. The `count` nearest lie side by side: where they begin is found by
 * halving, and the furthest of them lie at their ends.
 */
function distanceOf(sorted: Float64Array, from: number, size: number, median: number): number {
  const count = (size >> 1) + 1;
  let low = from;
  let high = from + size - count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (median - sorted[middle] > sorted[middle + count] - median) low = middle + 1;
    else high = middle;
  }
  const below = median - sorted[low];
  const above = sorted[low + count - 1] - median;
  const furthest = below > above ? below : above;
  if (size % 2 === 1) return furthest;
  const next =
    below > above ? Math.max(above, median - sorted[low + 1]) : Math.max(below, sorted[low + count - 2] - median);
  return (furthest + next) / 2;
}

/** The place of the first of the sorted values that is not less than v. */
function rankOf(sorted: Float64Array, from: number, size: number, v: number): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[from + middle] < v) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts v in its order in place of the value at `hole`; `last` is the last place in use. */
function insert(sorted: Float64Array, from: number, last: number, hole: number, v: number): void {
  let at = from + hole;
  const end = from + last;
  while (at < end && sorted[at + 1] < v) sorted[at] = sorted[++at];
  while (at > from && sorted[at - 1] > v) sorted[at] = sorted[--at];
  sorted[at] = v;
}
