// The scanners, labels and splicing beside an independent decoder, on random requests in every disguise protobuf allows.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Attributes, Telemetry } from "../../../src/api/signals.ts";
import { Kind, LogScan, MetricScan, type ScannedRows, Shape, SpanScan, Statistic } from "../../../src/otlp/columns.ts";
import { labelsOf, resourceOf } from "../../../src/otlp/labels.ts";
import { scanLogs } from "../../../src/otlp/logs.ts";
import { identifyPoint, scanMetrics } from "../../../src/otlp/metrics.ts";
import { Edits } from "../../../src/otlp/splice.ts";
import { scanTraces } from "../../../src/otlp/traces.ts";
import { attributeField, decode, disguise, encode, merge, type Plain, prng, requests } from "../../otlp_requests.ts";

const SIGNALS: Telemetry[] = ["metrics", "logs", "traces"];
const SEED = 42;
const scans = { metrics: new MetricScan(), logs: new LogScan(), traces: new SpanScan() };
const fresh = { metrics: new MetricScan(), logs: new LogScan(), traces: new SpanScan() };

function scan(signal: Telemetry, bytes: Uint8Array, into: Record<Telemetry, ScannedRows> = scans): ScannedRows {
  if (signal === "metrics") scanMetrics(bytes, into.metrics as MetricScan, SEED);
  else if (signal === "logs") scanLogs(bytes, into.logs as LogScan, SEED);
  else scanTraces(bytes, into.traces as SpanScan, SEED);
  return into[signal];
}

const millis = (nanos = "0") => Number(nanos) / 1e6;

function anyValue(value: Plain = {}): any {
  if ("intValue" in value) return BigInt(value.intValue);
  if ("bytesValue" in value) return Uint8Array.from(value.bytesValue);
  if ("arrayValue" in value) return (value.arrayValue.values ?? []).map(anyValue);
  if ("kvlistValue" in value) return attributesOf(value.kvlistValue.values);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? null;
}

function attributesOf(list: Plain[] = []): Attributes {
  const attributes = Object.create(null);
  for (const { key = "", value } of list) attributes[key] = anyValue(value);
  return attributes;
}

/** A row as the decoded request tells it. */
interface Expected {
  item: Plain;
  row: Plain;
  labels: Plain;
}

const hex = (id: number[] = [], size: number) =>
  id.length === size && id.some((byte) => byte !== 0) ? Buffer.from(id).toString("hex") : "";

/** All rows of a decoded request, in order; and all its items, with the lists that hold them. */
function rowsOf(signal: Telemetry, request: Plain): { rows: Expected[]; items: Plain[] } {
  const rows: Expected[] = [];
  const items: Plain[] = [];
  const [top, middle, inner] = {
    metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
    logs: ["resourceLogs", "scopeLogs", "logRecords"],
    traces: ["resourceSpans", "scopeSpans", "spans"],
  }[signal];
  for (const outer of request[top] ?? []) {
    for (const scoped of outer[middle] ?? []) {
      const common = {
        resource: attributesOf(outer.resource?.attributes),
        scope: { name: scoped.scope?.name ?? "", version: scoped.scope?.version ?? "" },
      };
      for (const item of scoped[inner] ?? []) {
        const add = (point: Plain, row: Plain, labels: Plain) => {
          rows.push({
            item: point,
            row,
            labels: { ...common, attributes: attributesOf(point.attributes), traceId: "", spanId: "", ...labels },
          });
        };
        if (signal === "metrics") for (const point of addPoints(item, add)) items.push(point);
        else items.push(item);
        if (signal === "logs") addRecord(item, add);
        if (signal === "traces") addSpan(item, add);
      }
    }
  }
  return { rows, items };
}

type Add = (item: Plain, row: Plain, labels: Plain) => void;

function addRecord(record: Plain, add: Add): void {
  const severity = record.severityNumber >= 1 && record.severityNumber <= 24 ? record.severityNumber : 0;
  const name = ["UNSPECIFIED", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][Math.ceil(severity / 4)];
  const time = millis(record.timeUnixNano) || millis(record.observedTimeUnixNano);
  const ids = { traceId: hex(record.traceId, 16), spanId: hex(record.spanId, 8) };
  add(record, { time, severity, text: record.body?.stringValue }, { name, statistic: "", unit: "", ...ids });
}

const SPAN_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];

