// All incidents that are kept, the latest first, by state and severity, page after page.
import { h, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Incident, Page } from "../contract.ts";
import { get, useGet } from "./api.ts";
import { Card } from "./card.ts";
import { Failed, Ghosts, Head } from "./facts.ts";
import { useChanges, useStatus } from "./live.ts";
import type { ViewProps } from "./main.ts";
import { go, to } from "./router.ts";

const STATES = { open: "state=open&state=ongoing", over: "state=resolved", all: "" } as const;
const SEVERITIES = ["critical", "warning", "info"];

export function Incidents({ route }: ViewProps): VNode<any> {
  const state = (route.query.get("state") ?? "all") as keyof typeof STATES;
  const severity = route.query.get("severity") ?? "";
  const asked = [STATES[state] ?? "", severity && `severity=${encodeURIComponent(severity)}`, "limit=30"]
    .filter(Boolean)
    .join("&");
  const path = `/api/v1/incidents?${asked}`;
  const { data, error } = useGet<Page<Incident>>(path, useChanges());
  const [more, setMore] = useState<{ path: string; pages: readonly Page<Incident>[] }>({ path, pages: [] });
  useEffect(() => setMore({ path, pages: [] }), [path]);
  const now = useStatus()?.time ?? Date.now();
  const pages = more.path === path ? more.pages : [];
  const known = new Set(data?.items.map(({ id }) => id));
  const items = [...(data?.items ?? []), ...pages.flatMap((page) => page.items.filter(({ id }) => !known.has(id)))];
  const next = pages.length > 0 ? pages.at(-1)!.next : data?.next;
  const further = async () => {
    const page = await get<Page<Incident>>(`${path}&cursor=${encodeURIComponent(next!)}`);
    setMore({ path, pages: [...pages, page] });
  };
  const pick = (
    name: string,
    value: string,
    options: readonly (readonly [string, string])[],
    then: (value: string) => string,
  ) =>
    h(
      "label",
      { class: "s dim" },
      `${name} `,
      h(
        "select",
        { value, onChange: (event: Event) => go(then((event.target as HTMLSelectElement).value)) },
        options.map(([option, text]) => h("option", { key: option, value: option, selected: option === value }, text)),
      ),
    );
  return h(
    "div",
    null,
    h(Head, { title: "Incidents" }, h("p", null, "All that are kept, the latest first.")),
    h(
      "div",
      { class: "row filters" },
      pick(
        "Show",
        state,
        [
          ["all", "all"],
          ["open", "open"],
          ["over", "over"],
        ],
        (value) => to("incidents", "", { state: value, severity }),
      ),
      pick("Severity", severity, [["", "any"], ...SEVERITIES.map((each) => [each, each] as const)], (value) =>
        to("incidents", "", { state, severity: value }),
      ),
    ),
    error && items.length === 0 && h(Failed, { error }),
    !data && !error && h(Ghosts, {}),
    data && items.length === 0 && h("p", { class: "note" }, "There are none."),
    h("h2", { class: "vh" }, "The incidents"),
    h(
      "ol",
      { class: "rules" },
      items.map((incident) => h(Card, { key: incident.id, incident, now })),
    ),
    next && h("button", { class: "btn after", type: "button", onClick: () => void further() }, "Earlier ones"),
  );
}
