// Rarity that a model claims, corrected by how often and how far the series went beyond what such claims should allow.
import type { StateOf } from "../api/index.ts";

/** A claim below this is left as it is, and teaches nothing; of honest claims a share of 10 ** -FROM lies beyond. */
export const FROM = 1.5;
const SHARE = 10 ** -FROM;
/** What honest claims beyond FROM exceed it by, on average: -log10 of a uniform number is exponential. */
const HONEST = Math.LOG10E;
/** Claims of an honest series that each begins with. */
const PRIOR = 10;
/** Opportunities until a claim weighs less by a factor e: two weeks of minutes. */
const MEMORY = 20_160;
/** An excess is learnt up to this; of a burst of claims beyond BURST only the first, until QUIET opportunities have gone by. */
const MOST = 4;
const BURST = 4;
const QUIET = 24;
/** Decades that claims too frequent are lowered by at most. */
const MOST_FREQUENT = 1;

export const SLOPE_STATE = {
  /** Opportunities, claims beyond FROM and the sum of their excess, discounted. */
  tailChances: "f32",
  tailClaims: "f32",
  tailExcess: "f32",
  /** The largest of the run of claims beyond FROM that is under way; 0 when there is none. */
  tailPeak: "f32",
  /** Opportunities until a large claim is no longer part of the burst before it. */
  tailBurst: "u8",
} as const;

/** The same of claims of two kinds: those of series s are at 2 s and 2 s + 1. */
export const TWO_SLOPES_STATE = {
  tailChances: ["f32", 2],
  tailClaims: ["f32", 2],
  tailExcess: ["f32", 2],
  tailPeak: ["f32", 2],
  tailBurst: ["u8", 2],
} as const;

export type SlopeState = StateOf<typeof SLOPE_STATE>;

/**
 * The rarity behind `claimed`, which is -log10 of a probability by a model. Beyond FROM it is divided by the mean excess of past claims over that
 * of honest ones (the mean excess of an exponential tail is constant: Davison & Smith 1990), and lowered by how much too often they
 * were made; both shrunk to honesty, and never in the claim's favour.
 */
export function believed({ tailChances, tailClaims, tailExcess }: SlopeState, s: number, claimed: number): number {
  if (!(claimed > FROM)) return claimed;
  const claims = tailClaims[s] + PRIOR;
  const slope = Math.max(1, (tailExcess[s] + PRIOR * HONEST) / claims / HONEST);
  const frequent = Math.log10(claims / (tailChances[s] * SHARE + PRIOR));
  return FROM + (claimed - FROM) / slope - Math.max(0, Math.min(MOST_FREQUENT, frequent));
}

/** Learns the largest claim of one opportunity, such as a minute, its excess up to `most`. A run of claims beyond FROM is one, learnt when it has ended. */
export function learnClaim(state: SlopeState, s: number, claimed: number, most = MOST): void {
  const { tailChances, tailClaims, tailExcess, tailPeak, tailBurst } = state;
  const keep = 1 - 1 / MEMORY;
  tailChances[s] = tailChances[s] * keep + 1;
  tailClaims[s] *= keep;
  tailExcess[s] *= keep;
  if (tailBurst[s] > 0) tailBurst[s]--;
  if (claimed > FROM) {
    tailPeak[s] = Math.max(tailPeak[s], claimed);
    return;
  }
  if (tailPeak[s] === 0) return;
  const large = believed(state, s, tailPeak[s]) >= BURST;
  if (!large || tailBurst[s] === 0) {
    tailClaims[s]++;
    tailExcess[s] += Math.min(most, tailPeak[s] - FROM);
  }
  if (large) tailBurst[s] = QUIET;
  tailPeak[s] = 0;
}
