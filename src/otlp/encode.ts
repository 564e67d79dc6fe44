// Anomalies as OTLP: attributes and exemplars on the rows they were found in, log events, gauges.
import manifest from "../../package.json" with { type: "json" };
import type { Anomaly } from "../api/anomaly.ts";
import type { Attributes, AttributeValue } from "../api/signals.ts";
import { Wire, Writer } from "./writer.ts";

/** OTLP severity number and text of each severity. */
const SEVERITY = { info: [9, "INFO"], warning: [13, "WARN"], critical: [17, "ERROR"] } as const;

const GAUGES = ["score", "expected", "lower", "upper"] as const;

/** What an annotated row says about itself. Numbers are doubles; bounds and expectation are absent where there are none. */
export function anomalyAttributes(anomaly: Anomaly): Attributes {
  const attributes: Record<string, AttributeValue> = Object.create(null);
  attributes["anomaly.is_anomaly"] = true;
  attributes["anomaly.score"] = anomaly.score;
  if (!Number.isNaN(anomaly.rarity)) attributes["anomaly.rarity"] = anomaly.rarity;
  attributes["anomaly.severity"] = anomaly.severity;
  attributes["anomaly.type"] = anomaly.type;
  attributes["anomaly.detector"] = anomaly.detector;
  for (const key of ["observed", "expected", "lower", "upper"] as const) {
    if (!Number.isNaN(anomaly[key])) attributes[`anomaly.${key}`] = anomaly[key];
  }
  attributes["anomaly.reason"] = anomaly.reason;
  if (anomaly.contributors.length > 0) attributes["anomaly.contributors"] = [...anomaly.contributors];
  return attributes;
}

/** Each attribute as a KeyValue in the repeated field `field`: ready to append to a message. */
export function encodeAttributes(field: number, attributes: Attributes): Uint8Array {
  const writer = new Writer();
  writeAttributes(writer, field, attributes);
  return writer.finish();
}

/** An Exemplar in the repeated field `field`: ready to append to a data point. `time` is in Unix milliseconds, ids are hex. */
export function encodeExemplar(
  field: number,
  exemplar: { attributes: Attributes; time: number; value: number; traceId?: string; spanId?: string },
): Uint8Array {
  const writer = new Writer();
  const opened = writer.open(field);
  writer.field(2, Wire.fixed64).time(exemplar.time);
  writer.field(3, Wire.fixed64).double(exemplar.value);
  writeId(writer, 4, exemplar.spanId);
  writeId(writer, 5, exemplar.traceId);
  writeAttributes(writer, 7, exemplar.attributes);
  writer.close(opened);
  return writer.finish();
}

/** An ExportLogsServiceRequest of one log record per anomaly. `now` is when we saw it, in Unix milliseconds. */
export function encodeAnomalyLogs(anomalies: readonly Anomaly[], now: number): Uint8Array {
  const writer = new Writer();
  writeByResource(writer, anomalies, (group) => {
    for (const anomaly of group) {
      const opened = writer.open(2);
      writeLogRecord(writer, anomaly, now);
      writer.close(opened);
    }
  });
  return writer.finish();
}

/**
 * An ExportMetricsServiceRequest of the gauges anomaly.score, .expected, .lower and .upper, for anomalies that ask for
 * `companions`; numbers that are not finite make no point. No bytes when nothing is left.
 */
export function encodeAnomalyGauges(anomalies: readonly Anomaly[]): Uint8Array {
  const writer = new Writer();
  const wanted = anomalies.filter((anomaly) => anomaly.companions);
  writeByResource(writer, wanted, (group) => {
    for (const gauge of GAUGES) writeGauge(writer, group, gauge);
  });
  return writer.finish();
}

/** A Resource* message for each group of equal resources, in order of first sight, with one scope: us. `rows` writes into it. */
function writeByResource(
  writer: Writer,
  anomalies: readonly Anomaly[],
  rows: (group: readonly Anomaly[]) => void,
): void {
  const groups = new Map<string, { resource: Uint8Array; group: Anomaly[] }>();
  for (const anomaly of anomalies) {
    const resource = encodeAttributes(1, anomaly.labels.resource);
    const key = Buffer.from(resource.buffer).toString("latin1");
    const known = groups.get(key);
    if (known) known.group.push(anomaly);
    else groups.set(key, { resource, group: [anomaly] });
  }
  for (const { resource, group } of groups.values()) {
    const ofResource = writer.open(1);
    writer.field(1, Wire.bytes).bytes(resource);
    const ofScope = writer.open(2);
    const scope = writer.open(1);
    writer.field(1, Wire.bytes).string("vedette");
    writer.field(2, Wire.bytes).string(manifest.version);
    writer.close(scope);
    rows(group);
    writer.close(ofScope);
    writer.close(ofResource);
  }
}

