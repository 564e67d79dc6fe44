// The share of calls that usually fail, and how errors come together: what a series is judged by, and how it is learnt.
import type { RatioState } from "./ratio_state.ts";

/** No series is believed to fail less often than this. */
const FLOOR = 0.001;
/** Calls at the fleet's rate that a series is worth beside its own, the highest rate that the fleet lends, and how many calls it remembers. */
const STRENGTH = 200;
const LENT = 0.02;
const FLEET_CALLS = 1e5;
/** A base of fewer calls judges nothing. */
export const ENOUGH = 100;
/** Intervals of which one block is made. */
export const BLOCK = 6;
const DAY = 86_400_000;
/** Errors are never believed to come together less than this. */
export const RHO_FLOOR = 0.0005;
/** What the fleet's correlation begins with; it and the fleet's are worth so much weight. */
const RHO_PRIOR = 0.001;
const RHO_WEIGHT = 40;
/** Of a block that teaches, errors beyond so many standard deviations count no more. */
const CLIP = 6;
/** What is kept of the fleet, and of a series' correlation, a block. */
const FLEET_KEEPS = 0.99999;
const SERIES_KEEPS = 0.999;

/** Share of failing calls that a series of so many calls and errors is believed to have. */
export function usual({ fleet }: RatioState, calls: number, errors: number): number {
  const prior = fleet[0] > 0 ? Math.max(FLOOR, Math.min(LENT, fleet[1] / fleet[0])) : FLOOR;
  const shrunk = (errors + prior * STRENGTH) / (calls + STRENGTH);
  return Math.min(0.999, Math.max(FLOOR, shrunk, calls > 0 ? errors / calls : 0));
}

/** Of the errors within a minute. */
export function correlation({ moments, weights, fleet }: RatioState, s: number): number {
  const prior = (fleet[2] + RHO_WEIGHT * RHO_PRIOR) / (fleet[3] + RHO_WEIGHT);
  return Math.max(RHO_FLOOR, (moments[s] + RHO_WEIGHT * prior) / (weights[s] + RHO_WEIGHT));
}

/** How uncertain a share is that so many calls tell of, as a correlation. */
export const uncertainty = (calls: number) => 1 / (calls + STRENGTH + 1);

/** A block of calls that is no incident teaches the base, and how errors come together. */
export function teach(state: RatioState, s: number, interval: number, calls: number, errors: number): void {
  const { fleet } = state;
  const p = usual(state, state.calls[s], state.errors[s]);
  const variance = p * (1 - p);
  const rho = correlation(state, s);
  const known = state.calls[s];
  const most = calls * p + CLIP * Math.sqrt(calls * variance * (1 + (calls - 1) * rho)) + 2;
  const k = known < ENOUGH ? errors : Math.min(errors, most);
  const keep = Math.max(0, 1 - (BLOCK * interval) / DAY);
  state.calls[s] = known * keep + calls;
  state.errors[s] = state.errors[s] * keep + k;
  fleet[0] = fleet[0] * FLEET_KEEPS + calls;
  fleet[1] = fleet[1] * FLEET_KEEPS + Math.min(k, 0.05 * calls);
  if (fleet[0] > FLEET_CALLS) {
    fleet[1] *= FLEET_CALLS / fleet[0];
    fleet[0] = FLEET_CALLS;
  }
  if (calls <= 1 || known < ENOUGH) return;
  const surplus = (k - calls * p) ** 2 - calls * variance;
  // that a base from an incident is too high says nothing of how errors come together
  const estimate = Math.min(k < calls * p ? rho : 1, surplus / (calls * (calls - 1) * variance));
  const weight = Math.min(1, (calls * variance * (calls - 1)) / (calls + 20));
  state.moments[s] = state.moments[s] * SERIES_KEEPS + weight * estimate;
  state.weights[s] = state.weights[s] * SERIES_KEEPS + weight;
  fleet[2] = Math.max(0, fleet[2] * FLEET_KEEPS + 0.1 * weight * estimate);
  fleet[3] = fleet[3] * FLEET_KEEPS + 0.1 * weight;
}
