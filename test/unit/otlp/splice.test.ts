// Splicing by example: byte for byte what it was, but for the edited rows and the lengths around them.
import assert from "node:assert/strict";
import test from "node:test";
import { LogScan, MetricScan } from "../../../src/otlp/columns.ts";
import { scanLogs } from "../../../src/otlp/logs.ts";
import { scanMetrics } from "../../../src/otlp/metrics.ts";
import { Edits } from "../../../src/otlp/splice.ts";

const RESOURCE_LOGS = 0x0a;
const SCOPE_LOGS = 0x12;
const RECORD = 0x12;
const field = (tag: number, ...content: number[]) => {
  assert.ok(content.length < 128);
  return [tag, content.length, ...content];
};
const unknown = [0xc0, 0x3e, 5];
const record = (severity: number, ...more: number[]) => field(RECORD, 0x10, severity, ...more);

function spliced(request: number[], edit: (edits: Edits) => void): number[] {
  const bytes = Uint8Array.from(request);
  const scan = new LogScan();
  scanLogs(bytes, scan, 1);
  const edits = new Edits();
  edit(edits);
  return [...edits.apply(bytes, scan)];
}

test("without edits the bytes come back the same, as a copy", () => {
  const bytes = Uint8Array.from(field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...record(1))));
  const scan = new LogScan();
  scanLogs(bytes, scan, 1);
  const edits = new Edits();
  assert.ok(edits.empty);
  const copy = edits.apply(bytes, scan);
  assert.deepEqual(copy, bytes);
  assert.notEqual(copy.buffer, bytes.buffer);
});

test("appended fields stand at the end of their row, in the order of the calls; all else stays", () => {
  const request = (second: number[]) =>
    field(
      RESOURCE_LOGS,
      ...unknown,
      ...field(SCOPE_LOGS, ...record(1), ...record(2, ...second), ...unknown, ...record(3)),
    );
  const result = spliced(request([]), (edits) => {
    edits.append(1, Uint8Array.of(0x38, 1));
    edits.append(1, Uint8Array.of(0x38, 2));
  });
  assert.deepEqual(result, request([0x38, 1, 0x38, 2]));
});

test("a length that outgrows its prefix takes one byte more, in every message around it", () => {
  const bytes = Uint8Array.from(field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...record(1))));
  const scan = new LogScan();
  scanLogs(bytes, scan, 1);
  const edits = new Edits();
  const addition = new Uint8Array(200).fill(7);
  edits.append(0, addition);
  const sizes = [202, 205, 208].map((n) => [(n & 127) | 128, n >> 7]);
  const head = [RESOURCE_LOGS, ...sizes[2], SCOPE_LOGS, ...sizes[1], RECORD, ...sizes[0], 0x10, 1];
  assert.deepEqual([...edits.apply(bytes, scan)], [...head, ...addition]);
});

test("a dropped row goes with its tag, whatever is appended to it", () => {
  const request = (rows: number[]) => field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...rows));
  const result = spliced(request([...record(1), ...record(2), ...record(3)]), (edits) => {
    edits.append(1, Uint8Array.of(0x38, 1));
    edits.drop(1);
    edits.drop(1);
    edits.append(1, Uint8Array.of(0x38, 1));
  });
  assert.deepEqual(result, request([...record(1), ...record(3)]));
});

test("a row whose tag and length were padded goes whole too", () => {
  const padded = [0x80 | RECORD, 0x80, 0x00, 0x82, 0x80, 0x00, 0x10, 2];
  const request = (rows: number[]) => field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...rows));
  const result = spliced(request([...record(1), ...padded, ...record(3)]), (edits) => edits.drop(1));
  assert.deepEqual(result, request([...record(1), ...record(3)]));
});

