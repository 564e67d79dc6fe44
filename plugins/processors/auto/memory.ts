// What is remembered of a series: four wide columns, so that one point touches few places of memory.
import type { ColumnTypes } from "vedette";

/** Seconds. */
export const DAY = 86_400;
/** Half hours of a day, in a profile of it. */
export const BINS = 48;
/** 32-bit words of the set of values seen. */
export const WORDS = 16;
/** Cells of a histogram of events. */
export const CELLS = 22;

/** f64: what is in the unit of the values or of time. A level of 1e12 may have a spread of 1. */
export const FIRST = 0;
export const TIME = 1;
export const LAST = 2;
/** The first value: the profiles are relative to it. */
export const BASE = 3;
export const MEAN = 4;
/** Of the values seen: where the set begins, the width of one of its bits, the extremes. */
export const LOW = 5;
export const WIDTH = 6;
export const LEAST = 7;
export const MOST = 8;
/** Of the two forecasts: the level that it follows, a slow one, and the one held since an incident began. */
export const PLAIN_LEVELS = 9;
export const DAILY_LEVELS = 12;
export const LEVEL = 0;
export const SLOW = 1;
export const HELD = 2;
export const LEVELS = 15;

/** f32: spreads, shares and peaks. */
export const STEP = 0;
export const SPREAD = 1;
export const WAY = 2;
export const TIRED = 3;
/** Of the two forecasts: mean and spread of its misses, mean size of them; of the gap between its levels; of runs of misses. */
export const PLAIN = 4;
export const DAILY = 11;
export const BIAS = 0;
export const MISS = 1;
export const ERROR = 2;
export const GAP_BIAS = 3;
export const GAP = 4;
export const RUN = 5;
export const RUN_SPREAD = 6;
/** Of the three peaks: the largest of the block under way, and of the one before. */
export const MISS_PEAK = 18;
export const DRIFT_PEAK = 20;
export const NOVELTY_PEAK = 22;
/** What is usual at the time of day, on weekdays and on weekends; how far off either was on weekends, and the level of the one not in use. */
export const OF_WEEKDAYS = 24;
export const OF_WEEKEND = 25;
export const SHADOW = 26;
export const WEEKDAYS = 27;
export const WEEKEND = WEEKDAYS + BINS;
export const SPREADS = WEEKEND + BINS;

/** u16: counts, which stop at 65,535. */
export const POINTS = 0;
/** Points since the start, or since the latest gap. */
export const SETTLED = 1;
/** Points since the incident under way began; 0 when there is none. */
export const INCIDENT = 2;
/** Of the two forecasts: misses learnt, and how many in a row were too large to be learnt whole. */
export const PLAIN_COUNTS = 3;
export const DAILY_COUNTS = 5;
export const LEARNT = 0;
export const CLIPPED = 1;
/** Points in the block under way, of the three peaks. */
export const MISS_AGE = 7;
export const DRIFT_AGE = 8;
export const NOVELTY_AGE = 9;
/** Whether weekends differ, the bin in which a day begins, and whether the latest point was of a weekend: see season.ts. */
export const KIND = 10;
export const QUIET = 11;
export const TODAY = 12;
/** Points since the latest event that was told or due, those between it and the one before, and how often that was the same. */
export const LATEST = 13;
export const PERIOD = 14;
export const REPEATS = 15;
/** Of the two histograms: points counted, then the events in each cell. */
export const MISSES = 16;
export const DRIFTS = MISSES + 1 + CELLS;
export const COUNTS = DRIFTS + 1 + CELLS;

export const shape = {
  levels: ["f64", LEVELS],
  spreads: ["f32", SPREADS],
  seen: ["u32", WORDS],
  counts: ["u16", COUNTS],
} as const;

export interface Memory {
  readonly levels: ColumnTypes["f64"];
  readonly spreads: ColumnTypes["f32"];
  readonly seen: ColumnTypes["u32"];
  readonly counts: ColumnTypes["u16"];
}

/** Where a count of points stops. */
export const MANY = 65_535;

/** The point at hand: what it is, and what the parts have found of it. */
export interface Point {
  /** Seconds. */
  time: number;
  value: number;
  /** Points of the series with this one, at most MANY. */
  n: number;
  /** Mean interval in seconds. */
  step: number;
  /** 0 for series sampled every five minutes or finer, 1 for hourly and coarser ones. */
  coarse: number;
  /** The series all but always moves one way. */
  oneWay: boolean;
  /** Rounding errors are smaller. */
  tiny: number;
  /** Distance from the forecast in the value's unit; and in spreads, alone or with the misses before it. */
  miss: number;
  deviations: number;
  /** An incident is under way, and the point is not back at the level from before it. */
  away: boolean;
  /** Part of the variance of the series that the forecast explains. */
  explained: number;
  /** Distance of the level from the slow one, in the value's unit and in its spreads; 0 while the value does not agree. */
  gap: number;
  drift: number;
  /** The level has left the slow one at once, not little by little. */
  sudden: boolean;
  /** What is usual, and the band around it. */
  expected: number;
  lower: number;
  upper: number;
  /** What the slow level would have it be. */
  usual: number;
  spread: number;
  /** What the forecast rests on: 0 the recent level, 1 the time of day, 2 that of the week. */
  basis: number;
}

/** Of a number for data of five minutes and finer and one for hourly and coarser: what is between them, geometrically. */
export function at(range: readonly [fine: number, hourly: number], coarse: number): number {
  return coarse === 0 ? range[0] : range[0] * (range[1] / range[0]) ** coarse;
}

/** How much of the way to a new point a moving mean of this half-life goes. */
export const rate = (halfLife: number) => 1 - 2 ** (-1 / halfLife);

export function clamp(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value;
}
