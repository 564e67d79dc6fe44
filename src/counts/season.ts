// The time of day: a profile of half hours for weekdays and one for weekends, used where it foretells better than the level alone.
import type { StateOf } from "../api/index.ts";

const DAY = 86_400;
const BINS = 48;
export const HALF_HOUR = DAY / BINS;
const HOUR = 3600;

/** Events at the mean rate that each half hour of a profile is shrunk by, while few days are known; and how many days are few. */
const PRIOR_EVENTS = 12;
const FEW_DAYS = 4;
/** Standard deviation of the log of a foretold change, as a share of it: after one day, and by the profile of the other kind of day. */
const DOUBT = 0.35;
const DOUBT_OF_OTHER = 0.6;
/** No time of day has less than this share of the mean. */
const LEAST = 0.02;
/** Around a change of the kind of day, so many seconds belong to both. */
const EDGE = 3 * HOUR;
/** A half hour moves its profile by at least this share; one beyond the known by this factor and so many events is learnt as such. */
const LEARN = 0.2;
const TOO_MUCH = 3;
const TOO_MANY = 5;
/** Half hours over which the two forecasts are compared, the deviance from which that says something, and how much better a season must be. */
const COMPARED = 96;
const TELLING = 8;
const BETTER = 0.9;
/** Share by which the two levels that are compared follow each half hour. */
const FOLLOW_PLAIN = 0.4;
const FOLLOW_SEASONAL = 0.3;

export const SEASON_STATE = {
  /** Events a second in each half hour of weekdays, then of weekends; half hours learnt of either. */
  profile: ["f32", 2 * BINS],
  learnt: ["u16", 2],
  /** Mean of the profile of weekdays, or of the only one known. */
  profileMean: "f32",
  /** 1 where the season is believed. */
  seasonal: "u8",
  /** Events of the half hour under way, and seconds of it that were watched. */
  halfEvents: "f32",
  halfSeconds: "f32",
  /** Levels of half hours, plain and without the season, and the deviance from either. */
  plainLevel: "f32",
  seasonalLevel: "f32",
  plainDeviance: "f32",
  seasonalDeviance: "f32",
} as const;

export type SeasonState = StateOf<typeof SEASON_STATE>;

/** The last result of `foretell`: factor on the mean rate, and the profile it comes from: 1 of the day, 2 of that kind of day, 0 none. */
export const foretold = { factor: 1, known: 0, blend: 0, basis: 0 };

const kindOf = (day: number) => (((day + 4) % 7) % 6 === 0 ? 1 : 0);

/**
 * Whether days of the kind that this time (seconds) belongs to are known, weekdays or weekends: one weekday is enough where the season is
 * believed, two where nothing has shown yet that there is none; Saturday and Sunday both.
 */
export function isKindKnown({ learnt, seasonal }: SeasonState, s: number, time: number): boolean {
  const kind = kindOf(Math.floor(time / DAY));
  return learnt[2 * s + kind] >= (kind === 0 && seasonal[s] === 1 ? 1 : 2) * BINS;
}

/** The profile between the middles of half hours, in events a second. */
function between({ profile }: SeasonState, at: number, seconds: number): number {
  const x = seconds / HALF_HOUR - 0.5;
  const i = Math.floor(x);
  const share = x - i;
  return (1 - share) * profile[at + ((i + BINS) % BINS)] + share * profile[at + ((i + 1) % BINS)];
}

/** Fills `foretold` for a time in seconds, whether or not the season is believed. */
export function foretell(state: SeasonState, s: number, time: number): void {
  const day = Math.floor(time / DAY);
  const seconds = time - day * DAY;
  const own = kindOf(day);
  const ownDays = Math.floor(state.learnt[2 * s + own] / BINS);
  const kind = ownDays > 0 ? own : 1 - own;
  const days = Math.floor(state.learnt[2 * s + kind] / BINS);
  foretold.factor = 1;
  foretold.blend = 0;
  foretold.known = ownDays;
  foretold.basis = 0;
  if (days === 0) return;
  const mean = state.profileMean[s];
  const prior = PRIOR_EVENTS / (HALF_HOUR * Math.min(FEW_DAYS, days));
  const rate = between(state, (2 * s + kind) * BINS, seconds);
  foretold.factor = Math.max(LEAST, (rate + prior) / (mean + prior));
  foretold.basis = state.learnt[2 * s + 1 - own] >= BINS && ownDays > 0 ? 2 : 1;
  // near midnight between a weekday and a weekend either may be right
  const edge = Math.min(seconds, DAY - seconds);
  const next = kindOf(seconds < DAY / 2 ? day - 1 : day + 1);
  if (edge >= EDGE || next === own || ownDays === 0 || state.learnt[2 * s + next] < BINS) return;
  const other = between(state, (2 * s + next) * BINS, seconds);
  foretold.blend = 0.5 * (1 - edge / EDGE) * Math.log((other + prior) / (rate + prior));
  foretold.factor *= Math.exp(foretold.blend);
}

