// Mangled requests: whatever the bytes are, a scan ends, throws nothing but DecodeError, and points nowhere outside them;
// what is accepted every other reader of ours accepts as well.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Telemetry } from "../../src/api/signals.ts";
import { LogScan, MetricScan, type ScannedRows, SpanScan } from "../../src/otlp/columns.ts";
import { labelsOf, resourceOf } from "../../src/otlp/labels.ts";
import { scanLogs } from "../../src/otlp/logs.ts";
import { identifyPoint, scanMetrics } from "../../src/otlp/metrics.ts";
import { Edits } from "../../src/otlp/splice.ts";
import { protobufToJson } from "../../src/otlp/to_json.ts";
import { scanTraces } from "../../src/otlp/traces.ts";
import { DecodeError } from "../../src/otlp/wire.ts";
import { disguise, encode, prng, requests } from "../otlp_requests.ts";

const MUTATIONS = Number(process.env.VEDETTE_MUTATIONS ?? 20_000);
const SEED = Number(process.env.VEDETTE_SEED ?? Math.floor(Math.random() * 2 ** 31));

const scans = { metrics: new MetricScan(), logs: new LogScan(), traces: new SpanScan() };
const unread = new MetricScan();
const KEPT = Uint8Array.of(0xc2, 0x3e, 0x01, 0x41);

function scan(signal: Telemetry, bytes: Uint8Array): ScannedRows {
  if (signal === "metrics") scanMetrics(bytes, scans.metrics, SEED);
  else if (signal === "logs") scanLogs(bytes, scans.logs, SEED);
  else scanTraces(bytes, scans.traces, SEED);
  if (signal === "metrics") {
    // as the agent does for every series that it does not know
    const identity = new Int32Array(2);
    for (let row = 0; row < scans.metrics.length; row++) identifyPoint(bytes, scans.metrics, row, SEED, identity);
  }
  return scans[signal];
}

/** One to four flips, truncations, insertions, deletions, and bytes that make tags and lengths go wrong. */
function mangled(bytes: Uint8Array, random: () => number): Uint8Array {
  let out = bytes;
  const at = () => Math.floor(random() * (out.length + 1));
  const byte = () =>
    [0, 1, 0x0a, 0x0b, 0x0c, 0x12, 0x7f, 0x80, 0xff, Math.floor(random() * 256)][Math.floor(random() * 10)];
  for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits--) {
    const p = at();
    const kind = Math.floor(random() * 6);
    if (kind === 0) out = out.slice(0, p);
    else if (kind === 1) out = Uint8Array.from([...out.subarray(0, p), byte(), byte(), ...out.subarray(p)]);
    else if (kind === 2)
      out = Uint8Array.from([...out.subarray(0, p), ...out.subarray(Math.min(out.length, p + 1 + at() / 8))]);
    else {
      out = out.slice();
      if (p < out.length)
        out[p] = kind === 3 ? out[p] ^ (1 << Math.floor(random() * 8)) : kind === 4 ? byte() : out[p] + 1;
    }
  }
  return out;
}

function checkBounds(signal: Telemetry, bytes: Uint8Array, rows: ScannedRows): void {
  const { containers } = rows;
  for (let i = 0; i < containers.length; i++) {
    const parent = containers.parent[i];
    assert.ok(containers.prefix[i] < containers.start[i] && containers.start[i] <= containers.end[i]);
    assert.ok(containers.end[i] <= (parent < 0 ? bytes.length : containers.end[parent]));
    assert.ok(parent < i && (parent < 0 || containers.prefix[i] >= containers.start[parent]));
  }
  for (let row = 0; row < rows.length; row++) {
    const container = rows.container[row];
    assert.ok(container < containers.length);
    assert.ok(rows.offset[row] >= containers.start[container] && rows.offset[row] < containers.end[container]);
    assert.ok(row === 0 || rows.offset[row] >= rows.offset[row - 1]);
    if (signal === "logs") assert.ok(scans.logs.bodyStart[row] <= scans.logs.bodyEnd[row]);
    if (signal === "logs") assert.ok(scans.logs.bodyEnd[row] <= bytes.length);
    if (signal === "metrics") continue;
    const ids = scans[signal as "logs" | "traces"];
    assert.ok(ids.traceId[row] + (ids.traceId[row] && 16) <= bytes.length);
    assert.ok(ids.spanId[row] + (ids.spanId[row] && 8) <= bytes.length);
  }
}

/** Where nobody looks at rows, the very same requests are taken, with as many items, and the same is refused. */
function checkUnread(bytes: Uint8Array, items: number | undefined): void {
  let taken: number | undefined;
  try {
    scanMetrics(bytes, unread, SEED, true);
    taken = unread.items;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  assert.equal(taken, items, "unread");
}

/** True when the bytes still scan. */
function survives(signal: Telemetry, bytes: Uint8Array): boolean {
  let rows: ScannedRows;
  try {
    rows = scan(signal, bytes);
    if (signal === "metrics") checkUnread(bytes, rows.items);
  } catch (error) {
    if (signal === "metrics" && error instanceof DecodeError) checkUnread(bytes, undefined);
    if (error instanceof DecodeError && error.offset >= 0 && error.offset <= bytes.length) return false;
    throw error;
  }
  checkBounds(signal, bytes, rows);
  protobufToJson(signal, bytes);
  const edits = new Edits();
  for (let row = 0; row < rows.length; row++) {
    resourceOf(bytes, rows, row);
    if (row % 3 === 0) edits.append(row, KEPT);
    if (row % 5 === 0) edits.drop(row);
    labelsOf(signal, bytes, rows as any, row);
  }
  const { items } = rows;
  const spliced = edits.apply(bytes, rows);
  assert.ok(scan(signal, spliced).items <= items);
  return true;
}

for (const signal of ["metrics", "logs", "traces"] as const) {
  test(`${signal}: mangled bytes are refused or scanned within bounds`, () => {
    const random = prng(SEED);
    const whole = fc.sample(requests[signal], { numRuns: 300, seed: SEED });
    const pool = whole.map((request) => encode(signal, request)).filter(({ length }) => length > 0 && length < 4000);
    let survived = 0;
    for (let i = 0; i < MUTATIONS / 3; i++) {
      const source = pool[Math.floor(random() * pool.length)];
      const bytes = mangled(i % 4 === 0 ? disguise(signal, source, random, true) : source, random);
      try {
        if (survives(signal, bytes)) survived++;
      } catch (error) {
        const hex = Buffer.from(bytes).toString("hex");
        assert.fail(`VEDETTE_SEED=${SEED}, mutation ${i}: ${(error as Error).stack}\n${signal} ${hex}`);
      }
    }
    assert.ok(survived > 0 && survived < MUTATIONS / 3, `${survived} of ${MUTATIONS / 3} survived`);
  });
}
