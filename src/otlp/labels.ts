// Decodes what one row is about. Off the hot path: it runs for anomalies, and once a series for `match`.
import type { Attributes, AttributeValue, Labels, Telemetry } from "../api/signals.ts";
import { ATTRIBUTE_FIELD, Kind, type MetricScan, type ScannedRows, type ScanOf, Shape, Statistic } from "./columns.ts";
import { severityRange } from "./logs.ts";
import {
  after,
  DecodeError,
  enter,
  high,
  low,
  MAX_DEPTH,
  position,
  readTag,
  readVarint64,
  skip,
  viewOf,
} from "./wire.ts";

const SPAN_KIND = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const SEVERITY = ["UNSPECIFIED", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const STATISTIC = ["", "rate", "mean", "p50", "p95", "p99"];

// A byte order mark is a character of the sender's text like any other.
const text = new TextDecoder("utf-8", { ignoreBOM: true });

/** What rows of one scope have in common. */
export type Envelope = Pick<Labels, "resource" | "scope">;

/**
 * What `row` is about; `envelopes`, by container and for one request, spares reading its resource and scope again, which is shared
 * by all who ask. Throws DecodeError for a number point with malformed attributes, which `scanMetrics` leaves to `identifyPoint`.
 */
export function labelsOf<S extends Telemetry>(
  signal: S,
  bytes: Uint8Array,
  scan: ScanOf[S],
  row: number,
  envelopes?: Map<number, Envelope>,
): Labels {
  const { containers } = scan;
  const [resource, scope, metric] = enclosing(scan, row);
  let envelope = envelopes?.get(scope);
  if (!envelope) {
    envelope = {
      resource: resourceAttributes(bytes, containers.start[resource], containers.end[resource]),
      scope: scopeOf(bytes, containers.start[scope], containers.end[scope]),
    };
    envelopes?.set(scope, envelope);
  }
  const end = enter(bytes, scan.offset[row], bytes.length);
  const start = position;
  const labels = { resource: envelope.resource, scope: envelope.scope, statistic: "", traceId: "", spanId: "" };
  if (signal === "logs") {
    const { severity, traceId, spanId } = scan as ScanOf["logs"];
    return {
      ...labels,
      name: SEVERITY[severityRange(severity[row])],
      unit: "",
      attributes: decodeAttributes(bytes, start, end, ATTRIBUTE_FIELD.logs),
      traceId: hex(bytes, traceId[row], 16),
      spanId: hex(bytes, spanId[row], 8),
    };
  }
  if (signal === "traces") {
    const { kind, traceId, spanId } = scan as ScanOf["traces"];
    return {
      ...labels,
      name: lastString(bytes, start, end, 5),
      kind: SPAN_KIND[kind[row]],
      unit: "ms",
      attributes: decodeAttributes(bytes, start, end, ATTRIBUTE_FIELD.traces),
      traceId: hex(bytes, traceId[row], 16),
      spanId: hex(bytes, spanId[row], 8),
    };
  }
  const points = scan as MetricScan;
  const statistic = statisticOf(bytes, points, row, start, end);
  const metricStart = containers.start[metric];
  const metricEnd = containers.end[metric];
  const unit = lastString(bytes, metricStart, metricEnd, 3);
  return {
    ...labels,
    name: lastString(bytes, metricStart, metricEnd, 1),
    statistic,
    unit: statistic !== "rate" ? unit : points.shape[row] !== Shape.number || unit === "" ? "1/s" : `${unit}/s`,
    attributes: decodeAttributes(bytes, start, end, ATTRIBUTE_FIELD.metrics[points.shape[row]]),
  };
}

/** Service and name of a span: a part of its labels, at a small part of their price. */
export function operationName(
  bytes: Uint8Array,
  scan: ScanOf["traces"],
  row: number,
): { namespace: string; service: string; name: string } {
  const { containers } = scan;
  let resource = scan.container[row];
  while (containers.parent[resource] >= 0) resource = containers.parent[resource];
  const attributes = resourceAttributes(bytes, containers.start[resource], containers.end[resource]);
  const end = enter(bytes, scan.offset[row], bytes.length);
  return {
    namespace: String(attributes["service.namespace"] ?? ""),
    service: String(attributes["service.name"] ?? ""),
    name: lastString(bytes, position, end, 5),
  };
}

/** Text cut to so many characters, in memory of its own: a slice would keep all that it was cut from. */
export function clipped(long: string, length: number): string {
  return long.length > length ? Buffer.from(long.slice(0, length)).toString() : long;
}

/** The body of a log record as a person reads it, cut to so many characters: what is no text is written as JSON. `kind`, `start` and `end` as in `LogRecords`. */
export function bodyText(bytes: Uint8Array, kind: number, start: number, end: number, length: number): string {
  if (kind === 0) return "";
  // a character is of at most four bytes
  if (kind === 1) return clipped(text.decode(bytes.subarray(start, Math.min(end, start + 4 * length))), length);
  const value = decodeValue(bytes, start, end, 0, null);
  return clipped(JSON.stringify(value, (_, each) => readable(each)) ?? "", length);
}

const readable = (value: unknown) =>
  typeof value === "bigint"
    ? value.toString()
    : value instanceof Uint8Array
      ? Buffer.from(value).toString("hex")
      : value;

/** The bytes of the row's Resource message: a part of `bytes`, or a copy where it was sent in several. */
export function resourceOf(bytes: Uint8Array, scan: ScannedRows, row: number): Uint8Array {
  const [resource] = enclosing(scan, row);
  return resourceWithin(bytes, scan.containers.start[resource], scan.containers.end[resource]);
}

/** The Resource messages of a whole request in the order of its rows, as `resourceOf` gives them; rows before `end` are of it, or of one before. */
export function resourcesOf(bytes: Uint8Array): { readonly end: number; readonly resource: Uint8Array }[] {
  const resources: { end: number; resource: Uint8Array }[] = [];
  eachMessage(bytes, 0, bytes.length, 1, (start, end) => {
    resources.push({ end, resource: resourceWithin(bytes, start, end) });
  });
  return resources;
}

function resourceWithin(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const parts: Uint8Array[] = [];
  eachMessage(bytes, from, to, 1, (start, end) => {
    parts.push(bytes.subarray(start, end));
  });
  return parts.length > 1 ? new Uint8Array(Buffer.concat(parts)) : (parts[0] ?? new Uint8Array(0));
}

/** The KeyValue fields numbered `field` of the message bytes[start, end), by key; of equal keys the last one counts. */
export function decodeAttributes(bytes: Uint8Array, start: number, end: number, field: number): Attributes {
  const attributes: Record<string, AttributeValue> = Object.create(null);
  addAttributes(attributes, bytes, start, end, field, 0);
  return attributes;
}

/** Indexes of the row's containers from the outermost. */
function enclosing(scan: ScannedRows, row: number): number[] {
  const path: number[] = [];
  for (let i = scan.container[row]; i >= 0; i = scan.containers.parent[i]) path.unshift(i);
  return path;
}

function resourceAttributes(bytes: Uint8Array, start: number, end: number): Attributes {
  const attributes: Record<string, AttributeValue> = Object.create(null);
  eachMessage(bytes, start, end, 1, (from, to) => addAttributes(attributes, bytes, from, to, 1, 0));
  return attributes;
}

function scopeOf(bytes: Uint8Array, start: number, end: number): Labels["scope"] {
  const scope = { name: "", version: "" };
  eachMessage(bytes, start, end, 1, (from, to) => {
    scope.name = lastString(bytes, from, to, 1, scope.name);
    scope.version = lastString(bytes, from, to, 2, scope.version);
  });
  return scope;
}

function statisticOf(bytes: Uint8Array, scan: MetricScan, row: number, start: number, end: number): string {
  if (scan.shape[row] === Shape.number) return scan.kind[row] === Kind.value ? "" : "rate";
  const statistic = scan.statistic[row];
  if (statistic < Statistic.quantile) return STATISTIC[statistic];
  let index = 0;
  let name = "";
  eachMessage(bytes, start, end, 6, (from, to) => {
    if (index++ === statistic - Statistic.quantile) name = `p${percent(bytes, from, to)}`;
  });
  return name;
}

/** ValueAtQuantile { double quantile = 1 } times 100, without the noise of binary fractions. */
function percent(bytes: Uint8Array, start: number, end: number): number {
  let quantile = 0;
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag === 0x09) quantile = viewOf(bytes).getFloat64(at, true);
  }
  return Number((quantile * 100).toPrecision(12));
}

function eachMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  visit: (start: number, end: number) => void,
): void {
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag !== ((field << 3) | 2)) continue;
    enter(bytes, at, end);
    visit(position, p);
  }
}

/** The last string field of that number, or `missing`. */
function lastString(bytes: Uint8Array, start: number, end: number, field: number, missing = ""): string {
  let found = missing;
  eachMessage(bytes, start, end, field, (from, to) => {
    found = text.decode(bytes.subarray(from, to));
  });
  return found;
}

function addAttributes(
  attributes: Record<string, AttributeValue>,
  bytes: Uint8Array,
  start: number,
  end: number,
  field: number,
  depth: number,
): void {
  eachMessage(bytes, start, end, field, (from, to) => {
    let value: AttributeValue = null;
    eachMessage(bytes, from, to, 2, (valueStart, valueEnd) => {
      value = decodeValue(bytes, valueStart, valueEnd, depth, value);
    });
    attributes[lastString(bytes, from, to, 1)] = value;
  });
}

/**
 * An AnyValue, merged over `before`: a later scalar replaces, a later list or map adds to one before it.
 *
 *     AnyValue { oneof { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
 *                ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7 } }
 *     ArrayValue { repeated AnyValue values = 1 }
 *     KeyValueList { repeated KeyValue values = 1 }
 */
function decodeValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
  before: AttributeValue,
): AttributeValue {
  if (depth > MAX_DEPTH) throw new DecodeError(`attribute nested too deeply at byte ${start}`, start);
  let value = before;
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    switch (tag) {
      case 0x0a:
        enter(bytes, at, end);
        value = text.decode(bytes.subarray(position, p));
        break;
      case 0x10:
        readVarint64(bytes, at, end);
        value = low !== 0 || high !== 0;
        break;
      case 0x18:
        readVarint64(bytes, at, end);
        value = (BigInt(high) << 32n) | BigInt(low >>> 0);
        break;
      case 0x21:
        after(at, 8, end);
        value = viewOf(bytes).getFloat64(at, true);
        break;
      case 0x2a: {
        enter(bytes, at, end);
        const list: AttributeValue[] = Array.isArray(value) ? value : [];
        eachMessage(bytes, position, p, 1, (from, to) => list.push(decodeValue(bytes, from, to, depth + 1, null)));
        value = list;
        break;
      }
      case 0x32: {
        enter(bytes, at, end);
        const map: Record<string, AttributeValue> = isMap(value) ? value : Object.create(null);
        addAttributes(map, bytes, position, p, 1, depth + 1);
        value = map;
        break;
      }
      case 0x3a:
        enter(bytes, at, end);
        value = new Uint8Array(bytes.subarray(position, p));
        break;
    }
  }
  return value;
}

function isMap(value: AttributeValue): value is Record<string, AttributeValue> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** An id in lower-case hex; empty when it is absent or all zero, which OTLP calls invalid. */
export function hex(bytes: Uint8Array, at: number, size: number): string {
  if (at === 0) return "";
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset + at, size).toString("hex");
  return /^0+$/.test(digits) ? "" : digits;
}
