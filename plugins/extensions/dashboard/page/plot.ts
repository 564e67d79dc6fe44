// What a chart draws, from the points of a series: columns without infinities, gaps where nothing came, limits of its axes, stretches past the line.
import type { Num, SeriesWhole, Severity } from "../contract.ts";

export type Points = SeriesWhole["points"];
export type Episodes = SeriesWhole["episodes"];

export interface Plot {
  /** Unix seconds, as uPlot has them. */
  readonly time: number[];
  /** null: nothing is drawn there. */
  readonly observed: (number | null)[];
  readonly expected: (number | null)[];
  readonly lower: (number | null)[];
  readonly upper: (number | null)[];
  readonly score: (number | null)[];
  /** Index of each point in what it was made from; -1 of a gap. */
  readonly from: number[];
  /** Limits of the axes: Unix seconds, the series' unit, scores. */
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
  readonly top: number;
}

/** Points that lie further apart than so many usual distances have a gap between them. */
const GAP = 3.5;
/** The band may reach so many times beyond what was observed as that spans, so that one wide bound does not flatten the line. */
const BEYOND = 2;
/** Scores above it are drawn at it. */
const HIGHEST_SCORE = 1000;

/** `range`: Unix milliseconds that are shown; without it, all there is. */
export function plotOf(points: Points, range?: readonly [number, number]): Plot {
  const y = limitsOf(points);
  const below = y[0] - (y[1] - y[0]);
  const above = y[1] + (y[1] - y[0]);
  const bound = (value: Num) => (value === "Infinity" ? above : value === "-Infinity" ? below : value);
  const plot = {
    time: [] as number[],
    observed: [] as (number | null)[],
    expected: [] as (number | null)[],
    lower: [] as (number | null)[],
    upper: [] as (number | null)[],
    score: [] as (number | null)[],
    from: [] as number[],
  };
  const longest = GAP * Math.max(points.width, usualDistance(points.time));
  let top = 2;
  const { time } = points;
  for (let i = 0; i < time.length; i++) {
    if (i > 0 && time[i] - time[i - 1] > longest) {
      plot.time.push((time[i] + time[i - 1]) / 2000);
      for (const column of [plot.observed, plot.expected, plot.lower, plot.upper, plot.score]) column.push(null);
      plot.from.push(-1);
    }
    const score = points.score[i] === "Infinity" ? HIGHEST_SCORE : finite(points.score[i]);
    const drawn = score === null ? null : Math.max(0, Math.min(HIGHEST_SCORE, score));
    top = Math.max(top, drawn ?? 0);
    plot.time.push(time[i] / 1000);
    plot.observed.push(finite(points.observed[i]));
    plot.expected.push(finite(points.expected[i]));
    plot.lower.push(bound(points.lower[i]));
    plot.upper.push(bound(points.upper[i]));
    plot.score.push(drawn);
    plot.from.push(i);
  }
  const first = range ? range[0] : (time[0] ?? 0);
  const last = range ? range[1] : (time.at(-1) ?? 1);
  // a single point stands in the middle
  const x: [number, number] = last > first ? [first / 1000, last / 1000] : [first / 1000 - 30, first / 1000 + 30];
  return { ...plot, x, y, top: top * 1.08 };
}

const finite = (value: Num): number | null => (typeof value === "number" ? value : null);

function usualDistance(time: readonly number[]): number {
  const distances = time.slice(1).map((each, i) => each - time[i]);
  distances.sort((a, b) => a - b);
  return distances[distances.length >> 1] ?? 0;
}

function limitsOf({ observed, expected, lower, upper }: Points): [number, number] {
  let [least, most] = extent([observed, expected]);
  const [lowest, highest] = extent([lower, upper]);
  if (least > most) [least, most] = lowest > highest ? [0, 1] : [lowest, highest];
  const span = most - least || Math.abs(most) || 1;
  if (lowest <= highest) {
    least = Math.max(Math.min(least, lowest), least - BEYOND * span);
    most = Math.min(Math.max(most, highest), most + BEYOND * span);
  }
  const margin = (most - least || Math.abs(most) || 1) * 0.06;
  // what is never negative and not far from zero is shown from zero on
  const isNearZero = least >= 0 && least < 0.7 * most;
  const isBelowZero = most <= 0 && most > 0.7 * least;
  return [isNearZero || (least === 0 && most === 0) ? 0 : least - margin, isBelowZero ? 0 : most + margin];
}

/** The first is larger than the second where no number is. */
function extent(columns: readonly (readonly Num[])[]): [number, number] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const column of columns) {
    for (const value of column) {
      if (typeof value !== "number") continue;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  return [least, most];
}

/** A time in which a series was past its line. */
export interface Stretch {
  /** Unix milliseconds: where the first of its points is drawn, and its end. */
  readonly from: number;
  readonly until: number;
  /** Milliseconds that it took. */
  readonly length: number;
  /** Undefined: rows past the line of which no episode is told. */
  readonly severity: Severity | undefined;
  /** Whether it still goes on. */
  readonly open: boolean;
  /** Highest score in it; null where none is known. */
  readonly score: number | null;
}

/** The latest are kept. */
const MOST_STRETCHES = 40;
/** Rows past the line with so many quiet ones between them are one stretch. */
const QUIET_ROWS = 2;

/** Episodes, and rows past the line that belong to none, by time. `now`: where what is open ends, Unix milliseconds. */
export function stretchesOf(points: Points, episodes: Episodes, now: number): Stretch[] {
  const told = episodes.map(({ start, end, severity }): Stretch => {
    const until = end ?? now;
    const from = pointOf(points, start);
    const score = highestScore(points, from, until);
    return { from, until, length: until - start, severity, open: end === null, score };
  });
  const untold = runsOf(points).filter(
    ({ from, until }) => !told.some((one) => one.from <= until && from <= one.until),
  );
  return [...told, ...untold].sort((a, b) => a.from - b.from || a.until - b.until).slice(-MOST_STRETCHES);
}

/** Where the point is drawn that holds this time: a point stands for the time from it on. */
function pointOf({ time, width }: Points, at: number): number {
  const held = time.findLast((each) => each <= at);
  return held !== undefined && at < held + width ? held : at;
}

function highestScore({ time, score }: Points, from: number, until: number): number | null {
  let highest: number | null = null;
  for (let i = 0; i < time.length; i++) {
    if (time[i] < from || time[i] > until) continue;
    const value = numberOf(score[i]);
    if (!Number.isNaN(value) && (highest === null || value > highest)) highest = value;
  }
  return highest;
}

function runsOf({ time, score }: Points): Stretch[] {
  const runs: Stretch[] = [];
  let first = -1;
  let last = -1;
  let highest = 0;
  const end = () => {
    const open = last === time.length - 1;
    if (first < 0) return;
    const [from, until] = [time[first], time[last]];
    runs.push({ from, until, length: until - from, severity: undefined, open, score: highest });
  };
  for (let i = 0; i < time.length; i++) {
    const value = numberOf(score[i]);
    if (!(value >= 1)) continue;
    if (first < 0 || i - last > QUIET_ROWS + 1) {
      end();
      first = i;
      highest = value;
    }
    highest = Math.max(highest, value);
    last = i;
  }
  end();
  return runs;
}

/** NaN of null. */
export const numberOf = (value: Num): number => (value === null ? Number.NaN : Number(value));
