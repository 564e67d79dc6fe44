// The last hours: a lane for each service, a mark and a line for each incident.
import { h, type VNode } from "preact";
import type { Incident } from "../contract.ts";
import { clock } from "./format.ts";
import { to } from "./router.ts";
import { Icon } from "./severity.ts";
import { clipped, Text } from "./text.ts";

const HOUR = 3_600_000;
const MOST_LANES = 8;
const MOST_MARKS = 40;

export interface Lane {
  readonly service: string;
  readonly incidents: readonly Incident[];
}

/** The services with the latest incidents, each with its latest. */
export function lanesOf(incidents: readonly Incident[]): Lane[] {
  const by = Map.groupBy(
    [...incidents].sort((a, b) => b.start - a.start),
    ({ origins, service }) => origins[0]?.service ?? service,
  );
  return [...by].slice(0, MOST_LANES).map(([service, all]) => ({ service, incidents: all.slice(0, MOST_MARKS) }));
}

export interface TimelineProps {
  readonly incidents: readonly Incident[];
  readonly now: number;
  readonly hours: number;
}

export function Timeline({ incidents, now, hours }: TimelineProps): VNode<any> {
  const from = now - hours * HOUR;
  const place = (time: number) => Math.max(0, Math.min(100, ((time - from) / (hours * HOUR)) * 100));
  const mark = (incident: Incident) => {
    const { id, severity, start, end, last_seen, reason } = incident;
    const open = incident.state !== "resolved";
    const until = open ? now : (end ?? last_seen);
    const words = `${severity}, ${clock(start)} to ${open ? "now" : clock(until)}: ${clipped(reason, 200)}`;
    const style = { "--l": `${place(start)}%`, "--w": `${place(until) - place(start)}%` };
    const name = `ep ${severity}${open ? "" : " closed"}`;
    return h(
      "a",
      { key: id, class: name, href: to("incidents", id), "aria-label": words, title: words, style },
      h(Icon, { mark: severity }),
    );
  };
  const lanes = lanesOf(incidents).flatMap(({ service, incidents: own }) => [
    h("div", { key: `${service} name`, class: "dim" }, h(Text, { value: service || "(no service)", max: 40 })),
    h("div", { key: service, class: "track" }, own.map(mark)),
  ]);
  return h(
    "div",
    { class: "lanes" },
    lanes,
    h("div", null),
    h(
      "div",
      { class: "axis", "aria-hidden": "true" },
      ticksOf(from, now).map((time) => h("span", { key: time, style: { "--l": `${place(time)}%` } }, clock(time))),
    ),
  );
}

/** Whole hours of the viewer's clock, away from the edges. */
function ticksOf(from: number, now: number): number[] {
  const first = new Date(from);
  first.setMinutes(0, 0, 0);
  const ticks: number[] = [];
  for (let time = first.getTime() + HOUR; time < now - HOUR / 6; time += HOUR) {
    if (time > from + HOUR / 4) ticks.push(time);
  }
  return ticks;
}
