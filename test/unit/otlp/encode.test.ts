// Anomalies leave as OTLP that another implementation reads: on rows, as log events, as gauges.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly } from "../../../src/api/anomaly.ts";
import type { Attributes, AttributeValue, Labels } from "../../../src/api/signals.ts";
import {
  anomalyAttributes,
  encodeAnomalyGauges,
  encodeAnomalyLogs,
  encodeAttributes,
  encodeExemplar,
} from "../../../src/otlp/encode.ts";
import { Writer } from "../../../src/otlp/writer.ts";
import { type Json, oracle, oracleDecode } from "./otlp_json.ts";

const labels: Labels = {
  resource: { "service.name": "checkout" },
  scope: { name: "meter", version: "2" },
  name: "http.server.request.duration",
  statistic: "p99",
  unit: "s",
  attributes: { "http.route": "/pay" },
  traceId: "",
  spanId: "",
};

const anomaly: Anomaly = {
  id: "00112233445566aa-1714000000000",
  fingerprint: "00112233445566aa",
  state: "open",
  detector: "ewma/latency",
  signal: "metrics",
  type: "spike",
  severity: "critical",
  labels,
  time: 1_714_000_000_123,
  score: 2,
  rarity: 8,
  observed: 3.5,
  expected: 1,
  lower: Number.NaN,
  upper: 1.5,
  reason: "p99 of http.server.request.duration is 3.5 s, expected 1 s.",
  contributors: [],
  companions: true,
};

/** OTLP/JSON attributes as a plain object of their values. */
const read = (attributes: Json[]) => Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
const readLogs = (bytes: Uint8Array) => oracleDecode(oracle.logs, bytes);
const readMetrics = (bytes: Uint8Array) => oracleDecode(oracle.metrics, bytes);

const ANNOTATION = {
  "anomaly.is_anomaly": { boolValue: true },
  "anomaly.score": { doubleValue: 2 },
  "anomaly.rarity": { doubleValue: 8 },
  "anomaly.severity": { stringValue: "critical" },
  "anomaly.type": { stringValue: "spike" },
  "anomaly.detector": { stringValue: "ewma/latency" },
  "anomaly.observed": { doubleValue: 3.5 },
  "anomaly.expected": { doubleValue: 1 },
  "anomaly.upper": { doubleValue: 1.5 },
  "anomaly.reason": { stringValue: anomaly.reason },
};

/** Attributes by way of a log record, whose attributes are field 6. */
function decodeAttributes(encoded: Uint8Array): Json[] {
  const writer = new Writer();
  const opened = [writer.open(1), writer.open(2), writer.open(2)];
  writer.append(encoded);
  for (const at of opened.reverse()) writer.close(at);
  return readLogs(writer.finish()).resourceLogs[0].scopeLogs[0].logRecords[0].attributes ?? [];
}

test("an annotation has the documented names and types, and no bound that is not known", () => {
  assert.deepEqual(read(decodeAttributes(encodeAttributes(6, anomalyAttributes(anomaly)))), ANNOTATION);
});

test("attributes of every type are read as they were", () => {
  const value: fc.Arbitrary<AttributeValue> = fc.letrec<{ value: AttributeValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.string({ unit: "grapheme" }),
      fc.boolean(),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.uint8Array({ maxLength: 20 }),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie("value"), { maxKeys: 3, noNullPrototype: false }),
    ),
  })).value;
  const json = (value: AttributeValue): Json => {
    if (typeof value === "string") return { stringValue: value };
    if (typeof value === "boolean") return { boolValue: value };
    if (typeof value === "bigint") return { intValue: String(value) };
    if (typeof value === "number") return { doubleValue: Number.isFinite(value) ? value : String(value) };
    if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString("base64") };
    if (value === null) return {};
    if (Array.isArray(value)) return { arrayValue: value.length === 0 ? {} : { values: value.map(json) } };
    const values = pairs(value as Attributes);
    return { kvlistValue: values.length === 0 ? {} : { values } };
  };
  const pairs = (attributes: Attributes) =>
    Object.keys(attributes).map((key) => ({ key, value: json(attributes[key]) }));
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value, { maxKeys: 5 }), (attributes) => {
      assert.deepEqual(decodeAttributes(encodeAttributes(6, attributes)), pairs(attributes));
    }),
  );
});

