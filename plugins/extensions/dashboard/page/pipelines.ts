// The view Pipelines: the running configuration as a graph, with what flows, waits and fails.
import { h, type VNode } from "preact";
import type { ComponentView, Pipelines as Running } from "../contract.ts";
import { useGet } from "./api.ts";
import { Component } from "./component.ts";
import { Meter } from "./facts.ts";
import { counted, moment, number } from "./format.ts";
import { errorsOf, graphOf, type Node, type Row, toldRates } from "./graph.ts";
import { useStatus } from "./live.ts";
import type { ViewProps } from "./main.ts";
import { Link, to } from "./router.ts";
import { Icon, SeverityMark } from "./severity.ts";
import { componentFare, isWell } from "./states.ts";
import { Text } from "./text.ts";
import { Loading, Unanswered } from "./waiting.ts";

/** Milliseconds. */
const AGAIN = 5000;
const MOST_NAMED = 5;
/** Processors in a line; the style sheet has as many columns. */
const LINE = 3;

export function Pipelines({ route: { id } }: ViewProps): VNode<any> {
  const again = Math.floor((useStatus()?.time ?? 0) / AGAIN);
  const { data, error } = useGet<Running>("/api/v1/pipelines", again);
  if (error && !data) return h(Unanswered, { title: "The pipelines cannot be shown.", error });
  if (!data) return h(Loading, {});
  if (id !== "") return h(Component, { id, running: data });
  return h(
    "div",
    null,
    h(Head, { running: data }),
    graphOf(data).map((row) => h(Pipeline, { key: row.id, row })),
    h(Others, { running: data }),
  );
}

function Head({ running: { pipelines, components, started } }: { running: Running }): VNode<any> {
  const unwell = components.filter((each) => !isWell(each));
  const ids = [...new Set(unwell.map(({ id }) => id))];
  const named = ids.slice(0, MOST_NAMED).join(", ");
  const trouble = ids.length === 1 ? `${named} is in trouble.` : `${number(ids.length)} components are in trouble.`;
  const which = ids.length > 1 ? ` In trouble: ${named}${ids.length > MOST_NAMED ? " and others" : ""}.` : "";
  const incoming = components
    .filter(({ section }) => section === "receivers")
    .reduce((sum, each) => sum + (each.incoming ?? 0), 0);
  return h(
    "div",
    { class: "head" },
    h("h1", { tabIndex: -1 }, ids.length === 0 ? "Everything flows." : h(Text, { value: trouble, max: 120 })),
    h(
      "p",
      null,
      `${counted(pipelines.length, "pipeline")}, ${number(incoming)} rows a second in. It runs since ${moment(started)}.`,
      which,
    ),
  );
}

function Pipeline({ row }: { row: Row }): VNode<any> {
  const rates = toldRates(row.rates);
  const steps = row.processors.map((node, i) =>
    h("li", { key: node.id, class: "step" }, h(Wire, { rate: rates[i] }), h(NodeLink, { node })),
  );
  // after the last processor of the last line; alone where there is none
  const lines = Math.max(1, Math.ceil(steps.length / LINE));
  const column = steps.length - (lines - 1) * LINE + 1;
  const last = { gridColumn: `${column} / -1`, gridRow: String(lines) };
  const detectors = h("span", { class: "node plain" }, h("b", { class: "id" }, "detectors"), "what they find");
  const receivers = row.receivers.map((node) => h("li", { key: node.id }, h(NodeLink, { node, from: true })));
  const exporters = row.exporters.map((node) => h("li", { key: node.id }, h(NodeLink, { node })));
  return h(
    "section",
    { class: "pipeline", "aria-label": `Pipeline ${row.id}`, style: { "--depth": String(Math.min(3, row.depth)) } },
    h("h2", null, h(Text, { value: row.id, max: 100 })),
    h(
      "div",
      { class: lines > 1 ? "stages long" : "stages" },
      h(
        "ul",
        { class: "ends", "aria-label": "Receivers" },
        receivers.length > 0 ? receivers : h("li", null, detectors),
      ),
      h(
        "ol",
        { class: "middle", "aria-label": "Processors" },
        steps,
        h("li", { key: "last", class: "step", style: last }, h(Wire, { rate: rates.at(-1) ?? null })),
      ),
      h("ul", { class: "ends", "aria-label": "Exporters" }, exporters),
    ),
  );
}

function Wire({ rate }: { rate: number | null }): VNode<any> {
  return h("span", { class: "wire" }, rate === null ? "" : `${number(rate)}/s`);
}

/** `from`: of a connector at the beginning of a pipeline. */
function NodeLink({ node: { id, component, joins }, from = false }: { node: Node; from?: boolean }): VNode<any> {
  const isOk = component ? isWell(component) : true;
  const mark = component ? componentFare(component) : undefined;
  const queue = component?.queue;
  const errors = component ? errorsOf(component) : [];
  return h(
    Link,
    { to: to("pipelines", id), class: "node", step: true },
    h("b", { class: "id" }, mark?.mark === "ok" && h(Icon, { mark: "ok", size: 10 }), h(Text, { value: id, max: 60 })),
    mark?.mark === "ok" && h("span", { class: "vh" }, "OK"),
    joins.length > 0 && h("span", null, `${from ? "from" : "into"} ${joins.join(", ").slice(0, 100)}`),
    queue && h("span", null, `${number(queue.size)} of ${number(queue.capacity)} waiting`),
    queue && h(Meter, { part: queue.size / queue.capacity, tone: queue.size > 0.8 * queue.capacity ? "warning" : "" }),
    errors.length > 0 && h("span", null, `${number(errors[0][1])} ${errors[0][0]}`),
    mark && mark.mark !== "ok" && h(SeverityMark, { severity: mark.mark, word: mark.words }),
    !isOk && component?.reason && h("span", null, h(Text, { value: component.reason, max: 90 })),
  );
}

/** What stands in no pipeline. */
function Others({ running: { components } }: { running: Running }): VNode<any> | null {
  const extensions = components.filter(({ section }) => section === "extensions");
  if (extensions.length === 0) return null;
  const nodeOf = (component: ComponentView): Node => ({ id: component.id, component, joins: [] });
  return h(
    "section",
    { class: "pipeline" },
    h("h2", null, "Extensions"),
    h(
      "ul",
      { class: "middle" },
      extensions.map((each) => h("li", { class: "step", key: each.id }, h(NodeLink, { node: nodeOf(each) }))),
    ),
  );
}
