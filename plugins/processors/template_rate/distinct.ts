// What is said over and over in a moment is one event: a loop or a pile of errors tells little of how often its cause comes.
import type { StateOf } from "vedette";
import type { RateState } from "vedette/counts";

/** An interval holds one event, so many for each that is expected in it, and so many for each record of both intervals before it. */
const TIMES = 4;
const GOES_ON = 1;
/** Records of an interval; more are no count. */
const MOST = 1e12;
/** Intervals with records until one weighs less by a factor e: of late, and usually. */
const LATELY = 10;
const USUALLY = 200;

export const REPEAT_STATE = {
  /** Records of the last interval, and of the one before. */
  last: "f32",
  beforeLast: "f32",
  /** Records, and events that they were taken for, discounted: of late, and of what came before that and was no incident. */
  lateRecords: "f32",
  lateEvents: "f32",
  usualRecords: "f32",
  usualEvents: "f32",
} as const;

export type RepeatState = StateOf<typeof REPEAT_STATE>;

/** Events of an interval of `step` seconds with y records, which `judgeRate` is to have; remembered. What goes on for three intervals is no pile. */
export function distinct(state: RepeatState & RateState, s: number, y: number, step: number): number {
  const { last, beforeLast, events, exposure, factor, incident } = state;
  // no count: nothing is known of it
  if (!(y >= 0 && y < MOST)) return y;
  const before = Math.min(last[s], beforeLast[s]);
  beforeLast[s] = last[s];
  last[s] = y;
  if (y === 0) return 0;
  const expected = exposure[s] > 0 ? (events[s] / exposure[s]) * factor[s] * step : 0;
  const n = Math.min(y, 1 + TIMES * expected + GOES_ON * before);
  const { lateRecords, lateEvents, usualRecords, usualEvents } = state;
  if (incident[s] === 0) {
    usualRecords[s] += lateRecords[s] / LATELY - usualRecords[s] / USUALLY;
    usualEvents[s] += lateEvents[s] / LATELY - usualEvents[s] / USUALLY;
  }
  lateRecords[s] += y - lateRecords[s] / LATELY;
  lateEvents[s] += n - lateEvents[s] / LATELY;
  return n;
}

/** Records of each event, usually. */
export const recordsEach = ({ usualRecords, usualEvents }: RepeatState, s: number) =>
  usualEvents[s] > 0 ? usualRecords[s] / usualEvents[s] : 1;
