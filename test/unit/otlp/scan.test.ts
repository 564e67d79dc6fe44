// What the columns of a scan say, by example. The random comparison with another decoder is differential.test.ts.
import assert from "node:assert/strict";
import test from "node:test";
import type { Telemetry } from "../../../src/api/signals.ts";
import { Kind, LogScan, MetricScan, type ScannedRows, SpanScan } from "../../../src/otlp/columns.ts";
import { labelsOf } from "../../../src/otlp/labels.ts";
import { scanLogs } from "../../../src/otlp/logs.ts";
import { scanMetrics } from "../../../src/otlp/metrics.ts";
import { protobufToJson } from "../../../src/otlp/to_json.ts";
import { scanTraces } from "../../../src/otlp/traces.ts";
import { DecodeError } from "../../../src/otlp/wire.ts";
import { encode, type Plain } from "../../otlp_requests.ts";

const SEED = 7;
const attributes = (pairs: Record<string, string>) =>
  Object.entries(pairs).map(([key, stringValue]) => ({ key, value: { stringValue } }));

function metrics(metric: Plain, resource: Record<string, string> = {}, scope: Plain = {}, seed = SEED): MetricScan {
  const scan = new MetricScan();
  const resourceMetrics = [
    { resource: { attributes: attributes(resource) }, scopeMetrics: [{ scope, metrics: [metric] }] },
  ];
  scanMetrics(encode("metrics", { resourceMetrics }), scan, seed);
  return scan;
}

function logs(logRecords: Plain[], resource: Record<string, string> = {}): LogScan {
  const scan = new LogScan();
  const resourceLogs = [{ resource: { attributes: attributes(resource) }, scopeLogs: [{ logRecords }] }];
  scanLogs(encode("logs", { resourceLogs }), scan, SEED);
  return scan;
}

function traces(spans: Plain[], resource: Record<string, string> = {}): SpanScan {
  const scan = new SpanScan();
  const resourceSpans = [{ resource: { attributes: attributes(resource) }, scopeSpans: [{ spans }] }];
  scanTraces(encode("traces", { resourceSpans }), scan, SEED);
  return scan;
}

const identity = (scan: ScannedRows, row = 0) => `${scan.hash0[row]},${scan.hash1[row]}`;
const gauge = (...dataPoints: Plain[]) => ({ name: "m", gauge: { dataPoints } });

test("whatever names a series is part of its identity, and nothing else", () => {
  const point = { attributes: attributes({ a: "1" }), asDouble: 1 };
  const of = (metric: Plain, resource = {}, scope = {}, seed = SEED) =>
    identity(metrics(metric, resource, scope, seed));
  const base = of(gauge(point));
  assert.equal(of({ ...gauge({ ...point, asDouble: 5, timeUnixNano: "9" }), unit: "s", description: "d" }), base);
  const others = [
    of({ ...gauge(point), name: "n" }),
    of(gauge({ ...point, attributes: attributes({ a: "2" }) })),
    of(gauge({ ...point, attributes: attributes({ b: "1" }) })),
    of(gauge({ asDouble: 1 })),
    of(gauge({ asDouble: 1 }), { a: "1" }),
    of(gauge(point), { host: "x" }),
    of(gauge(point), {}, { name: "s" }),
    of(gauge(point), {}, { version: "s" }),
    of(gauge(point), {}, {}, SEED + 1),
    of({ name: "m", summary: { dataPoints: [{ attributes: attributes({ a: "1" }) }] } }),
    of({ name: "m", sum: { dataPoints: [point] } }),
  ];
  assert.equal(new Set([base, ...others]).size, 12);
});

test("a hundred thousand series have a hundred thousand identities", () => {
  const points = Array.from({ length: 100_000 }, (_, i) => ({ attributes: attributes({ id: `${i}` }) }));
  const scan = metrics(gauge(...points));
  assert.equal(new Set(Array.from({ length: scan.length }, (_, row) => identity(scan, row))).size, 100_000);
  // Each half by itself is as good as 32 random bits: about one collision in 100k.
  for (const half of [scan.hash0, scan.hash1]) assert.ok(new Set(half.subarray(0, scan.length)).size > 99_980);
});

test("a monotonic sum is cumulative or delta as it says, every other number is a value", () => {
  const kindOf = (sum: Plain) => metrics({ name: "m", sum: { ...sum, dataPoints: [{ asInt: "1" }] } }).kind[0];
  assert.equal(kindOf({ isMonotonic: true, aggregationTemporality: 2 }), Kind.cumulative);
  assert.equal(kindOf({ isMonotonic: true, aggregationTemporality: 1 }), Kind.delta);
  assert.equal(kindOf({ isMonotonic: true }), Kind.value);
  assert.equal(kindOf({ aggregationTemporality: 2 }), Kind.value);
  assert.equal(metrics(gauge({ asInt: "1" })).kind[0], Kind.value);
});

test("a point that says it recorded nothing is an item without a row", () => {
  const scan = metrics(gauge({ asDouble: 1 }, { flags: 1, asDouble: 2 }, { asDouble: 3 }));
  assert.equal(scan.items, 3);
  assert.deepEqual([...scan.value.subarray(0, scan.length)], [1, 3]);
});