test("what loses its last row goes; what was empty before stays", () => {
  const empty = field(RESOURCE_LOGS, ...field(SCOPE_LOGS));
  const lost = field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...record(1)), ...field(SCOPE_LOGS));
  const kept = (scopes: number[]) => field(RESOURCE_LOGS, ...scopes, ...field(SCOPE_LOGS, ...record(3)));
  const request = [...empty, ...lost, ...unknown, ...kept(field(SCOPE_LOGS, ...record(2)))];
  const result = spliced(request, (edits) => {
    edits.drop(0);
    edits.drop(1);
  });
  assert.deepEqual(result, [...empty, ...unknown, ...kept([])]);
});

test("edits may come in any order, and can be used again once cleared", () => {
  const request = (first: number[], third: number[]) =>
    field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...record(1, ...first), ...record(2), ...record(3, ...third)));
  const result = spliced(request([], []), (edits) => {
    edits.drop(1);
    edits.clear();
    assert.ok(edits.empty);
    edits.append(2, Uint8Array.of(0x38, 3));
    edits.append(0, Uint8Array.of(0x38, 1));
  });
  assert.deepEqual(result, request([0x38, 1], [0x38, 3]));
});

test("a metric keeps its type and temporality as long as one of its parts has points", () => {
  const point = (value: number) => field(0x0a, 0x31, value, 0, 0, 0, 0, 0, 0, 0);
  const sum = (...content: number[]) => field(0x3a, ...content);
  const request = (first: number[]) =>
    field(0x0a, ...field(0x12, ...field(0x12, ...sum(...first, 0x10, 2, 0x18, 1), ...sum(...point(2)))));
  const bytes = Uint8Array.from(request(point(1)));
  const scan = new MetricScan();
  scanMetrics(bytes, scan, 1);
  const edits = new Edits();
  edits.drop(0);
  assert.deepEqual([...edits.apply(bytes, scan)], request([]));
  edits.drop(1);
  assert.deepEqual([...edits.apply(bytes, scan)], []);
});

test("a point without a row, which says that nothing was recorded, keeps its metric", () => {
  const metric = (points: number[]) => field(0x0a, ...field(0x12, ...field(0x12, ...field(0x2a, ...points))));
  const silent = field(0x0a, 0x40, 1);
  const bytes = Uint8Array.from(metric([...field(0x0a), ...silent]));
  const scan = new MetricScan();
  scanMetrics(bytes, scan, 1);
  const edits = new Edits();
  edits.drop(0);
  assert.deepEqual([...edits.apply(bytes, scan)], metric(silent));
});

test("a replaced field goes wherever it stands in its row, and comes at the end; other rows and fields keep theirs", () => {
  const text = (...content: number[]) => field(0x1a, ...content);
  const request = (...second: number[]) =>
    field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...record(1, ...text(1)), ...record(2, ...second), ...record(3)));
  const result = spliced(request(...text(1), ...unknown, ...text(2, 2), 0x38, 9), (edits) => {
    edits.append(1, Uint8Array.of(0x38, 1));
    edits.replace(1, 3, Uint8Array.from(text(7, 7, 7)));
    edits.replace(2, 3, Uint8Array.of());
  });
  assert.deepEqual(result, request(...unknown, 0x38, 9, 0x38, 1, ...text(7, 7, 7)));
});

test("a row that is dropped goes, whatever is replaced in it; a row may shrink below the size of its prefix", () => {
  const long = (tag: number, content: number[]) => [tag, (content.length & 127) | 128, content.length >> 7, ...content];
  const value = Array.from({ length: 200 }, () => 7);
  const request = long(RESOURCE_LOGS, long(SCOPE_LOGS, [...record(1, 0x1a, 1, 7), ...long(RECORD, long(0x1a, value))]));
  const result = spliced(request, (edits) => {
    edits.replace(0, 3, Uint8Array.of(0x1a, 0));
    edits.drop(0);
    edits.replace(1, 3, Uint8Array.of(0x1a, 0));
  });
  assert.deepEqual(result, field(RESOURCE_LOGS, ...field(SCOPE_LOGS, ...field(RECORD, 0x1a, 0))));
});