test("an exemplar carries the value, the time, the trace and the annotation", () => {
  const writer = new Writer();
  const opened = [writer.open(1), writer.open(2), writer.open(2), writer.open(5), writer.open(1)];
  const ids = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
  writer.append(encodeExemplar(5, { attributes: { a: 1n }, time: 1_714_000_000_123, value: 0, ...ids }));
  writer.append(encodeExemplar(5, { attributes: {}, time: 0.5, value: -2 }));
  for (const at of opened.reverse()) writer.close(at);
  const [point] = readMetrics(writer.finish()).resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints;
  assert.deepEqual(point.exemplars, [
    {
      timeUnixNano: "1714000000123000000",
      asDouble: 0,
      ...ids,
      filteredAttributes: [{ key: "a", value: { intValue: "1" } }],
    },
    { timeUnixNano: "500000", asDouble: -2 },
  ]);
});

test("an anomaly of a metric is a log event about the row, of the row's resource", () => {
  const { resourceLogs } = readLogs(encodeAnomalyLogs([anomaly], 1_714_000_000_500));
  const [{ resource, scopeLogs }] = resourceLogs;
  assert.equal(resourceLogs.length, 1);
  assert.deepEqual(read(resource.attributes), { "service.name": { stringValue: "checkout" } });
  assert.equal(scopeLogs[0].scope.name, "vedette");
  assert.match(scopeLogs[0].scope.version, /^\d+\.\d+\.\d+/);
  const [{ attributes, ...record }] = scopeLogs[0].logRecords;
  assert.deepEqual(record, {
    timeUnixNano: "1714000000123000000",
    observedTimeUnixNano: "1714000000500000000",
    severityNumber: 17,
    severityText: "ERROR",
    body: { stringValue: anomaly.reason },
    eventName: "anomaly",
  });
  assert.deepEqual(read(attributes), {
    "http.route": { stringValue: "/pay" },
    ...ANNOTATION,
    "anomaly.metric": { stringValue: "http.server.request.duration.p99" },
    "anomaly.id": { stringValue: anomaly.id },
    "anomaly.fingerprint": { stringValue: anomaly.fingerprint },
    "anomaly.state": { stringValue: "open" },
  });
});

test("an anomaly of a span leads to its trace", () => {
  const ids = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
  const ofSpan = { ...labels, name: "GET /pay", statistic: "", ...ids };
  const bytes = encodeAnomalyLogs([{ ...anomaly, signal: "traces", severity: "warning", labels: ofSpan }], 0);
  const [record] = readLogs(bytes).resourceLogs[0].scopeLogs[0].logRecords;
  assert.deepEqual([record.traceId, record.spanId], [ids.traceId, ids.spanId]);
  assert.deepEqual([record.severityNumber, record.severityText], [13, "WARN"]);
  const attributes = read(record.attributes);
  assert.deepEqual(attributes["anomaly.span"], { stringValue: "GET /pay" });
  assert.equal("anomaly.metric" in attributes, false);
});

test("an annotation from upstream gives way to ours: no key comes twice", () => {
  const upstream = { ...labels, attributes: { "anomaly.score": 99, "anomaly.state": "x", ["__proto__"]: "y" } };
  const [record] = readLogs(encodeAnomalyLogs([{ ...anomaly, severity: "info", labels: upstream }], 0)).resourceLogs[0]
    .scopeLogs[0].logRecords;
  const keys = record.attributes.map(({ key }: Json) => key);
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(keys.includes("__proto__"));
  assert.deepEqual(read(record.attributes)["anomaly.score"], { doubleValue: 2 });
  assert.deepEqual([record.severityNumber, record.severityText], [9, "INFO"]);
});

