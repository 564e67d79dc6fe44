// The running configuration as a graph: pipelines, and each component with its rates, numbers and options.
import type { AgentView, ComponentStatus, Measurement } from "vedette";
import { stringify } from "yaml";
import type { ComponentView, Pipelines } from "./contract.ts";
import type { Samples } from "./samples.ts";

/** Attributes that say which component a number is of. */
const NAMED: Readonly<Record<ComponentStatus["section"], readonly string[]>> = {
  receivers: ["receiver"],
  processors: ["processor", "detector"],
  connectors: ["connector"],
  exporters: ["exporter"],
  extensions: ["extension"],
};

const MOST_TOTALS = 60;
const LONGEST_CONFIG = 64 * 1024;
/** Milliseconds that the numbers may be old. */
const FRESH = 900;

export function pipelinesOf(agent: AgentView, samples: Samples): Pipelines {
  const { measurements } = samples.latest(FRESH);
  return {
    started: agent.startedAt,
    pipelines: agent.pipelines().map(({ id, signal, receivers, processors, exporters }) => ({
      id,
      signal,
      receivers,
      processors,
      exporters,
    })),
    components: agent.components().map((one) => viewOf(one, measurements, agent, samples)),
  };
}

function viewOf(one: ComponentStatus, all: readonly Measurement[], agent: AgentView, samples: Samples): ComponentView {
  const { section, id, pipeline, status, reason, since } = one;
  const own = all.filter((each) => isOf(one, each));
  const rate = (...names: RegExp[]) => sumOf(own, names, (each) => samples.rate(each));
  const now = (...names: RegExp[]) => sumOf(own, names, ({ value }) => value);
  const capacity = now(/^otelcol_exporter_queue_capacity$/);
  const size = now(/^otelcol_exporter_queue_size$/);
  const flows: Readonly<Record<string, readonly [incoming: RegExp[], outgoing: RegExp[]]>> = {
    receivers: [[/^otelcol_receiver_(accepted|refused)_/], [/^otelcol_receiver_accepted_/]],
    processors: [[/^otelcol_processor_incoming_items$/], [/^otelcol_processor_outgoing_items$/]],
    exporters: [[], [/^(otelcol|vedette)_exporter_sent_/]],
  };
  const [incoming, outgoing] = flows[section] ?? [[], []];
  return {
    section,
    id,
    ...(pipeline !== undefined && { pipeline }),
    status,
    ...(reason !== undefined && { reason: reason.slice(0, 2000) }),
    since,
    incoming: rate(...incoming),
    outgoing: rate(...outgoing),
    totals: totalsOf(one, own),
    ...(capacity !== null && { queue: { size: size ?? 0, capacity } }),
    cpu: rate(/^vedette_(detector|processor)_seconds$/),
    config: configOf(agent, one),
  };
}

/** null where there is none of these. */
function sumOf(
  own: readonly Measurement[],
  names: readonly RegExp[],
  of: (each: Measurement) => number | null,
): number | null {
  let sum: number | null = null;
  for (const each of own) {
    const value = names.some((name) => name.test(each.name)) ? of(each) : null;
    if (value !== null) sum = (sum ?? 0) + value;
  }
  return sum;
}

function isOf({ section, id, pipeline }: ComponentStatus, { name, attributes }: Measurement): boolean {
  if (name === "vedette_component_status") return false;
  if (pipeline !== undefined && attributes["pipeline"] !== undefined && attributes["pipeline"] !== pipeline)
    return false;
  return NAMED[section].some((key) => attributes[key] === id);
}

/** "sent spans" for "otelcol_exporter_sent_spans"; what else tells numbers apart stands behind it. */
function totalsOf({ section }: ComponentStatus, own: readonly Measurement[]): Record<string, number> {
  const entries = own.slice(0, MOST_TOTALS).map(({ name, value, attributes }) => {
    const brief = name
      .replace(/^(otelcol|vedette)_((receiver|processor|connector|exporter|extension|detector)_)?/, "")
      .replaceAll("_", " ");
    const others = Object.entries(attributes)
      .filter(([key]) => key !== "pipeline" && key !== "otel_signal" && !NAMED[section].includes(key))
      .map(([key, text]) => `${key} ${text}`);
    return [others.length > 0 ? `${brief} (${others.join(", ")})` : brief, value] as const;
  });
  // of an exporter of several signals one name may come for each
  const totals: Record<string, number> = {};
  for (const [name, value] of entries) totals[name] = (totals[name] ?? 0) + value;
  return totals;
}

const texts = new WeakMap<object, string>();

/** As it would stand in the configuration, under its id; "" where it is not known. */
function configOf(agent: AgentView, { section, id }: ComponentStatus): string {
  const options = agent.configOf?.(section, id);
  if (!options) return "";
  let text = texts.get(options);
  if (text === undefined) {
    text = stringify({ [id]: options }, { lineWidth: 0, version: "1.1" }).slice(0, LONGEST_CONFIG);
    texts.set(options, text);
  }
  return text;
}
