// A line as small as a word, beside words that say what it shows: decoration for those who see it.
import { h, type VNode } from "preact";
import type { Num, Severity, SparkPoints } from "../contract.ts";

const MOST_POINTS = 120;
const EDGE = 3;

export interface SparkProps {
  readonly spark: SparkPoints;
  /** Of what is past the line. */
  readonly severity?: Severity | undefined;
  /** CSS pixels; it is stretched where its place is wider. */
  readonly width?: number;
  readonly height?: number;
}

export function Spark({ spark, severity = "warning", width = 80, height = 28 }: SparkProps): VNode<any> {
  const { band, line, odd, dot } = sparkPaths(spark, width, height);
  const box = { class: `spark ${severity}`, viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" };
  return h(
    "svg",
    { ...box, preserveAspectRatio: "xMinYMid" },
    band && h("path", { class: "band", d: band }),
    line && h("path", { class: "obs", d: line }),
    odd && h("path", { class: "odd", d: odd }),
    dot && h("circle", { class: odd.includes(at(dot)) ? "dot" : "dot usual", cx: dot[0], cy: dot[1], r: 2.5 }),
  );
}

export interface SparkPaths {
  /** SVG path data; "" where there is nothing to draw. */
  readonly band: string;
  readonly line: string;
  readonly odd: string;
  /** The last point. */
  readonly dot: readonly [number, number] | undefined;
}

export function sparkPaths(spark: SparkPoints, width: number, height: number): SparkPaths {
  const last = (column: readonly Num[]) =>
    column.slice(-MOST_POINTS).map((each) => (typeof each === "number" ? each : null));
  const [observed, lower, upper] = [last(spark.observed), last(spark.lower), last(spark.upper)];
  const over = spark.over.slice(-MOST_POINTS);
  const seen = observed.filter((each) => each !== null);
  if (seen.length === 0) return { band: "", line: "", odd: "", dot: undefined };
  const span = Math.max(...seen) - Math.min(...seen);
  // a wide band must not flatten the line
  const near = (value: number | null) =>
    value !== null && value >= Math.min(...seen) - 2 * span && value <= Math.max(...seen) + 2 * span;
  const drawn = [...seen, ...[...lower, ...upper].filter(near)] as number[];
  const [least, most] = [Math.min(...drawn), Math.max(...drawn)];
  const x = (i: number) => EDGE + (observed.length < 2 ? 0.5 : i / (observed.length - 1)) * (width - 2 * EDGE);
  const y = (value: number) =>
    most === least ? height / 2 : height - EDGE - ((value - least) / (most - least)) * (height - 2 * EDGE);
  const point = (i: number, value: number): [number, number] => [round(x(i)), round(clamp(y(value), 0, height))];
  const line = strokes(observed, point, () => true);
  // with the point before it, so that the rise is part of it
  const odd = strokes(observed, point, (i) => over[i] === 1 || over[i + 1] === 1);
  const end = observed.findLastIndex((each) => each !== null);
  return {
    band: bandPath(lower, upper, point),
    line,
    odd: over.includes(1) ? odd : "",
    dot: point(end, observed[end]!),
  };
}

type Point = (i: number, value: number) => [number, number];

function strokes(values: readonly (number | null)[], point: Point, wanted: (i: number) => boolean): string {
  let path = "";
  let drawing = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const goes = value !== null && wanted(i);
    if (goes) path += (drawing ? "L" : "M") + at(point(i, value));
    drawing = goes;
  }
  return path;
}

function bandPath(lower: readonly (number | null)[], upper: readonly (number | null)[], point: Point): string {
  const both = upper.flatMap((value, i) => (value === null || lower[i] === null ? [] : [i]));
  if (both.length < 2) return "";
  const above = both.map((i) => at(point(i, upper[i]!)));
  const below = both.map((i) => at(point(i, lower[i]!))).reverse();
  return `M${[...above, ...below].join("L")}Z`;
}

const at = ([x, y]: readonly [number, number]) => `${x} ${y}`;
const round = (value: number) => Math.round(value * 10) / 10;
const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));
