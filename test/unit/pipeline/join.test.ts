// Points of several metrics become vectors: one a resource and interval of event time, however the points are sent.
import assert from "node:assert/strict";
import test from "node:test";
import { serialize } from "node:v8";
import fc from "fast-check";
import { defineVectorDetector, type Labels, z } from "../../../src/api/index.ts";
import { VectorDetector } from "../../../src/pipeline/vector_detector.ts";
import { optionsOf } from "../../../src/registry.ts";
import { SeriesTable } from "../../../src/series/table.ts";
import { fakeHost } from "../../../src/testing/fake_host.ts";

const MINUTE = 60_000;

interface Point {
  readonly of: string;
  readonly metric: string;
  /** Minutes. */
  readonly at: number;
  readonly value: number;
}

/** A detector that writes down every vector it is handed, by resource; `names` are the series of the table so far. */
function watching(options: object = {}, table = new SeriesTable(1000), names = new Map<string, number>()) {
  const vectors: [resource: number, values: (number | null)[], held: number[]][] = [];
  const plugin = defineVectorDetector({
    type: "watching",
    stability: "alpha",
    summary: "Writes down vectors.",
    finds: { above: "outlier", below: "outlier" },
    scores: "line",
    config: z.object({}),
    state: { seen: "u32" },
    scoreThenLearn({ length, width, series, values, held }, { seen }, { score, contributions }) {
      for (let i = 0; i < length; i++) {
        const own = [...values.subarray(i * width, (i + 1) * width)];
        vectors.push([
          series[i],
          own.map((value) => (Number.isNaN(value) ? null : value)),
          [...held.subarray(i * width, (i + 1) * width)],
        ]);
        seen[series[i]]++;
        score[i] = own.some((value) => value >= 1000) ? 2 : 0;
        for (let k = 0; k < width; k++) contributions[i * width + k] = own[k] >= 100 ? own[k] : 0;
      }
    },
  });
  const parsed = optionsOf(plugin).parse({ dimensions: 2, warmup: 0, ...options });
  const host = fakeHost("watching");
  const found: { contributors: readonly string[]; reason: string; labels: Labels; time: number }[] = [];
  const detector = new VectorDetector(plugin, parsed, host, table, (anomaly) => found.push(anomaly));
  const send = (points: readonly Point[]) => {
    const hash = points.map(({ of, metric }) => {
      const key = `${of} ${metric}`;
      if (!names.has(key)) names.set(key, names.size + 1);
      return names.get(key)!;
    });
    const series = new Uint32Array(points.length);
    table.assign(Int32Array.from(hash), Int32Array.from(hash), points.length, series);
    const time = Float64Array.from(points, ({ at }) => at * MINUTE);
    const value = Float64Array.from(points, (point) => point.value);
    const labels = (row: number): Labels => ({
      resource: { "service.name": points[row].of },
      scope: { name: "", version: "" },
      name: points[row].metric.split("/")[0],
      statistic: "",
      unit: "",
      attributes: points[row].metric.includes("/") ? { part: points[row].metric.split("/")[1] } : {},
      traceId: "",
      spanId: "",
    });
    const rows = { length: points.length, series, time, value, offset: series };
    const bytes = new Uint8Array(0);
    detector.process({ signal: "metrics", bytes, receivedAt: 0, rows, labels, ...UNTOUCHED });
  };
  return { vectors, found, detector, send, host, table, names };
}

const a = (metric: string, at: number, value: number, of = "checkout"): Point => ({ of, metric, at, value });

const UNTOUCHED = { annotate() {}, drop() {}, replace() {}, append() {}, extend() {}, mine() {}, mined: undefined };

test("a vector is the mean of each metric in an interval, and is judged when the next one begins", () => {
  const { vectors, send } = watching();
  send([a("cpu", 0.1, 1), a("queue", 0.2, 10), a("cpu", 0.9, 3)]);
  assert.deepEqual(vectors, []);
  send([a("cpu", 1, 5)]);
  assert.deepEqual(vectors, [[0, [2, 10], [0, 0]]]);
});

test("a metric that pauses keeps its value for two intervals; what is no number counts as silence", () => {
  const { vectors, send } = watching();
  send([a("cpu", 0, 1), a("queue", 0, 7)]);
  for (let at = 1; at <= 4; at++) send([a("cpu", at, at), a("queue", at, [Number.NaN, Infinity, 1e300][at % 3])]);
  const values = vectors.map(([, own]) => own);
  assert.deepEqual(values, [
    [1, 7],
    [1, 7],
    [2, 7],
    [3, null],
  ]);
});

test("resources do not mix, and a late point is left out", () => {
  const { vectors, send, detector } = watching();
  send([a("cpu", 0, 1), a("cpu", 0, 100, "cart"), a("cpu", 1, 2), a("cpu", 0.5, 50), a("cpu", 2, 3)]);
  const seen = vectors.map(([resource, [cpu]]) => [resource, cpu]);
  assert.deepEqual(seen, [
    [0, 1],
    [0, 2],
  ]);
  assert.equal(detector.leftOut.points, 1);
});

test("one wrong clock far ahead does not keep the others out for good", () => {
  const { vectors, send } = watching();
  send([a("cpu", 1e6, 1)]);
  for (let at = 0; at < 20; at++) send([a("cpu", at, at)]);
  assert.ok(vectors.length >= 10, `${vectors.length} vectors`);
  assert.equal(vectors.at(-1)![1][0], 18);
});

