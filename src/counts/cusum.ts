// Small lasting changes of a rare event: Page's cumulative sums of minutes.
import type { StateOf } from "../api/index.ts";

/** The changes of the rate that it is tuned to. */
const UP = 3;
const DOWN = 0.25;
/** A sum beyond this says nothing more; below NOTABLE it says nothing. */
const MOST = 25;
const NOTABLE = 4;
/** Two sums are looked at. */
const LOOKS = 0.3;

export const CUSUM_STATE = { sumUp: "f32", sumDown: "f32" } as const;

export type CusumState = StateOf<typeof CUSUM_STATE>;

/**
 * Rarity of the run of minutes up to this one, of y events where m were expected; negative where there are fewer than expected, 0 where nothing
 * is notable. Sums of log-likelihood ratios of UP and DOWN times the rate (Page 1954; counted data: Lucas 1985) against
 * negative binomials of `dispersion`, which holds for counts of mean `scale`: the likelihood of such a count is spent minute by minute, so that
 * the slow part of the noise is not held against each.
 */
export function cumulative(
  { sumUp, sumDown }: CusumState,
  s: number,
  y: number,
  m: number,
  scale: number,
  dispersion: number,
): number {
  const up = step(UP, y, m, scale, dispersion);
  const down = step(DOWN, y, m, scale, dispersion);
  sumUp[s] = Math.min(MOST, Math.max(0, sumUp[s] + up));
  sumDown[s] = Math.min(MOST, Math.max(0, sumDown[s] + down));
  const above = rarity(sumUp[s], step(UP, m, m, scale, dispersion));
  const below = rarity(sumDown[s], step(DOWN, m, m, scale, dispersion));
  return above >= below ? above : -below;
}

/** Log-likelihood ratio of y events of q times the rate against the rate. */
function step(q: number, y: number, m: number, scale: number, dispersion: number): number {
  const change = Math.log((1 + dispersion * scale) / (1 + dispersion * q * scale));
  return y * (Math.log(q) + change) + (change / dispersion) * (m / scale);
}

/** A sum reaches S about once in exp(S) / I minutes, with I what a minute takes from it on average (Siegmund 1985). */
function rarity(sum: number, drift: number): number {
  if (sum <= NOTABLE) return 0;
  const information = Math.min(1, Math.max(1e-6, -drift));
  return Math.max(0, sum * Math.LOG10E - Math.log10(information) - LOOKS);
}
