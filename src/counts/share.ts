// What is unusual beside the other series of a service too: what makes all of them busier or calmer is then no part of the noise.
import { type Claim, propose } from "./claim.ts";
import { clumping, DOUBTFUL, dispersionAt, learnDispersion, NORMAL, WINDOWS, YOUNG } from "./dispersion.ts";
import { levelDispersion } from "./level.ts";
import { MINUTE, NUMBERS, type Pace, type RateState, RING } from "./rate_state.ts";
import { negativeBinomialAbove, negativeBinomialBelow } from "./tails.ts";

/** Windows of so many minutes are judged as each minute ends, if they are no longer than LONGEST seconds. */
const LENGTHS = [1, 5, 10, 15] as const;
const LONGEST = 900;
/** Dispersion is at least this. */
const FLOOR = 0.003;
/** Calls that are so many times as many, or as few, are worth telling: shares move on their own by less. */
const TIMES = 1.7;
/** So many events of others say nothing yet; and of the window itself. */
const FEW_OTHERS = 10;
const LEAST_EXPECTED = 0.5;
const LEAST_TELLING = 0.02;
const ENOUGH_WINDOWS = 4;
/** Two sides are looked at, windows that overlap, and the rate by itself. */
const LOOKS = 1.8;
/** Squared deviations below this share of the variance are no surprise. */
const ORDINARY = 3;
/** Rarity from which a window is learnt up to a bound. */
const DOUBTS = 4;

/** Events that are expected where the others had `o`. */
export const beside = ({ others, events }: RateState, s: number, o: number) =>
  others[s] > 0 ? (events[s] / others[s]) * o : 0;

/**
 * Judges the minute that ends at interval `tick`, with y events where the rate foretold m, and those before it. What is expected is the nearer of what
 * the rate and what the others foretell: both must have been left, on the same side.
 */
export function judgeBeside(
  state: RateState,
  s: number,
  y: number,
  m: number,
  tick: number,
  warm: boolean,
  { step, minute }: Pace,
  claim: Claim,
): void {
  const { minutes, minutesKnown, byOthers, watched } = state;
  const number = Math.round(tick / minute);
  const at = s * NUMBERS * RING;
  const newest = at + NUMBERS * (number % RING);
  minutes[newest] = y;
  minutes[newest + 1] = m;
  minutes[newest + 2] = byOthers[s];
  const above = y > m;
  byOthers[s] = 0;
  if (minutesKnown[s] < RING) minutesKnown[s]++;
  let events = 0;
  let byRate = 0;
  let relative = 0;
  let which = 0;
  for (let back = 0; back < minutesKnown[s]; back++) {
    const cell = at + NUMBERS * ((number - back + RING) % RING);
    events += minutes[cell];
    byRate += minutes[cell + 1];
    relative += minutes[cell + 2];
    if (back + 1 !== LENGTHS[which]) continue;
    const span = LENGTHS[which] * minute * step;
    if (which > 0 && span > LONGEST) return;
    // what is over is no news
    const lasts = events > byRate === above;
    const enough = warm && watched[s] >= ENOUGH_WINDOWS * span;
    judge(
      state,
      s,
      which,
      span,
      minute * step,
      events,
      byRate,
      relative,
      number % LENGTHS[which] === 0,
      enough,
      lasts,
      claim,
    );
    which++;
  }
}

/** Judges a window, and learns of it where it does not overlap the last one that was learnt. */
function judge(
  state: RateState,
  s: number,
  which: number,
  span: number,
  every: number,
  y: number,
  byRate: number,
  relative: number,
  whole: boolean,
  enough: boolean,
  lasts: boolean,
  claim: Claim,
): void {
  const o = (relative * state.others[s]) / state.events[s];
  const m = y > byRate ? Math.min(y, Math.max(byRate, relative)) : Math.max(y, Math.min(byRate, relative));
  if (!(m >= LEAST_TELLING && o >= FEW_OTHERS)) return;
  // of the longest it is that of the one before it
  const slot = WINDOWS + Math.min(1, which);
  const known = levelDispersion(state, s) + 1 / o;
  const phi = Math.max(FLOOR, dispersionAt(state, s, slot)) + known + (clumping(state, s) - 1) / m;
  let tail = 0;
  if ((y - m) * (y - m) > ORDINARY * (m + phi * m * m)) {
    tail = y > m ? negativeBinomialAbove(y, m, phi) : negativeBinomialBelow(y, m, phi);
    if (enough && lasts && m >= LEAST_EXPECTED && Math.max(y, m) >= TIMES * Math.min(y, m)) {
      propose(claim, tail + Math.log10(span / MINUTE) - LOOKS, y, m, span, phi, every, m === relative);
    }
  }
  if (!whole || which > 1) return;
  const trust = !enough ? YOUNG : tail < DOUBTS ? NORMAL : DOUBTFUL;
  learnDispersion(state, s, slot, span, y, m, known, trust, state.incident[s] === 0);
}
