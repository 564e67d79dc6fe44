// The traces of an incident: a choice among them, the chosen one as a waterfall.
import { h, type VNode } from "preact";
import { useState } from "preact/hooks";
import type { IncidentWhole, Trace } from "../contract.ts";
import { useGet } from "./api.ts";
import { useStatus } from "./live.ts";
import { Waterfall } from "./waterfall.ts";

const TEN_SECONDS = 10_000;
/** Times that it is asked again. */
const YOUNG = 12;

/** Trace ids of the incident, and of its members, each once. */
function traceIds({ traces, members }: IncidentWhole): string[] {
  const named = members.flatMap(({ labels }) => labels?.trace_id || []);
  return [...new Set([...traces, ...named])].slice(0, 20);
}

export function Traces({ incident }: { incident: IncidentWhole }): VNode<any> | null {
  const ids = traceIds(incident);
  const [chosen, choose] = useState(0);
  const id = ids[Math.min(chosen, ids.length - 1)];
  const { data, error } = useGet<Trace>(id && `/api/v1/traces/${id}`, useAgain(incident));
  if (id === undefined) return null;
  const pick =
    ids.length > 1 &&
    h(
      "label",
      { class: "s dim" },
      "Trace ",
      h(
        "select",
        {
          value: String(chosen),
          onChange: (event: Event) => choose(Number((event.target as HTMLSelectElement).value)),
        },
        ids.map((each, i) =>
          h("option", { key: each, value: String(i) }, `${i + 1} of ${ids.length}, ${each.slice(0, 8)}`),
        ),
      ),
    );
  return h(
    "section",
    { class: "sec" },
    h("div", { class: "top" }, h("h2", null, "A trace of it"), pick),
    h("p", { class: "s" }, "Pale is the whole span, solid is its own time."),
    data && h(Waterfall, { trace: data, members: incident.members }),
    !data &&
      error &&
      h(
        "p",
        { class: "note" },
        error.status === 404
          ? [
              "It is not complete yet, or not kept here any more. Its id, for a backend of traces: ",
              h("code", { key: "i" }, id),
            ]
          : error.message,
      ),
  );
}

/** A trace that is not complete yet is asked for again: with the next change, and every ten seconds while the incident is young. */
function useAgain({ start, last_seen }: IncidentWhole): string {
  const time = useStatus()?.time ?? start;
  return `${last_seen} ${Math.min(YOUNG, Math.floor((time - start) / TEN_SECONDS))}`;
}