/** Variance of the log of the factor last foretold, of which `from` is what the level has seen: the forecast answers for the change that it foretells. */
export function doubt(from: number): number {
  const { factor, blend, known } = foretold;
  const share = known > 0 ? DOUBT / Math.sqrt(known) : DOUBT_OF_OTHER;
  const change = Math.log(factor) - blend - from;
  return blend * blend + share * share * change * change;
}

/** Deviance of a Poisson count from its mean, less where the mean is large, since no traffic is as even as that (McCullagh & Nelder 1989). */
function deviance(y: number, m: number): number {
  const d = 2 * (y > 0 ? y * Math.log(y / m) - y + m : m);
  return Math.min(50, d / (1 + 0.03 * m));
}

/**
 * Learns the half hour that ended at `time` (seconds), if most of it was watched; `calm` when no incident was in it. True when the season
 * is believed from now on, or no longer is: the level then changes its unit.
 */
export function closeHalfHour(state: SeasonState, s: number, time: number, calm: boolean): boolean {
  const { halfEvents, halfSeconds, profile, learnt, plainLevel, seasonal } = state;
  const watched = halfSeconds[s];
  const y = watched > 0 ? (halfEvents[s] / watched) * HALF_HOUR : 0;
  halfEvents[s] = 0;
  halfSeconds[s] = 0;
  if (watched < HALF_HOUR / 2) return false;
  const middle = time - HALF_HOUR / 2;
  const day = Math.floor(middle / DAY);
  const kind = 2 * s + kindOf(day);
  const turned = compare(state, s, middle, y);
  plainLevel[s] = plainLevel[s] > 0 ? plainLevel[s] + FOLLOW_PLAIN * (y - plainLevel[s]) : y;
  const days = Math.floor(learnt[kind] / BINS);
  if (calm || days === 0) {
    const at = kind * BINS + Math.floor((middle - day * DAY) / HALF_HOUR);
    const rate = Math.min(y, days > 1 ? TOO_MUCH * profile[at] * HALF_HOUR + TOO_MANY : y) / HALF_HOUR;
    profile[at] += (rate - profile[at]) * (days === 0 ? 1 : Math.max(LEARN, 1 / (days + 1)));
  }
  if (learnt[kind] < 0xffff) learnt[kind]++;
  return turned && (seasonal[s] === 0 || state.seasonalLevel[s] > 0);
}

/** Which of the two foretold the half hour better, and whether that turns the belief. */
function compare(state: SeasonState, s: number, middle: number, y: number): boolean {
  const { plainLevel, seasonalLevel, plainDeviance, seasonalDeviance, seasonal } = state;
  foretell(state, s, middle);
  if (foretold.basis === 0 || !(plainLevel[s] > 0)) return false;
  const keep = 1 - 1 / COMPARED;
  const without = y / foretold.factor;
  const level = seasonalLevel[s] > 0 ? seasonalLevel[s] : plainLevel[s] / foretold.factor;
  plainDeviance[s] = plainDeviance[s] * keep + deviance(y, Math.max(0.05, plainLevel[s]));
  seasonalDeviance[s] = seasonalDeviance[s] * keep + deviance(y, Math.max(0.05, level * foretold.factor));
  seasonalLevel[s] = seasonalLevel[s] > 0 ? level + FOLLOW_SEASONAL * (without - level) : without;
  const better = seasonalDeviance[s] < (seasonal[s] === 1 ? 1 : BETTER) * plainDeviance[s];
  const believe = better && plainDeviance[s] > TELLING ? 1 : 0;
  if (believe === seasonal[s]) return false;
  seasonal[s] = believe;
  return true;
}

/** Takes the mean of the profile anew; by what factor it has grown, 1 where there was none. */
export function centre({ profile, profileMean, learnt }: SeasonState, s: number): number {
  const kind = learnt[2 * s] >= BINS || learnt[2 * s + 1] < BINS ? 0 : 1;
  const at = (2 * s + kind) * BINS;
  let sum = 0;
  for (let i = 0; i < BINS; i++) sum += profile[at + i];
  const before = profileMean[s];
  profileMean[s] = sum / BINS;
  return before > 0 && sum > 0 ? profileMean[s] / before : 1;
}
