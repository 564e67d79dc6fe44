// The values of a chart in words: at one point, and of all points as a table.
import type { Num } from "../contract.ts";
import { clock, day, number } from "./format.ts";
import { numberOf, type Plot, type Points } from "./plot.ts";

/** Rows of a table, the latest first. */
const MOST_ROWS = 512;
const DAY = 86_400_000;

/** With the day where the points span more than one. */
export function timeOf(time: number, points: Points): string {
  const span = (points.time.at(-1) ?? 0) - (points.time[0] ?? 0);
  const at = clock(time, points.width < 60_000);
  return span >= DAY ? `${day(time)} ${at}` : at;
}

/** "22 to 34 ms", "up to 34 ms", "from 22 ms on"; undefined where no bound is stated. */
export function rangeWords(lower: Num, upper: Num, unit: string): string | undefined {
  const [least, most] = [numberOf(lower), numberOf(upper)];
  if (Number.isFinite(least) && Number.isFinite(most)) return `${number(least, unit)} to ${number(most, unit)}`;
  if (Number.isFinite(most)) return `up to ${number(most, unit)}`;
  if (Number.isFinite(least)) return `from ${number(least, unit)} on`;
  return undefined;
}

/** What stands at a point: its time first. */
export function readout(points: Points, plot: Plot, at: number, unit: string): string[] {
  const i = plot.from[at];
  if (i === undefined || i < 0) return [timeOf((plot.time[at] ?? 0) * 1000, points), "nothing came"];
  const range = rangeWords(points.lower[i], points.upper[i], unit);
  const score = numberOf(points.score[i]);
  return [
    timeOf(points.time[i], points),
    `observed ${number(points.observed[i], unit)}`,
    ...(range === undefined ? [] : [`expected ${range}`]),
    ...(range === undefined && points.expected[i] !== null ? [`expected ${number(points.expected[i], unit)}`] : []),
    ...(Number.isNaN(score) ? ["not judged"] : [`score ${number(score)}${score >= 1 ? ", over the line" : ""}`]),
  ];
}

export const HEADS = ["time", "observed", "expected", "usual from", "usual to", "score"];

/** A row for each point, under `HEADS`, the latest first. */
export function pointRows(points: Points, unit: string): string[][] {
  const { time, observed, expected, lower, upper, score } = points;
  const bound = (value: Num) => (Number.isFinite(numberOf(value)) ? number(value, unit) : "–");
  return time
    .map((each, i) => [
      timeOf(each, points),
      number(observed[i], unit),
      number(expected[i], unit),
      bound(lower[i]),
      bound(upper[i]),
      `${number(score[i])}${numberOf(score[i]) >= 1 ? ", over" : ""}`,
    ])
    .slice(-MOST_ROWS)
    .reverse();
}
