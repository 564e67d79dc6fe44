// Error ratios: calls and errors of one interval -> how rare so many errors are, judged by all windows that end now, and learnt.

import { CELLS, FIRST, FRESH, LEVELS, leftCalls, leftErrors, PYRAMID, push, ROWS } from "./pyramid.ts";
import { ANY, type Wanted } from "./rates.ts";
import { BLOCK, correlation, ENOUGH, RHO_FLOOR, teach, uncertainty, usual } from "./ratio_base.ts";
import { end, follow, HOUR, isNews } from "./ratio_incident.ts";
import { type RatioState, restart } from "./ratio_state.ts";
import { believed, FROM, learnClaim } from "./slope.ts";
import { betaBinomialAbove } from "./tails.ts";

/** An excess that is worth waking for: a point, and half as much again. */
const EXCESS = 0.01;
const TIMES = 1.5;
/** In longer windows (intervals) noise has averaged out in part. */
const LONG = 120;
/**
 * The least by which a share drifts from one window of more than DRIFTS intervals to another, as a variance of its logit; in a day too few
 * errors come to learn it.
 */
const DRIFT = 0.2;
const DRIFTS = 30;
const MOST_RHO = 0.5;
/** Overlapping windows are so many independent looks, in decades; of a window of k errors there is a new one every length / min(k, 4). */
const LOOKS = 1.2;
const RENEWAL = 4;
/** Errors so many variances beyond a share below SMALL, correlated by less than LOOSE, are rare by so much of that, and so much more, at most: in decades. */
const SMALL = 0.2;
const LOOSE = 0.005;
const STEEP = 0.217;
const FLAT = 0.97;
/** Rarity at which an incident begins. */
const LIMIT = 4;
const RAREST = 40;
/** Intervals without rows after which windows begin anew. */
const GAP = 30;

/** What is told of the interval that `judgeRatio` was last called with. */
export const ratio = {
  /** -log10 of the chance of an interval like it, 0 where nothing is unusual; NaN where too little is known, and in an incident where it is no news. The others mean something above 0. */
  rarity: Number.NaN,
  /** Of the window that is rarest: calls, errors, its length in intervals. */
  calls: 0,
  errors: 0,
  length: 0,
  /** Share that was to be expected, and where it usually lies. */
  expected: 0,
  lower: 0,
  upper: 0,
};

/**
 * Judges `errors` of `calls` in the `interval` (milliseconds) that ended at `time`, fills `ratio`, and learns them. Intervals of a series
 * come in order. Nothing is rare that has no error, or fewer than `least` in its window. An incident is handed out at each new height until
 * it is `wanted` and rarer than `line`, then again when it has become far worse.
 *
 * The base is a beta distribution discounted in time, the sister of the power steady model for shares (Smith 1979), shrunk to the fleet; a
 * window is judged by the beta-binomial tail of what came before it, with the correlation of errors estimated by moments (Kleinman 1973).
 * All windows that end now are tried, as scan statistics do. What an anomaly teaches is bounded: a block teaches after 6 minutes, clipped,
 * and not while an incident is under way; one that lasts becomes the base.
 */
export function judgeRatio(
  state: RatioState,
  s: number,
  time: number,
  interval: number,
  calls: number,
  errors: number,
  least = 3,
  line = Number.POSITIVE_INFINITY,
  wanted: Wanted = ANY,
): void {
  ratio.rarity = Number.NaN;
  if (!(calls >= 0 && errors >= 0 && calls < 1e9 && time > 0 && time < 1e15)) return;
  const k = Math.min(errors, calls);
  const gap = Math.abs(time - state.last[s]);
  if (gap > GAP * interval) {
    restart(state, s);
    if (gap > HOUR) end(state, s);
  }
  state.last[s] = time;
  push(state.cells, s * PYRAMID, state.rows[s], calls, k);
  state.rows[s]++;
  if (state.since[s] === 0) {
    if (leftCalls > 0) teach(state, s, interval, leftCalls, leftErrors);
  } else follow(state, s, time, interval, calls, k);
  if (state.calls[s] < ENOUGH) return;
  const sample = state.rows[s] % BLOCK === 0;
  // samples without an error too: the pauses of a sparse incident would make many claims of it
  const claimed = k > 0 || sample ? rarest(state, s, least, sample) : 0;
  const rarity = k > 0 ? believed(state, s, claimed) : 0;
  if (sample) learnClaim(state, s, plainest);
  if (rarity < LIMIT) {
    if (state.since[s] === 0) ratio.rarity = rarity;
    return;
  }
  if (state.since[s] === 0) {
    state.since[s] = time - ratio.length * interval;
    state.lastingCalls[s] = ratio.calls;
    state.lastingErrors[s] = ratio.errors;
  }
  if (rarity >= line && !wanted(ratio.errors / ratio.calls, ratio.expected)) return;
  if (isNews(state, s, rarity, line)) ratio.rarity = rarity;
}