test("the last vector before a silence is judged by the clock", () => {
  const { vectors, send, detector } = watching();
  send([a("cpu", 0.5, 1)]);
  detector.tick(1.9 * MINUTE);
  assert.equal(vectors.length, 0);
  detector.tick(2 * MINUTE);
  assert.deepEqual(vectors, [[0, [1, null], [0, 0]]]);
  detector.tick(9 * MINUTE);
  assert.equal(vectors.length, 1);
});

test("more metrics than dimensions: those that came first are joined, the user is told, and one that falls silent makes room", () => {
  const { vectors, send, detector, host } = watching();
  send([a("cpu", 0, 1), a("queue", 0, 2), a("memory", 0, 3)]);
  assert.equal(detector.leftOut.metrics, 1);
  assert.match(JSON.stringify(host.logged), /more metrics than are joined/);
  for (let at = 1; at < 70; at++) send([a("cpu", at, 1), a("memory", at, 3)]);
  assert.equal(detector.leftOut.metrics, 0);
  const [, values, held] = vectors.at(-1)!;
  assert.deepEqual(values, [1, 3]);
  assert.ok(held[1] < held[0], "the dimension began anew");
});

test("an anomaly is about the resource and names the metrics, with attributes where they need them", () => {
  const { found, send } = watching({ dimensions: 4 });
  send([a("cpu/0", 0, 1), a("cpu/1", 0, 200), a("queue", 0, 5000), a("idle", 0, 3), a("idle", 1, 1)]);
  assert.deepEqual(found[0].contributors, ["queue"]);
  send([a("cpu/1", 1, 4000), a("queue", 1, 5000), a("cpu/1", 2, 0)]);
  assert.deepEqual(found[1].contributors, ["queue", "cpu{part=1}"]);
  assert.equal(found[1].reason, "checkout: queue is 5000 and cpu{part=1} is 4000, an unusual combination.");
  assert.deepEqual({ ...found[1].labels.resource }, { "service.name": "checkout" });
});

test("a vector is told by the names it came with, though another metric takes a dimension in the same batch", () => {
  const { found, send } = watching({});
  send([a("cpu", 0, 1000), a("queue", 1e9, 0), a("memory", 1e9, 0)]);
  assert.deepEqual(found[0].contributors, ["cpu"]);
});

test("batches make no difference, and a restart in between none", () => {
  const point = fc.record({
    of: fc.constantFrom("checkout", "cart", "login"),
    metric: fc.constantFrom("cpu", "queue", "memory"),
    at: fc.oneof(fc.double({ min: 0, max: 6, noNaN: true }), fc.constant(1e9)),
    value: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.constantFrom(Number.NaN, 1e200)),
  });
  const run = fc.array(point, { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(run, fc.nat(), fc.constantFrom(2, 1000), (points, cut, max_series) => {
      const sorted = points.map((each, i) => ({ ...each, at: each.at < 1e9 ? each.at + i / 10 : each.at }));
      const whole = watching({ max_series });
      whole.send(sorted);
      const middle = cut % sorted.length;
      const first = watching({ max_series });
      first.send(sorted.slice(0, middle));
      first.send(sorted.slice(middle));
      assert.deepEqual(first.vectors, whole.vectors);
      assert.deepEqual(first.found, whole.found);
      const before = watching({ max_series });
      before.send(sorted.slice(0, middle));
      const after = watching({ max_series }, new SeriesTable(1000), before.names);
      // the same identities in other rows of the table
      const hash = Int32Array.from([...before.names.values()].reverse());
      after.table.assign(hash, hash, hash.length, new Uint32Array(hash.length));
      after.detector.restore(before.detector.takeSnapshot());
      after.send(sorted.slice(middle));
      const values = (all: typeof whole.vectors) => all.map(([, own, held]) => [own, held]);
      assert.deepEqual(values([...before.vectors, ...after.vectors]), values(whole.vectors));
      assert.deepEqual([...before.found, ...after.found], whole.found);
    }),
  );
});

test("a state whose resources are damaged is refused in words", () => {
  const { send, detector } = watching({});
  send([a("cpu", 0, 1), a("cpu", 1, 1), a("cpu", 2, 1)]);
  const snapshot = detector.takeSnapshot();
  const broken = (bytes: Uint8Array) => ({
    ...snapshot,
    columns: snapshot.columns.map((each) => (each.name === "resources" ? { ...each, bytes } : each)),
  });
  const fresh = watching({}).detector;
  assert.throws(() => fresh.restore(broken(Buffer.from("rubbish"))), /^Error: is not what a detector of vectors saves/);
  assert.throws(() => fresh.restore(broken(serialize([{ key: 1 }]))), /or damaged \(0\.key: /);
});

test("what it remembers is in a snapshot once, and a resource warms up by its vectors where scores are no surprise", () => {
  const { send, detector } = watching({ warmup: 2 });
  send([a("cpu", 0, 1), a("cpu", 1, 1), a("cpu", 2, 1)]);
  assert.equal(detector.warming, 1);
  send([a("cpu", 3, 1)]);
  assert.equal(detector.warming, 0);
  const names = detector.takeSnapshot().columns.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
});
