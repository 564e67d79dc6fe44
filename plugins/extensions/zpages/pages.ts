// What each page shows: as data for `?format=json`, and as HTML of the same data.
import type { AgentView, ComponentStatus, Measurement, PipelineView, ServiceCall } from "vedette";
import { document, type Html, html, table } from "./html.ts";

/** A component with its numbers. */
interface Shown extends Omit<ComponentStatus, "since"> {
  readonly since: string;
  readonly measurements: readonly Measurement[];
}

export interface Page {
  readonly title: string;
  readonly data: object;
  readonly html: string;
}

type Section = ComponentStatus["section"];

/** Attributes that say which component a number is of. */
const NAMED: Readonly<Record<Section, readonly string[]>> = {
  receivers: ["receiver"],
  processors: ["processor", "detector"],
  connectors: ["connector"],
  exporters: ["exporter"],
  extensions: ["extension"],
};

const isNaming = (section: Section, name: string) => name === "component" || NAMED[section].includes(name);

function measurementsOf(one: ComponentStatus, all: readonly Measurement[]): readonly Measurement[] {
  return all.filter(({ name, attributes }) => {
    if (name === "vedette_component_status") return false;
    if (one.pipeline && attributes.pipeline && attributes.pipeline !== one.pipeline) return false;
    if (attributes.section && attributes.section !== one.section) return false;
    return Object.keys(attributes).some((key) => isNaming(one.section, key) && attributes[key] === one.id);
  });
}

function shown(one: ComponentStatus, all: readonly Measurement[]): Shown {
  return { ...one, since: new Date(one.since).toISOString(), measurements: measurementsOf(one, all) };
}

/** "otelcol_exporter_sent_spans" among the numbers of an exporter: "sent spans". */
const brief = (name: string) =>
  name
    .replace(/^(otelcol|vedette)_((receiver|processor|connector|exporter|extension|detector)_)?/, "")
    .replaceAll("_", " ");

const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });

function numbers({ section, id, measurements }: Shown): Html {
  const lines = measurements.map(({ name, value, attributes }) => {
    const others = Object.entries(attributes).filter(([key, text]) => text !== id || !isNaming(section, key));
    const said = others
      .filter(([key]) => key !== "pipeline" && key !== "section")
      .map(([key, text]) => `${key} ${text}`);
    return html`<li>${brief(name)} <b>${NUMBER.format(value)}</b>${said.length > 0 ? ` (${said.join(", ")})` : ""}</li>`;
  });
  return html`<ul>${lines}</ul>`;
}

function statusCells({ status, since, reason = "" }: Shown): (Html | string)[] {
  const text = status.replace("_", " ");
  const cell = status.endsWith("error") ? html`<span class="error">${text}</span>` : text;
  return [cell, html`<time datetime="${since}">${since}</time>`, reason];
}

const STATUS_HEADINGS = ["Status", "Since", "Reason"];

/** "3h 2m 7s". */
function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const first = parts.findIndex((part) => part > 0);
  return parts
    .map((part, i) => `${part}${"hms"[i]}`)
    .slice(first < 0 ? 2 : first)
    .join(" ");
}

function servicePage(agent: AgentView, now: number): Page {
  const components = agent.components().map((one) => shown(one, []));
  const counts: Record<string, number> = {};
  for (const { status } of components) counts[status] = (counts[status] ?? 0) + 1;
  const data = {
    version: agent.version,
    node: process.version,
    pid: process.pid,
    started: new Date(agent.startedAt).toISOString(),
    uptime_seconds: Math.max(0, (now - agent.startedAt) / 1000),
    statuses: counts,
    components: components.map(({ measurements: _, ...one }) => one),
  };
  const facts = [
    ["Version", data.version],
    ["Node.js", data.node],
    ["Process", String(data.pid)],
    ["Started", data.started],
    ["Uptime", span(now - agent.startedAt)],
    [
      "Components",
      Object.entries(counts)
        .map(([status, count]) => `${count} ${status.replace("_", " ")}`)
        .join(", "),
    ],
  ];
  const rows = components.map((one) => [one.id, one.section, one.pipeline ?? "", ...statusCells(one)]);
  const content = html`${table("Agent", ["Agent", ""], facts)}
<h2>Components</h2>
${table("Components", ["Component", "Section", "Pipeline", ...STATUS_HEADINGS], rows)}`;
  return { title: "Service", data, html: document("Service", content) };
}

/** The components of one pipeline, in the order in which data passes them. */
function stations(pipeline: PipelineView, components: readonly Shown[]): Shown[] {
  const find = (section: Section, id: string) =>
    components.find((one) => one.section === section && one.id === id && (one.pipeline ?? pipeline.id) === pipeline.id);
  return [
    ...pipeline.receivers.map((id) => find("receivers", id) ?? find("connectors", id)),
    ...pipeline.processors.map((id) => find("processors", id)),
    ...pipeline.exporters.map((id) => find("exporters", id) ?? find("connectors", id)),
  ].filter((one) => one !== undefined);
}

