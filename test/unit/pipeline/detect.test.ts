// A detector in its pipeline: which rows it sees, when it speaks, what it remembers, and that batching changes nothing.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import ewma from "../../../plugins/processors/ewma/index.ts";
import { defineDetector, z } from "../../../src/api/index.ts";
import { DecodeError } from "../../../src/otlp/index.ts";
import { Detector } from "../../../src/pipeline/detect.ts";
import { type Snapshot, SnapshotError } from "../../../src/series/snapshot.ts";
import { decodeSnapshot, encodeSnapshot } from "../../../src/series/snapshot_file.ts";
import { oracle } from "../../exporting.ts";
import { optionsOf, wired } from "../../wired.ts";

interface Point {
  readonly series: string;
  readonly value: number;
  readonly metric?: string;
  readonly time?: number;
}

const T = 1_700_000_000_000;

/** Points of gauges in one request, in order: a metric message for each run of points of one metric. */
function request(points: readonly Point[], service = "shop"): Uint8Array {
  const metrics: { name: string; gauge: { dataPoints: object[] } }[] = [];
  points.forEach(({ series, value, metric = "load", time = T }) => {
    if (metrics.at(-1)?.name !== metric) metrics.push({ name: metric, gauge: { dataPoints: [] } });
    metrics.at(-1)?.gauge.dataPoints.push({
      timeUnixNano: `${time}000000`,
      asDouble: value,
      attributes: [{ key: "host", value: { stringValue: series } }],
    });
  });
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  return oracle.metrics.request.encode({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }).finish();
}

/** Scores a row by its value, expects 0, and remembers what it was shown. */
function spy(score = (value: number) => value) {
  const seen: { series: number; age: number; value: number; total: number }[] = [];
  const plugin = defineDetector({
    type: "spy",
    signal: "metrics",
    stability: "experimental",
    summary: "Keeps what it sees.",
    finds: { above: "spike", below: "drop" },
    config: z.object({}),
    state: { total: "f64" },
    scoreThenLearn({ length, series, age, value }, { total }, verdicts) {
      for (let i = 0; i < length; i++) {
        const s = series[i];
        seen.push({ series: s, age: age[i], value: value[i], total: total[s] });
        verdicts.score[i] = score(value[i]);
        verdicts.expected[i] = 0;
        total[s] += value[i];
      }
    },
  });
  return { plugin, seen };
}

const point = (series: string, value: number, metric?: string): Point => ({ series, value, metric });
const EAGER = { warmup: 0, threshold: 3 };

test("a row's age counts the rows of its series before it, across requests", () => {
  const { plugin, seen } = spy();
  const { emit } = wired(plugin);
  emit(request([point("a", 1), point("b", 2), point("a", 3)]));
  emit(request([point("b", 4), point("a", 5)]));
  const rows = seen.map(({ age, value, total }) => [age, value, total]);
  assert.deepEqual(rows, [
    [0, 1, 0],
    [0, 2, 0],
    [1, 3, 1],
    [1, 4, 2],
    [2, 5, 4],
  ]);
  assert.equal(new Set(seen.map(({ series }) => series)).size, 2);
});

test("match decides once a series which rows the detector sees; ids stay dense", () => {
  const { plugin, seen } = spy();
  const match = { include: { metric: ["load*"] }, exclude: { attribute: { host: ["test-*"] } } };
  const { emit, detector } = wired(plugin, { match });
  const points = [point("a", 1, "other"), point("a", 2), point("test-1", 3), point("b", 4, "load.b")];
  for (let i = 0; i < 3; i++) emit(request(points));
  assert.deepEqual(
    seen.map(({ series, value }) => [series, value]),
    [0, 1, 2].flatMap(() => [
      [0, 2],
      [1, 4],
    ]),
  );
  assert.equal(detector.series, 2);
  assert.equal(detector.counts.rows, 6);
});

test("a request with attributes that cannot be read is refused whole, before a detector sees any of it", () => {
  const { plugin, seen } = spy();
  const { emit, stages, queue } = wired(plugin, { match: { include: { metric: ["load"] } } });
  let value: object = { stringValue: "deep" };
  for (let depth = 0; depth < 500; depth++) value = { arrayValue: { values: [value] } };
  const bad = { timeUnixNano: `${T}000000`, asDouble: 9, attributes: [{ key: "host", value }] };
  const metrics = [{ name: "load", gauge: { dataPoints: [bad] } }];
  const deep = oracle.metrics.request.encode({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }).finish();
  assert.throws(() => emit(Buffer.concat([request([point("a", 1)]), deep])), DecodeError);
  assert.equal(seen.length, 0);
  assert.equal(stages[0].counts.errors, 0);
  assert.equal(queue.counts.metrics.accepted, 0);
});

