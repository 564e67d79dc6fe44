// How surprising the number of events of each interval is, with those of the intervals before it.
import { type Claim, noClaim, propose } from "./claim.ts";
import { cumulative } from "./cusum.ts";
import { clumping, DOUBTFUL, dispersionAt, learnDispersion, NORMAL, ripen, WINDOWS, YOUNG } from "./dispersion.ts";
import { begin, follow, forget, levelDispersion, levelOf, lookAhead } from "./level.ts";
import { endIncident, isNews, learnOrEndure, OPENS, restartWindows } from "./rate_incident.ts";
import { HOUR, MINUTE, type Pace, type RateState } from "./rate_state.ts";
import { beside, judgeBeside } from "./share.ts";
import { believed, learnClaim } from "./slope.ts";
import { negativeBinomialAbove, negativeBinomialBelow } from "./tails.ts";

/** Dispersion is at least this, by whether the time of day is known. */
const FLOOR_KNOWN = 0.003;
const FLOOR = 0.02;
/** A series is judged after this time, once that many minutes had events. */
const WARM = 600;
const ENOUGH_MINUTES = 5;
/** Fewer calls are news of a series that was called for so long: what came and went, as a trial, is none. */
const SETTLED = 1800;
/** A window is tested from so many expected events, once the series is so many windows old; those of fewer teach nothing. */
const LEAST_EXPECTED = 0.5;
const ENOUGH_WINDOWS = 4;
const LEAST_TELLING = 0.02;
/** Two sides and up to five windows are looked at, of which several say the same. */
const LOOKS = 0.95;
/** Squared deviations below this share of the variance are no surprise: no tail is computed. */
const ORDINARY = 3;
/** Cumulative sums are for fewer events a minute; their dispersion is taken from where about as many are expected. */
const SLOW = 20;
/** Counts from which a series on a first day is judged by its last minutes too. */
const MANY = 50;
/** Minutes after which what was learnt of noise is believed, at least. */
const QUARTER = 15;
/** Standard deviations between which a rate usually lies. */
const USUALLY = 2.3;
const MOST_EVENTS = 1e9;
/** Excess that is learnt at most of a claim beside others: those are few but for incidents, which say nothing of honesty. */
const MOST_BESIDE = 2;
/** `rate.basis` of what the other series of its service foretold. */
const BESIDE = 3;
/** Beyond this a rarity orders nothing. */
const RAREST = 20;

/** Whether what was observed, where that was expected, is told if it is rare enough; in the units of `rate` or `ratio`. */
export type Wanted = (observed: number, expected: number) => boolean;
export const ANY: Wanted = () => true;

/** What `judgeRate` found in its last interval. Rates are in events a second. */
export const rate = {
  /** -log10 of the share of minutes of an ordinary series that surprise this much; NaN where it is not judged, or was told before. */
  rarity: Number.NaN,
  observed: Number.NaN,
  expected: Number.NaN,
  lower: Number.NaN,
  upper: Number.NaN,
  /** No event at all where there should be some. */
  silent: false,
  /** What the expectation rests on: 0 the recent past, 1 the time of day, 2 the time of the week, 3 the other series of its service. */
  basis: 0,
  /** Begin of what is surprising, in seconds, and events since. */
  since: Number.NaN,
  events: 0,
};

/** Of this interval, by the rate alone, and beside the others. */
const alone = noClaim();
const among = noClaim();

/**
 * Judges the interval that ended at `time` (seconds) in which the series had `count` events, fills `rate`, and learns it. Intervals of a series come in
 * order; after a gap windows begin anew.
 *
 * Windows of an interval, a minute, 5 and 30 minutes and 3 hours are judged when they end, by the negative binomial tail of what the level foretold;
 * silence as it lasts; rare events by cumulative sums of minutes besides; and the last minutes beside the `others`, events of the other series of its
 * service in the interval (`share.ts`), 0 where none are known. What is claimed is corrected by how such claims of the
 * series came true (`slope.ts`). An incident that is rarer than `line` is found once, and again when it is twice as rare; what is not `wanted`
 * is not held to have been told.
 */
