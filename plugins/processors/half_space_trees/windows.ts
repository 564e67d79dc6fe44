// The two windows of a resource, the one that judges and the one that is filled, and the coordinates in which each sees vectors.
import type { StateOf } from "vedette";
import { count, nodesOf } from "./trees.ts";

/** A deviation is learnt as at most so many standard deviations, once there are values enough to have one. */
const CLIP = 5;
const ENOUGH = 8;
/** The scale of a dimension that is not known yet. */
const UNKNOWN = 1e160;
/** Makes of the logistic function, nearly, the distribution function of a normal distribution. */
const NORMAL = 1.702;

/** State columns. */
export const windows = ({ trees, depth, dimensions }: { trees: number; depth: number; dimensions: number }) =>
  ({
    // how many vectors of the window that judges, and of the one that is filled, lie in each node of each tree; how many there are
    reference: ["u16", trees * nodesOf(depth)],
    latest: ["u16", trees * nodesOf(depth)],
    of: "u32",
    seen: "u32",
    // vectors that fill the window; 0 before the first
    target: "u32",
    // dimensions that their trees split, and by which centre and scale values became coordinates
    split: "u16",
    splitLatest: "u16",
    centre: ["f64", dimensions],
    scale: ["f64", dimensions],
    centreLatest: ["f64", dimensions],
    scaleLatest: ["f64", dimensions],
    // what is known by now, for the window that comes
    known: "u16",
    mean: ["f64", dimensions],
    variance: ["f64", dimensions],
    reports: ["u32", dimensions],
  }) as const;

export type Windows = StateOf<ReturnType<typeof windows>>;

/** Coordinates of the vector placed last. */
export let point = new Float64Array(0);

/**
 * Makes coordinates in [0, 1] of a vector's first `dimensions` values: each about its place among those that centre and scale were
 * learnt from. `silent` stands for a metric that is silent or not known yet.
 */
export function place(
  values: Float64Array,
  from: number,
  dimensions: number,
  centre: Float64Array,
  scale: Float64Array,
  at: number,
  width: number,
  silent: number,
): void {
  if (point.length < width) point = new Float64Array(width);
  for (let k = 0; k < dimensions; k++) {
    const deviation = values[from + k] - centre[at + k];
    const unit = scale[at + k];
    if (Number.isNaN(deviation) || unit === UNKNOWN) point[k] = silent;
    else if (deviation === 0) point[k] = 0.5;
    else if (unit > 0) point[k] = 1 / (1 + Math.exp((-NORMAL * deviation) / unit));
    else point[k] = deviation > 0 ? 1 : 0;
  }
}

/** The dimension is another metric's from now on; windows that knew the one before see nothing in it. */
export function forget(state: Windows, at: number): void {
  state.reports[at] = 0;
  state.mean[at] = 0;
  state.variance[at] = 0;
  state.scale[at] = UNKNOWN;
  state.scaleLatest[at] = UNKNOWN;
}

/** Running mean and variance of each metric that reported, over about `memory` vectors; what an outlier may teach is bounded. */
export function learn(
  { known, reports, mean, variance }: Windows,
  s: number,
  values: Float64Array,
  from: number,
  width: number,
  memory: number,
): void {
  for (let k = 0; k < width; k++) {
    const value = values[from + k];
    if (Number.isNaN(value)) continue;
    if (known[s] <= k) known[s] = k + 1;
    const at = s * width + k;
    const n = reports[at];
    if (n < 0xffffffff) reports[at] = n + 1;
    const deviation = value - mean[at];
    const most = CLIP * Math.sqrt(variance[at]);
    const clipped = n >= ENOUGH && most > 0 ? Math.max(-most, Math.min(most, deviation)) : deviation;
    const weight = 1 / Math.min(n + 1, memory);
    mean[at] += weight * clipped;
    variance[at] = n === 0 ? 0 : (1 - weight) * (variance[at] + weight * clipped * clipped);
  }
}

/** Counts a vector in the window that is filled. */
export function fill(
  state: Windows,
  s: number,
  values: Float64Array,
  from: number,
  width: number,
  trees: number,
  depth: number,
): void {
  const { latest, splitLatest, centreLatest, scaleLatest, seen } = state;
  place(values, from, splitLatest[s], centreLatest, scaleLatest, s * width, width, 0.5);
  count(latest, s * trees * nodesOf(depth), trees, depth, point, splitLatest[s]);
  seen[s]++;
}

/** The window that was filled judges from now on. `size` are the nodes of all trees. */
export function adopt(state: Windows, s: number, width: number, size: number): void {
  const { reference, latest, of, seen, split, splitLatest, centre, centreLatest, scale, scaleLatest } = state;
  reference.set(latest.subarray(s * size, (s + 1) * size), s * size);
  centre.set(centreLatest.subarray(s * width, (s + 1) * width), s * width);
  scale.set(scaleLatest.subarray(s * width, (s + 1) * width), s * width);
  of[s] = seen[s];
  split[s] = splitLatest[s];
}

/** Begins to fill a window: empty, with the dimensions and ranges known by now. */
export function open(state: Windows, s: number, width: number, size: number): void {
  const { latest, seen, splitLatest, known, centreLatest, scaleLatest, mean, variance, reports } = state;
  latest.fill(0, s * size, (s + 1) * size);
  seen[s] = 0;
  splitLatest[s] = Math.max(1, known[s]);
  for (let at = s * width; at < (s + 1) * width; at++) {
    centreLatest[at] = mean[at];
    scaleLatest[at] = reports[at] < ENOUGH ? UNKNOWN : Math.sqrt(variance[at]);
  }
}
