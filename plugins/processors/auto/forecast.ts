// What a series should be by its recent level, or by the time of day where that is nearer; and by how much it misses.
import { learnDrift } from "./drift.ts";
import { fromHeld } from "./incident.ts";
import {
  BASE,
  BIAS,
  CLIPPED,
  COUNTS,
  clamp,
  DAILY,
  DAILY_COUNTS,
  DAILY_LEVELS,
  DAY,
  ERROR,
  FIRST,
  LEARNT,
  LEVEL,
  LEVELS,
  MANY,
  MEAN,
  type Memory,
  MISS,
  PLAIN,
  PLAIN_COUNTS,
  PLAIN_LEVELS,
  type Point,
  rate,
  SETTLED,
  SHADOW,
  SPREAD,
  SPREADS,
} from "./memory.ts";
import { learnRun } from "./run.ts";
import { learnSeason, learnWeekend, season } from "./season.ts";

/** Half-lives in points: of the level, and of the spreads. */
const LEVEL_RATE = rate(20);
const SPREAD_RATE = rate(500);
/** Seconds: the half-life of the spread of a weekly forecast, lest a calm weekend make Monday wild. */
const WEEK = 7 * DAY;
/** Half hours that are so many spreads apart are an edge of the day, which need not come at the minute: what is usual on either side passes. */
const EDGE = 4;
/** Points over which the two forecasts compete, and the share of the plain one's mean miss below which the daily one is taken. */
const CONTEST = 2000;
const NEARER = 0.9;
/** Days and points until the daily profile may forecast. */
const PROFILE_DAYS = 3;
const PROFILE_POINTS = 200;
/** A miss teaches the spread at most so many of it, unless so many in a row did: then twice as many for each further one. */
const CLIP = 4;
const PATIENCE = 3;
/** Points before a miss counts, and before a run of misses does; points after a gap until one does. */
const YOUNG = 6;
const YOUNG_RUN = 60;
const UNSETTLED = 3;

/** Fills all of the point from `miss` on; learns it. */
export function forecast(memory: Memory, s: number, point: Point): void {
  const { levels, spreads, counts } = memory;
  const f = s * LEVELS;
  const g = s * SPREADS;
  const c = s * COUNTS;
  const { value, n, tiny } = point;
  const settled = counts[c + SETTLED];
  const weight = Math.max(LEVEL_RATE, 1 / settled);
  // the first point after a gap says where the level is by now, not how far off a forecast can be
  const resumes = settled === 1;
  const own = value - levels[f + BASE];
  learnSeason(memory, s, point, own);
  const usual = season.usual;

  let spread = spreads[g + PLAIN + MISS] + tiny;
  const miss = value - levels[f + PLAIN_LEVELS + LEVEL];
  let off = miss - spreads[g + PLAIN + BIAS];
  let run = 0;
  let daily = false;
  let dailyMiss = 0;
  const seasonal = usual !== 0 && point.time - levels[f + FIRST] > PROFILE_DAYS * DAY;
  let dailySpread = 0;
  let dailyOff = 0;
  if (seasonal) {
    dailySpread = spreads[g + DAILY + MISS] + tiny;
    dailyMiss = own - usual - levels[f + DAILY_LEVELS + LEVEL];
    dailyOff = beyondEdge(dailyMiss - spreads[g + DAILY + BIAS], dailySpread);
    const ready = counts[c + DAILY_COUNTS + LEARNT] > PROFILE_POINTS && !point.oneWay;
    daily = ready && spreads[g + DAILY + ERROR] < NEARER * spreads[g + PLAIN + ERROR];
  }
  const p = daily ? DAILY : PLAIN;
  const plainSpread = spread;
  if (daily) {
    off = dailyMiss - spreads[g + DAILY + BIAS];
    spread = dailySpread;
  }
  point.basis = daily ? (season.weekly ? 2 : 1) : 0;
  point.miss = Math.abs(daily ? dailyOff : off);
  point.spread = spread;
  point.expected = value - off;

  if (!resumes) {
    run = learnRun(spreads, g + PLAIN, miss - spreads[g + PLAIN + BIAS], plainSpread, n);
    if (seasonal) {
      const ofDaily = learnRun(spreads, g + DAILY, dailyOff, dailySpread, counts[c + DAILY_COUNTS + LEARNT]);
      if (daily) run = ofDaily;
      contest(spreads, g, miss, plainSpread, dailyMiss, dailySpread);
      const learn = season.weekly ? Math.min(SPREAD_RATE, (Math.LN2 * point.step) / WEEK) : SPREAD_RATE;
      learnMiss(memory, g + DAILY, c + DAILY_COUNTS, dailyMiss, dailySpread, learn);
    }
    learnMiss(memory, g + PLAIN, c + PLAIN_COUNTS, miss, plainSpread, SPREAD_RATE);
  }
  if (n < YOUNG || settled < UNSETTLED) point.deviations = 0;
  else point.deviations = Math.max(point.miss / spread, n > YOUNG_RUN ? run : 0);
  fromHeld(memory, s, point, daily ? own - usual : value);

  levels[f + PLAIN_LEVELS + LEVEL] += weight * miss;
  if (seasonal) {
    learnWeekend(memory, s, own, levels[f + DAILY_LEVELS + LEVEL], dailyMiss, dailySpread, weight);
    levels[f + DAILY_LEVELS + LEVEL] += weight * dailyMiss;
  } else if (usual !== 0) {
    levels[f + DAILY_LEVELS + LEVEL] = own - usual;
    spreads[g + SHADOW] = own - usual;
  }
  learnSpread(memory, f, g, value, n, tiny);
  const unexplained = spreads[g + p + MISS] / (spreads[g + SPREAD] + 1e-30);
  point.explained = 1 - unexplained * unexplained;
  learnDrift(memory, f + PLAIN_LEVELS, g + PLAIN, value, n, point, !daily);
  if (seasonal) {
    const learnt = counts[c + DAILY_COUNTS + LEARNT];
    learnDrift(memory, f + DAILY_LEVELS, g + DAILY, own - usual, learnt, point, daily);
  }
}

