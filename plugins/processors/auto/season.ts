// The usual course of a day: one for Monday to Friday, and one for the weekend where that has shown to be another.
import {
  BINS,
  COUNTS,
  DAILY_LEVELS,
  DAY,
  KIND,
  LEVEL,
  LEVELS,
  type Memory,
  OF_WEEKDAYS,
  OF_WEEKEND,
  type Point,
  QUIET,
  SHADOW,
  SLOW,
  SPREADS,
  TODAY,
  WEEKDAYS,
  WEEKEND,
} from "./memory.ts";

/** Day 0 of Unix time was a Thursday. */
const THURSDAY = 3;
const SATURDAY = 5;
/** Seconds between points from which a bin has but one time of the day, and the bins beside it may have none. */
const COARSE = 2400;
/** What one day teaches a profile. */
const RATE = 0.3;
/** Weekend points over which the two profiles compete, and the share of the weekdays' mean miss below which weekends have their own. */
const CONTEST = 2000;
const NEARER = 0.8;
/** A miss counts for at most so many spreads. */
const CLIP = 4;
/** A day begins where the two differ least, if that is less than this share of how they differ at midnight: a night elsewhere on Earth. */
const QUIETER = 0.25;

/** What `KIND` says: whether weekends have a course of their own. Until a Saturday's was tried on a Sunday nobody knows. */
const ALIKE = 1;
const APART = 2;

/** What is usual at the time of the point learnt last, relative to the base; 0 is not known. */
export const season = {
  /** By the profile that is trusted, and by it half an hour before and after. */
  usual: 0.5,
  least: 0.5,
  most: 0.5,
  /** On weekends, by the profile that is not trusted. */
  other: 0.5,
  /** Weekends have their own profile. */
  weekly: false,
};

/** Fills `season`; learns `own`, the value relative to the series' base. */
export function learnSeason({ levels, spreads, counts }: Memory, s: number, { time, step }: Point, own: number): void {
  const g = s * SPREADS;
  const c = s * COUNTS;
  const days = time / DAY;
  const u = (days - Math.floor(days)) * BINS;
  const weekend = isWeekend(days, counts[c + QUIET]);
  if (!weekend && counts[c + TODAY] === 1 && spreads[g + OF_WEEKDAYS] > 0) {
    if (compareProfiles(spreads, g, counts, c)) takeOther(levels, s * LEVELS + DAILY_LEVELS, spreads[g + SHADOW]);
  }
  counts[c + TODAY] = weekend ? 1 : 0;
  const kind = counts[c + KIND];
  season.weekly = kind === APART;
  const apart = weekend && season.weekly;
  const fine = step < COARSE;
  const trusted = g + (apart ? WEEKEND : WEEKDAYS);
  const spare = g + (apart ? WEEKDAYS : WEEKEND);
  season.other = 0;
  if (weekend) {
    look(spreads, spare, u, fine);
    season.other = season.usual;
  }
  look(spreads, trusted, u, fine);
  if (season.usual === 0) {
    look(spreads, spare, u, fine);
    season.other = 0;
  }
  const learn = Math.min(RATE, Math.max(0.01, (RATE * step * BINS) / DAY));
  const here = g + Math.min(BINS - 1, Math.floor(u));
  if (weekend) learnBin(spreads, here + WEEKEND, own, learn);
  if (!weekend || kind === ALIKE) learnBin(spreads, here + WEEKDAYS, own, learn);
}

/** Tries both profiles on a weekend; on other days the level of the other one goes with that of the one in use. */
export function learnWeekend(
  { spreads }: Memory,
  s: number,
  own: number,
  level: number,
  miss: number,
  spread: number,
  weight: number,
): void {
  const g = s * SPREADS;
  if (season.other === 0) {
    spreads[g + SHADOW] = level;
    return;
  }
  const other = own - season.other - spreads[g + SHADOW];
  spreads[g + SHADOW] += weight * other;
  const used = Math.min(Math.abs(miss), CLIP * spread);
  const unused = Math.min(Math.abs(other), CLIP * spread);
  const weekdays = season.weekly ? unused : used;
  const weekend = season.weekly ? used : unused;
  spreads[g + OF_WEEKDAYS] += (weekdays - spreads[g + OF_WEEKDAYS]) / CONTEST;
  spreads[g + OF_WEEKEND] += (weekend - spreads[g + OF_WEEKEND]) / CONTEST;
}

/** `quiet` is the bin in which a day begins; from noon on it is one of the day before. */
function isWeekend(days: number, quiet: number): boolean {
  const late = (quiet < BINS / 2 ? quiet : quiet - BINS) / BINS;
  const day = (Math.floor(days - late) + THURSDAY) % 7;
  return (day < 0 ? day + 7 : day) >= SATURDAY;
}

/** At the end of a weekend: is its course another, and where does it begin? True if the other profile was the right one for it. */
function compareProfiles(spreads: Float32Array, g: number, counts: Uint16Array, c: number): boolean {
  const wereApart = counts[c + KIND] === APART;
  const apart = spreads[g + OF_WEEKEND] < (wereApart ? 1 : NEARER) * spreads[g + OF_WEEKDAYS];
  counts[c + KIND] = apart ? APART : ALIKE;
  let quiet = 0;
  let least = QUIETER * differenceAt(spreads, g, 0);
  for (let bin = 1; bin < BINS; bin++) {
    const difference = differenceAt(spreads, g, bin);
    if (difference < least) {
      quiet = bin;
      least = difference;
    }
  }
  counts[c + QUIET] = apart ? quiet : 0;
  return apart !== wereApart;
}

/** The level goes on where that of the other profile is. */
function takeOther(levels: Float64Array, f: number, level: number): void {
  levels[f + SLOW] += level - levels[f + LEVEL];
  levels[f + LEVEL] = level;
}

/** How much the two profiles differ in the two hours about the beginning of a bin. */
function differenceAt(spreads: Float32Array, g: number, bin: number): number {
  let sum = 0;
  for (let i = bin - 2; i < bin + 2; i++) {
    const here = g + ((i + BINS) % BINS);
    sum += Math.abs(spreads[here + WEEKDAYS] - spreads[here + WEEKEND]);
  }
  return sum;
}

/** Fills what a profile says at `u` bins of the day, between the middles of two, or in a coarse series at its bin. */
function look(spreads: Float32Array, profile: number, u: number, fine: boolean): void {
  const left = fine ? Math.floor(u + BINS - 0.5) % BINS : Math.min(BINS - 1, Math.floor(u));
  const right = fine ? (left + 1) % BINS : left;
  const part = u + 0.5 - Math.floor(u + 0.5);
  const one = spreads[profile + left];
  const other = spreads[profile + right];
  season.usual = one === 0 || other === 0 ? 0 : one * (1 - part) + other * part;
  season.least = Math.min(one, other);
  season.most = Math.max(one, other);
}

function learnBin(spreads: Float32Array, bin: number, own: number, learn: number): void {
  const before = spreads[bin];
  spreads[bin] = before === 0 ? own : before + learn * (own - before);
  // 0 means not known
  if (spreads[bin] === 0) spreads[bin] = 1e-30;
}