function writeLogRecord(writer: Writer, anomaly: Anomaly, now: number): void {
  const { labels } = anomaly;
  const [number, text] = SEVERITY[anomaly.severity];
  writer.field(1, Wire.fixed64).time(anomaly.time);
  writer.field(2, Wire.varint).varint(number);
  writer.field(3, Wire.bytes).string(text);
  const body = writer.open(5);
  writer.field(1, Wire.bytes).string(anomaly.reason);
  writer.close(body);
  // The row's own attributes come first, so that what we say wins over an annotation from upstream.
  const attributes: Record<string, AttributeValue> = Object.assign(Object.create(null), labels.attributes);
  Object.assign(attributes, anomalyAttributes(anomaly), subject(anomaly));
  attributes["anomaly.id"] = anomaly.id;
  attributes["anomaly.fingerprint"] = anomaly.fingerprint;
  attributes["anomaly.state"] = anomaly.state;
  if (labels.example !== undefined) attributes["anomaly.example"] = labels.example;
  Object.assign(attributes, courseAttributes(anomaly));
  writeAttributes(writer, 6, attributes);
  writeId(writer, 9, labels.traceId);
  writeId(writer, 10, labels.spanId);
  writer.field(11, Wire.fixed64).time(now);
  writer.field(12, Wire.bytes).string("anomaly");
}

/** Of an episode or incident: since when, how often and how much; and what was joined. */
function courseAttributes({ episode, incident }: Anomaly): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  if (episode) {
    attributes["anomaly.episode.start"] = isoTime(episode.start);
    attributes["anomaly.episode.last_seen"] = isoTime(episode.lastSeen);
    attributes["anomaly.episode.peak"] = episode.peak;
    attributes["anomaly.episode.count"] = whole(episode.count);
  }
  if (incident) {
    const { origins, services, episodes, traces, templates } = incident;
    attributes["anomaly.incident.origins"] = origins.map(({ service }) => service);
    attributes["anomaly.incident.services"] = [...services];
    attributes["anomaly.incident.episodes"] = whole(episodes);
    attributes["anomaly.incident.traces"] = [...traces];
    attributes["anomaly.incident.templates"] = [...templates];
  }
  return attributes;
}

const whole = (value: number) => BigInt(Number.isFinite(value) ? Math.trunc(value) : 0);

/** RFC 3339; "" of what is no time. */
const isoTime = (time: number): string => (Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : "");

function writeGauge(writer: Writer, group: readonly Anomaly[], gauge: (typeof GAUGES)[number]): void {
  const finite = group.filter((anomaly) => Number.isFinite(anomaly[gauge]));
  if (finite.length === 0) return;
  const metric = writer.open(2);
  writer.field(1, Wire.bytes).string(`anomaly.${gauge}`);
  const data = writer.open(5);
  for (const anomaly of finite) {
    const point = writer.open(1);
    writer.field(3, Wire.fixed64).time(anomaly.time);
    writer.field(4, Wire.fixed64).double(anomaly[gauge]);
    // A span's or record's own attributes tell it from others of its series: each would start a time series.
    const series = anomaly.signal === "metrics" ? anomaly.labels.attributes : undefined;
    const attributes = Object.assign(Object.create(null), series, subject(anomaly));
    attributes["anomaly.detector"] = anomaly.detector;
    writeAttributes(writer, 7, attributes);
    writer.close(point);
  }
  writer.close(data);
  writer.close(metric);
}

/** The name of what was judged, under the key that says what it is. */
export function subject({ signal, labels }: Anomaly): Record<string, string> {
  if (signal === "traces") return { "anomaly.span": labels.name };
  if (signal === "logs") return labels.template === undefined ? {} : { "log.record.template": labels.template };
  return { "anomaly.metric": labels.statistic === "" ? labels.name : `${labels.name}.${labels.statistic}` };
}

function writeId(writer: Writer, field: number, hex: string | undefined): void {
  if (hex) writer.field(field, Wire.bytes).bytes(Buffer.from(hex, "hex"));
}

function writeAttributes(writer: Writer, field: number, attributes: Attributes): void {
  for (const key of Object.keys(attributes)) {
    const pair = writer.open(field);
    writer.field(1, Wire.bytes).string(key);
    const value = writer.open(2);
    writeValue(writer, attributes[key]);
    writer.close(value);
    writer.close(pair);
  }
}

/** The content of an AnyValue; null is an empty one. */
function writeValue(writer: Writer, value: AttributeValue): void {
  if (typeof value === "string") writer.field(1, Wire.bytes).string(value);
  else if (typeof value === "boolean") writer.field(2, Wire.varint).varint(value ? 1 : 0);
  else if (typeof value === "bigint") writer.field(3, Wire.varint).varint(value);
  else if (typeof value === "number") writer.field(4, Wire.fixed64).double(value);
  else if (value instanceof Uint8Array) writer.field(7, Wire.bytes).bytes(value);
  else if (isArray(value)) {
    const array = writer.open(5);
    for (const element of value) {
      const opened = writer.open(1);
      writeValue(writer, element);
      writer.close(opened);
    }
    writer.close(array);
  } else if (value !== null) {
    const list = writer.open(6);
    writeAttributes(writer, 1, value);
    writer.close(list);
  }
}

/** Array.isArray, which does not narrow to readonly arrays. */
const isArray = (value: object | null): value is readonly AttributeValue[] => Array.isArray(value);
