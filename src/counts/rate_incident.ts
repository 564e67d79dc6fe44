// While a rate is surprising nothing is learnt of it; what lasts becomes usual; and it is told once, not every interval.
import { WINDOWS } from "./dispersion.ts";
import { FIRST_EVENTS, learnLevel, levelOf } from "./level.ts";
import { HOUR, MINUTE, NUMBERS, type Pace, type RateState, RING } from "./rate_state.ts";

/** Rarity from which an incident opens. */
export const OPENS = 4;
/** It ends when for so long nothing was as rare, or until such a window was judged twice if that is longer. */
const CALM = 600;
/** It is how things are once it has lasted so long and so many events would have come. */
const LASTS = HOUR;
const LASTS_EVENTS = 20;
/** The level that it leaves is believed as one of at most so many events. */
const ADOPTED = 50;
/** One that was told is told again when it is so many times as rare. */
const AGAIN = 2;
const MOST_TOLD = 1e3;
/** Minutes that show at least whether it goes on; more, where those say less for one of both: a logarithm of likelihoods. */
const SHOWS = 2;
const TELLS = 4;
const MOST_TIMES = 1000;

/** Of what surprises: its seconds, how often it is looked for, events a second in them, and how many were expected. */
interface Surprise {
  readonly span: number;
  readonly every: number;
  readonly observed: number;
  readonly expected: number;
}

/** Learns an interval of y events in the level, or in the incident that is under way or begins with `surprise`. True when that has become usual. */
export function learnOrEndure(
  state: RateState,
  s: number,
  y: number,
  step: number,
  rarity: number,
  { span, every, observed, expected }: Surprise,
  o: number,
): boolean {
  const { incident, incidentSince, incidentEvents, incidentExposure, incidentAbove, calm, hold, factor } = state;
  const { exposure, others, incidentOthers } = state;
  const rare = rarity >= OPENS;
  const above = observed > expected ? 1 : 0;
  // a surge that ends in silence is two incidents
  if (rare && incident[s] > 0 && incidentAbove[s] !== above) endIncident(state, s);
  if (incident[s] === 0 && !rare) {
    learnLevel(state, s, y, step, o);
    return false;
  }
  if (incident[s] === 0) {
    incidentSince[s] = state.rateTime[s] - span;
    incidentEvents[s] = observed * span;
    incidentExposure[s] = span * factor[s];
    incidentOthers[s] = (others[s] / exposure[s]) * span * factor[s];
    incidentAbove[s] = above;
    state.incidentOver[s] = 0;
    hold[s] = CALM;
  } else {
    incidentEvents[s] += y;
    incidentExposure[s] += step * factor[s];
    incidentOthers[s] += o;
  }
  incident[s] += step;
  calm[s] = rare ? 0 : calm[s] + step;
  if (rare) hold[s] = Math.max(hold[s], 2 * every);
  if (calm[s] > hold[s]) endIncident(state, s);
  else if (incident[s] > Math.max(LASTS, LASTS_EVENTS / Math.max(1e-9, levelOf(state, s)))) {
    adopt(state, s);
    return true;
  }
  return false;
}

/** The series begins anew at the rate of the incident. */
function adopt(state: RateState, s: number): void {
  const { events, exposure, occasions, incidentEvents, incidentExposure } = state;
  const came = Math.max(FIRST_EVENTS, incidentEvents[s]);
  events[s] = Math.min(came, ADOPTED);
  exposure[s] = (incidentExposure[s] * events[s]) / came;
  state.others[s] = (state.incidentOthers[s] * events[s]) / came;
  occasions[s] = events[s];
  state.busyMinutes[s] = 0;
  restartWindows(state, s);
  endIncident(state, s);
}

/** What was expected so far counts no more. */
export function restartWindows(state: RateState, s: number): void {
  state.counted.fill(0, s * WINDOWS, (s + 1) * WINDOWS);
  state.expectedCount.fill(0, s * WINDOWS, (s + 1) * WINDOWS);
  state.byOthers[s] = 0;
  state.minutesKnown[s] = 0;
  state.missing[s] = 0;
  state.silence[s] = 0;
  state.sumUp[s] = 0;
  state.sumDown[s] = 0;
}

/** What it summed up to is over; and windows and minutes that were told of it have no more of it to tell. */
export function endIncident(state: RateState, s: number): void {
  const { counted, expectedCount, minutes, incident, incidentAbove, told } = state;
  const nearer = incidentAbove[s] === 1 ? Math.min : Math.max;
  if (told[s] > 0) {
    for (let at = s * WINDOWS; at < (s + 1) * WINDOWS; at++) counted[at] = nearer(counted[at], expectedCount[at]);
    for (let at = s * NUMBERS * RING; at < (s + 1) * NUMBERS * RING; at += NUMBERS) {
      minutes[at] = nearer(minutes[at], minutes[at + 1]);
    }
  }
  state.sumUp[s] = 0;
  state.sumDown[s] = 0;
  incident[s] = 0;
  told[s] = 0;
}

/** Whether a surprise of that rarity, which is past the line, is news. To be asked once of each interval. */
export function isNews({ incident, told }: RateState, s: number, rarity: number, silent: boolean): boolean {
  if (incident[s] === 0) return true;
  if (rarity < AGAIN * told[s]) return false;
  // silence only ever becomes rarer
  told[s] = silent ? MOST_TOLD : rarity;
  return true;
}

/**
 * Whether what was found past `line` goes on, though it may be no news: the shortest past that tells it from what is usual is like it. Once that was not so
 * it must tell for sure. To be asked once of each interval.
 */
export function rateLasts(state: RateState, s: number, { step, minute }: Pace, line: number): boolean {
  const { incident, incidentOver, told, rateTime, minutes, minutesKnown } = state;
  if (incident[s] === 0 || (told[s] === 0 && line < Number.POSITIVE_INFINITY)) return false;
  if (incident[s] < SHOWS * MINUTE) return true;
  const times = timesUsual(state, s);
  const newest = Math.floor(Math.round(rateTime[s] / step) / minute);
  let says = 0;
  for (let back = 0; back < minutesKnown[s]; back++) {
    if (back >= SHOWS && Math.abs(says) >= TELLS) break;
    const at = NUMBERS * (s * RING + ((newest - back) % RING));
    says += minutes[at] * Math.log(times) - minutes[at + 1] * (times - 1);
  }
  incidentOver[s] = says >= TELLS || (says > 0 && incidentOver[s] === 0) ? 0 : 1;
  return incidentOver[s] === 0;
}

/** How many times as often as usual events came in the incident, but for the calm at its end. */
function timesUsual(
  { events, exposure, incidentEvents, incidentExposure, calm, factor }: RateState,
  s: number,
): number {
  const usual = events[s] / exposure[s];
  const since = calm[s] * factor[s];
  const rate = Math.max(0, incidentEvents[s] - usual * since) / Math.max(1, incidentExposure[s] - since);
  return Math.min(MOST_TIMES, Math.max(1 / MOST_TIMES, rate / usual));
}
