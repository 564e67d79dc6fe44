// Whether an operation has changed of late: the mean of its own time over windows of event time against its base.

import type { Memory } from "./memory.ts";
import * as layout from "./memory.ts";
import * as fields from "./span.ts";

// constants of its own are folded into the code, those of another module are read each time
const {
  BETWEEN,
  COUNT,
  FACTS,
  FIRST_WINDOW,
  MEAN_CHILDREN,
  MEAN_SELF,
  NUMBERS,
  SQUARES,
  SUM_CHILDREN,
  SUM_SELF,
  VARIANCE,
  WEIGHT,
  WINDOW,
  WINDOWS,
} = layout;
const { ELAPSED, OFF_CHILDREN, OFF_SELF, span } = fields;

/** The windows' lengths in milliseconds are LONGEST, a fifth and a thirtieth of it. */
const LONGEST = 300_000;
/** Of seldom ones the longest window holds so many spans, however long ago they were. */
const SELDOM = 1 - 1 / 8;
/** Spans, by their weights, that make a mean; and standard deviations that each counts at most: no single one is a change. */
const FEWEST = 3.5;
export const CLIP = 3;

/** Standard deviation between windows: what is thought before, the least, and over how many windows it is learnt. */
const BETWEEN_PRIOR = 0.15;
const LEAST_BETWEEN = 0.08;
const LEARNT_OVER = [100, 60, 40] as const;
/** With so many spans in the longest window every so many-th is asked. */
const BUSY = 200;
const SOME = 4;
/** A window's square counts at most so many times what is expected. */
const SQUARE_CLIP = 9;
/** Means of so few spans are believed that much less. */
const YOUNG = 4;
/** Of the three windows and of both sides one is the most surprising. */
const LOOKS = Math.log10(4);
const MOST = 40;
/** What children take may fall by this part of what own time grew by, or of itself; else some of them did not arrive. And the other way round. */
const BALANCED = 0.5;
const CHILDREN = 0.1;

/** What the windows say: how rare, on which side, and by how much the logarithm of own time has changed. */
export const change = new Float64Array(3);
export const RARITY = 0;
export const SIDE = 1;
export const SHIFT = 2;

/** The span at hand joins the windows. */
export function join({ facts }: Memory, s: number): void {
  const f = s * FACTS + FIRST_WINDOW;
  const long = Math.exp(-span[ELAPSED] / LONGEST);
  const middle = long * long * long * long * long;
  const short = middle * middle * middle * middle * middle * middle;
  let w = f;
  for (let k = 0; k < WINDOWS; k++) {
    const left = k === 0 ? short : k === 1 ? middle : long > SELDOM ? long : SELDOM;
    facts[w + COUNT] = facts[w + COUNT] * left + 1;
    facts[w + SQUARES] = facts[w + SQUARES] * left * left + 1;
    facts[w + SUM_SELF] = facts[w + SUM_SELF] * left + span[OFF_SELF];
    facts[w + SUM_CHILDREN] = facts[w + SUM_CHILDREN] * left + span[OFF_CHILDREN];
    w += WINDOW;
  }
}

/** Fills `change` with the most surprising window. */
export function compare({ numbers, facts }: Memory, s: number): void {
  const f = s * FACTS;
  const n = s * NUMBERS;
  change[RARITY] = 0;
  change[SIDE] = 0;
  change[SHIFT] = 0;
  const weight = facts[f + WEIGHT];
  const variance = facts[f + VARIANCE];
  let most = 1;
  let shift = 0;
  let away = 0;
  let side = 0;
  for (let k = 0; k < WINDOWS; k++) {
    const w = f + FIRST_WINDOW + k * WINDOW;
    const count = facts[w + COUNT];
    const squares = facts[w + SQUARES];
    if (count * count < FEWEST * squares) continue;
    const mean = facts[w + SUM_SELF] / count;
    // a shorter window that has enough spans must say the same
    if (side !== 0 && mean * side < 0) break;
    if (side === 0) side = mean < 0 ? -1 : 1;
    const between = Math.max(facts[f + BETWEEN + k], LEAST_BETWEEN * LEAST_BETWEEN);
    const square = (mean * mean) / (variance * (squares / (count * count) + 1 / weight) + between);
    if (square <= most) continue;
    most = square;
    shift = mean;
    away = facts[w + SUM_CHILDREN] / count;
  }
  if (most <= 1) return;
  const usual = Math.exp(numbers[n + MEAN_SELF]);
  const grown = usual * (Math.exp(shift) - 1);
  const children = numbers[n + MEAN_CHILDREN];
  const moved = Math.max(BALANCED * Math.abs(grown), CHILDREN * children);
  if (children > 0 && (shift > 0 ? away * children < -moved : away * children > moved)) return;
  const z = Math.sqrt(most) / (1 + YOUNG / weight);
  const tail = 0.5 * z * z + Math.log((z + Math.sqrt(z * z + 8 / Math.PI)) * Math.sqrt(Math.PI / 2));
  change[RARITY] = Math.max(0, Math.min(MOST, tail * Math.LOG10E - LOOKS));
  change[SIDE] = shift < 0 ? -1 : 1;
  change[SHIFT] = shift;
}

/** Learns how far the means of windows lie apart without anything being wrong; before the span at hand joins. */
export function learnBetween({ seen, facts }: Memory, s: number): void {
  const f = s * FACTS;
  const busy = facts[f + FIRST_WINDOW + 2 * WINDOW + COUNT] > BUSY;
  if (busy && (seen[s] & (SOME - 1)) !== 0) return;
  const elapsed = busy ? SOME * span[ELAPSED] : span[ELAPSED];
  if (elapsed === 0) return;
  const variance = facts[f + VARIANCE];
  const base = 1 / facts[f + WEIGHT];
  let length = LONGEST / 30;
  for (let k = 0; k < WINDOWS; k++) {
    const w = f + FIRST_WINDOW + k * WINDOW;
    const count = facts[w + COUNT];
    const most = k === WINDOWS - 1 ? 1 - SELDOM : 1;
    const part = elapsed < most * length ? elapsed / length : most;
    if (count > 0 && part > 0) {
      const mean = facts[w + SUM_SELF] / count;
      const within = variance * (facts[w + SQUARES] / (count * count) + base);
      const known = facts[f + BETWEEN + k];
      const largest = SQUARE_CLIP * (Math.max(known, 0) + within);
      const square = mean * mean;
      facts[f + BETWEEN + k] += (part / LEARNT_OVER[k]) * ((square < largest ? square : largest) - within - known);
    }
    length *= k === 0 ? 6 : 5;
  }
}

export function startBetween({ facts }: Memory, s: number): void {
  for (let k = 0; k < WINDOWS; k++) facts[s * FACTS + BETWEEN + k] = BETWEEN_PRIOR * BETWEEN_PRIOR;
}

/** Nothing of the last minutes is remembered. */
export function clear({ facts }: Memory, s: number): void {
  const f = s * FACTS + FIRST_WINDOW;
  facts.fill(0, f, f + WINDOWS * WINDOW);
}
