// By how much more counts vary than by chance: measured at every window length, with no assumption on how it grows with the length.
import type { StateOf } from "../api/index.ts";

/** Window lengths at which the rate is judged by itself; and all at which dispersion is measured, those beside other series among them. */
export const WINDOWS = 5;
const MEASURED = WINDOWS + 2;

/** Dispersion that is expected of a series, and the information behind it: of the fleet's, and of what the fleet begins with. */
const USUAL = 0.02;
const PRIOR = 4000;
const FLEET_PRIOR = 400;
const FLEET_LEAST = 1e-3;
const FLEET_MEMORY = 1e5;
/** What was measured is never less; a little below zero, since chance is so at times. */
const LEAST = -0.005;
/** Clumping that is expected, and the information behind it; it shows where so few events are expected. */
const USUAL_CLUMP = 1.2;
const CLUMP_PRIOR = 10;
const FEW = 8;
/** Windows until what was measured weighs less by a factor e, and seconds where that is longer. */
const MEMORY = 500;
const CLUMP_MEMORY = 200;
const MEMORY_SECONDS = 86_400;
/** Noise of a service lasts about so long: of windows that are shorter, several say what one says. */
const LASTS = 300;
/** Information in one window cannot be more than that of a normal deviate whose own variance is known so well. */
const BLUNT = 0.005;
/** A deviation is learnt up to so many standard deviations squared: at length, and at small counts. */
const MOST = 16;
const MOST_SMALL = 36;
/** An incident teaches as much less. */
const IN_INCIDENT = 0.125;

/**
 * How a window is learnt: of what the model can explain, as it is; of what it cannot, up to a bound; of a series that was hardly seen, as it is and
 * at full weight, so that one that comes in bursts is known for it after a few.
 */
export const NORMAL = 0;
export const DOUBTFUL = 1;
export const YOUNG = 2;

export const DISPERSION_STATE = {
  /** By window: information times dispersion, and information. */
  dispersed: ["f32", MEASURED],
  informed: ["f32", MEASURED],
  /** The same of the ratio of variance to mean at small counts, as of calls that come in bursts. */
  clumped: "f32",
  clumpInformed: "f32",
  /** What was learnt of it in this quarter of an hour, and in the one before. */
  clumpedNew: ["f32", 2],
  clumpInformedNew: ["f32", 2],
  /** By window, of all series. */
  fleetDispersed: ["f64", MEASURED, "shared"],
  fleetInformed: ["f64", MEASURED, "shared"],
} as const;

export type DispersionState = StateOf<typeof DISPERSION_STATE>;

/** Of windows of length w: the variance of a count of mean m is (ratio) m + (this) m^2. The series' own, shrunk to the fleet's. */
export function dispersionAt(state: DispersionState, s: number, w: number): number {
  const { dispersed, informed, fleetDispersed, fleetInformed } = state;
  const fleet = (fleetDispersed[w] + FLEET_PRIOR * USUAL) / (fleetInformed[w] + FLEET_PRIOR);
  const at = s * MEASURED + w;
  return (dispersed[at] + PRIOR * fleet) / (informed[at] + PRIOR);
}

/** Ratio of variance to mean that bursts give small counts; 1 where calls come one by one. */
export function clumping({ clumped, clumpInformed }: DispersionState, s: number): number {
  return Math.max(1, (clumped[s] + CLUMP_PRIOR * USUAL_CLUMP) / (clumpInformed[s] + CLUMP_PRIOR));
}

/**
 * Learns a window of `seconds` with y events where m were expected, `known` being the dispersion that other causes explain: by moments
 * (Anscombe 1950), each weighted by what it says.
 */
export function learnDispersion(
  state: DispersionState,
  s: number,
  w: number,
  seconds: number,
  y: number,
  m: number,
  known: number,
  trust: number,
  calm: boolean,
): void {
  const { dispersed, informed, clumped, clumpInformed, clumpedNew, clumpInformedNew } = state;
  const { fleetDispersed, fleetInformed } = state;
  const square = (y - m) * (y - m);
  const ratio = clumping(state, s);
  const at = s * MEASURED + w;
  const most = MOST * (m * ratio + (dispersionAt(state, s, w) + known) * m * m);
  const excess = ((trust === DOUBTFUL ? Math.min(square, most) : square) - m * ratio) / (m * m) - known;
  const share = trust === YOUNG && square > most ? 1 : Math.min(1, seconds / LASTS);
  const informs = ((calm ? 1 : IN_INCIDENT) * share) / (1 / (m * m * m) + 2 / (m * m) + BLUNT);
  const keep = 1 - Math.min(1 / MEMORY, seconds / MEMORY_SECONDS);
  informed[at] = informed[at] * keep + informs;
  dispersed[at] = Math.max(LEAST * informed[at], dispersed[at] * keep + informs * excess);
  if (trust !== YOUNG) {
    fleetDispersed[w] = fleetDispersed[w] * (1 - 1 / FLEET_MEMORY) + informs * excess;
    fleetInformed[w] = fleetInformed[w] * (1 - 1 / FLEET_MEMORY) + informs;
    fleetDispersed[w] = Math.max(fleetDispersed[w], FLEET_LEAST * fleetInformed[w]);
  }
  if (m >= FEW || w >= WINDOWS || !calm) return;
  const small = m / (2 * m + 1);
  const clump = (trust === DOUBTFUL ? Math.min(square, MOST_SMALL * ratio * m) : square) / m - known * m;
  const remember = 1 - Math.min(1 / CLUMP_MEMORY, seconds / MEMORY_SECONDS);
  clumped[s] *= remember;
  clumpInformed[s] *= remember;
  if (trust === YOUNG) {
    clumped[s] += small * clump;
    clumpInformed[s] += small;
  } else {
    clumpedNew[2 * s] += small * clump;
    clumpInformedNew[2 * s] += small;
  }
}

/** Called each quarter of an hour: what came in it says nothing of itself yet, so that what begins slowly does not explain itself. */
export function ripen({ clumped, clumpInformed, clumpedNew, clumpInformedNew }: DispersionState, s: number): void {
  clumped[s] += clumpedNew[2 * s + 1];
  clumpInformed[s] += clumpInformedNew[2 * s + 1];
  clumpedNew[2 * s + 1] = clumpedNew[2 * s];
  clumpInformedNew[2 * s + 1] = clumpInformedNew[2 * s];
  clumpedNew[2 * s] = clumpInformedNew[2 * s] = 0;
}
