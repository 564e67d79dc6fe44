// OTLP/JSON as one line a row: what happened, to whom, when; attributes last.
import type { Telemetry } from "vedette";
import { isoTime, printable } from "./printable.ts";

interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number | string;
  bytesValue?: string;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: KeyValue[] };
}
interface KeyValue {
  key?: string;
  value?: AnyValue;
}
interface Row {
  attributes?: KeyValue[];
  timeUnixNano?: string;
}
interface Point extends Row {
  asDouble?: number | string;
  asInt?: string;
  count?: string;
  sum?: number | string;
  min?: number | string;
  max?: number | string;
  quantileValues?: { quantile?: number; value?: number | string }[];
}
interface Points {
  dataPoints?: Point[];
}
interface Metric {
  name?: string;
  unit?: string;
  gauge?: Points;
  sum?: Points;
  histogram?: Points;
  exponentialHistogram?: Points;
  summary?: Points;
}
interface LogRecord extends Row {
  observedTimeUnixNano?: string;
  severityText?: string;
  severityNumber?: number;
  body?: AnyValue;
}
interface Span extends Row {
  name?: string;
  traceId?: string;
  spanId?: string;
  startTimeUnixNano?: string;
  endTimeUnixNano?: string;
  status?: { code?: number; message?: string };
}
interface Scope {
  metrics?: Metric[];
  logRecords?: LogRecord[];
  spans?: Span[];
}
interface Resource {
  resource?: { attributes?: KeyValue[] };
  scopeMetrics?: Scope[];
  scopeLogs?: Scope[];
  scopeSpans?: Scope[];
}
interface Request {
  resourceMetrics?: Resource[];
  resourceLogs?: Resource[];
  resourceSpans?: Resource[];
}

function valueText(value: AnyValue | undefined): string {
  if (value === undefined) return "";
  if (value.arrayValue) return `[${(value.arrayValue.values ?? []).map(valueText).join(", ")}]`;
  if (value.kvlistValue) return attributesText(value.kvlistValue.values);
  const { stringValue, boolValue, intValue, doubleValue, bytesValue } = value;
  return String(stringValue ?? boolValue ?? intValue ?? doubleValue ?? bytesValue ?? "");
}

function attributesText(attributes: KeyValue[] = []): string {
  return `{${attributes.map(({ key = "", value }) => `${key}=${valueText(value)}`).join(", ")}}`;
}

const serviceOf = ({ resource }: Resource): string =>
  valueText(resource?.attributes?.find(({ key }) => key === "service.name")?.value) || "-";

const nanoTime = (nanoseconds = "0"): string => isoTime(Number(BigInt(nanoseconds) / 1_000_000n));

/** The parts of a row's line that there are, then its attributes. */
const line = (parts: (string | undefined)[], { attributes }: Row): string =>
  printable([...parts.filter(Boolean), attributes?.length ? attributesText(attributes) : ""].join(" ").trimEnd());

function pointText(point: Point, unit: string): string {
  const number = point.asInt ?? point.asDouble;
  if (point.count === undefined) return number === undefined ? "no value" : `${number}${unit}`;
  const quantiles = (point.quantileValues ?? []).map(({ quantile = 0, value = 0 }) => `p${quantile * 100}=${value}`);
  const known = (["count", "sum", "min", "max"] as const).filter((name) => point[name] !== undefined);
  return [...known.map((name) => `${name}=${point[name]}`), ...quantiles].join(" ") + unit;
}

function metricLines(service: string, metric: Metric): string[] {
  const unit = metric.unit ? ` ${metric.unit}` : "";
  const shape = metric.gauge ?? metric.sum ?? metric.histogram ?? metric.exponentialHistogram ?? metric.summary;
  const distribution = shape !== undefined && shape !== metric.gauge && shape !== metric.sum;
  return (shape?.dataPoints ?? []).map((point) => {
    // A count, or a number, of zero is left out of the JSON, as every default is.
    const whole: Point = distribution ? { ...point, count: point.count ?? "0" } : point;
    return line([nanoTime(point.timeUnixNano), service, metric.name, pointText(whole, unit)], point);
  });
}

function logLine(service: string, record: LogRecord): string {
  const time = record.timeUnixNano ?? record.observedTimeUnixNano;
  const severity = record.severityText || (record.severityNumber ? `severity ${record.severityNumber}` : "");
  return line([nanoTime(time), service, severity, valueText(record.body)], record);
}

function spanLine(service: string, span: Span): string {
  const { startTimeUnixNano = "0", endTimeUnixNano = "0", status } = span;
  const took = `${Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6} ms`;
  const failed = status?.code === 2 ? `ERROR ${status.message ?? ""}`.trimEnd() : undefined;
  const ids = `trace=${span.traceId ?? "-"} span=${span.spanId ?? "-"}`;
  return line([nanoTime(startTimeUnixNano), service, span.name, took, failed, ids], span);
}

/** `json` is one Export request as `protobufToJson` writes it. */
export function rowLines(signal: Telemetry, json: string): string[] {
  const request = JSON.parse(json) as Request;
  const lines: string[] = [];
  const resources = request.resourceMetrics ?? request.resourceLogs ?? request.resourceSpans ?? [];
  for (const resource of resources) {
    const service = serviceOf(resource);
    for (const scope of resource.scopeMetrics ?? resource.scopeLogs ?? resource.scopeSpans ?? []) {
      if (signal === "metrics") for (const metric of scope.metrics ?? []) lines.push(...metricLines(service, metric));
      if (signal === "logs") for (const record of scope.logRecords ?? []) lines.push(logLine(service, record));
      if (signal === "traces") for (const span of scope.spans ?? []) lines.push(spanLine(service, span));
    }
  }
  return lines;
}