test("of two data members the last counts, and its parts are one", () => {
  const head = [0x0a, 1, 0x6d];
  const point = (value: number) => [0x0a, 9, 0x31, value, 0, 0, 0, 0, 0, 0, 0];
  const field = (tag: number, content: number[]) => [tag, content.length, ...content];
  const metric = [
    ...field(0x3a, point(9)),
    ...field(0x2a, point(1)),
    ...field(0x3a, [...point(2), 0x10, 2]),
    ...head,
    ...field(0x3a, [...point(3), 0x18, 1]),
  ];
  const bytes = Uint8Array.from(field(0x0a, field(0x12, field(0x12, metric))));
  const scan = new MetricScan();
  scanMetrics(bytes, scan, SEED);
  assert.deepEqual([...scan.value.subarray(0, scan.length)], [2, 3]);
  assert.deepEqual([...scan.kind.subarray(0, 2)], [Kind.cumulative, Kind.cumulative]);
  assert.equal(labelsOf("metrics", bytes, scan, 1).name, "m");
});

test("an exponential histogram becomes ascending buckets around zero", () => {
  const scan = metrics({
    name: "m",
    exponentialHistogram: {
      aggregationTemporality: 1,
      dataPoints: [
        {
          count: "10",
          scale: 0,
          zeroCount: "1",
          zeroThreshold: 0.5,
          positive: { offset: 1, bucketCounts: ["2", "0", "0", "3"] },
          negative: { offset: 0, bucketCounts: ["4"] },
        },
      ],
    },
  });
  const { upper, inBucket, buckets } = scan.distributions;
  assert.deepEqual([...upper.subarray(0, buckets)], [-2, -1, -0.5, 0.5, 2, 4, 16, 32, Infinity]);
  assert.deepEqual([...inBucket.subarray(0, buckets)], [0, 4, 0, 1, 0, 2, 0, 3, 0]);
});

test("an exponential histogram keeps at most 1024 buckets and loses no count, however far its offset", () => {
  for (const offset of [0, 2 ** 31 - 1, -(2 ** 31)]) {
    const bucketCounts = Array.from({ length: 3000 }, () => "1");
    const dataPoints = [{ scale: 20, positive: { offset, bucketCounts }, negative: { offset, bucketCounts } }];
    const { upper, inBucket, buckets } = metrics({ name: "m", exponentialHistogram: { dataPoints } }).distributions;
    assert.ok(buckets <= 1024, `${buckets} buckets`);
    assert.equal(
      inBucket.subarray(0, buckets).reduce((sum, n) => sum + n),
      6000,
    );
    assert.equal(upper[buckets - 1], Number.POSITIVE_INFINITY);
    for (let i = 1; i < buckets; i++) assert.ok(upper[i] > upper[i - 1]);
  }
});

test("of a summary at most 32 quantiles become rows", () => {
  const quantileValues = Array.from({ length: 100 }, (_, i) => ({ quantile: i / 100, value: i }));
  assert.equal(metrics({ name: "m", summary: { dataPoints: [{ quantileValues }] } }).length, 2 + 32);
});

test("a log series is a service and a severity range, whatever else the resource and the record say", () => {
  const service = { "service.name": "a", "service.namespace": "n" };
  const of = (severityNumber: number, resource: Record<string, string> = service) =>
    identity(logs([{ severityNumber, severityText: "x", body: { stringValue: `${severityNumber}` } }], resource));
  assert.equal(of(17), of(20));
  assert.equal(of(17), of(17, { "host.name": "h", ...service }));
  assert.notEqual(of(17), of(16));
  assert.notEqual(of(17), of(17, { ...service, "service.name": "b" }));
  assert.notEqual(of(17), of(17, { ...service, "service.namespace": "b" }));
});

test("a log record without time has the time it was observed", () => {
  const scan = logs([{ observedTimeUnixNano: "5000000" }, { timeUnixNano: "7000000", observedTimeUnixNano: "1" }]);
  assert.deepEqual([...scan.time.subarray(0, 2)], [5, 7]);
});

test("a span series is service, name and kind", () => {
  const of = (span: Plain, resource: Record<string, string> = { "service.name": "a" }) =>
    identity(traces([span], resource));
  const base = of({ name: "n", kind: 2 });
  assert.equal(of({ name: "n", kind: 2, attributes: attributes({ x: "y" }), status: { code: 2 } }), base);
  const others = [of({ name: "n", kind: 3 }), of({ name: "o", kind: 2 }), of({ name: "n", kind: 2 }, {})];
  assert.equal(new Set([base, ...others]).size, 4);
});

test("a span of one nanosecond in this century lasts a millionth of a millisecond", () => {
  const startTimeUnixNano = "1790000000123456788";
  const scan = traces([
    { startTimeUnixNano, endTimeUnixNano: "1790000000123456789", status: { code: 2 } },
    { startTimeUnixNano, endTimeUnixNano: "1" },
  ]);
  assert.deepEqual([...scan.duration.subarray(0, 2)], [1e-6, 0]);
  assert.deepEqual([...scan.failed.subarray(0, 2)], [1, 0]);
});