/** Of the interval that `rarest` was last asked about, if it was a sample: the rarest window whether it matters or not. */
let plainest = 0;

/** The rarest of all windows that end now, into `ratio`; its rarity, 0 where none passes the guards. */
function rarest(state: RatioState, s: number, least: number, sample: boolean): number {
  const { cells } = state;
  const rho = correlation(state, s);
  let most = 0;
  plainest = 0;
  let n = 0;
  let k = 0;
  let length = 0;
  let freshN = 0;
  let freshK = 0;
  let age = state.rows[s] - 1;
  for (let level = 0; level < LEVELS && age >= 0; level++) {
    const rows = ROWS[level];
    const newest = Math.floor(age / rows);
    for (let back = 0; back < CELLS[level] && back <= newest; back++) {
      const cell = s * PYRAMID + 2 * (FIRST[level] + ((newest - back) % CELLS[level]));
      // the newest of a level holds what has left the level below
      length += back > 0 || level === 0 ? rows : (age % rows) + ROWS[level - 1];
      n += cells[cell];
      k += cells[cell + 1];
      if (length <= FRESH) {
        freshN = n;
        freshK = k;
      }
      if (cells[cell + 1] === 0 || (k < least && !sample)) continue;
      const before = state.calls[s] - (n - freshN);
      if (before < n) continue;
      const p = usual(state, before, Math.max(0, state.errors[s] - (k - freshK)));
      const share = k / n;
      const matters = k >= least && share >= p + EXCESS && share >= TIMES * p;
      if (!matters && (!sample || share <= p)) continue;
      const surplus = rho - RHO_FLOOR;
      const together = Math.max(RHO_FLOOR + surplus * scaled(length), DRIFT * p * (1 - p) * drifted(length));
      const total = Math.min(MOST_RHO, together + uncertainty(before));
      // the sum behind a tail is long where much is counted, and most windows are ordinary
      const variance = n * p * (1 - p) * (1 + (n - 1) * total);
      const beyond = (k - n * p) ** 2 / variance;
      if (!matters && beyond < 1) continue;
      const renewals = Math.log10(Math.max(1, length / Math.min(k, RENEWAL)));
      // nor is a claim worked out that is none: it is at most as rare as this
      if (p < SMALL && total < LOOSE && STEEP * beyond + FLAT + renewals - LOOKS < FROM) continue;
      const rarity = Math.min(RAREST, betaBinomialAbove(k, n, p, total) + renewals - LOOKS);
      if (rarity > plainest) plainest = rarity;
      if (!matters || rarity <= most) continue;
      most = rarity;
      ratio.calls = n;
      ratio.errors = k;
      ratio.length = length;
      describe(state, s, p, total, n);
    }
    age = newest * rows - CELLS[level] * rows;
  }
  return most;
}

/** Correlation of a window beside that of a block: what comes in bursts, as retries do, varies as much in an interval as in a block. */
function scaled(length: number): number {
  return length < BLOCK ? BLOCK / length : Math.min(1, LONG / length);
}

/** Part of the drift that shows in a window: none in short ones, all of it from twice DRIFTS on, until it averages out. */
function drifted(length: number): number {
  return length < LONG ? Math.max(0, Math.min(1, length / DRIFTS - 1)) : LONG / length;
}

/** What the share usually is, for people: the base as it is, without floor or prior where it has seen enough. */
function describe({ calls, errors }: RatioState, s: number, p: number, rho: number, n: number): void {
  const share = Math.min(p, (errors[s] + 0.5) / (calls[s] + 1));
  const spread = Math.sqrt(share * (1 - share) * (rho + (1 - rho) / n));
  ratio.expected = share;
  ratio.lower = Math.max(0, share - 2 * spread);
  ratio.upper = Math.min(share + 2 * spread, ratio.errors / ratio.calls);
}