test("the very row past the threshold is told, once the series has been judged as often as warm-up asks", () => {
  const { plugin } = spy();
  const { emit, anomalies, detector } = wired(plugin, { warmup: 50, threshold: 3 });
  for (let i = 0; i < 50; i++) emit(request([point("a", i === 10 ? 1e9 : 1)]));
  assert.equal(anomalies.length, 0);
  emit(request([point("a", 1), point("a", 1e9), point("b", 1e9)]));
  assert.equal(anomalies.length, 1);
  assert.equal(detector.counts.anomalies, 1);
  const [{ type, detector: by, observed, expected, labels, time, score, rarity, signal, state }] = anomalies;
  assert.deepEqual([type, by, observed, expected, time, signal, state], ["spike", "spy", 1e9, 0, T, "metrics", "open"]);
  assert.equal(labels.attributes.host, "a");
  assert.equal(score, rarity / 3);
});

test("rows that abstain do not count towards the warm-up", () => {
  const { plugin } = spy((value) => (value === 0 ? Number.NaN : value));
  const { emit, anomalies } = wired(plugin, { warmup: 5, threshold: 3 });
  for (let i = 0; i < 100; i++) emit(request([point("a", 0)]));
  emit(request([point("a", 1e9)]));
  assert.equal(anomalies.length, 0);
});

test("direction and least deviation say which surprises matter", () => {
  const run = (options: object) => {
    const { plugin } = spy(Math.abs);
    const { emit, anomalies } = wired(plugin, { ...EAGER, ...options });
    emit(request([point("a", 1000), point("b", -1000)]));
    return anomalies.map(({ type }) => type);
  };
  assert.deepEqual(run({}), ["spike", "drop"]);
  assert.deepEqual(run({ detection_direction: "above_expected" }), ["spike"]);
  assert.deepEqual(run({ detection_direction: "below_expected" }), ["drop"]);
  assert.deepEqual(run({ min_dev_from_expected: 1000 }), ["spike", "drop"]);
  assert.deepEqual(run({ min_dev_from_expected: 1001 }), []);
});

test("a relative deviation is a share of the expectation", () => {
  const run = (min_rel_dev_from_expected: number) => {
    const { emit, anomalies } = wired(ewma, { warmup: 100, min_rel_dev_from_expected });
    for (let i = 0; i < 300; i++) emit(request([point("a", 100 + (i % 2))]));
    emit(request([point("a", 150)]));
    return anomalies.length;
  };
  assert.equal(run(0.4), 1);
  assert.equal(run(0.6), 0);
});

test("a marked point keeps its series: an exemplar by default, attributes or nothing on request", async () => {
  for (const [annotate, exemplars, attributes] of [
    ["exemplar", 1, 1],
    ["attributes", 0, 11],
    ["none", 0, 1],
  ] as const) {
    const { plugin } = spy();
    const { emit, sent, queue } = wired(plugin, annotate === "exemplar" ? EAGER : { ...EAGER, annotate });
    const bytes = request([point("a", 1000)]);
    emit(bytes);
    await queue.drain(1000);
    const [metric] = oracle.metrics.request.decode(sent[0].bytes).toJSON().resourceMetrics[0].scopeMetrics[0].metrics;
    const [told] = metric.gauge.dataPoints;
    assert.equal(told.exemplars?.length ?? 0, exemplars, annotate);
    assert.ok(annotate === "attributes" ? told.attributes.length > 5 : told.attributes.length === attributes, annotate);
    if (annotate === "none") assert.deepEqual(sent[0].bytes, Buffer.from(bytes));
  }
});

