// Metrics as Prometheus reads them: text format 0.0.4, with the switches of the Collector's Prometheus reader.
import type { Attributes } from "@opentelemetry/api";
import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import { UNIT_WORDS } from "../api/index.ts";

export interface TextOptions {
  /** No `otel_scope_name` and `otel_scope_version` on each series. */
  readonly without_scope_info: boolean;
  /** No `_total` after the name of a counter. */
  readonly without_type_suffix: boolean;
  /** No unit after the name: `_seconds`, `_bytes`. */
  readonly without_units: boolean;
  /** Resource attributes that become labels of each series; absent: none do, all are on `target_info`. */
  readonly with_resource_constant_labels?: {
    readonly included?: readonly string[];
    readonly excluded?: readonly string[];
  };
}

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Type = "counter" | "gauge" | "histogram";

/** Series by their labels, so that none is written twice. */
interface Family {
  readonly type: Type;
  readonly help: string;
  readonly series: Map<string, DataPoint<number | Histogram>>;
}

/** The whole answer to a scrape. Where two metrics of one name differ in type, the first is written. */
export function prometheusText({ resource, scopeMetrics }: ResourceMetrics, options: TextOptions): string {
  const families = new Map<string, Family>();
  const constant = constantLabels(resource.attributes, options.with_resource_constant_labels);
  for (const { scope, metrics } of scopeMetrics) {
    const own: Attributes = options.without_scope_info
      ? constant
      : { ...constant, otel_scope_name: scope.name, otel_scope_version: scope.version ?? "" };
    for (const metric of metrics) {
      const type = typeOf(metric);
      if (!type) continue;
      const name = nameOf(metric, type, options);
      let family = families.get(name);
      if (!family) {
        family = { type, help: metric.descriptor.description, series: new Map() };
        families.set(name, family);
      }
      if (family.type !== type) continue;
      for (const point of metric.dataPoints as DataPoint<number | Histogram>[]) {
        const labels = labelsText({ ...point.attributes, ...own });
        if (!family.series.has(labels)) family.series.set(labels, point);
      }
    }
  }
  const target = labelsText(resource.attributes);
  const lines = target === "" ? [] : [...head("target_info", "gauge", "Target metadata"), `target_info{${target}} 1`];
  for (const [name, { type, help, series }] of families) {
    if (series.size === 0) continue;
    lines.push(...head(name, type, help));
    for (const [labels, { value }] of series) lines.push(...samples(name, labels, value));
  }
  return `${lines.join("\n")}\n`;
}

function constantLabels(attributes: Attributes, wanted: TextOptions["with_resource_constant_labels"]): Attributes {
  if (!wanted) return {};
  const { included = [], excluded = [] } = wanted;
  return Object.fromEntries(
    Object.entries(attributes).filter(
      ([key]) => !excluded.includes(key) && (included.length === 0 || included.includes(key)),
    ),
  );
}

function typeOf(metric: MetricData): Type | undefined {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return metric.isMonotonic ? "counter" : "gauge";
    case DataPointType.GAUGE:
      return "gauge";
    case DataPointType.HISTOGRAM:
      return "histogram";
    default:
      return undefined; // exponential histograms come only from views, which we have none of
  }
}

function nameOf({ descriptor }: MetricData, type: Type, options: TextOptions): string {
  let name = descriptor.name.replace(/[^a-zA-Z0-9_:]/g, "_").replace(/^(?=\d)/, "_");
  const unit = descriptor.unit === "1" && type === "gauge" ? "ratio" : UNIT_WORDS[descriptor.unit];
  if (type === "counter" && !options.without_type_suffix) name = name.replace(/_total$/, "");
  if (unit && !options.without_units && !name.endsWith(`_${unit}`)) name += `_${unit}`;
  return type === "counter" && !options.without_type_suffix ? `${name}_total` : name;
}

const head = (name: string, type: Type, help: string) => [
  `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}`,
  `# TYPE ${name} ${type}`,
];

const escaped = (character: string) => (character === "\n" ? "\\n" : `\\${character}`);

/** `a="b",c="d"` in the order of the names; values of names that become the same are joined by ";", as OpenTelemetry has it. */
function labelsText(attributes: Attributes): string {
  const labels = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined) continue;
    const name = key.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d)/, "_");
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    labels.set(name, labels.has(name) ? `${labels.get(name)};${text}` : text);
  }
  return [...labels].map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`).join(",");
}

const number = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";

function samples(name: string, labels: string, value: number | Histogram): string[] {
  const braced = labels && `{${labels}}`;
  if (typeof value === "number") return [`${name}${braced} ${number(value)}`];
  const { buckets, count, sum = Number.NaN } = value;
  let below = 0;
  const lines = [...buckets.boundaries, Number.POSITIVE_INFINITY].map((bound, i) => {
    below += buckets.counts[i];
    return `${name}_bucket{${labels && `${labels},`}le="${number(bound)}"} ${below}`;
  });
  return [...lines, `${name}_sum${braced} ${number(sum)}`, `${name}_count${braced} ${count}`];
}