function addSpan(span: Plain, add: Add): void {
  const kind = span.kind >= 0 && span.kind <= 5 ? span.kind : 0;
  const nanos = BigInt(span.endTimeUnixNano ?? 0) - BigInt(span.startTimeUnixNano ?? 0);
  const duration = nanos > 0n ? Number(nanos) / 1e6 : 0;
  const ids = { traceId: hex(span.traceId, 16), spanId: hex(span.spanId, 8) };
  add(
    span,
    { time: millis(span.startTimeUnixNano), duration, failed: span.status?.code === 2 ? 1 : 0, kind },
    { name: span.name ?? "", kind: SPAN_KINDS[kind], statistic: "", unit: "ms", ...ids },
  );
}

function addPoints(metric: Plain, add: Add): Plain[] {
  const { name = "", unit = "" } = metric;
  const data = metric.gauge ?? metric.sum ?? metric.histogram ?? metric.exponentialHistogram ?? metric.summary ?? {};
  const temporality = data.aggregationTemporality ?? 0;
  for (const point of data.dataPoints ?? []) {
    if ((point.flags & 1) === 1) continue;
    const times = { time: millis(point.timeUnixNano), start: millis(point.startTimeUnixNano) };
    if (metric.gauge || metric.sum) {
      const value = point.asDouble ?? (point.asInt === undefined ? Number.NaN : Number(point.asInt));
      const kind = !data.isMonotonic ? 0 : temporality;
      const statistic = kind === Kind.value ? "" : "rate";
      const row = { ...times, value, kind, shape: Shape.number, statistic: Statistic.value };
      add(point, row, { name, statistic, unit: statistic === "" ? unit : unit === "" ? "1/s" : `${unit}/s` });
      continue;
    }
    const shape = metric.histogram ? Shape.histogram : metric.summary ? Shape.summary : Shape.exponential;
    const kind = temporality === 1 ? Kind.delta : Kind.cumulative;
    const statistics = ["rate", "mean", ...(isBucketed(point, shape) ? ["p50", "p95", "p99"] : [])];
    statistics.forEach((statistic, i) => {
      const row = { ...times, value: Number.NaN, kind, shape, statistic: Statistic.rate + i };
      add(point, row, { name, statistic, unit: statistic === "rate" ? "1/s" : unit });
    });
    (point.quantileValues ?? []).forEach(({ quantile = 0, value = 0 }: Plain, i: number) => {
      const row = { ...times, value, kind: Kind.value, shape, statistic: Statistic.quantile + i };
      add(point, row, { name, statistic: `p${Math.round(quantile * 1000) / 10}`, unit });
    });
  }
  return data.dataPoints ?? [];
}

function isBucketed(point: Plain, shape: number): boolean {
  if (shape === Shape.summary) return false;
  if (shape === Shape.histogram) {
    const bounds: number[] = point.explicitBounds ?? [];
    const ascending = bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > bounds[i - 1]));
    return bounds.length > 0 && ascending && point.bucketCounts?.length === bounds.length + 1;
  }
  const { scale = 0, zeroCount = "0", positive = {}, negative = {} } = point;
  const counted = [zeroCount, ...(positive.bucketCounts ?? []), ...(negative.bucketCounts ?? [])];
  return scale >= -10 && scale <= 20 && counted.some((n) => n !== "0");
}

/** The columns of one row, by the names that `rowsOf` uses. */
function rowAt(signal: Telemetry, bytes: Uint8Array, row: number): Plain {
  const { logs, traces, metrics } = scans;
  if (signal === "logs") {
    const body = Buffer.from(bytes.subarray(logs.bodyStart[row], logs.bodyEnd[row])).toString();
    return { time: logs.time[row], severity: logs.severity[row], text: body };
  }
  if (signal === "traces") {
    const { time, duration, failed, kind } = traces;
    return { time: time[row], duration: duration[row], failed: failed[row], kind: kind[row] };
  }
  const { time, start, value, kind, shape, statistic } = metrics;
  return {
    time: time[row],
    start: start[row],
    value: value[row],
    kind: kind[row],
    shape: shape[row],
    statistic: statistic[row],
  };
}

/** Of every row, both halves. */
function identities(signal: Telemetry, bytes: Uint8Array): number[] {
  const rows: ScannedRows = scan(signal, bytes);
  const identity = new Int32Array(2);
  return Array.from({ length: rows.length }, (_, row) => {
    if (rows instanceof MetricScan) identifyPoint(bytes, rows, row, SEED, identity);
    else identity.set([rows.hash0[row], rows.hash1[row]]);
    return [...identity];
  }).flat();
}