function pipelinesPage(agent: AgentView): Page {
  const measurements = agent.measurements();
  const components = agent.components().map((one) => shown(one, measurements));
  const pipelines = agent.pipelines().map((pipeline) => {
    const { id, signal, receivers, processors, exporters } = pipeline;
    return { id, signal, receivers, processors, exporters, components: stations(pipeline, components) };
  });
  const sections = pipelines.map(({ id, signal, components }) => {
    const rows = components.map((one) => [one.id, one.section, ...statusCells(one), numbers(one)]);
    const about = id === signal ? "" : ` (${signal})`;
    return html`<h2>${id}${about}</h2>
${table(`Pipeline ${id}`, ["Component", "Section", ...STATUS_HEADINGS, "Since its start"], rows)}`;
  });
  const note = html`<p>Components in the order in which data passes them. One that stands in several pipelines tells what it did in all of them.</p>`;
  return { title: "Pipelines", data: { pipelines }, html: document("Pipelines", html`${note}${sections}`) };
}

function extensionsPage(agent: AgentView): Page {
  const measurements = agent.measurements();
  const all = agent.components().filter(({ section }) => section === "extensions");
  const extensions = all.map((one) => shown(one, measurements));
  const rows = extensions.map((one) => [one.id, ...statusCells(one), numbers(one)]);
  const content = table("Extensions", ["Extension", ...STATUS_HEADINGS, "Since its start"], rows);
  return { title: "Extensions", data: { extensions }, html: document("Extensions", content) };
}

/** Rows of the page of the service graph; the rest is counted. */
const MOST_CALLS = 500;

const THREE_DIGITS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** Each service that calls or is called by one: what comes in and goes out, a second. */
function servicesOf(calls: readonly ServiceCall[]) {
  const services = new Map<string, { service: string; called: number; calls: number; anomalies: number }>();
  const find = (service: string) => {
    const known = services.get(service) ?? { service, called: 0, calls: 0, anomalies: 0 };
    services.set(service, known);
    return known;
  };
  for (const { from, to, rate, anomaly } of calls) {
    const [caller, callee] = [find(from), find(to)];
    caller.calls += rate;
    callee.called += rate;
    if (anomaly === undefined) continue;
    caller.anomalies++;
    callee.anomalies++;
  }
  return [...services.values()].sort((a, b) => b.called + b.calls - a.called - a.calls);
}

function serviceGraphPage(agent: AgentView): Page {
  const calls = agent.calls();
  // what is wrong is not cut off
  const shown = calls
    .toSorted((a, b) => Number(b.anomaly !== undefined) - Number(a.anomaly !== undefined) || b.rate - a.rate)
    .slice(0, MOST_CALLS);
  const services = servicesOf(calls).slice(0, MOST_CALLS);
  const rows = shown.map(({ from, to, rate, failed, latency, anomaly }) => [
    from,
    to,
    THREE_DIGITS.format(rate),
    `${THREE_DIGITS.format(100 * failed)} %`,
    `${THREE_DIGITS.format(latency)} ms`,
    anomaly === undefined ? "" : html`<span class="error">${anomaly}</span>`,
  ]);
  const nodes = services.map(({ service, called, calls, anomalies }) => [
    service,
    THREE_DIGITS.format(called),
    THREE_DIGITS.format(calls),
    anomalies,
  ]);
  const left = calls.length - shown.length;
  const note =
    calls.length === 0
      ? "Nobody has called anybody yet, or no pipeline of traces has the processor service_graph."
      : "Who calls whom, over the last three minutes: services, and what they call that does not report by itself.";
  const rest = left > 0 ? html`<p>${left} more that are called less are not shown.</p>` : "";
  const content = html`<p>${note}</p>
<h2>Calls</h2>
${table("Calls", ["From", "To", "Calls a second", "Failed", "Median time", "Open anomaly"], rows)}
${rest}
<h2>Services</h2>
${table("Services", ["Service", "Called, a second", "Calls, a second", "Calls with an open anomaly"], nodes)}`;
  const data = { calls: shown, left, services };
  return { title: "Service graph", data, html: document("Service graph", content) };
}

/** By path. */
export const PAGES: ReadonlyMap<string, (agent: AgentView, now: number) => Page> = new Map([
  ["/debug/servicez", servicePage],
  ["/debug/pipelinez", pipelinesPage],
  ["/debug/extensionz", extensionsPage],
  ["/debug/servicegraphz", serviceGraphPage],
]);
