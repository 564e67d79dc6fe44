// Misses that follow one another on the same side: evidence adds up, so that a smooth ramp is seen before any point of it stands out.
import { clamp, RUN, RUN_SPREAD, rate } from "./memory.ts";

/** Half-life in points of the moving mean of standardised misses, and of its spread. */
const RUN_RATE = rate(3);
const SPREAD_RATE = rate(500);
/** Spread of that mean when misses are independent: it is never taken for less. */
const INDEPENDENT = Math.sqrt(RUN_RATE / (2 - RUN_RATE));
/** One miss adds at most so many spreads. */
const MOST = 5;
const CLIP = 4;

/** By how many of its own spreads the mean of the latest misses is off. Learns one more. */
export function learnRun(spreads: Float32Array, g: number, off: number, spread: number, n: number): number {
  const run = spreads[g + RUN] + RUN_RATE * (clamp(off / spread, MOST) - spreads[g + RUN]);
  const before = spreads[g + RUN_SPREAD];
  const usual = Math.max(INDEPENDENT, before);
  const learn = Math.max(SPREAD_RATE, 1 / (n + 1));
  const learnt = clamp(run, CLIP * usual);
  spreads[g + RUN] = run;
  spreads[g + RUN_SPREAD] = Math.sqrt((1 - learn) * (before * before + learn * learnt * learnt));
  return Math.abs(run) / usual;
}