test("of a request with thousands of anomalies a thousand are described, the rest counted", () => {
  const { plugin } = spy();
  const { emit, anomalies, detector, host } = wired(plugin, EAGER, { limit: 10_000 });
  const many = Array.from({ length: 5000 }, (_, i) => point(`s${i}`, 1e6));
  emit(request(many));
  assert.equal(anomalies.length, 1000);
  assert.deepEqual(detector.counts, { rows: 5000, anomalies: 5000, evicted: 0, undescribed: 4000 });
  assert.equal(host.logged.length, 1);
  emit(request(many.slice(0, 10)));
  assert.equal(anomalies.length, 1010, "the next request has a thousand of its own");
});

test("at max_series the least recently seen series is forgotten and begins anew", () => {
  const { plugin, seen } = spy();
  const { emit, detector } = wired(plugin, { max_series: 2 });
  for (const series of ["a", "b", "a", "c", "a", "b"]) emit(request([point(series, 1)]));
  assert.deepEqual(
    seen.map(({ age, total }) => [age, total]),
    [
      [0, 0],
      [0, 0],
      [1, 1],
      [0, 0],
      [2, 2],
      [0, 0],
    ],
  );
  assert.deepEqual([detector.series, detector.counts.evicted], [2, 2]);
});

test("a series that the table forgets is forgotten by the detector", () => {
  const { plugin, seen } = spy();
  const { emit, detector } = wired(plugin, {}, { limit: 2 });
  for (const series of ["a", "b", "c", "c", "a"]) emit(request([point(series, 1)]));
  assert.deepEqual(
    seen.map(({ age, total }) => [age, total]),
    [
      [0, 0],
      [0, 0],
      [0, 0],
      [1, 1],
      [0, 0],
    ],
  );
  assert.equal(detector.series, 2);
});

test("a decision of match does not outlive its series", () => {
  const { plugin, seen } = spy();
  const { emit } = wired(plugin, { match: { exclude: { attribute: { host: ["x"] } } } }, { limit: 1 });
  for (const series of ["x", "a", "x", "a"]) emit(request([point(series, 1)]));
  assert.equal(seen.length, 2);
});

test("a detector that has stopped is no longer told of series, twice or not", async () => {
  const { plugin } = spy();
  const { emit, detector, intake } = wired(plugin);
  await detector.stop();
  await detector.stop();
  intake.table.own({ grow: () => {}, recycle: () => {} });
  emit(request([point("a", 1)]));
});

const value = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: -100, max: 100, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(1e9, -1e9, 0, Number.POSITIVE_INFINITY, 1e308) },
);
const names = ["a", "b", "c", "d", "e", "f"];
const single = fc.record({ series: fc.constantFrom(...names), value });
// some series come so often that they are established
const often = fc.constantFrom(...names).map((series) => Array.from({ length: 51 }, (_, i) => point(series, i % 3)));
const run = fc.oneof(
  { weight: 12, arbitrary: fc.array(single, { minLength: 1, maxLength: 15 }) },
  { weight: 1, arbitrary: often },
);
const stream = fc.array(run, { minLength: 1, maxLength: 15, size: "max" }).map((runs): Point[] => runs.flat());

/** What a detector says of a stream, in requests of the given sizes. */
function told(points: readonly Point[], sizes: readonly number[], max_series: number) {
  const run = wired(ewma, { warmup: 3, threshold: 1, max_series });
  let at = 0;
  for (let i = 0; at < points.length; i++) {
    const size = sizes[i % sizes.length];
    run.emit(request(points.slice(at, at + size)));
    at += size;
  }
  const said = run.anomalies.map(({ labels, observed, expected, rarity }) => [
    labels.attributes.host,
    observed,
    expected,
    rarity,
  ]);
  return { said, counts: run.detector.counts, saved: run.detector.takeSnapshot().columns };
}

test("how rows are batched never changes a score, evictions included", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(stream, sizes, fc.integer({ min: 1, max: 7 }), (points, batches, max_series) => {
      const whole = told(points, [points.length], max_series);
      const split = told(points, batches, max_series);
      assert.deepEqual(split.said, whole.said);
      assert.deepEqual(split.counts, whole.counts);
      assert.deepEqual(split.saved, whole.saved);
    }),
    { numRuns: 60 },
  );
});

test("a batch larger than what a detector is handed at once changes no score", () => {
  const points = Array.from({ length: 9000 }, (_, i) => point(names[i % 5], i % 997 === 0 ? 1e6 : Math.sin(i * i)));
  const whole = told(points, [9000], 4);
  assert.deepEqual(told(points, [701], 4), { ...whole });
  assert.ok(whole.counts.evicted > 1000);
});

