// One incident: its sentence, the series that shows it, where it began and why, what else shows it, and what one can say of it.
import { h, type VNode } from "preact";
import { useState } from "preact/hooks";
import type { IncidentWhole } from "../contract.ts";
import { useGet } from "./api.ts";
import { AlertsSent, WhatChanged } from "./around.ts";
import { whenOf } from "./card.ts";
import { Evidence, Leading, useSeries } from "./evidence.ts";
import { Facts, Failed, Ghosts, Section } from "./facts.ts";
import { Feedback } from "./feedback.ts";
import { moment, number, percent } from "./format.ts";
import { useChanges, useStatus } from "./live.ts";
import type { ViewProps } from "./main.ts";
import { Link, to } from "./router.ts";
import { SeverityMark } from "./severity.ts";
import { Templates } from "./templates.ts";
import { Text } from "./text.ts";
import { Traces } from "./traces.ts";

export function IncidentView({ route, session }: ViewProps): VNode<any> {
  const changes = useChanges();
  const [told, setTold] = useState(0);
  const path = `/api/v1/incidents/${encodeURIComponent(route.id)}`;
  const { data: incident, error } = useGet<IncidentWhole>(path, `${changes} ${told}`);
  if (!incident)
    return h(
      "div",
      null,
      h("h1", { class: "vh", tabIndex: -1 }, "Incident"),
      error ? h(Failed, { error }) : h(Ghosts, {}),
    );
  const { severity, reason } = incident;
  const changed = () => setTold((n) => n + 1);
  return h(
    "div",
    null,
    h(
      "div",
      { class: `head ${severity}` },
      h(When, { incident }),
      h(
        "h1",
        { class: reason.length > 120 ? "said long" : "said", tabIndex: -1 },
        h(Text, { value: reason, max: 400 }),
      ),
    ),
    h(Parts, { key: incident.id, incident, mayChange: session.role === "operator", changed }),
  );
}

function When({ incident }: { incident: IncidentWhole }): VNode<any> {
  const { severity, state, start } = incident;
  const now = useStatus()?.time ?? Date.now();
  const when = whenOf(incident, now);
  return h(
    "div",
    { class: "row" },
    h(SeverityMark, { severity }),
    h("span", { class: "s dim" }, state === "resolved" ? `over: ${when}` : `${when}, since ${moment(start, now)}`),
    h(Link, { class: "s", to: to("incidents") }, "All incidents"),
  );
}

interface PartsProps {
  readonly incident: IncidentWhole;
  readonly mayChange: boolean;
  readonly changed: () => void;
}

/** On a phone in this order, but for what is `late`; else what one can do stands beside what shows it. */
function Parts({ incident, mayChange, changed }: PartsProps): VNode<any> {
  const now = useStatus()?.time ?? Date.now();
  const { id, members, origins, last_seen } = incident;
  const series = useSeries(members, last_seen);
  return h(
    "div",
    { class: "split incident" },
    h("div", { class: "first" }, h(Leading, { incident, series, now })),
    h(
      "div",
      { class: "stack aside" },
      h(Section, { title: "What was this?" }, h(Feedback, { about: id, said: incident.feedback, mayChange, changed })),
      h(WhatChanged, { incident }),
      h(
        "div",
        { class: "stack late" },
        h(AlertsSent, { about: id, again: last_seen }),
        h(Section, { title: "Identity" }, h(Facts, { facts: identityOf(incident) })),
      ),
    ),
    h(
      "div",
      { class: "stack rest" },
      origins.length > 0 && h(Origins, { origins }),
      h(Evidence, { incident, series, now }),
      h(Traces, { incident }),
      h(Messages, { members }),
    ),
  );
}

const identityOf = ({ id, detector, type, peak, count, services }: IncidentWhole) =>
  [
    ["Incident", h("code", null, id)],
    ["Found by", h("code", null, detector)],
    ["Type", type],
    ["Highest score", number(peak)],
    ["Anomalous rows", number(count)],
    ["Services", services.length === 0 ? "none named" : h(Text, { value: services.join(", "), max: 200 })],
  ] as const;

function Origins({ origins }: Pick<IncidentWhole, "origins">): VNode<any> {
  const rows = origins.slice(0, 5).map(({ service, share, reasons }, i) =>
    h(
      "li",
      { key: service, class: "cause" },
      h("span", { class: "dimmer" }, i + 1),
      h(
        "span",
        null,
        h("b", null, h(Text, { value: service, max: 80 })),
        h(
          "span",
          { class: "dim" },
          reasons.slice(0, 4).map((reason, k) => h("span", { key: k, class: "line" }, h(Text, { value: reason }))),
        ),
      ),
      h("b", { class: "n", title: "its share of all blame" }, percent(share)),
    ),
  );
  return h(
    Section,
    { title: ["Why ", h(Text, { value: origins[0].service, max: 60 })] },
    h("ol", { class: "rules" }, rows),
  );
}

function Messages({ members }: Pick<IncidentWhole, "members">): VNode<any> | null {
  const logs = members.filter(({ signal }) => signal === "logs");
  return logs.length === 0 ? null : h(Section, { title: "Log lines" }, h(Templates, { members: logs }));
}
