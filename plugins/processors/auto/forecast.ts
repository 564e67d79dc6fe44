// What a series should be by its recent level, or by the time of day where that is nearer; and by how much it misses.
import { learnDrift } from "./drift.ts";
import { fromHeld } from "./incident.ts";
import {
  BASE,
  BIAS,
  BINS,
  CLIPPED,
  COUNTS,
  clamp,
  DAILY,
  DAILY_COUNTS,
  DAILY_LEVELS,
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
  PROFILE,
  rate,
  SETTLED,
  SPREAD,
  SPREADS,
} from "./memory.ts";
import { learnRun } from "./run.ts";

const DAY = 86_400;
/** Half-lives in points: of the level, and of the spreads. */
const LEVEL_RATE = rate(20);
const SPREAD_RATE = rate(500);
/** Points over which the two forecasts compete, and the share of the plain one's mean miss below which the daily one is taken. */
const CONTEST = 2000;
const NEARER = 0.9;
/** Days and points until the daily profile may forecast. */
const PROFILE_DAYS = 3;
const PROFILE_POINTS = 200;
/** What one day teaches the profile. */
const PROFILE_RATE = 0.3;
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
  const season = seasonAt(spreads, g + PROFILE, point.time, point.step, own);

  let spread = spreads[g + PLAIN + MISS] + tiny;
  const miss = value - levels[f + PLAIN_LEVELS + LEVEL];
  let off = miss - spreads[g + PLAIN + BIAS];
  let run = 0;
  let daily = false;
  let dailyMiss = 0;
  const seasonal = season !== 0 && point.time - levels[f + FIRST] > PROFILE_DAYS * DAY;
  let dailySpread = 0;
  if (seasonal) {
    dailySpread = spreads[g + DAILY + MISS] + tiny;
    dailyMiss = own - season - levels[f + DAILY_LEVELS + LEVEL];
    const ready = counts[c + DAILY_COUNTS + LEARNT] > PROFILE_POINTS && !point.oneWay;
    daily = ready && spreads[g + DAILY + ERROR] < NEARER * spreads[g + PLAIN + ERROR];
  }
  const p = daily ? DAILY : PLAIN;
  const plainSpread = spread;
  if (daily) {
    off = dailyMiss - spreads[g + DAILY + BIAS];
    spread = dailySpread;
  }
  point.daily = daily;
  point.miss = Math.abs(off);
  point.spread = spread;
  point.expected = value - off;

  if (!resumes) {
    run = learnRun(spreads, g + PLAIN, miss - spreads[g + PLAIN + BIAS], plainSpread, n);
    if (seasonal) {
      const ofDaily = learnRun(
        spreads,
        g + DAILY,
        dailyMiss - spreads[g + DAILY + BIAS],
        dailySpread,
        counts[c + DAILY_COUNTS + LEARNT],
      );
      if (daily) run = ofDaily;
      contest(spreads, g, miss, plainSpread, dailyMiss, dailySpread);
      learnMiss(memory, g + DAILY, c + DAILY_COUNTS, dailyMiss, dailySpread);
    }
    learnMiss(memory, g + PLAIN, c + PLAIN_COUNTS, miss, plainSpread);
  }
  if (n < YOUNG || settled < UNSETTLED) point.deviations = 0;
  else point.deviations = Math.max(point.miss / spread, n > YOUNG_RUN ? run : 0);
  fromHeld(memory, s, point, daily ? own - season : value);

  levels[f + PLAIN_LEVELS + LEVEL] += weight * miss;
  if (seasonal) levels[f + DAILY_LEVELS + LEVEL] += weight * dailyMiss;
  else if (season !== 0) levels[f + DAILY_LEVELS + LEVEL] = own - season;
  learnSpread(memory, f, g, value, n, tiny);
  const unexplained = spreads[g + p + MISS] / (spreads[g + SPREAD] + 1e-30);
  point.explained = 1 - unexplained * unexplained;
  learnDrift(memory, f + PLAIN_LEVELS, g + PLAIN, value, n, point, !daily);
  if (seasonal) {
    const learnt = counts[c + DAILY_COUNTS + LEARNT];
    learnDrift(memory, f + DAILY_LEVELS, g + DAILY, own - season, learnt, point, daily);
  }
}

/** What the profile says of this time, 0 while it has not seen it; learns `own`, the value relative to the series' base. */
function seasonAt(spreads: Float32Array, profile: number, time: number, step: number, own: number): number {
  const day = time / DAY;
  const u = (day - Math.floor(day)) * BINS;
  const here = profile + Math.min(BINS - 1, Math.floor(u));
  const left = Math.floor(u + BINS - 0.5) % BINS;
  const part = u + 0.5 - Math.floor(u + 0.5);
  const one = spreads[profile + left];
  const other = spreads[profile + ((left + 1) % BINS)];
  const season = one === 0 || other === 0 ? 0 : one * (1 - part) + other * part;
  const before = spreads[here];
  const learn = Math.min(PROFILE_RATE, Math.max(0.01, (PROFILE_RATE * step * BINS) / DAY));
  spreads[here] = before === 0 ? own : before + learn * (own - before);
  // 0 means not seen yet
  if (spreads[here] === 0) spreads[here] = 1e-30;
  return season;
}

/** Keeps the mean size of both forecasts' misses. */
function contest(spreads: Float32Array, g: number, miss: number, spread: number, daily: number, dailySpread: number) {
  const plainError = g + PLAIN + ERROR;
  const dailyError = g + DAILY + ERROR;
  spreads[plainError] += (Math.min(Math.abs(miss), 4 * spread) - spreads[plainError]) / CONTEST;
  spreads[dailyError] += (Math.min(Math.abs(daily), 4 * dailySpread) - spreads[dailyError]) / CONTEST;
}

/** Moving mean and spread of the misses of one forecast. */
function learnMiss({ spreads, counts }: Memory, g: number, c: number, miss: number, spread: number): void {
  if (counts[c + LEARNT] < MANY) counts[c + LEARNT]++;
  const n = counts[c + LEARNT];
  const learn = Math.max(SPREAD_RATE, 1 / n);
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
