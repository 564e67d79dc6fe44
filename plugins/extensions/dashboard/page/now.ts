// What is wrong at this moment: a finding as the title, the open incidents, the last hours, how the agent fares.
import { type ComponentChildren, h, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Incident, Page, Status, Told } from "../contract.ts";
import { useGet } from "./api.ts";
import { Card, whenOf } from "./card.ts";
import { type Fact, Facts, Failed, Ghosts, Head, Meter, Section } from "./facts.ts";
import { age, bytes, clock, counted, duration, number, percent } from "./format.ts";
import { useChanges, useConnection, useNextTry, useStatus } from "./live.ts";
import type { ViewProps } from "./main.ts";
import { Link, to } from "./router.ts";
import { bySeverity, SeverityMark } from "./severity.ts";
import { Text } from "./text.ts";
import { Timeline } from "./timeline.ts";

const HOURS = 6;
const HOUR = 3_600_000;
const MOST_CARDS = 50;
/** Cards with a line beside their words: each asks for its series. */
const MOST_SPARKS = 8;

const LOOSE = "/api/v1/episodes?state=open&state=ongoing&limit=50";
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

/** Open episodes that belong to no incident. */
function Loose({ now }: { now: number }): VNode<any> {
  const { data, error } = useGet<Page<Told>>(LOOSE, useChanges());
  if (error && !data) return h(Failed, { error });
  if (!data) return h(Ghosts, {});
  const rows = [...data.items]
    .sort(bySeverity)
    .map((told) =>
      h(
        "li",
        { key: told.id, class: `inc ${told.severity}` },
        h(
          "div",
          null,
          h(
            "div",
            { class: "row" },
            h(SeverityMark, { severity: told.severity }),
            h("span", { class: "s dim" }, whenOf(told, now)),
          ),
          h("h3", null, h(Link, { to: to("explore", told.fingerprint), step: true }, h(Text, { value: told.reason }))),
        ),
      ),
    );
  const words = "These are single anomalies: with the processor correlate those of one cause become one incident.";
  return h(
    "section",
    null,
    h("h2", { class: "vh" }, "Open anomalies"),
    h("ol", { class: "rules" }, rows),
    h("p", { class: "xs dimmer after" }, words),
  );
}

interface OpenProps {
  readonly got: ReturnType<typeof useGet<Page<Incident>>>;
  readonly now: number;
  readonly last: Incident | undefined;
}

/** New ones wait behind a line, so that nothing moves under the pointer; what is over stays until then. */
function OpenIncidents({ got: { data, error }, now, last }: OpenProps): VNode<any> {
  const [shown, setShown] = useState<readonly Incident[]>();
  const items = data?.items;
  useEffect(() => {
    if (!items) return;
    const current = new Map(items.map((each) => [each.id, each]));
    setShown((before) => {
      const stays = before?.map((each) => current.get(each.id) ?? { ...each, state: "resolved" as const });
      // nothing open is there to be moved
      if (!stays?.some(({ state }) => state !== "resolved")) return [...items].sort(bySeverity);
      return stays;
    });
  }, [items]);
  if (error && !items) return h(Failed, { error });
  if (!items || !shown) return h(Ghosts, {});
  const waiting = items.filter(({ id }) => !shown.some((each) => each.id === id));
  const more =
    waiting.length > 0 &&
    h(
      "button",
      { class: "btn waiting", type: "button", onClick: () => setShown([...items].sort(bySeverity)) },
      `${counted(waiting.length, "new incident")}: show`,
    );
  if (shown.length === 0) return h("p", { class: "note" }, calm(last, now));
  return h(
    "section",
    null,
    h("h2", { class: "vh" }, "Open incidents"),
    h("div", { role: "status" }, more),
    h(
      "ol",
      { class: "rules" },
      shown.map((incident, i) => h(Card, { key: incident.id, incident, now, spark: i < MOST_SPARKS })),
    ),
    data?.next && h("p", { class: "s" }, h(Link, { to: to("incidents") }, "All incidents")),
  );
}

function calm(last: Incident | undefined, now: number): ComponentChildren {
  if (last) return `The last incident was over ${age(now - (last.end ?? last.last_seen))}.`;
  return [
    h("span", { key: "s" }, "No incident in the last hours. To see how one looks, run "),
    h("code", { key: "c" }, "vedette demo"),
    h("span", { key: "e" }, "."),
  ];
}

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

function Health({ status }: { status: Status }): VNode<any> {
  const {
    rows_per_second: rows,
    series,
    warming,
    alert_budget,
    memory_bytes,
    memory_limit_bytes,
    cpu,
    queue,
    unwell,
  } = status;
  const ready = series > 0 ? 1 - warming / series : 1;
  const facts: Fact[] = [
    ["Rows a second", h("b", null, number(rows.metrics + rows.traces + rows.logs))],
    ["Last row", h("b", null, status.last_row === null ? "none yet" : age(status.time - status.last_row))],
    ["Series watched", h("b", null, number(series))],
    [
      "Warming",
      h("b", null, number(warming)),
      warming > 0 && [
        h(Meter, { key: "m", part: ready }),
        h("span", { key: "w", class: "xs dimmer" }, `${percent(ready)} ready`),
      ],
    ],
    alert_budget.per_day === null
      ? ["Incidents in 24 h", h("b", null, number(alert_budget.used))]
      : [
          "Alarm budget",
          h("b", null, `${number(alert_budget.used)} of ${number(alert_budget.per_day)} a day`),
          h(Meter, { part: alert_budget.used / alert_budget.per_day }),
        ],
    memory_limit_bytes === null
      ? ["Memory", bytes(memory_bytes)]
      : [
          "Memory",
          `${bytes(memory_bytes)} of ${bytes(memory_limit_bytes)}`,
          h(Meter, { part: memory_bytes / memory_limit_bytes }),
        ],
    ["CPU", `${percent(cpu)} of a core`],
    ["Running for", duration(status.time - status.started)],
    ...(queue
      ? [
          [
            "Waiting to be sent",
            `${number(queue.size)} of ${number(queue.capacity)}`,
            h(Link, { to: to("pipelines") }, "All queues"),
          ] as Fact,
        ]
      : []),
  ];
  const bad = unwell
    .slice(0, 5)
    .map(({ id, reason }) =>
      h(
        "li",
        { key: id },
        h(SeverityMark, { severity: "warning", word: h(Link, { to: to("pipelines", id) }, id) }),
        h("p", { class: "s dim" }, h(Text, { value: reason })),
      ),
    );
  return h(
    "aside",
    { "aria-label": "Agent" },
    h(
      Section,
      { title: "Agent" },
      h(Facts, { facts: facts }),
      bad.length > 0 && h("ul", { class: "rules after" }, bad),
    ),
  );
}