/** By how much a miss of the daily forecast is more than that an edge of the day came sooner or later. */
function beyondEdge(off: number, spread: number): number {
  const { usual, least, most } = season;
  if (most - least <= EDGE * spread) return off;
  return off > 0 ? Math.max(0, off - (most - usual)) : Math.min(0, off + (usual - least));
}

/** Keeps the mean size of both forecasts' misses. */
function contest(spreads: Float32Array, g: number, miss: number, spread: number, daily: number, dailySpread: number) {
  const plainError = g + PLAIN + ERROR;
  const dailyError = g + DAILY + ERROR;
  spreads[plainError] += (Math.min(Math.abs(miss), 4 * spread) - spreads[plainError]) / CONTEST;
  spreads[dailyError] += (Math.min(Math.abs(daily), 4 * dailySpread) - spreads[dailyError]) / CONTEST;
}

/** Moving mean and spread of the misses of one forecast. */
function learnMiss(
  { spreads, counts }: Memory,
  g: number,
  c: number,
  miss: number,
  spread: number,
  rate: number,
): void {
  if (counts[c + LEARNT] < MANY) counts[c + LEARNT]++;
  const n = counts[c + LEARNT];
  const learn = Math.max(rate, 1 / n);
  const off = miss - spreads[g + BIAS];
  const clipped = counts[c + CLIPPED];
  const limit = clipped > PATIENCE ? CLIP * spread * 2 ** (clipped - PATIENCE) : CLIP * spread;
  const learnt = n > 20 ? clamp(off, limit) : off;
  counts[c + CLIPPED] = Math.abs(off) > CLIP * spread ? Math.min(60, clipped + 1) : 0;
  spreads[g + BIAS] += learn * learnt;
  const before = spreads[g + MISS];
  spreads[g + MISS] = Math.sqrt((1 - learn) * (before * before + learn * learnt * learnt));
}

/** Moving mean and spread of the values themselves. */
function learnSpread({ levels, spreads }: Memory, f: number, g: number, value: number, n: number, tiny: number): void {
  const learn = Math.max(SPREAD_RATE, 1 / n);
  const spread = spreads[g + SPREAD];
  const off = value - levels[f + MEAN];
  const learnt = n > 20 && spread > tiny ? clamp(off, CLIP * spread) : off;
  levels[f + MEAN] += learn * learnt;
  spreads[g + SPREAD] = Math.sqrt((1 - learn) * (spread * spread + learn * learnt * learnt));
}
