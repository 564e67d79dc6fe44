// A series of counts with known truth, and what is found in it: for tests of statistics of counts.
import type { StateOf, StateShape } from "../../../src/api/index.ts";
import { judgeRate, paceOf, RATE_STATE, rate, rateLasts } from "../../../src/counts/index.ts";
import { SeriesState } from "../../../src/series/state.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";
import { poisson } from "../../../src/testing/stream.ts";

/** State columns of so many series. */
export function columnsOf<Shape extends StateShape>(shape: Shape, series = 1): StateOf<Shape> {
  const state = new SeriesState(shape);
  state.grow(series);
  return state.columns as StateOf<Shape>;
}

/** A Monday, in seconds. */
export const MONDAY = 1_728_259_200;
export const HOUR = 3600;
export const DAY = 86_400;
export const STEP = 10;

export interface Found {
  /** Seconds after MONDAY. */
  readonly at: number;
  readonly rarity: number;
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  readonly silent: boolean;
  readonly basis: number;
  /** Seconds after MONDAY. */
  readonly since: number;
  readonly events: number;
}

/** One series that is shown Poisson counts around rates. */
export function watch({ seed = 1, step = STEP, line = 6 } = {}) {
  const state = columnsOf(RATE_STATE);
  /** When an incident was last said to go on; seconds after MONDAY. */
  const lasting = { at: Number.NaN };
  const random = seededRandom(seed);
  const pace = paceOf(step * 1000);
  let now = 0;
  /** Watches until `until`, at `ratePerSecond` of the time; what is rarer than the line. Seconds after MONDAY. */
  function go(until: number, ratePerSecond: (time: number) => number): Found[] {
    const found: Found[] = [];
    for (; now < until; now += step) {
      judgeRate(state, 0, MONDAY + now + step, poisson(random, ratePerSecond(now) * step), pace, line);
      if (rateLasts(state, 0, pace, line)) lasting.at = now + step;
      if (rate.rarity >= line) found.push({ ...rate, at: now + step, since: rate.since - MONDAY });
    }
    return found;
  }
  /** Nobody watches until `until`. */
  const miss = (until: number) => {
    now = until;
  };
  return { state, go, miss, lasting };
}

/** Twice as many at noon as on the mean, half as many at midnight; half of it on weekends, which begin and end within some hours. */
export function daily(mean: number): (time: number) => number {
  const from = (day: number, time: number) => 1 / (1 + Math.exp(-(time - day * DAY) / (1.2 * HOUR)));
  return (time) => {
    const inWeek = time % (7 * DAY);
    const weekday = 1 - 0.5 * (from(5, inWeek) - from(7, inWeek) + (1 - from(0, inWeek)) * (time < DAY ? 0 : 1));
    return mean * weekday * Math.exp(0.7 * Math.sin((2 * Math.PI * (time - 6 * HOUR)) / DAY));
  };
}
