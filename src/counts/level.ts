// How many events a second there usually are: a gamma distribution that follows the series, times the time of day.
import { DAY, HOUR, MINUTE, type Pace, type RateState } from "./rate_state.ts";
import { centre, closeHalfHour, doubt, foretell, foretold, HALF_HOUR, isKindKnown } from "./season.ts";

/** What a series begins with: half an event in half a minute. */
export const FIRST_EVENTS = 0.5;
const FIRST_SECONDS = 30;
/** The level remembers so many events, but at least and at most so long. */
const MEMORY_EVENTS = 200;
const SHORTEST_MEMORY = HOUR;
const LONGEST_MEMORY = 3 * DAY;
/** How long the last minutes are. */
const RECENT = 20 * MINUTE;

export function begin({ events, exposure, occasions }: RateState, s: number): void {
  events[s] = FIRST_EVENTS;
  occasions[s] = FIRST_EVENTS;
  exposure[s] = FIRST_SECONDS;
}

/** Events a second that are expected now. */
export const levelOf = ({ events, exposure, factor }: RateState, s: number) => (events[s] / exposure[s]) * factor[s];

/** Dispersion of the level itself: how well it is known, and how sure the change is that the time of day foretells. */
export const levelDispersion = ({ occasions, factorVariance }: RateState, s: number) =>
  1 / (occasions[s] + 1) + factorVariance[s];

/** The factor of the time of day in the minute that begins at `time`. */
export function lookAhead(state: RateState, s: number, time: number): void {
  state.factor[s] = 1;
  state.factorVariance[s] = 0;
  state.factorBasis[s] = 0;
  state.newDay[s] = isKindKnown(state, s, time) ? 0 : 1;
  if (state.seasonal[s] === 0) return;
  foretell(state, s, time + MINUTE / 2);
  state.factor[s] = foretold.factor;
  state.factorVariance[s] = doubt(state.reference[s]);
  state.factorBasis[s] = foretold.basis;
}

/** Learns an interval of y events that is part of no incident. */
export function learnLevel(
  { events, exposure, occasions, factor, others }: RateState,
  s: number,
  y: number,
  step: number,
  o: number,
): void {
  events[s] += y;
  others[s] += o;
  exposure[s] += step * factor[s];
  if (y > 0) occasions[s]++;
}

/** Learns what depends on no incident: the last minutes, and the half hour under way. `tick` is the number of the interval. */
export function follow(state: RateState, s: number, y: number, tick: number, { step, halfHour }: Pace): void {
  const { recent, watched, halfEvents, halfSeconds, rateTime } = state;
  recent[s] += Math.min(1, step / Math.min(RECENT, watched[s])) * (y / step - recent[s]);
  halfEvents[s] += y;
  halfSeconds[s] += step;
  if (halfHour > 0 && tick % halfHour === 0) endHalfHour(state, s, rateTime[s]);
}

/**
 * The level believes what it has seen less as time goes by: the power steady model (Smith 1979; Harvey & Fernandes 1989), whose
 * forecast of a count is negative binomial.
 */
export function forget(
  { events, exposure, occasions, others, reference, factor }: RateState,
  s: number,
  seconds: number,
): void {
  const memory = Math.min(LONGEST_MEMORY, Math.max(SHORTEST_MEMORY, (MEMORY_EVENTS * exposure[s]) / events[s]));
  const keep = Math.max(Math.exp(-seconds / memory), Math.min(1, FIRST_EVENTS / events[s]));
  reference[s] += (1 - keep) * (Math.log(factor[s]) - reference[s]);
  events[s] *= keep;
  exposure[s] *= keep;
  others[s] *= keep;
  occasions[s] *= keep;
}

/** What a half hour teaches of the time of day, and what that means for the unit of the level. */
function endHalfHour(state: RateState, s: number, time: number): void {
  const { events, exposure, reference, factor, seasonal, seasonalLevel } = state;
  const turned = closeHalfHour(state, s, time, state.incident[s] === 0);
  const grown = centre(state, s);
  if (!turned) {
    if (seasonal[s] === 1) exposure[s] /= grown;
  } else if (seasonal[s] === 1) {
    foretell(state, s, time);
    exposure[s] = (events[s] * HALF_HOUR) / Math.max(1e-9, seasonalLevel[s]);
    reference[s] = Math.log(foretold.factor);
  } else {
    exposure[s] /= factor[s];
    reference[s] = 0;
  }
}
