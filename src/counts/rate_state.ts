// What is remembered of the rate of a series, and the lengths that it is judged over.
import type { StateOf } from "../api/index.ts";
import { CUSUM_STATE } from "./cusum.ts";
import { DISPERSION_STATE, WINDOWS } from "./dispersion.ts";
import { HALF_HOUR, SEASON_STATE } from "./season.ts";
import { TWO_SLOPES_STATE } from "./slope.ts";

/** In seconds, as all times here. */
export const MINUTE = 60;
export const HOUR = 3600;
export const DAY = 86_400;
/** Windows beside the interval itself. */
const LONGER = [MINUTE, 300, 1800, 3 * HOUR];

/** Minutes that are remembered, and numbers of each. */
export const RING = 15;
export const NUMBERS = 3;

/** Columns of `judgeRate`: some 800 bytes a series, 384 of them the time of day. */
export const RATE_STATE = {
  /** End of the last interval, and how long the series was watched. */
  rateTime: "f64",
  watched: "f32",
  /** Minutes with events, at most 255; whether the one under way had any; the largest claim in it. */
  busyMinutes: "u8",
  busy: "u8",
  minuteClaim: ["f32", 2],
  /** The level, a gamma distribution: events, and seconds weighted by the time of day, discounted. */
  events: "f32",
  exposure: "f32",
  /** Intervals with events, discounted likewise: of a burst only one tells of the level. */
  occasions: "f32",
  /** Events a second of the last minutes. */
  recent: "f32",
  /** Mean log factor of the time of day in what the level has seen. */
  reference: "f32",
  /** 1 while nobody knows how days like this one go. */
  newDay: "u8",
  /** Of this minute: factor of the time of day, the variance of its log, and what it rests on. */
  factor: "f32",
  factorVariance: "f32",
  factorBasis: "u8",
  /** By window, of those under way: events counted and expected. */
  counted: ["f32", WINDOWS],
  expectedCount: ["f32", WINDOWS],
  /** Events expected, and seconds, since the last event. */
  missing: "f32",
  silence: "f32",
  /** The incident under way: how long it has been open, 0 for none, and since when it lasts. */
  incident: "f32",
  incidentSince: "f64",
  /** 1 where more came than were expected; and once it does not go on, until it does again. */
  incidentAbove: "u8",
  incidentOver: "u8",
  /** How long it has been quiet, and how long it must be; events and weighted seconds that it brought; the rarity told. */
  calm: "f32",
  hold: "f32",
  incidentEvents: "f32",
  incidentExposure: "f32",
  told: "f32",
  /** Events of the other series while the level was learnt, discounted likewise; and while the incident under way lasts. */
  others: "f32",
  incidentOthers: "f32",
  /** Of the minute under way: events expected by those of the others. */
  byOthers: "f32",
  /** The last minutes, each with its events and those expected by the rate and by the others; and how many of them there are. */
  minutes: ["f32", NUMBERS * RING],
  minutesKnown: "u8",
  ...SEASON_STATE,
  ...DISPERSION_STATE,
  ...CUSUM_STATE,
  ...TWO_SLOPES_STATE,
} as const;

export type RateState = StateOf<typeof RATE_STATE>;

/** Lengths that follow from that of an interval; in intervals, but for `step`. */
export interface Pace {
  /** Seconds of an interval. */
  readonly step: number;
  readonly minute: number;
  /** 0 for intervals that are longer. */
  readonly halfHour: number;
  /** Infinity for a window that is no longer than the one before. */
  readonly windows: readonly number[];
}

/** `interval` is in milliseconds. */
export function paceOf(interval: number): Pace {
  const step = interval / 1000;
  const windows = [1];
  let longest = 1;
  for (const seconds of LONGER) {
    const intervals = Math.round(seconds / step);
    windows.push(intervals > longest ? intervals : Number.POSITIVE_INFINITY);
    longest = Math.max(longest, intervals);
  }
  const minute = Math.max(1, Math.round(MINUTE / step));
  return { step, minute, halfHour: step > HALF_HOUR ? 0 : Math.round(HALF_HOUR / step), windows };
}