test("save, restore, go on = go on: scores, ages and the order of forgetting", () => {
  fc.assert(
    fc.property(stream, stream, fc.integer({ min: 2, max: 7 }), (before, after, max_series) => {
      const options = { warmup: 3, threshold: 1, max_series };
      const one = wired(ewma, options);
      for (const p of before) one.emit(request([p]));
      const snapshot = one.detector.takeSnapshot();
      const other = wired(ewma, options);
      other.detector.restore(snapshot);
      assert.deepEqual(other.detector.series, one.detector.series);
      one.anomalies.length = 0;
      const evicted = one.detector.counts.evicted;
      for (const p of after) {
        one.emit(request([p]));
        other.emit(request([p]));
      }
      const plain = ({ rarity, observed, expected, fingerprint }: any) => ({ rarity, observed, expected, fingerprint });
      assert.deepEqual(other.anomalies.map(plain), one.anomalies.map(plain));
      assert.equal(other.detector.counts.evicted, one.detector.counts.evicted - evicted);
    }),
    { numRuns: 60 },
  );
});

/** The detector's type, of another version, shape, or series. */
function refusals(good: Snapshot): Snapshot[] {
  const shorter = (name: string) =>
    good.columns.map((each) => (each.name === name ? { ...each, bytes: each.bytes.slice(1) } : each));
  const widened = good.columns.map((each) => (each.name === "state.mean" ? { ...each, width: 2 } : each));
  return [
    { ...good, type: "other" },
    { ...good, stateVersion: 2 },
    { ...good, signal: "logs" },
    { ...good, columns: good.columns.map((each) => ({ ...each, name: each.name.replace("mean", "median") })) },
    { ...good, columns: widened },
    { ...good, columns: [] },
    ...good.columns.map(({ name }) => ({ ...good, columns: shorter(name) })),
  ];
}

test("a snapshot that does not fit is refused and changes nothing", () => {
  const { emit, detector } = wired(ewma);
  emit(request([point("a", 1), point("b", 2)]));
  const good = detector.takeSnapshot();
  for (const wrong of refusals(good)) {
    const other = wired(ewma);
    const before = other.detector.takeSnapshot();
    assert.throws(() => other.detector.restore(wrong), SnapshotError);
    assert.deepEqual({ ...other.detector.takeSnapshot(), takenAt: 0 }, { ...before, takenAt: 0 });
    assert.equal(other.intake.table.length, 0);
  }
  wired(ewma).detector.restore(good);
  assert.throws(() => detector.restore(good), /comes too late/);
});

test("a column that is no longer declared is left out, the others are kept", () => {
  const { plugin, seen } = spy();
  const wider = { ...plugin, state: { ...plugin.state, profile: ["f32", 24] } } as typeof plugin;
  const one = wired(wider);
  one.emit(request([point("a", 5)]));
  const other = wired(plugin);
  other.detector.restore(one.detector.takeSnapshot());
  other.emit(request([point("a", 1)]));
  assert.deepEqual([seen.at(-1)?.age, seen.at(-1)?.total], [1, 5]);
  const refused = /no column state.profile \(f32 x 24\)/;
  assert.throws(() => wired(wider).detector.restore(other.detector.takeSnapshot()), refused);
});

/** Ages with which a detector goes on with the series, from a snapshot of one that saw them in this order. */
function agesAfter(
  plugin: ReturnType<typeof spy>,
  order: string,
  other: ReturnType<typeof wired>,
  ask: string,
): number[] {
  const one = wired(plugin.plugin);
  for (const series of order) one.emit(request([point(series, 1)]));
  other.detector.restore(one.detector.takeSnapshot());
  plugin.seen.length = 0;
  for (const series of ask) other.emit(request([point(series, 1)]));
  return plugin.seen.map(({ age }) => age);
}

test("of more series than max_series allows by now, those seen last are kept", () => {
  const plugin = spy();
  const other = wired(plugin.plugin, { max_series: 2 });
  assert.deepEqual(agesAfter(plugin, "abcdbb", other, "db"), [1, 3]);
  assert.equal(other.detector.series, 2);
  assert.equal(other.detector.counts.evicted, 0);
});