export function judgeRate(
  state: RateState,
  s: number,
  time: number,
  count: number,
  pace: Pace,
  line = Number.POSITIVE_INFINITY,
  wanted: Wanted = ANY,
  others = 0,
): void {
  rate.rarity = Number.NaN;
  if (!(count >= 0 && time > 0 && time < 1e12)) return;
  const { rateTime, watched } = state;
  const { step, minute } = pace;
  const tick = Math.round(time / step);
  const first = watched[s] === 0;
  if (first) begin(state, s);
  else if (Math.abs(time - rateTime[s] - step) > step / 2) resume(state, s, time - rateTime[s] - step);
  if (first || tick % minute === 1 % minute) lookAhead(state, s, time - step);
  rateTime[s] = time;
  watched[s] += step;

  alone.rarity = 0;
  among.rarity = 0;
  const y = Math.min(count, MOST_EVENTS);
  const o = others > 0 ? Math.min(others, MOST_EVENTS) : 0;
  const warm = watched[s] > WARM && state.busyMinutes[s] >= ENOUGH_MINUTES;
  tally(state, s, y, o, tick, warm, pace);
  const byRate = rarityOf(state, s, 0, alone);
  const byOthers = rarityOf(state, s, 1, among);
  const rarity = Math.max(byRate, byOthers);
  const claim = byOthers > byRate ? among : alone;
  const usual = learnOrEndure(state, s, y, step, rarity, claim, o);
  const silent = claim.observed === 0 && state.silence[s] >= claim.span;
  const tells = rarity >= line && wanted(claim.observed, claim.expected);
  if (warm && !usual && (!tells || isNews(state, s, rarity, silent))) report(state, s, rarity, silent, claim);
  if (tick % minute === 0) endMinute(state, s, warm, minute * step);
  if (tick % (QUARTER * minute) === 0) ripen(state, s);
  follow(state, s, y, tick, pace);
}

/** How rare the claim of that kind is, which is part of the minute. */
function rarityOf(state: RateState, s: number, kind: number, claim: Claim): number {
  if (claim.observed < claim.expected && state.watched[s] - state.silence[s] < SETTLED) claim.rarity = 0;
  const at = 2 * s + kind;
  state.minuteClaim[at] = Math.max(state.minuteClaim[at], claim.rarity);
  return Math.min(RAREST, believed(state, at, claim.rarity));
}

/** After a gap windows begin anew, and the level is believed less. */
function resume(state: RateState, s: number, gap: number): void {
  restartWindows(state, s);
  if (gap > 0) forget(state, s, gap);
  if (Math.abs(gap) > HOUR) endIncident(state, s);
  lookAhead(state, s, state.rateTime[s] + gap);
}

/** Counts y events in all windows, and judges those that end. */
function tally(state: RateState, s: number, y: number, o: number, tick: number, warm: boolean, pace: Pace): void {
  const { counted, expectedCount, missing, silence, busy } = state;
  const { step, minute, windows } = pace;
  const m = levelOf(state, s) * step;
  if (y > 0) {
    missing[s] = 0;
    silence[s] = 0;
    busy[s] = 1;
  } else {
    missing[s] += m;
    silence[s] += step;
    if (warm && missing[s] >= LEAST_EXPECTED) judgeSilence(state, s, pace);
  }
  state.byOthers[s] += beside(state, s, o);
  for (let w = 0; w < WINDOWS; w++) {
    const at = s * WINDOWS + w;
    counted[at] += y;
    expectedCount[at] += m;
    if (tick % windows[w] !== 0) continue;
    if (windows[w] === minute) {
      if (warm && expectedCount[at] < SLOW) judgeSum(state, s, counted[at], expectedCount[at], pace);
      judgeBeside(state, s, counted[at], expectedCount[at], tick, warm, pace, among);
    }
    judgeWindow(state, s, w, windows[w] * step, warm);
    counted[at] = 0;
    expectedCount[at] = 0;
  }
}

/** Dispersion of a count of mean m in window w, from all causes. */
function dispersion(state: RateState, s: number, w: number, m: number): number {
  const own = Math.max(0, dispersionAt(state, s, w));
  const floor = state.seasonal[s] === 1 ? FLOOR_KNOWN : FLOOR;
  return Math.max(floor, own + (clumping(state, s) - 1) / m + levelDispersion(state, s));
}

