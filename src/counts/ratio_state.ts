// What is remembered of the share of calls of a series that fail: windows, the usual share, how errors come together, an incident.
import type { StateOf, StateShape } from "../api/index.ts";
import { PYRAMID } from "./pyramid.ts";
import { SLOPE_STATE } from "./slope.ts";

/** Columns of `judgeRatio`: some 260 bytes a series, 184 of them its windows. */
export const RATIO_STATE = {
  /** Intervals so far. */
  rows: "u32",
  /** End of the last one, Unix milliseconds. */
  last: "f64",
  cells: ["f32", PYRAMID],
  /** The base: calls and errors, of about the last day. */
  calls: "f32",
  errors: "f32",
  /** Correlation of the errors of a minute, by moments: sum of the estimates, and of their weights. */
  moments: "f32",
  weights: "f32",
  /** When the incident began that is under way, Unix milliseconds; 0 is none. Calls and errors since then. */
  since: "f64",
  lastingCalls: "f32",
  lastingErrors: "f32",
  /** Evidence that it is over, and intervals since there was last none. */
  calm: "f32",
  quiet: "u32",
  /** The rarity at which it was last handed out. */
  told: "f32",
  ...SLOPE_STATE,
  /** Calls, errors, moments and weights of all series. */
  fleet: ["f64", 4, "shared"],
} as const satisfies StateShape;

export type RatioState = StateOf<typeof RATIO_STATE>;

/** Windows begin anew. */
export function restart({ cells, rows }: RatioState, s: number): void {
  cells.fill(0, s * PYRAMID, (s + 1) * PYRAMID);
  rows[s] = 0;
}