test("a snapshot of more series than the table has room for keeps those seen last, and nobody in it has to go", () => {
  const plugin = spy();
  const other = wired(plugin.plugin, {}, { limit: 4 });
  other.emit(request([point("x", 1), point("d", 1)]));
  const fresh = wired(plugin.plugin, {}, { limit: 4 });
  const live = new Detector(
    plugin.plugin as never,
    {},
    optionsOf(plugin.plugin),
    fresh.host,
    other.intake.table,
    () => {},
  );
  const one = wired(plugin.plugin);
  for (const series of "abcdee") one.emit(request([point(series, 1)]));
  live.restore(one.detector.takeSnapshot());
  assert.equal(live.series, 3, "d was there, c and e found room");
  assert.equal(other.intake.table.evicted, 0);
  assert.equal(other.intake.table.length, 4);
});

test("restored series are decided by the match of now, when they are next seen", () => {
  const plugin = spy();
  const match = { exclude: { attribute: { host: ["b"] } } };
  const other = wired(plugin.plugin, { match, max_series: 2 });
  assert.deepEqual(agesAfter(plugin, "abab", other, "ababc"), [2, 3, 0]);
  assert.equal(other.detector.series, 2);
  assert.equal(other.detector.counts.evicted, 0, "the one that is left out made room");
});

test("a restored series that the table forgets is forgotten, decided or not", () => {
  const plugin = spy();
  const other = wired(plugin.plugin, { match: { exclude: { attribute: { host: ["x"] } } } }, { limit: 2 });
  assert.deepEqual(agesAfter(plugin, "ab", other, "cda"), [0, 0, 0]);
  assert.equal(other.detector.series, 2);
});

test("a snapshot is a copy: what is learnt later is not in it", () => {
  const { plugin, seen } = spy();
  const one = wired(plugin);
  one.emit(request([point("a", 1)]));
  const snapshot = one.detector.takeSnapshot();
  for (let i = 0; i < 300; i++) one.emit(request([point(`s${i}`, 1), point("a", 1)]));
  const other = wired(plugin);
  other.detector.restore(snapshot);
  other.emit(request([point("a", 1)]));
  assert.deepEqual([seen.at(-1)?.age, seen.at(-1)?.total, other.detector.series], [1, 1, 1]);
});

test("a snapshot that can be read only in part is as good as none", () => {
  const { plugin, seen } = spy();
  const one = wired(plugin);
  for (const series of "abc") one.emit(request([point(series, 1)]));
  const whole = one.detector.takeSnapshot();
  const part = () => {
    throw new Error("the disk is gone");
  };
  const columns = whole.columns.map((each) =>
    each.name.startsWith("calibration.") ? { ...each, length: each.bytes.length, part } : each,
  );
  const other = wired(plugin);
  assert.throws(() => other.detector.restore({ ...whole, columns }), /the disk is gone/);
  assert.equal(other.detector.series, 0);
  for (const series of "cba") other.emit(request([point(series, 1)]));
  assert.deepEqual(
    seen.slice(-3).map(({ age, total }) => [age, total]),
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  );
});

/** Remembers the value of its series and how many rows it had, in a state so wide that few rows are copied at a time. */
function wide() {
  const WIDTH = 20_000;
  const known: (readonly [before: number, value: number, rows: number])[] = [];
  const plugin = defineDetector({
    type: "wide",
    signal: "metrics",
    stability: "experimental",
    summary: "Remembers much.",
    finds: { above: "spike", below: "drop" },
    config: z.object({}),
    state: { first: ["f64", WIDTH], rows: "u32" },
    scoreThenLearn({ length, series, value }, { first, rows }) {
      for (let i = 0; i < length; i++) {
        const s = series[i];
        known.push([first[s * WIDTH], value[i], rows[s]]);
        assert.equal(first[s * WIDTH + WIDTH - 1], first[s * WIDTH] === 0 ? 0 : rows[s]);
        rows[s]++;
        first[s * WIDTH] = value[i];
        first[s * WIDTH + WIDTH - 1] = rows[s];
      }
    },
  });
  return { plugin, known };
}

