// What is wrong at this moment: a finding as the title, the open incidents, the last hours, how the agent fares.
import { h, type VNode } from "preact";
import { useState } from "preact/hooks";
import type { Incident, Page, Status } from "../contract.ts";
import { useGet } from "./api.ts";
import { whenOf } from "./card.ts";
import { Head, Section } from "./facts.ts";
import { age, clock, number } from "./format.ts";
import { Health } from "./health.ts";
import { useChanges, useConnection, useNextTry, useStatus } from "./live.ts";
import type { ViewProps } from "./main.ts";
import { Loose, OpenIncidents } from "./open.ts";
import { Link, to } from "./router.ts";
import { SeverityMark } from "./severity.ts";
import { Text } from "./text.ts";
import { Timeline } from "./timeline.ts";

const HOURS = 6;
const HOUR = 3_600_000;
const MOST_CARDS = 50;

const OPEN = `/api/v1/incidents?state=open&state=ongoing&limit=${MOST_CARDS}`;

const NUMBERS = ["Nothing", "One thing", "Two things", "Three things", "Four things", "Five things", "Six things"];

/** "Three things are wrong, one of them critical." */
export function finding(open: Status["open"]): string {
  const all = open.critical + open.warning + open.info;
  const what = NUMBERS[all] ?? `${all} things`;
  const be = all <= 1 ? "is" : "are";
  if (all === 0 || open.critical === 0) return `${what} ${be} wrong.`;
  if (open.critical === all) return `${what} ${be} wrong, and critical.`;
  const critical = open.critical === 1 ? "one of them" : `${open.critical} of them`;
  return `${what} ${be} wrong, ${critical} critical.`;
}

export function Now({ session }: ViewProps): VNode<any> {
  const status = useStatus();
  const changes = useChanges();
  const now = status?.time ?? Date.now();
  const open = useGet<Page<Incident>>(session.store ? OPEN : undefined, changes);
  const [since] = useState(() => Math.floor(Date.now() / 60_000) * 60_000 - HOURS * HOUR);
  const recent = useGet<Page<Incident>>(
    session.store ? `/api/v1/incidents?since=${since}&limit=200` : undefined,
    changes,
  );
  const closed = recent.data?.items.filter(({ state }) => state === "resolved") ?? [];
  // a pipeline of anomalies without `correlate` has episodes, and nothing that joins them
  const loose = open.data?.items.length === 0 && status !== undefined && sumOf(status.open) > 0;
  return h(
    "div",
    null,
    h(Title, { status, open: open.data && !open.data.next && !loose ? open.data.items : undefined }),
    h(
      "div",
      { class: "split" },
      h(
        "div",
        { class: "stack" },
        !session.store
          ? h(NoStore, {})
          : loose
            ? h(Loose, { now })
            : h(OpenIncidents, { got: open, now, last: closed[0] }),
        recent.data &&
          recent.data.items.length > 0 &&
          h(
            Section,
            { title: `Last ${HOURS} hours` },
            h(Timeline, { incidents: recent.data.items, now, hours: HOURS }),
          ),
        closed.length > 0 && h(Closed, { closed, now }),
      ),
      status && h(Health, { status }),
    ),
  );
}

function Title({ status, open }: { status: Status | undefined; open: readonly Incident[] | undefined }): VNode<any> {
  const connection = useConnection();
  const nextTry = useNextTry();
  if (connection === "lost" && status) {
    const next = nextTry ? ` The next try is at ${clock(nextTry, true)}.` : "";
    const words = `Its last word came at ${clock(status.time, true)}.${next} It may still be sending alerts: they do not pass through this page.`;
    return h(Head, { title: "The agent does not answer." }, h("p", null, words));
  }
  if (!status) return h(Head, { title: "Asking the agent …" });
  const counts = open ? countsOf(open) : status.open;
  const parts = [
    `${number(status.series)} series watched`,
    ...(status.warming > 0 ? [`${number(status.warming)} warming`] : []),
    status.last_row === null ? "nothing has come yet" : `last row ${age(status.time - status.last_row)}`,
  ];
  return h(Head, { title: finding(counts) }, h("p", null, `${parts.join(", ")}.`));
}

function countsOf(open: readonly Incident[]): Status["open"] {
  const of = (severity: string) => open.filter((each) => each.severity === severity).length;
  return { critical: of("critical"), warning: of("warning"), info: of("info") };
}

const sumOf = ({ critical, warning, info }: Status["open"]) => critical + warning + info;

function NoStore(): VNode<any> {
  return h(
    "p",
    { class: "note" },
    "Incidents are not kept. Add the extension and the exporter ",
    h("code", null, "anomaly_store"),
    " to the configuration to see them here.",
  );
}

function Closed({ closed, now }: { closed: readonly Incident[]; now: number }): VNode<any> {
  const rows = closed
    .slice(0, 8)
    .map((incident) =>
      h(
        "li",
        { key: incident.id, class: "closed" },
        h(SeverityMark, { severity: incident.severity, word: h("span", { class: "vh" }, incident.severity) }),
        h(
          "span",
          null,
          h(Link, { to: to("incidents", incident.id), step: true }, h(Text, { value: incident.reason })),
          h("span", { class: "dimmer" }, ` · ${whenOf(incident, now)}`),
        ),
      ),
    );
  return h(
    Section,
    { title: `Over, of the last ${HOURS} hours` },
    h("ul", { class: "rules" }, rows),
    h("p", { class: "s after" }, h(Link, { to: to("incidents") }, "All incidents")),
  );
}
