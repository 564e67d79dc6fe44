// How a profile learns: a bin when it is over, the level with each point, a lasting shift at once.

/** The columns of all series; those of the bins are indexed by series and bin. */
export interface Series {
  readonly profile: Float64Array;
  readonly scatter: Float32Array;
  readonly days: Uint8Array;
  readonly missed: Uint8Array;
  readonly level: Float64Array;
  readonly overall: Float64Array;
  readonly bin: Float64Array;
  readonly count: Uint32Array;
  readonly strays: Uint32Array;
  readonly crowd: Uint32Array;
  readonly sum: Float64Array;
  readonly size: Float64Array;
  readonly last: Float64Array;
  readonly astray: Float64Array;
}

const HOUR = 3_600_000;
/** A point teaches as a deviation of at most so many standard deviations. */
const CLIP = 4;
/** What one more day teaches a bin that has seen many. */
const DAY_RATE = 0.2;
/** Days in a row on which a bin is missed by far, after which it learns whole deviations: it was wrong, or its time has changed. */
const PATIENCE = 2;
/** Weight of a bin's deviations in those of any time, and days after its first after which a bin goes more by its own than by those. */
const OVERALL_RATE = 0.05;
const OWN_AFTER = 1;
/** How long the level remembers, and how long a series must lie off on one side until that is its level. */
const LEVEL_MEMORY = 6 * HOUR;
const LASTS = 6 * HOUR;

/** Mean absolute deviation of a bin that has seen so many days: its own, pulled towards that of any time while they are few. */
export function pulled(own: number, days: number, overall: number): number {
  return days < 2 ? overall : (own * (days - 1) + overall * OWN_AFTER) / (days - 1 + OWN_AFTER);
}

export function open({ bin, count, strays, sum, size, last }: Series, s: number, number: number, newest: number): void {
  bin[s] = number + 1;
  count[s] = strays[s] = sum[s] = size[s] = 0;
  last[s] = newest;
}

/** The bin `at` is over: the profile learns the mean of what it was given. */
export function close(state: Series, s: number, at: number): void {
  const { profile, scatter, days, missed, overall, count, strays, sum, size, crowd } = state;
  crowd[s] = count[s];
  if (count[s] === 0) return;
  const seen = days[at];
  const mean = sum[s] / count[s];
  if (seen > 0) {
    const deviation = size[s] / count[s];
    const own = seen === 1 ? 1 : Math.max(1 / seen, DAY_RATE);
    scatter[at] += own * (deviation - scatter[at]);
    overall[s] += (overall[s] === 0 ? 1 : OVERALL_RATE) * (deviation - overall[s]);
  }
  missed[at] = 2 * strays[s] > count[s] ? Math.min(missed[at] + 1, 255) : 0;
  profile[at] += (missed[at] > PATIENCE ? 0.5 : Math.max(1 / (seen + 1), DAY_RATE)) * mean;
  if (seen < 255) days[at] = seen + 1;
}

/** Learns a point that is no older than the newest: by how much it differs from a forecast whose standard deviation is `unit`. */
export function adopts(
  state: Series,
  s: number,
  at: number,
  time: number,
  forecast: number,
  deviation: number,
  unit: number,
  enough: number,
): void {
  const { profile, days, missed, level, overall, count, strays, sum, size, last, astray } = state;
  const passed = time - last[s];
  last[s] = time;
  const limit = CLIP * unit;
  const known = days[at] >= enough && limit > 0;
  const far = known && Math.abs(deviation) > limit;
  let learnt = deviation;
  if (far && missed[at] < PATIENCE) learnt = deviation < 0 ? -limit : limit;
  count[s]++;
  if (far) strays[s]++;
  sum[s] += forecast + learnt - level[s] - profile[at];
  size[s] += Math.abs(learnt);
  if (!known) return;
  const side = deviation < 0 ? -1 : 1;
  if (!far) astray[s] = 0;
  else if (astray[s] * side <= 0) astray[s] = side * time;
  if (!far) {
    // a time that scatters widely says little about the level
    const most = overall[s];
    const moved = deviation > most ? most : deviation < -most ? -most : deviation;
    level[s] += (1 - Math.exp(-Math.min(passed, HOUR) / LEVEL_MEMORY)) * moved;
  } else if (time - Math.abs(astray[s]) >= LASTS) {
    level[s] += deviation;
    astray[s] = 0;
  }
}
