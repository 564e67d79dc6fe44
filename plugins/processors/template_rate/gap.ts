// Silence of what usually comes: events that should have come since the last one, against the gaps that the series has shown.
import type { StateOf } from "vedette";
import type { RateState } from "vedette/counts";

/** Before so long, in seconds, and so many intervals with events, no gap is judged. */
const SETTLED = 1800;
const ENOUGH = 20;
/** Intervals that a gap lasts at least, since one may have been lost on its way; and seconds at most: over hours what is rare comes and goes. */
const INTERVALS = 2;
const LONGEST = 1800;
/** Expected events that a gap lasts for on average, at least; what is believed of it at first, and the gaps behind that. */
const LEAST = 1.1;
const USUAL = 1.25;
const PRIOR = 20;
/** Gaps that are remembered, and what one of them teaches at most. */
const MEMORY = 300;
const MOST = 30;
/** A gap as long as a past one is no news: from so many expected events on, remembered for so many seconds, and grown so slowly by one that is told. */
const ORDINARY = 10;
const LONGEST_MEMORY = 2 * 86_400;
const GROWS = 2;
/** A chance for a gap begins with each interval, and each is looked at as it grows. */
const LOOKS = 0.3;
const MINUTE = 60;
const MOST_EXPECTED = 1e6;
const MOST_OTHERS = 1e9;
/** Beyond this a rarity orders nothing. */
const RAREST = 20;

export const GAP_STATE = {
  /** Since the last event: expected by the rate, and by the others; of the nearer what came after the first interval. */
  gapByRate: "f32",
  gapByOthers: "f32",
  gapFirst: "f32",
  /** Gaps, discounted, and what was expected in them after their first interval; the longest of late. */
  gaps: "f32",
  gapsExpected: "f32",
  gapLongest: "f32",
} as const;

export type GapState = StateOf<typeof GAP_STATE>;

/** The gap under way: rarity 0 where there is none; events a second that were expected in it. */
export const gap = { rarity: 0, expected: 0 };

const nearer = ({ gapByRate, gapByOthers, others }: GapState & RateState, s: number) =>
  others[s] > 0 ? Math.min(gapByRate[s], gapByOthers[s]) : gapByRate[s];

/**
 * Takes an interval of `step` seconds with y events and those of the `others`, which `judgeRate` has just judged, and fills `gap`. That a gap grows is
 * a matter of the same chance in each interval, which its series has shown: the negative binomial of windows would have to allow for a rate that is a
 * fifth, of which nothing was ever seen. What is expected is the nearer of what the rate and what the others foretell.
 */
export function judgeGap(state: GapState & RateState, s: number, y: number, others: number, step: number): void {
  const { gapByRate, gapByOthers, gapFirst, gapLongest, gaps, gapsExpected, silence, events, exposure, factor } = state;
  gap.rarity = 0;
  if (!(y >= 0 && exposure[s] > 0)) return;
  const began = silence[s] <= step;
  if (y > 0 || began) {
    if (y > 0 && gapByRate[s] > 0) learn(state, s);
    gapByRate[s] = gapByOthers[s] = gapFirst[s] = 0;
    if (y > 0) return;
  }
  const m = (events[s] / exposure[s]) * factor[s] * step;
  gapLongest[s] *= 1 - step / LONGEST_MEMORY;
  gapByRate[s] = Math.min(MOST_EXPECTED, gapByRate[s] + m);
  if (state.others[s] > 0 && others > 0) {
    const share = events[s] / state.others[s];
    gapByOthers[s] = Math.min(MOST_EXPECTED, gapByOthers[s] + share * Math.min(others, MOST_OTHERS));
  }
  const expected = nearer(state, s);
  if (began) gapFirst[s] = expected;
  const known = state.occasions[s];
  if (silence[s] < INTERVALS * step || silence[s] > LONGEST) return;
  if (state.watched[s] - silence[s] < SETTLED || known < ENOUGH) return;
  const q = Math.exp(-m / USUAL);
  const came = gapsExpected[s] + (PRIOR * m * q) / (1 - q);
  // of intervals that follow an empty one
  const usual = Math.max(LEAST, m / Math.log1p(((gaps[s] + PRIOR) * m) / came));
  const beyond = Math.max(0, expected - Math.max(0, gapLongest[s] - ORDINARY)) / usual;
  // the level is no better known than by what came
  const rarity = known * Math.log10(1 + beyond / known) - Math.log10(MINUTE / step) - LOOKS;
  gap.rarity = Math.min(RAREST, Math.max(0, rarity));
  gap.expected = expected / silence[s];
}

function learn(state: GapState & RateState, s: number): void {
  const { gaps, gapsExpected, gapLongest, gapFirst } = state;
  const expected = nearer(state, s);
  const keep = 1 - 1 / MEMORY;
  gaps[s] = gaps[s] * keep + 1;
  gapsExpected[s] = gapsExpected[s] * keep + Math.min(MOST, Math.max(0, expected - gapFirst[s]));
  gapLongest[s] = Math.max(gapLongest[s], Math.min(expected, GROWS * gapLongest[s] + ORDINARY));
}