for (const signal of SIGNALS) {
  test(`${signal}: every row has the numbers and labels that another decoder finds`, () => {
    fc.assert(
      fc.property(requests[signal], fc.integer(), fc.boolean(), (request, seed, disguised) => {
        const plain = encode(signal, request);
        const { rows, items } = rowsOf(signal, decode(signal, plain));
        const bytes = disguised ? disguise(signal, plain, prng(seed), true) : plain;
        const scanned = scan(signal, bytes);
        assert.equal(scanned.length, rows.length);
        assert.equal(scanned.items, items.length);
        rows.forEach(({ row, labels }, i) => {
          const actual = rowAt(signal, bytes, i);
          if (signal === "logs" && row.text === undefined) actual.text = undefined;
          assert.deepEqual(actual, row);
          assert.deepEqual(labelsOf(signal, bytes, scanned as any, i), labels);
        });
      }),
      { numRuns: 400 },
    );
  });

  test(`${signal}: a series keeps its identity however its request is written`, () => {
    fc.assert(
      fc.property(requests[signal], fc.integer(), (request, seed) => {
        const plain = encode(signal, request);
        const before = identities(signal, plain);
        assert.deepEqual(identities(signal, disguise(signal, plain, prng(seed))), before);
        assert.deepEqual(identities(signal, encode(signal, reversedAttributes(request))), before);
      }),
      { numRuns: 200 },
    );
  });

  test(`${signal}: spliced requests hold what another decoder finds, plus the additions, minus the drops`, () => {
    fc.assert(
      fc.property(
        requests[signal],
        fc.integer(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (request, seed, share) => {
          const random = prng(seed);
          const plain = encode(signal, request);
          const bytes = random() < 0.7 ? disguise(signal, plain, random, true) : plain;
          const scanned = scan(signal, bytes);
          const expected = decode(signal, plain);
          const { rows } = rowsOf(signal, expected);
          const edits = new Edits();
          const dropped = new Set<Plain>();
          const additions = new Map<Plain, Plain[]>();
          for (let i = rows.length - 1; i >= 0; i--) {
            const { item } = rows[i];
            if (random() < share / 2) {
              edits.drop(i);
              dropped.add(item);
            }
            if (random() < share) {
              const text = "x".repeat(Math.floor(random() * 200));
              edits.append(i, attributeField(attributesField(signal, i), `added${i}`, { stringValue: text }));
              additions.set(item, [{ key: `added${i}`, value: { stringValue: text } }, ...(additions.get(item) ?? [])]);
            }
          }
          for (const [item, added] of additions) {
            // Rows that share a point append in the order of the calls, here from the last row to the first.
            item.attributes = [...(item.attributes ?? []), ...added.reverse()];
          }
          // a buffer that was used before, and is larger
          const spliced = edits.apply(bytes, scanned, (size) => new Uint8Array(size + 7).fill(0xff));
          assert.deepEqual(decode(signal, merge(signal, spliced)), withoutItems(expected, dropped));
          if (edits.empty) assert.deepEqual(spliced, bytes);
          assert.equal(scan(signal, spliced, fresh).items, scanned.items - dropped.size);
        },
      ),
      { numRuns: 400 },
    );
  });

  test(`${signal}: a row's resource comes out whole, also when it was sent in parts`, () => {
    fc.assert(
      fc.property(requests[signal], fc.integer(), (request, seed) => {
        const plain = encode(signal, request);
        const bytes = disguise(signal, plain, prng(seed), true);
        const scanned = scan(signal, bytes);
        const { rows } = rowsOf(signal, decode(signal, plain));
        rows.forEach(({ labels }, row) => {
          const resource = resourceOf(bytes, scanned, row);
          const asRequest = [0x0a, ...sized([0x0a, ...sized([...resource]), 0x12, ...sized([])])];
          const [again] = Object.values(decode(signal, merge(signal, Uint8Array.from(asRequest))))[0];
          assert.deepEqual(attributesOf(again.resource?.attributes), labels.resource);
        });
      }),
      { numRuns: 100 },
    );
  });
}

function sized(content: number[]): number[] {
  const size: number[] = [];
  let rest = content.length;
  for (; rest > 127; rest >>= 7) size.push((rest & 127) | 128);
  return [...size, rest, ...content];
}

function attributesField(signal: Telemetry, row: number): number {
  if (signal === "metrics") return [7, 9, 1, 7][scans.metrics.shape[row]];
  return signal === "logs" ? 6 : 9;
}

/** Attributes of resources and points in another order; lists inside them stay. */
function reversedAttributes(message: any, key = ""): any {
  if (Array.isArray(message)) {
    const list = message.map((item) => (key === "attributes" ? item : reversedAttributes(item)));
    return key === "attributes" ? list.reverse() : list;
  }
  if (typeof message !== "object" || message === null) return message;
  return Object.fromEntries(Object.entries(message).map(([k, v]) => [k, k === "body" ? v : reversedAttributes(v, k)]));
}

const COUNTED = [
  "resourceMetrics",
  "scopeMetrics",
  "metrics",
  "resourceLogs",
  "scopeLogs",
  "resourceSpans",
  "scopeSpans",
];
const ITEMS = ["dataPoints", "logRecords", "spans"];

/** The request without these items, and without resources, scopes and metrics that lost their last item by that. */
function withoutItems(request: Plain, dropped: Set<Plain>): Plain {
  const count = (message: any): number => {
    if (typeof message !== "object" || message === null) return 0;
    const own = ITEMS.reduce(
      (sum, key) => sum + (message[key]?.filter((item: Plain) => !dropped.has(item)).length ?? 0),
      0,
    );
    return Object.values(message).reduce<number>((sum, inner) => sum + count(inner), own);
  };
  const drops = (message: any): boolean => {
    if (typeof message !== "object" || message === null) return false;
    return dropped.has(message) || Object.values(message).some(drops);
  };
  const prune = (message: any): any => {
    if (Array.isArray(message)) return message.map(prune);
    if (typeof message !== "object" || message === null) return message;
    const out: Plain = {};
    for (const [key, inner] of Object.entries(message)) {
      let kept: any = inner;
      if (ITEMS.includes(key)) kept = (inner as Plain[]).filter((item) => !dropped.has(item));
      else if (COUNTED.includes(key)) {
        kept = (inner as Plain[]).filter((item) => !drops(item) || count(item) > 0).map(prune);
      } else kept = prune(inner);
      // An empty list of messages is not on the wire, so the decoder does not show it.
      if (kept.length !== 0 || !(ITEMS.includes(key) || COUNTED.includes(key))) out[key] = kept;
    }
    return out;
  };
  return prune(request);
}

test("metrics: buckets are ascending, end at infinity, and count what was counted below each of their bounds", () => {
  fc.assert(
    fc.property(requests.metrics, fc.integer(), (request, seed) => {
      const plain = encode("metrics", request);
      const { rows } = rowsOf("metrics", decode("metrics", plain));
      scan("metrics", disguise("metrics", plain, prng(seed), true));
      const found = scans.metrics.distributions;
      const points = rows.filter(({ labels, row }) => labels.statistic === "rate" && row.shape !== Shape.number);
      assert.equal(found.length, points.length);
      points.forEach(({ item, row }, i) => {
        const first = rows.findIndex((candidate) => candidate.item === item);
        assert.equal(found.row[i], first);
        assert.equal(found.rows[i], isBucketed(item, row.shape) ? 5 : 2);
        assert.equal(found.count[i], Number(item.count ?? 0));
        assert.equal(found.sum[i], item.sum ?? Number.NaN);
        const upper = found.upper.subarray(found.from[i], found.to[i]);
        const inBucket = found.inBucket.subarray(found.from[i], found.to[i]);
        if (!isBucketed(item, row.shape)) {
          assert.equal(upper.length, 0);
          return;
        }
        assert.equal(upper.at(-1), Number.POSITIVE_INFINITY);
        upper.forEach((bound, b) => {
          assert.ok(b === 0 || bound > upper[b - 1]);
        });
        const below = (bound: number) => inBucket.reduce((sum, n, b) => (upper[b] <= bound ? sum + n : sum), 0);
        for (const [bound, count] of cumulative(item, row.shape)) {
          assert.equal(below(bound), count, `below ${bound}`);
        }
      });
    }),
    { numRuns: 400 },
  );
});

/** Bounds of a point, and how many of its observations lie at or below each. */
function cumulative(point: Plain, shape: number): [bound: number, count: number][] {
  const counts = (list: string[] = []) => list.map(Number);
  const out: [number, number][] = [];
  let total = 0;
  const add = (bound: number, count: number) => {
    total += count;
    const last = out.at(-1);
    if (last && last[0] >= bound) last[1] = total;
    else out.push([bound, total]);
  };
  if (shape === Shape.histogram) {
    const inBucket = counts(point.bucketCounts);
    inBucket.forEach((n, i) => {
      add(point.explicitBounds[i] ?? Number.POSITIVE_INFINITY, n);
    });
    return out;
  }
  const { scale = 0, zeroCount = 0, zeroThreshold = 0, positive = {}, negative = {} } = point;
  const edge = (index: number) => Math.min(2 ** (index * 2 ** -scale), Number.MAX_VALUE);
  const down = counts(negative.bucketCounts);
  for (let i = down.length - 1; i >= 0; i--) if (down[i] > 0) add(-edge((negative.offset ?? 0) + i), down[i]);
  if (Number(zeroCount) > 0) add(zeroThreshold, Number(zeroCount));
  counts(positive.bucketCounts).forEach((n, i) => {
    if (n > 0) add(edge((positive.offset ?? 0) + i + 1), n);
  });
  return out;
}
