// What shows an incident: the series that deviates most on its expected range, and every anomaly of it in the order in which they began.
import { type ComponentChildren, h, type VNode } from "preact";
import { useState } from "preact/hooks";
import type { IncidentWhole, SeriesItem, SeriesPage, SeriesWhole, Told } from "../contract.ts";
import { useGet } from "./api.ts";
import { Chart } from "./chart.ts";
import { Section } from "./facts.ts";
import { counted, moment, number } from "./format.ts";
import { useKept } from "./kept.ts";
import { Link, to } from "./router.ts";
import { Spark } from "./spark.ts";
import { Text } from "./text.ts";

const MINUTE = 60_000;
/** Milliseconds after which the chart of what is still going on is drawn anew. */
const AGAIN = 10_000;
const MOST_MEMBERS = 40;
/** Until one asks for more. */
const MOST_AT_FIRST = 8;

/** Members by fingerprint, the highest peak first. */
function leadingOf(members: readonly Told[]): string[] {
  return [...new Set(members.map(({ fingerprint }) => fingerprint))].slice(0, MOST_MEMBERS);
}

/** Of the members' series those that have points. */
export function useSeries(members: readonly Told[], again: unknown): readonly SeriesItem[] {
  const asked = leadingOf(members).map((mark) => `fingerprint=${encodeURIComponent(mark)}`);
  const path = asked.length === 0 ? undefined : `/api/v1/series?${asked.join("&")}&limit=${MOST_MEMBERS}`;
  return useKept(useGet<SeriesPage>(path, again), members[0]?.incident ?? "").data?.items ?? [];
}

interface EvidenceProps {
  readonly incident: IncidentWhole;
  /** As `useSeries` has them. */
  readonly series: readonly SeriesItem[];
  readonly now: number;
}

export function Leading({ incident, series, now }: EvidenceProps): VNode<any> | null {
  const order = leadingOf(incident.members);
  const leading = [...series]
    .sort((a, b) => order.indexOf(a.fingerprint) - order.indexOf(b.fingerprint))
    .find(({ spark }) => spark.observed.some((each) => each !== null));
  const isOver = incident.state === "resolved";
  const until = isOver ? (incident.end ?? incident.last_seen) : Math.ceil(now / AGAIN) * AGAIN;
  const length = Math.max(until - incident.start, 5 * MINUTE);
  const from = Math.floor((incident.start - 2 * length) / MINUTE) * MINUTE;
  const path = leading && `/api/v1/series/${leading.fingerprint}?from=${from}&until=${isOver ? until + length : until}`;
  const { data } = useKept(useGet<SeriesWhole>(path), leading?.fingerprint ?? "");
  if (!data || data.points.time.length === 0) return null;
  const title = `${data.service}: ${data.name}`;
  const chart = { points: data.points, unit: data.unit, episodes: data.episodes, title, now: until };
  return h(
    Section,
    { title: h(Link, { to: to("explore", data.fingerprint) }, h(Text, { value: title, max: 120 })) },
    h(Chart, chart),
  );
}

export function Evidence({ incident, series: items, now }: EvidenceProps): VNode<any> {
  const { members } = incident;
  const series = new Map(items.map((item) => [item.fingerprint, item]));
  const [all, setAll] = useState(false);
  // the highest peaks come first
  const rows = members
    .slice(0, all ? MOST_MEMBERS : MOST_AT_FIRST)
    .sort((a, b) => a.start - b.start)
    .map((member, i) => {
      const item = series.get(member.fingerprint);
      const words: ComponentChildren = [
        h(Text, { key: "t", value: member.reason }),
        h(
          "span",
          { key: "w", class: "dimmer xs" },
          ` ${i === 0 ? "first, " : ""}${moment(member.start, now)} · `,
          h("code", null, member.detector),
          member.state === "resolved" && " · over",
        ),
      ];
      return h(
        "li",
        { key: member.id, class: "ev" },
        h(
          "span",
          null,
          item ? h(Link, { class: "keep plain", to: to("explore", member.fingerprint), step: true }, words) : words,
        ),
        item
          ? h(Spark, { spark: item.spark, severity: member.severity, width: 128, height: 32 })
          : h("span", { class: "spark" }),
        h(
          "span",
          { class: "n" },
          h("b", null, number(member.observed, member.unit)),
          h("span", { class: "xs dimmer" }, `score ${number(member.peak)}`),
        ),
      );
    });
  const further = Math.min(members.length, MOST_MEMBERS) - rows.length;
  const more = incident.episodes - rows.length;
  return h(
    Section,
    { title: "Evidence" },
    h("ul", { class: "rules" }, rows),
    further > 0
      ? h(
          "button",
          { class: "btn after", type: "button", onClick: () => setAll(true) },
          `Show ${counted(further, "more", "more")}`,
        )
      : more > 0 && h("p", { class: "xs dimmer after" }, `And ${counted(more, "anomaly", "anomalies")} more.`),
  );
}
