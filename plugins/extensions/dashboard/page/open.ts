// What is open at this moment: incidents, and episodes that none of them has.
import { type ComponentChildren, h, type VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Incident, Page, Told } from "../contract.ts";
import { type Got, useGet } from "./api.ts";
import { Card, whenOf } from "./card.ts";
import { Failed, Ghosts } from "./facts.ts";
import { age, counted } from "./format.ts";
import { useChanges } from "./live.ts";
import { Link, to } from "./router.ts";
import { bySeverity, SeverityMark } from "./severity.ts";
import { Text } from "./text.ts";

/** Cards with a line beside their words: each asks for its series. */
const MOST_SPARKS = 8;
const LOOSE = "/api/v1/episodes?state=open&state=ongoing&limit=50";

/** Open episodes that belong to no incident. */
export function Loose({ now }: { now: number }): VNode<any> {
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
  readonly got: Got<Page<Incident>>;
  readonly now: number;
  readonly last: Incident | undefined;
}

/** New ones wait behind a line, so that nothing moves under the pointer; what is over stays until then. */
export function OpenIncidents({ got: { data, error }, now, last }: OpenProps): VNode<any> {
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