test("ids of another length than theirs are no ids", () => {
  const [whole, short] = [Array.from({ length: 16 }, () => 1), [1, 2, 3]];
  const scan = traces([{ traceId: whole, spanId: short, parentSpanId: whole }]);
  assert.ok(scan.traceId[0] > 0);
  assert.deepEqual([scan.spanId[0], scan.parentSpanId[0]], [0, 0]);
});

test("an attribute nested a thousand deep is a decode error, not a crash", () => {
  let value: number[] = [];
  const size = (n: number) => (n < 128 ? [n] : [(n & 127) | 128, n >> 7]);
  const field = (tag: number, content: number[]) => [tag, ...size(content.length), ...content];
  for (let depth = 0; depth < 1000; depth++) value = field(0x2a, field(0x0a, value));
  const record = field(0x32, field(0x12, value));
  const bytes = Uint8Array.from(field(0x0a, field(0x12, field(0x12, record))));
  const scan = new LogScan();
  assert.throws(() => {
    scanLogs(bytes, scan, SEED);
    labelsOf("logs", bytes, scan, 0);
  }, DecodeError);
});

const sized = (n: number) => (n < 128 ? [n] : [(n & 127) | 128, n >> 7]);
const field = (tag: number, ...content: number[]) => [tag, ...sized(content.length), ...content];

test("what no column comes from is refused as well when it is malformed", () => {
  const inMetric = (...metric: number[]) => field(0x0a, ...field(0x12, ...field(0x12, ...metric)));
  const point = field(0x0a, 0x31, 1, 0, 0, 0, 0, 0, 0, 0);
  const malformed = {
    "attributes of a point without a recorded value": inMetric(
      ...field(0x2a, ...field(0x0a, 0x40, 1, ...field(0x3a, 0xff))),
    ),
    "a data member that another one replaces": inMetric(...field(0x2a, 0xff), ...field(0x3a, ...point)),
    "metadata of a metric": inMetric(...field(0x62, 0xff)),
    "an entity of a resource": field(0x0a, ...field(0x0a, ...field(0x1a, 0xff))),
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    assert.throws(() => scanMetrics(Uint8Array.from(bytes), new MetricScan(), SEED), DecodeError, what);
  }
});

test("a value as deep as a scan lets through can be written as JSON", () => {
  const exemplar = (depth: number) => {
    let value: number[] = [0x18, 1];
    for (let i = 0; i < depth; i++) value = field(0x2a, ...field(0x0a, ...value));
    const point = field(0x0a, ...field(0x2a, ...field(0x3a, ...field(0x12, ...value))));
    return Uint8Array.from(field(0x0a, ...field(0x12, ...field(0x12, ...field(0x2a, ...point)))));
  };
  let depth = 1;
  assert.throws(() => {
    for (; ; depth++) scanMetrics(exemplar(depth), new MetricScan(), SEED);
  }, DecodeError);
  assert.ok(depth > 30);
  assert.match(protobufToJson("metrics", exemplar(depth - 1)), /"intValue":"1"/);
});

test("labels keep text as it was sent, a byte order mark included", () => {
  const name = "\ufeffm";
  const bytes = encode("metrics", {
    resourceMetrics: [{ scopeMetrics: [{ metrics: [{ ...gauge({ asInt: "1" }), name }] }] }],
  });
  const scan = new MetricScan();
  scanMetrics(bytes, scan, SEED);
  assert.equal(labelsOf("metrics", bytes, scan, 0).name, name);
});

test("an empty request has no rows, and a scan is not left with those of the request before", () => {
  const scans = { metrics: new MetricScan(), logs: new LogScan(), traces: new SpanScan() };
  const scanners: Record<Telemetry, () => void> = {
    metrics: () => scanMetrics(new Uint8Array(0), scans.metrics, SEED),
    logs: () => scanLogs(new Uint8Array(0), scans.logs, SEED),
    traces: () => scanTraces(new Uint8Array(0), scans.traces, SEED),
  };
  for (const signal of ["metrics", "logs", "traces"] as const) {
    scans[signal].length = scans[signal].items = scans[signal].containers.length = 3;
    scanners[signal]();
    assert.deepEqual([scans[signal].length, scans[signal].items, scans[signal].containers.length], [0, 0, 0]);
  }
});

test("a request in the middle of a pooled buffer reads as one of its own", () => {
  const bytes = encode("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics: [gauge({ asDouble: 4 })] }] }] });
  const pooled = Buffer.alloc(bytes.length + 64, 0xff);
  pooled.set(bytes, 32);
  const scan = new MetricScan();
  scanMetrics(pooled.subarray(32, 32 + bytes.length), scan, SEED);
  assert.deepEqual([scan.length, scan.value[0]], [1, 4]);
  assert.equal(labelsOf("metrics", pooled.subarray(32, 32 + bytes.length), scan, 0).name, "m");
});
