// An incident in a list: its sentence first, then where it began and what shows it.
import { h, type VNode } from "preact";
import type { Incident, Page, SeriesPage, Told } from "../contract.ts";
import { useGet } from "./api.ts";
import { counted, duration, moment } from "./format.ts";
import { Link, to } from "./router.ts";
import { SeverityMark } from "./severity.ts";
import { Spark } from "./spark.ts";
import { Text } from "./text.ts";

/** "Origin payments · 3 anomalies in 2 services · 2 traces". */
export function evidenceOf({ count, services, traces, templates }: Incident): string {
  const parts = [
    `${counted(count, "anomaly", "anomalies")}${services.length > 1 ? ` in ${counted(services.length, "service")}` : ""}`,
  ];
  if (traces.length > 0) parts.push(counted(traces.length, "trace"));
  if (templates.length > 0) parts.push(counted(templates.length, "log template"));
  return parts.join(" · ");
}

/** "open for 23 min"; "12:15, for 17 min". */
export function whenOf({ state, start, end, last_seen }: Told, now: number): string {
  if (state !== "resolved") return `open for ${duration(now - start)}`;
  return `${moment(start, now)}, for ${duration((end ?? last_seen) - start)}`;
}

/** The series behind the highest peak that has points. */
function LeadingSpark({ incident }: { incident: Incident }): VNode<any> | null {
  const members = useGet<Page<Told>>(`/api/v1/episodes?incident=${encodeURIComponent(incident.id)}&limit=8`);
  const marks = [...new Set(members.data?.items.map(({ fingerprint }) => fingerprint))];
  const asked = marks.map((mark) => `fingerprint=${encodeURIComponent(mark)}`).join("&");
  const series = useGet<SeriesPage>(asked === "" ? undefined : `/api/v1/series?${asked}&limit=8`, incident.last_seen);
  const leading = series.data?.items.find(({ spark }) => spark.observed.some((each) => each !== null));
  return leading
    ? h(Spark, { spark: leading.spark, severity: incident.severity, width: 176, height: 48 })
    : h("span", { class: "spark" });
}

export interface CardProps {
  readonly incident: Incident;
  readonly now: number;
  /** Whether it asks for a line beside its words. */
  readonly spark?: boolean;
}

export function Card({ incident, now, spark = false }: CardProps): VNode<any> {
  const { id, severity, state, reason, origins, service } = incident;
  const origin = origins[0]?.service ?? service;
  return h(
    "li",
    { class: `inc ${severity}${state === "resolved" ? " over" : ""}` },
    h(
      "div",
      null,
      h(
        "div",
        { class: "row" },
        h(SeverityMark, { severity }),
        h("span", { class: "s dim" }, state === "resolved" ? `over: ${whenOf(incident, now)}` : whenOf(incident, now)),
      ),
      h("h3", null, h(Link, { to: to("incidents", id), step: true }, h(Text, { value: reason }))),
      h(
        "p",
        { class: "s dim" },
        origin !== "" && ["Origin ", h(Text, { value: origin, max: 80 }), " · "],
        h("span", { class: "dimmer" }, evidenceOf(incident)),
      ),
    ),
    spark && h(LeadingSpark, { incident }),
  );
}