test("anomalies of equal resource share one resource message, in the order they came", () => {
  const other = { ...labels, resource: { "service.name": "cart" } };
  const same = { ...labels, resource: { ...labels.resource } };
  const all = [anomaly, { ...anomaly, labels: other, reason: "b" }, { ...anomaly, labels: same, reason: "c" }];
  const { resourceLogs } = readLogs(encodeAnomalyLogs(all, 0));
  const reasons = resourceLogs.map(({ scopeLogs }: Json) =>
    scopeLogs[0].logRecords.map((record: Json) => record.body.stringValue),
  );
  assert.deepEqual(reasons, [[anomaly.reason, "c"], ["b"]]);
});

test("companion gauges: one point a number that is known, told apart by metric and detector", () => {
  const silent = { ...anomaly, companions: false, score: 5 };
  const infinite = { ...anomaly, expected: Number.NaN, upper: Number.POSITIVE_INFINITY, score: 4 };
  const { resourceMetrics } = readMetrics(encodeAnomalyGauges([anomaly, silent, infinite]));
  const { metrics } = resourceMetrics[0].scopeMetrics[0];
  const values = metrics.map(({ name, gauge }: Json) => [name, gauge.dataPoints.map((point: Json) => point.asDouble)]);
  assert.deepEqual(values, [
    ["anomaly.score", [2, 4]],
    ["anomaly.expected", [1]],
    ["anomaly.upper", [1.5]],
  ]);
  const [point] = metrics[0].gauge.dataPoints;
  assert.equal(point.timeUnixNano, "1714000000123000000");
  assert.deepEqual(read(point.attributes), {
    "http.route": { stringValue: "/pay" },
    "anomaly.metric": { stringValue: "http.server.request.duration.p99" },
    "anomaly.detector": { stringValue: "ewma/latency" },
  });
});

test("a companion gauge of spans is one series, not one a span", () => {
  const ofSpan = { ...labels, name: "GET /pay", attributes: { "user.id": "u1" } };
  const { resourceMetrics } = readMetrics(encodeAnomalyGauges([{ ...anomaly, signal: "traces", labels: ofSpan }]));
  const [point] = resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints;
  assert.deepEqual(read(point.attributes), {
    "anomaly.span": { stringValue: "GET /pay" },
    "anomaly.detector": { stringValue: "ewma/latency" },
  });
});

test("without companions there is nothing to send", () => {
  assert.equal(encodeAnomalyGauges([{ ...anomaly, companions: false }]).length, 0);
  assert.equal(encodeAnomalyLogs([], 0).length, 0);
});

test("what has no one number says none: no attribute is NaN", () => {
  const attributes = anomalyAttributes({ ...anomaly, observed: Number.NaN, expected: Number.NaN, rarity: Number.NaN });
  assert.ok(Object.values(attributes).every((value) => !Number.isNaN(value)));
  assert.ok(!("anomaly.observed" in attributes) && "anomaly.upper" in attributes);
});

test("an event of an incident says since when it is, where it began and what is in it", () => {
  const episode = { start: 1_714_000_000_000, lastSeen: 1_714_000_060_000, peak: 3.5, count: 7 };
  const origins = [{ service: "shop/payments", share: 0.8, reasons: ["it is slow itself"] }];
  const services = ["shop/payments", "shop/cart"];
  const incident = {
    members: [],
    episodes: 2,
    origins,
    services,
    traces: ["4bf92f3577b34da6a3ce929d0e0e4736"],
    templates: [],
  };
  const [record] = readLogs(encodeAnomalyLogs([{ ...anomaly, episode, incident }], 0)).resourceLogs[0].scopeLogs[0]
    .logRecords;
  const said = read(record.attributes);
  assert.deepEqual(said["anomaly.episode.start"], { stringValue: "2024-04-24T23:06:40.000Z" });
  assert.deepEqual(said["anomaly.episode.count"], { intValue: "7" });
  assert.deepEqual(said["anomaly.incident.origins"], { arrayValue: { values: [{ stringValue: "shop/payments" }] } });
  assert.deepEqual(said["anomaly.incident.episodes"], { intValue: "2" });
});
