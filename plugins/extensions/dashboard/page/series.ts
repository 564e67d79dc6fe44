// One series: its chart, what its detector thinks of it and why, the episodes it had.
import { h, type VNode } from "preact";
import { useState } from "preact/hooks";
import type { SeriesWhole } from "../contract.ts";
import { useGet } from "./api.ts";
import { Chart } from "./chart.ts";
import { Facts, Section } from "./facts.ts";
import { age, counted, duration, moment, number } from "./format.ts";
import { useKept } from "./kept.ts";
import { useStatus } from "./live.ts";
import { rangeWords } from "./readout.ts";
import { Link, to } from "./router.ts";
import { SeverityMark } from "./severity.ts";
import { seriesFare } from "./states.ts";
import { Text } from "./text.ts";
import { Loading, Unanswered } from "./waiting.ts";

/** Milliseconds. */
const AGAIN = 5000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RANGES = [
  [HOUR / 4, "15 minutes"],
  [HOUR, "1 hour"],
  [6 * HOUR, "6 hours"],
] as const;
const FURTHER = [
  [DAY, "1 day"],
  [7 * DAY, "7 days"],
  [30 * DAY, "30 days"],
] as const;
const MOST_EPISODES = 20;

export function Series({ id }: { id: string }): VNode<any> {
  const [span, setSpan] = useState<number>(HOUR);
  const time = useStatus()?.time;
  // the question moves on with the agent's clock
  const until = time === undefined ? undefined : Math.ceil(time / AGAIN) * AGAIN;
  const path = until === undefined ? undefined : `/api/v1/series/${encodeURIComponent(id)}?from=${until - span}`;
  const { data, error } = useKept(useGet<SeriesWhole>(path), `${id} ${span}`);
  const back = h(Link, { to: to("explore"), class: "s back" }, "All series");
  if (error && !data)
    return h("div", { class: "one" }, back, h(Unanswered, { title: "This series cannot be shown.", error }));
  if (!data || until === undefined) return h("div", { class: "one" }, back, h(Loading, {}));
  const range = h(RangeChoice, { span, setSpan, further: data.further });
  return h(
    "div",
    { class: "one stack" },
    h(Head, { series: data, back }),
    h(
      "section",
      { class: "sec" },
      h("div", { class: "top" }, h("h2", null, unitWords(data)), range),
      h(Chart, {
        key: id,
        title: `${data.name} of ${data.service}`,
        points: data.points,
        unit: data.unit,
        episodes: data.episodes,
        range: shownRange(data, until, span),
        now: until,
        height: 270,
        score: true,
      }),
      data.source === "prometheus" &&
        h("p", { class: "xs dimmer" }, "What lies before the agent's own points comes from Prometheus."),
    ),
    h("div", { class: "two" }, h(Why, { series: data }), h(Detector, { series: data })),
    h("div", { class: "two" }, h(Episodes, { series: data, now: until }), h(Labels, { series: data })),
  );
}

/** Not further back than there are points. */
function shownRange({ points }: SeriesWhole, until: number, span: number): [number, number] {
  const first = points.time[0] ?? until - span;
  const least = until - Math.max(until - first, Math.min(span, 5 * 60_000));
  return [Math.max(until - span, least), until];
}

function unitWords({ unit, signal }: SeriesWhole): string {
  // of UCUM's annotations the words are shown
  const words = unit.replace(/[{}]/g, "").slice(0, 40);
  if (words === "" || words === "1") return signal === "metrics" ? "Observed values" : "Observed";
  return `Observed, in ${words}`;
}

function RangeChoice(props: { span: number; setSpan: (span: number) => void; further: boolean }): VNode<any> {
  const all = props.further ? [...RANGES, ...FURTHER] : RANGES;
  return h(
    "select",
    {
      "aria-label": "Range",
      value: String(props.span),
      onChange: (event: Event) => props.setSpan(Number((event.currentTarget as HTMLSelectElement).value)),
    },
    all.map(([span, words]) => h("option", { key: span, value: String(span) }, words)),
  );
}

function Head({ series, back }: { series: SeriesWhole; back: VNode<any> }): VNode<any> {
  const { mark, words } = seriesFare(series);
  return h(
    "div",
    { class: "head" },
    back,
    h("h1", { tabIndex: -1 }, h(Text, { value: series.name, max: 160 })),
    h(
      "p",
      { class: "row" },
      h(SeverityMark, { severity: mark, word: words }),
      h("span", null, h(Text, { value: series.service, max: 100 })),
    ),
  );
}

const QUESTIONS = {
  over: "Why is this an anomaly?",
  quiet: "Why is this not an anomaly?",
  warming: "Why does it say nothing yet?",
} as const;

function Why({ series: { state, explain } }: { series: SeriesWhole }): VNode<any> {
  const steps = explain.map((sentence) =>
    h("li", { key: sentence }, h("span", null, h(Text, { value: sentence, max: 600 }))),
  );
  return h(Section, { title: QUESTIONS[state] }, h("ol", { class: "steps" }, steps));
}

function Detector({ series }: { series: SeriesWhole }): VNode<any> {
  const { detector, pipeline, rows, warmup, observed, unit, lower, upper, expected } = series;
  const usual = rangeWords(lower, upper, unit) ?? (expected === null ? undefined : number(expected, unit));
  const last = series.last_over;
  return h(Section, {
    title: "Detector",
    children: h(Facts, {
      facts: [
        ["Component", h(Link, { to: to("pipelines", detector) }, h("code", null, detector))],
        ["Pipeline", h("code", null, pipeline)],
        ["Last row", `${number(observed, unit)}, ${moment(series.time)}`],
        ["Expected", usual ?? "not stated"],
        ["Seen", warmup > rows ? `${number(rows)} of ${counted(warmup, "row")} to warm up` : counted(rows, "row")],
        ["Last over the line", last === null ? "never since it is watched" : moment(last)],
      ],
    }),
  });
}

function Episodes({ series: { episodes }, now }: { series: SeriesWhole; now: number }): VNode<any> {
  const shown = episodes.slice(0, MOST_EPISODES).map(({ id, start, end, severity, incident }) => {
    const words = end === null ? `open since ${moment(start)}` : `${moment(start)}, for ${duration(end - start)}`;
    const link = incident === null ? words : h(Link, { to: to("incidents", incident), step: true }, words);
    const when = end === null ? `for ${duration(now - start)}` : age(now - end);
    return h(
      "li",
      { key: id, class: "told" },
      h(SeverityMark, { severity }),
      h("span", null, link),
      h("span", { class: "dimmer" }, when),
    );
  });
  const more = episodes.length - shown.length;
  const none = h("p", { class: "s dim" }, "None in this time.");
  const children =
    shown.length === 0
      ? none
      : [
          h("ul", { class: "rules" }, shown),
          more > 0 && h("p", { class: "xs dimmer" }, `${number(more)} earlier ones are not listed.`),
        ];
  return h(Section, { title: "Episodes", children });
}

function Labels({ series }: { series: SeriesWhole }): VNode<any> {
  const attributes = Object.entries(series.attributes).map(
    ([key, value]) => [key, h(Text, { value, max: 200 })] as const,
  );
  const rows = [
    ["service", h(Text, { value: series.service, max: 200 })] as const,
    ...attributes,
    ["signal", series.signal] as const,
    ["fingerprint", h("code", null, series.fingerprint)] as const,
  ];
  return h(Section, { title: "Labels", children: h(Facts, { facts: rows }) });
}
