// What stands on a chart besides its lines: the stretches past the line, each washed, thicker, bracketed and named.
import uPlot from "uplot";
import type { Severity } from "../contract.ts";
import { duration, number } from "./format.ts";
import type { Palette } from "./palette.ts";
import type { Plot, Stretch } from "./plot.ts";

/** What is drawn, as it is at present. */
export interface Scene {
  readonly plot: Plot;
  readonly stretches: readonly Stretch[];
  readonly unit: string;
  readonly palette: Palette;
}

/** CSS pixels above the plot: words, and the bracket below them. */
export const HEADROOM = 30;
const BRACKET = 6;
const MINUTE = 60_000;

/** Of rows past the line that no episode tells. */
const colourOf = (severity: Severity | undefined): Severity => severity ?? "warning";

export function stretchWords({ length: took, score }: Stretch): string {
  const length = took >= MINUTE ? `${duration(took)} ` : "";
  // the rows that were may be out of sight
  if (score === null || score < 1) return `${length}anomalous`;
  return `${length}over the line, score ${number(score)}`;
}

/** Canvas pixels of each stretch that can be seen. */
function* spans(u: uPlot, { stretches }: Scene): Generator<[Stretch, from: number, until: number]> {
  const { left, width } = u.bbox;
  for (const stretch of stretches) {
    const [from, until] = [stretch.from, stretch.until].map((time) => u.valToPos(time / 1000, "x", true));
    if (until < left || from > left + width) continue;
    const least = 3 * uPlot.pxRatio;
    const start = Math.max(left, Math.min(from, until - least));
    yield [stretch, start, Math.max(start + least, Math.min(left + width, until))];
  }
}

export function drawWashes(u: uPlot, scene: Scene): void {
  const { ctx, bbox } = u;
  ctx.save();
  for (const [{ severity }, from, until] of spans(u, scene)) {
    ctx.fillStyle = scene.palette[`${colourOf(severity)}-wash`];
    ctx.fillRect(from, bbox.top, until - from, bbox.height);
  }
  ctx.restore();
}

/** The line of a column, thicker within each stretch. */
export function drawOdd(u: uPlot, { plot, stretches, palette }: Scene, column: "observed" | "score"): void {
  const { ctx, bbox } = u;
  const scale = column === "observed" ? "y" : "score";
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = 2.5 * uPlot.pxRatio;
  ctx.lineJoin = "round";
  for (const { from, until, severity } of stretches) {
    ctx.strokeStyle = ctx.fillStyle = palette[colourOf(severity)];
    const first = plot.time.findIndex((time) => time >= from / 1000);
    if (first < 0) continue;
    ctx.beginPath();
    let length = 0;
    for (let i = first; i < plot.time.length && plot.time[i] <= until / 1000; i++) {
      const value = plot[column][i];
      if (value === null) continue;
      const [x, y] = [u.valToPos(plot.time[i], "x", true), u.valToPos(value, scale, true)];
      const next = plot[column][i + 1] ?? null;
      if (length > 0 && plot[column][i - 1] !== null) ctx.lineTo(x, y);
      else if (next === null || plot.time[i + 1] > until / 1000) dot(ctx, x, y);
      else ctx.moveTo(x, y);
      length++;
    }
    ctx.stroke();
  }
  ctx.restore();
}

/** So that a row between gaps can be seen. */
function dot(ctx: CanvasRenderingContext2D, x: number, y: number): void {
  const radius = 2.25 * uPlot.pxRatio;
  ctx.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

/** Words where there is room for them, those of the longest stretch first. */
export function drawBrackets(u: uPlot, scene: Scene): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  const { palette } = scene;
  ctx.save();
  ctx.lineWidth = 1.5 * ratio;
  ctx.font = palette.font.replace("12px", `600 ${12 * ratio}px`);
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  const taken: [number, number][] = [];
  const longest = [...spans(u, scene)].sort((a, b) => b[2] - b[1] - (a[2] - a[1]));
  for (const [stretch, from, until] of longest) {
    ctx.strokeStyle = ctx.fillStyle = palette[colourOf(stretch.severity)];
    ctx.beginPath();
    ctx.moveTo(from, bbox.top);
    ctx.lineTo(from, bbox.top - BRACKET * ratio);
    ctx.lineTo(until, bbox.top - BRACKET * ratio);
    ctx.lineTo(until, bbox.top);
    ctx.stroke();
    const words = stretchWords(stretch);
    const { width } = ctx.measureText(words);
    const end = Math.min(bbox.left + bbox.width, Math.max(from + width, until));
    const start = Math.max(0, from + width > bbox.left + bbox.width ? end - width : from);
    if (taken.some(([a, b]) => start < b + 8 * ratio && a < start + width + 8 * ratio)) continue;
    taken.push([start, start + width]);
    ctx.fillText(words, start, bbox.top - (BRACKET + 6) * ratio);
  }
  ctx.restore();
}

/** Where a score becomes an anomaly. */
export function drawLine(u: uPlot, { palette }: Scene): void {
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  const y = u.valToPos(1, "score", true);
  ctx.save();
  ctx.strokeStyle = palette["ink-3"];
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.fillStyle = palette["ink-2"];
  ctx.font = palette.font.replace("12px", `${12 * ratio}px`);
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  ctx.fillText("score; 1 is the line", bbox.left + 4 * ratio, bbox.top - 5 * ratio);
  ctx.restore();
}
