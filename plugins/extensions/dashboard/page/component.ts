// One component, wherever it stands: how it fares, what it has counted, its options.
import { h, type VNode } from "preact";
import type { ComponentView, Pipelines } from "../contract.ts";
import { type Fact, Facts, Meter, Section } from "./facts.ts";
import { moment, number, percent } from "./format.ts";
import { Link, to } from "./router.ts";
import { SeverityMark } from "./severity.ts";
import { componentFare } from "./states.ts";
import { Table } from "./table.ts";
import { Text } from "./text.ts";

const KIND: Readonly<Record<string, string>> = {
  receivers: "Receiver",
  processors: "Processor",
  connectors: "Connector",
  exporters: "Exporter",
  extensions: "Extension",
};

export function Component({ id, running }: { id: string; running: Pipelines }): VNode<any> {
  const all = running.components.filter((each) => each.id === id);
  const back = h(Link, { to: to("pipelines"), class: "s back keep" }, "All pipelines");
  if (all.length === 0) {
    const words = "It may have been taken out of the configuration.";
    return h(
      "div",
      { class: "blank" },
      back,
      h("h1", { tabIndex: -1 }, "No such component runs."),
      h("p", null, words),
    );
  }
  const sections = [...new Set(all.map(({ section }) => section))];
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "head" },
      back,
      h("h1", { tabIndex: -1 }, h(Text, { value: id, max: 120 })),
      h("p", null, placeWords(id, running)),
    ),
    all.map((each) =>
      h(Instance, { key: `${each.section} ${each.pipeline}`, component: each, alone: all.length === 1 }),
    ),
    sections.map((section) => {
      const { config } = all.find((each) => each.section === section)!;
      const title = sections.length === 1 ? "Its options" : `Its options as ${KIND[section]?.toLowerCase()}`;
      const none = h("p", { class: "s dim" }, "They are not known.");
      return h(
        Section,
        { key: section, title },
        config === "" ? none : h("pre", { class: "yaml" }, h(Text, { value: config, max: 20_000 })),
      );
    }),
  );
}

function placeWords(id: string, { pipelines }: Pipelines): string {
  const places = pipelines.filter(({ receivers, processors, exporters }) =>
    [receivers, processors, exporters].some((each) => each.includes(id)),
  );
  if (places.length === 0) return "It stands in no pipeline.";
  return `It stands in the ${places.length === 1 ? "pipeline" : "pipelines"} ${places
    .map((each) => each.id)
    .join(", ")
    .slice(0, 300)}.`;
}

function Instance({ component, alone }: { component: ComponentView; alone: boolean }): VNode<any> {
  const { section, pipeline, since, incoming, outgoing, cpu, queue, reason, totals } = component;
  const { mark, words } = componentFare(component);
  const kind = KIND[section] ?? section;
  const title = alone || pipeline === undefined ? kind : `${kind} in ${pipeline}`;
  const facts: Fact[] = [
    ["State", h(SeverityMark, { severity: mark, word: words }), reason && h(Text, { value: reason, max: 1000 })],
    ["Since", moment(since)],
  ];
  if (incoming !== null) facts.push(["In", `${number(incoming)}/s`]);
  if (outgoing !== null) facts.push(["Out", `${number(outgoing)}/s`]);
  if (cpu !== null) facts.push(["CPU", `${percent(cpu)} of a core`]);
  if (queue) {
    const meter = h(Meter, {
      part: queue.size / queue.capacity,
      tone: queue.size > 0.8 * queue.capacity ? "warning" : "",
    });
    facts.push(["Waiting to be sent", `${number(queue.size)} of ${number(queue.capacity)}`, meter]);
  }
  const rows = Object.entries(totals).map(([name, value]) => [h(Text, { value: name, max: 120 }), number(value)]);
  const counted = h(Table, {
    title: `what ${component.id} counted`,
    heads: ["what", "value"],
    rows,
    numeric: [1],
  });
  const none = h("p", { class: "s dim" }, "It counts nothing.");
  return h(Section, { title }, h("div", { class: "two" }, h(Facts, { facts }), rows.length > 0 ? counted : none));
}
