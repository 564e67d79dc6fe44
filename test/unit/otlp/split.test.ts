// Splitting: every item in exactly one part, with its resource, scope and metric; no part larger than asked for.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Telemetry } from "../../../src/api/signals.ts";
import { LogScan, MetricScan, SpanScan } from "../../../src/otlp/columns.ts";
import { scanLogs } from "../../../src/otlp/logs.ts";
import { scanMetrics } from "../../../src/otlp/metrics.ts";
import { countItems, splitRequest } from "../../../src/otlp/split.ts";
import { scanTraces } from "../../../src/otlp/traces.ts";
import { decode, disguise, encode, merge, type Plain, prng, requests } from "../../otlp_requests.ts";

const SIGNALS: readonly Telemetry[] = ["metrics", "logs", "traces"];

function scannedItems(signal: Telemetry, bytes: Uint8Array): number {
  const scan = signal === "metrics" ? new MetricScan() : signal === "logs" ? new LogScan() : new SpanScan();
  const scanInto = { metrics: scanMetrics, logs: scanLogs, traces: scanTraces }[signal];
  scanInto(bytes, scan as never, 1);
  return scan.items;
}

const MEMBERS = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];

/** Every item beside all that encloses it, as the oracle reads it; and containers without items, which are kept too. */
function leaves(request: Plain): string[] {
  const found: string[] = [];
  const visit = (node: Plain, keys: readonly string[], around: Plain[]) => {
    const key = keys.find((each) => Array.isArray(node[each]) || (MEMBERS.includes(each) && node[each]));
    const { [key ?? ""]: inside, ...frame } = node;
    const path = [...around, frame];
    const next = NEXT[key ?? ""];
    if (!key || (Array.isArray(inside) && inside.length === 0)) {
      if (path.length > 1) found.push(JSON.stringify([path, key && MEMBERS.includes(key)]));
    } else if (!Array.isArray(inside)) visit(inside, ["dataPoints"], [...path, { member: key }]);
    else for (const item of inside) next ? visit(item, next, path) : found.push(JSON.stringify([...path, item]));
  };
  visit(request, ["resourceMetrics", "resourceLogs", "resourceSpans"], []);
  return found;
}
const NEXT: Readonly<Record<string, readonly string[] | undefined>> = {
  resourceMetrics: ["scopeMetrics"],
  resourceLogs: ["scopeLogs"],
  resourceSpans: ["scopeSpans"],
  scopeMetrics: ["metrics"],
  scopeLogs: ["logRecords"],
  scopeSpans: ["spans"],
  metrics: MEMBERS,
};

for (const signal of SIGNALS) {
  const max = fc.integer({ min: 1, max: 12 });
  const seed = fc.option(fc.nat());
  const read = (bytes: Uint8Array) => leaves(decode(signal, merge(signal, bytes)));

  test(`${signal}: parts of at most so many items hold every item once, in order, with all that encloses it`, () => {
    fc.assert(
      fc.property(requests[signal], max, seed, (request, most, disguised) => {
        const plain = encode(signal, request);
        const bytes = disguised === null ? plain : disguise(signal, plain, prng(disguised), true);
        const items = scannedItems(signal, bytes);
        assert.equal(countItems(signal, bytes), items);
        const parts = splitRequest(signal, bytes, most, "items");
        assert.deepEqual(
          parts.flatMap((part) => read(part.bytes)),
          read(bytes),
        );
        assert.equal(parts.length, Math.max(1, Math.ceil(items / most)));
        for (const part of parts) {
          assert.ok(part.items <= most);
          assert.equal(scannedItems(signal, part.bytes), part.items);
        }
      }),
      { numRuns: 200 },
    );
  });

  test(`${signal}: parts of at most so many bytes are larger only where a single item is`, () => {
    fc.assert(
      fc.property(requests[signal], fc.integer({ min: 50, max: 2000 }), (request, most) => {
        const bytes = encode(signal, request);
        const parts = splitRequest(signal, bytes, most, "bytes");
        assert.deepEqual(
          parts.flatMap((part) => read(part.bytes)),
          read(bytes),
        );
        for (const part of parts)
          assert.ok(part.bytes.length <= most || part.items <= 1, `${part.bytes.length} > ${most}`);
      }),
      { numRuns: 200 },
    );
  });
}

const field = (tag: number, ...content: number[]) => [tag, content.length, ...content];
const unknown = (n: number) => [0xc0, 0x3e, n];

test("unknown fields stay with what they stand in", () => {
  const record = (n: number) => field(0x12, 0x10, n, ...unknown(n));
  const request = (...records: number[][]) => [
    ...unknown(101),
    ...field(0x0a, ...unknown(102), ...field(0x12, ...unknown(103), ...records.flat())),
  ];
  const parts = splitRequest("logs", Uint8Array.from(request(record(1), record(2), record(3))), 2, "items");
  assert.deepEqual(
    parts.map(({ bytes }) => [...bytes]),
    [request(record(1), record(2)), request(record(3))],
  );
});

test("of a metric's data the member that counts is split, its temporality and its parts kept together", () => {
  const point = (n: number) => field(0x0a, 0x40, n * 2);
  const metric = (...data: number[]) => field(0x0a, ...field(0x12, ...field(0x12, ...field(0x0a, 97), ...data)));
  const gauge = field(0x2a, ...point(1));
  const bytes = metric(...gauge, ...field(0x3a, 0x10, 2, ...point(2)), ...field(0x3a, ...point(3), 0x18, 1));
  const parts = splitRequest("metrics", Uint8Array.from(bytes), 1, "items");
  assert.deepEqual(
    parts.map(({ bytes }) => [...bytes]),
    [2, 3].map((n) => metric(...field(0x3a, 0x10, 2, 0x18, 1, ...point(n)))),
  );
});
