// The two windows of a resource, the one that judges and the one that is filled, and the coordinates of a vector.
import type { StateOf } from "vedette";
import { count, mixed, nodesOf } from "./trees.ts";

/** Deviations beyond it share a coordinate. */
const FARTHEST = 32;

/** State columns. */
export const windows = ({ trees, depth }: { trees: number; depth: number }) =>
  ({
    // how many vectors of the window that judges, and of the one that is filled, lie in each node of each tree; how many there are
    reference: ["u16", trees * nodesOf(depth)],
    latest: ["u16", trees * nodesOf(depth)],
    of: "u32",
    seen: "u32",
    // vectors that fill the window; 0 before the first
    target: "u32",
    // dimensions that their trees split, and that are known by now
    split: "u16",
    splitLatest: "u16",
    known: "u16",
  }) as const;

export type Windows = StateOf<ReturnType<typeof windows>>;

/** Coordinates of the vector placed last. */
export let point = new Float64Array(0);

/** Makes coordinates in [0, 1] of a vector's deviations, of which there are `width`; NaN of a metric without one. */
export function place(deviations: Float64Array, from: number, width: number): void {
  if (point.length < width) point = new Float64Array(width);
  for (let k = 0; k < width; k++) {
    const deviation = deviations[from + k];
    point[k] = 0.5 + Math.max(-0.5, Math.min(0.5, deviation / (2 * FARTHEST)));
  }
}

/** Notes which dimensions have deviations by now. */
export function meet({ known }: Windows, s: number, deviations: Float64Array, from: number, width: number): void {
  for (let k = known[s]; k < width; k++) if (!Number.isNaN(deviations[from + k])) known[s] = k + 1;
}

/** A deviation that looks as if drawn from a normal distribution, the same in every process. */
function ordinary(seen: number, k: number): number {
  let sum = -1.5;
  for (let i = 0; i < 3; i++) sum += mixed(seen, 3 * k + i) / 2 ** 32;
  return 2 * sum;
}

/** Counts a vector in the window that is filled. */
export function fill(
  { latest, splitLatest, seen }: Windows,
  s: number,
  deviations: Float64Array,
  from: number,
  width: number,
  trees: number,
  depth: number,
): void {
  place(deviations, from, width);
  // a silent metric counts as an ordinary one, so that it is not odd for being back
  for (let k = 0; k < width; k++) if (Number.isNaN(point[k])) point[k] = 0.5 + ordinary(seen[s], k) / (2 * FARTHEST);
  count(latest, s * trees * nodesOf(depth), trees, depth, point, splitLatest[s]);
  seen[s]++;
}

/** The window that was filled judges from now on. `size` are the nodes of all trees. */
export function adopt({ reference, latest, of, seen, split, splitLatest }: Windows, s: number, size: number): void {
  reference.set(latest.subarray(s * size, (s + 1) * size), s * size);
  of[s] = seen[s];
  split[s] = splitLatest[s];
}

/** Begins to fill a window: empty, with the dimensions that are known by now. */
export function open({ latest, seen, splitLatest, known }: Windows, s: number, size: number): void {
  latest.fill(0, s * size, (s + 1) * size);
  seen[s] = 0;
  splitLatest[s] = known[s];
}
