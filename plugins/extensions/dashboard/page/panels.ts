// The two panels of a chart as uPlot wants them: the series on its expected range, and the score below it.
import type uPlot from "uplot";
import { day, number } from "./format.ts";
import { drawBrackets, drawLine, drawOdd, drawWashes, HEADROOM, type Scene } from "./marks.ts";

const DAY = 86_400;
/** CSS pixels. */
const SCORE_HEIGHT = 84;
const AXIS_HEIGHT = 26;
/** Half of a time fits in it. */
const SIDE = 18;
const NARROWEST_AXIS = 44;
const DIGIT = 6.8;

export interface Panel {
  /** Asked at each drawing. */
  readonly scene: () => Scene;
  /** Index of the point under the cursor; null: none. */
  readonly read: (index: number | null) => void;
  /** Panels with the same key share a cursor. */
  readonly key: string;
  readonly height: number;
  /** Whether times stand below it. */
  readonly times: boolean;
}

export function valuePanel(panel: Panel): uPlot.Options {
  const { scene } = panel;
  const unseen = { width: 0, points: { show: false } };
  return {
    ...common(panel),
    height: panel.height,
    padding: [HEADROOM, SIDE, panel.times ? 0 : 6, 0],
    scales: { x: { range: () => [...scene().plot.x] }, y: { range: () => [...scene().plot.y] } },
    axes: [timeAxis(panel), valueAxis(scene, "y")],
    series: [
      {},
      { ...unseen, scale: "y" },
      { ...unseen, scale: "y" },
      {
        scale: "y",
        stroke: () => scene().palette.accent,
        width: 1,
        dash: [2, 4],
        points: { show: false },
      },
      {
        scale: "y",
        stroke: () => scene().palette.ink,
        width: 1.5,
        points: { size: 4, fill: () => scene().palette.ink },
      },
    ],
    bands: [{ series: [2, 1], fill: () => scene().palette.band }],
    hooks: {
      drawClear: [(u) => drawWashes(u, scene())],
      draw: [
        (u) => {
          drawOdd(u, scene(), "observed");
          drawBrackets(u, scene());
        },
      ],
      setCursor: [(u) => panel.read(u.cursor.idx ?? null)],
    },
  };
}

export function scorePanel(panel: Panel): uPlot.Options {
  const { scene } = panel;
  return {
    ...common(panel),
    height: SCORE_HEIGHT + AXIS_HEIGHT,
    padding: [18, SIDE, 0, 0],
    scales: { x: { range: () => [...scene().plot.x] }, score: { range: () => [0, scene().plot.top] } },
    axes: [timeAxis(panel), { ...valueAxis(scene, "score"), splits: () => [1], grid: { show: false } }],
    series: [
      {},
      {
        scale: "score",
        stroke: () => scene().palette.ink,
        width: 1.5,
        points: { size: 4, fill: () => scene().palette.ink },
      },
    ],
    hooks: {
      drawClear: [(u) => drawWashes(u, scene())],
      draw: [
        (u) => {
          drawOdd(u, scene(), "score");
          drawLine(u, scene());
        },
      ],
      setCursor: [(u) => panel.read(u.cursor.idx ?? null)],
    },
  };
}

function common({ key, scene }: Panel): Pick<uPlot.Options, "width" | "legend" | "cursor" | "select"> {
  const dot = () => scene().palette.ink;
  return {
    width: 300,
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      sync: { key, scales: ["x", null] },
      // of bounds and the expectation there is none
      points: {
        show: (u, i) => (i === u.series.length - 1 ? element() : (undefined as any)),
        size: 7,
        width: 0,
        fill: dot,
      },
    },
  };
}

const element = () => document.createElement("div");

function timeAxis({ scene, times }: Panel): uPlot.Axis {
  return {
    show: times,
    size: AXIS_HEIGHT,
    gap: 4,
    space: 72,
    font: scene().palette.font,
    stroke: () => scene().palette["ink-3"],
    grid: { show: false },
    ticks: { show: false },
    values: (_, splits, __, ___, step) => splits.map((seconds) => timeWords(seconds * 1000, step)),
  };
}

/** `step`: seconds from one mark to the next. */
function timeWords(time: number, step: number): string {
  const date = new Date(time);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (step >= DAY || (isMidnight && step >= 3600)) return day(time);
  const seconds = step < 60 ? `:${String(date.getSeconds()).padStart(2, "0")}` : "";
  return `${String(date.getHours()).padStart(2, "0")}:${String(date.getMinutes()).padStart(2, "0")}${seconds}`;
}

function valueAxis(scene: () => Scene, scale: "y" | "score"): uPlot.Axis {
  return {
    scale,
    space: 40,
    gap: 6,
    size: () => axisWidth(scene()),
    font: scene().palette.font,
    stroke: () => scene().palette["ink-3"],
    grid: { stroke: () => scene().palette.rule, width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => (scale === "score" ? String(value) : number(value, scene().unit))),
  };
}

/** Both panels have the same, so that they stand under one another. */
function axisWidth({ plot, unit }: Scene): number {
  const middle = (plot.y[0] + plot.y[1]) / 2;
  const quarter = (3 * plot.y[0] + plot.y[1]) / 4;
  const longest = Math.max(
    ...[...plot.y, middle, quarter].map((value) => number(Number(value.toPrecision(2)), unit).length),
  );
  return Math.min(110, Math.max(NARROWEST_AXIS, longest * DIGIT + 12));
}
