// A series as a chart: its line on the expected range, what was past the line, and every value to be read by pointer, by keys and in a table.
import { h, type VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock } from "./format.ts";
import { type Scene, stretchWords } from "./marks.ts";
import { paletteOf, watchTheme } from "./palette.ts";
import { scorePanel, valuePanel } from "./panels.ts";
import { type Episodes, type Plot, type Points, plotOf, type Stretch, stretchesOf } from "./plot.ts";
import { HEADS, pointRows, readout } from "./readout.ts";
import { TableDetails } from "./table.ts";

export interface ChartProps {
  readonly points: Points;
  readonly unit: string;
  readonly episodes: Episodes;
  /** What it shows, for who cannot see where it stands: "p95 of checkout". */
  readonly title: string;
  /** CSS pixels of the panel of values. */
  readonly height?: number;
  /** Unix milliseconds at which what is open ends on the chart; without it, at the last point. */
  readonly now?: number;
  /** Unix milliseconds that are shown; without it, all there is. */
  readonly range?: readonly [from: number, until: number];
  /** Whether the score has a panel of its own; not to be changed later. */
  readonly score?: boolean;
}

/** Points that Page keys go on by. */
const PAGE = 15;
let charts = 0;

export function Chart(props: ChartProps): VNode<any> {
  const { points, unit, episodes, title, height = 240, now = points.time.at(-1) ?? 0, range, score = false } = props;
  const [from, until] = range ?? [];
  const plot = useMemo(() => plotOf(points, from === undefined ? undefined : [from, until!]), [points, from, until]);
  const stretches = useMemo(() => stretchesOf(points, episodes, now), [points, episodes, now]);
  const box = useRef<HTMLDivElement>(null);
  const panels = useRef<uPlot[]>([]);
  const scene = useRef<Scene>(undefined);
  const [at, setAt] = useState<number | null>(null);
  const [said, say] = useState("");

  useEffect(() => {
    const element = box.current!;
    const key = `chart${++charts}`;
    scene.current = { plot, stretches, unit, palette: paletteOf(element) };
    const panel = { scene: () => scene.current!, read: setAt, key };
    const made = [new uPlot(valuePanel({ ...panel, height, times: !score }), valuesOf(plot), element)];
    if (score) made.push(new uPlot(scorePanel({ ...panel, height: 0, times: true }), scoresOf(plot), element));
    panels.current = made;
    const resized = new ResizeObserver(() => {
      const width = Math.floor(element.clientWidth);
      if (width > 0) for (const one of made) if (one.width !== width) one.setSize({ width, height: one.height });
    });
    resized.observe(element);
    const unwatch = watchTheme(() => {
      scene.current = { ...scene.current!, palette: paletteOf(element) };
      for (const one of made) one.redraw(false);
    });
    return () => {
      unwatch();
      resized.disconnect();
      panels.current = [];
      for (const one of made) one.destroy();
    };
  }, []);

  useEffect(() => {
    const [values, scores] = panels.current;
    if (!values || !scene.current) return;
    scene.current = { ...scene.current, plot, stretches, unit };
    values.setData(valuesOf(plot));
    scores?.setData(scoresOf(plot));
  }, [plot, stretches, unit]);

  const move = (index: number | null) => {
    for (const one of panels.current) {
      const left = index === null ? -10 : Math.max(0, one.valToPos(plot.time[index], "x"));
      one.setCursor({ left, top: index === null ? -10 : 1 }, false);
    }
    setAt(index);
    say(index === null ? "" : readout(points, plot, index, unit).join(", "));
  };

  const keys = (event: KeyboardEvent) => {
    const last = plot.time.length - 1;
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -PAGE, PageDown: PAGE };
    const ends: Record<string, number> = { Home: 0, End: last };
    const step = steps[event.key];
    const target = step === undefined ? ends[event.key] : at === null ? last : at + step;
    if (event.key === "Escape" && at !== null) move(null);
    else if (target === undefined || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    else move(Math.max(0, Math.min(last, target)));
    event.preventDefault();
  };

  const table = useMemo(
    () => h(TableDetails, { title, heads: HEADS, rows: () => pointRows(points, unit), numeric: [1, 2, 3, 4, 5] }),
    [points, unit, title],
  );

  const label = `${title}. ${summary(stretches)} Arrow keys read values; a table follows.`;
  const reading = { tabIndex: 0, role: "group", "aria-label": label, onKeyDown: keys, onBlur: () => move(null) };
  const isRead = at !== null && at < plot.time.length;
  return h(
    "figure",
    { class: "plot" },
    h("div", { class: "legend" }, isRead ? values(readout(points, plot, at, unit)) : legend(plot, stretches)),
    h("div", { class: "chart", ref: box, ...reading }),
    h("span", { class: "vh", "aria-live": "polite" }, said),
    table,
  );
}

const valuesOf = ({ time, lower, upper, expected, observed }: Plot): uPlot.AlignedData => [
  time,
  lower,
  upper,
  expected,
  observed,
];
const scoresOf = ({ time, score }: Plot): uPlot.AlignedData => [time, score];

function summary(stretches: readonly Stretch[]): string {
  const last = stretches.at(-1);
  if (!last) return "Never over its line.";
  const times = stretches.length === 1 ? "Once" : `${stretches.length} times`;
  return `${times} over its line, ${last.open ? "still" : "last"} at ${clock(last.from)}: ${stretchWords(last)}.`;
}

/** What the lines are; of the band and the expectation where there are any. */
function legend({ time, upper, lower, expected }: Plot, stretches: readonly Stretch[]): VNode<any>[] {
  if (time.length === 0) return [h("span", null, "Nothing came in this time.")];
  const has = (column: readonly (number | null)[]) => column.some((each) => each !== null);
  const severity = stretches.findLast((each) => each.severity)?.severity ?? "warning";
  return [
    entry("obs", "observed"),
    ...(has(upper) && has(lower) ? [entry("band", "expected range")] : []),
    ...(has(expected) ? [entry("exp", "expected")] : []),
    ...(stretches.length > 0 ? [entry("odd", "over the line", severity)] : []),
  ];
}

function entry(name: string, words: string, severity = ""): VNode<any> {
  const shape =
    name === "band" ? h("rect", { class: name, width: 18, height: 10 }) : h("path", { class: name, d: "M0 5H18" });
  return h("span", { class: severity }, h("svg", { width: 18, height: 10, "aria-hidden": "true" }, shape), words);
}

const values = ([time, ...rest]: string[]): VNode<any>[] => [
  h("b", null, time),
  ...rest.map((words) => h("span", null, words)),
];