/** Judges the window that ends, and learns how far it was off. */
function judgeWindow(state: RateState, s: number, w: number, span: number, warm: boolean): void {
  const y = state.counted[s * WINDOWS + w];
  const mean = state.expectedCount[s * WINDOWS + w];
  if (!(mean >= LEAST_TELLING) || state.watched[s] <= Math.max(MINUTE, span)) return;
  const changing = state.newDay[s] === 1 && Math.max(y, mean) > MANY;
  const m = changing ? nearer(y, mean, state.recent[s] * span) : mean;
  const phi = dispersion(state, s, w, m);
  let tail = 0;
  if ((y - m) * (y - m) > ORDINARY * (m + phi * m * m)) {
    tail = y > m ? negativeBinomialAbove(y, m, phi) : negativeBinomialBelow(y, m, phi);
    if (warm && m >= LEAST_EXPECTED && state.watched[s] >= ENOUGH_WINDOWS * span) {
      propose(alone, tail + Math.log10(span / MINUTE) - LOOKS, y, m, span, phi);
    }
  }
  const trust = !warm ? YOUNG : tail < OPENS ? NORMAL : DOUBTFUL;
  learnDispersion(state, s, w, span, y, mean, levelDispersion(state, s), trust, state.incident[s] === 0);
}

/** On a first day, or a first weekend, a series may go up and down as it then always does: only what is far from its last minutes as well is a surprise. */
function nearer(y: number, mean: number, recent: number): number {
  return y > mean ? Math.min(y, Math.max(mean, recent)) : Math.max(y, Math.min(mean, recent));
}

/** The longer no event comes, the rarer it is; a chance for it begins with each interval. */
function judgeSilence(state: RateState, s: number, { step, windows }: Pace): void {
  const m = state.missing[s];
  const span = state.silence[s];
  let w = 0;
  for (let longer = 1; longer < WINDOWS; longer++) if (windows[longer] * step <= span) w = longer;
  const phi = dispersion(state, s, w, m);
  propose(alone, negativeBinomialBelow(0, m, phi) + Math.log10(step / MINUTE) - LOOKS, 0, m, span, phi);
}

/** Slow changes of rare events: a minute of y of them where m were expected. */
function judgeSum(state: RateState, s: number, y: number, mean: number, { step, minute, windows }: Pace): void {
  const m = state.newDay[s] === 1 ? nearer(y, mean, state.recent[s] * minute * step) : mean;
  let w = 0;
  let scale = m;
  for (let longer = 1; longer < WINDOWS && scale < SLOW; longer++) {
    if (windows[longer] === Number.POSITIVE_INFINITY) continue;
    w = longer;
    scale = (m * windows[longer]) / minute;
  }
  const phi = Math.max(FLOOR, dispersion(state, s, w, scale));
  const found = cumulative(state, s, y, m, scale, phi);
  if (found > 0 === y > m) propose(alone, Math.abs(found), y, m, minute * step, phi);
}

function report(state: RateState, s: number, rarity: number, silent: boolean, claim: Claim): void {
  const going = state.incident[s] > 0;
  rate.rarity = rarity;
  rate.observed = claim.rarity > 0 ? claim.observed : Number.NaN;
  rate.expected = claim.rarity > 0 ? claim.expected : Number.NaN;
  rate.lower = quantile(claim.expected, claim.variance, -USUALLY);
  rate.upper = quantile(claim.expected, claim.variance, USUALLY);
  rate.silent = silent;
  rate.basis = claim.relative ? BESIDE : state.factorBasis[s];
  rate.since = going ? state.incidentSince[s] : state.rateTime[s] - claim.span;
  rate.events = going ? state.incidentEvents[s] : claim.observed * claim.span;
}

/** Of a gamma distribution of that variance relative to its squared mean (Wilson & Hilferty 1931). */
function quantile(mean: number, variance: number, z: number): number {
  return mean * Math.max(0, 1 - variance / 9 + (z * Math.sqrt(variance)) / 3) ** 3;
}

function endMinute(state: RateState, s: number, warm: boolean, seconds: number): void {
  const { busy, busyMinutes, minuteClaim } = state;
  if (busy[s] === 1 && busyMinutes[s] < 255) busyMinutes[s]++;
  busy[s] = 0;
  if (warm) {
    learnClaim(state, 2 * s, minuteClaim[2 * s]);
    learnClaim(state, 2 * s + 1, minuteClaim[2 * s + 1], MOST_BESIDE);
  }
  minuteClaim.fill(0, 2 * s, 2 * s + 2);
  if (state.incident[s] === 0) forget(state, s, seconds);
}