test("a snapshot copied while series come and go gives each series what it had itself, at one moment", () => {
  const order = fc.array(fc.array(fc.nat(19), { maxLength: 12 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(fc.nat(19), { minLength: 1, maxLength: 60 }), order, (before, during) => {
      const { plugin, known } = wide();
      const one = wired(plugin, { max_series: 16 }, { limit: 18 });
      // the value of a series says which one it is
      const see = (run: typeof one, n: number) => run.emit(request([point(`s${n}`, n + 1)]));
      for (const n of before) see(one, n);
      const next = [...during];
      const pieces = function* () {
        for (const piece of encodeSnapshot({ key: "k", snapshot: one.detector.live() })) {
          yield { ...piece, bytes: Uint8Array.from(piece.bytes) };
          for (const n of next.shift() ?? []) see(one, n);
        }
      };
      const file = new Uint8Array(2 ** 22);
      let length = 0;
      for (const { at, bytes } of pieces()) {
        file.set(bytes, at);
        length = at + bytes.length;
      }
      const source = { length, read: (at: number, size: number) => file.subarray(at, at + size) };
      const other = wired(plugin, { max_series: 20 });
      other.detector.restore(decodeSnapshot(source).snapshot);
      known.length = 0;
      for (let n = 0; n < 20; n++) see(other, n);
      for (const [remembered, value, rows] of known) assert.ok(rows === 0 ? remembered === 0 : remembered === value);
    }),
    { numRuns: 15 },
  );
});

test("the series that were not judged often enough yet are counted", () => {
  const { plugin } = spy();
  const { emit, detector } = wired(plugin, { warmup: 2 });
  for (const series of "aaabbc") emit(request([point(series, 1)]));
  assert.equal(detector.warming, 2);
  assert.ok(detector.stateBytes > 0);
});

/** Tells each new height beyond 10, and of what stays beyond it that it lasts; of 7 as well. */
const onceBeyond = defineDetector({
  type: "once",
  signal: "metrics",
  stability: "experimental",
  summary: "Tells once.",
  finds: { above: "spike", below: "drop" },
  scores: "line",
  config: z.object({}),
  state: { told: "f64" },
  scoreThenLearn({ length, series, value }, { told }, { score, expected, lasts }) {
    for (let i = 0; i < length; i++) {
      const s = series[i];
      expected[i] = 5;
      score[i] = value[i] > 10 && value[i] > told[s] ? 1 : 0;
      if ((value[i] > 10 && score[i] === 0) || value[i] === 7) lasts[i] = 1;
      told[s] = value[i] > 10 ? Math.max(told[s], value[i]) : 0;
    }
  },
});

test("that an incident goes on is told by the fingerprint of its anomaly, in each row until it is over", () => {
  const { emit, anomalies, lasting } = wired(onceBeyond, { warmup: 0 });
  for (const value of [20, 20, 20, 1, 1]) emit(request([point("a", value), point("b", 1)]));
  emit(request([point("a", 20), point("a", 30), point("a", 20)]));
  assert.equal(anomalies.length, 3);
  assert.deepEqual(lasting, Array(3).fill(anomalies[0].fingerprint));
});

test("a row that another series has taken goes on under that one's fingerprint, and so does one after a restart", () => {
  const one = wired(onceBeyond, { warmup: 0, max_series: 1 });
  for (const series of "aabbba") one.emit(request([point(series, 20)]));
  const [a, b, again] = one.anomalies.map(({ fingerprint }) => fingerprint);
  assert.notEqual(a, b);
  assert.equal(again, a);
  assert.deepEqual(one.lasting, [a, b, b]);
  one.emit(request([point("b", 7)]));
  assert.equal(one.lasting.at(-1), b, "nothing was told of it since it took the row");
  one.emit(request([point("a", 20)]));

  const small = wired(onceBeyond, { warmup: 0 }, { limit: 1 });
  for (const series of "aabbb") small.emit(request([point(series, 20)]));
  assert.deepEqual(small.lasting, [a, b, b], "the table recycled it");
  small.emit(request([point("a", 7)]));
  assert.equal(small.lasting.at(-1), a);

  const next = wired(onceBeyond, { warmup: 0, max_series: 1 });
  next.detector.restore(one.detector.takeSnapshot());
  next.emit(request([point("a", 20)]));
  assert.deepEqual([next.anomalies.length, next.lasting], [0, [a]]);
});

test("a deviation that the user does not care for does not last", () => {
  const { emit, lasting } = wired(onceBeyond, { warmup: 0, detection_direction: "below_expected" });
  for (let i = 0; i < 3; i++) emit(request([point("a", 20)]));
  assert.deepEqual(lasting, []);
});
