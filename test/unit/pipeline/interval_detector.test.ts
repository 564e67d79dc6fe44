// Counting in intervals of event time: what a detector of intervals is handed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { serialize } from "node:v8";
import { type Anomaly, defineIntervalDetector, type Spans, z } from "../../../src/api/index.ts";
import { labelsOf } from "../../../src/otlp/labels.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { IntervalDetector } from "../../../src/pipeline/interval_detector.ts";
import { intervalOptions } from "../../../src/pipeline/interval_options.ts";
import { Tally } from "../../../src/pipeline/tally.ts";
import { fakeHost } from "../../../src/testing/fake_host.ts";
import { request, type Span } from "../../spans.ts";

interface Row {
  series: number;
  age: number;
  /** In intervals since START. */
  at: number;
  count: number;
  failed: number;
}

const START = 1_700_000_000_000;
const SECOND = 1000;

/** One whose scores are the failures of an interval but for series in `quiet`, and which writes down what it is handed. */
function counting(written: object = {}, quiet: ReadonlySet<number> = new Set()) {
  const rows: Row[] = [];
  const anomalies: Anomaly[] = [];
  const plugin = defineIntervalDetector({
    type: "count",
    signal: "traces",
    stability: "alpha",
    summary: "Counts.",
    finds: { above: "errors", below: "errors" },
    scores: "line",
    config: z.object({}),
    measure: (_, { name, part }) => ({ name: `failures of ${name}${part ? ` with ${part}` : ""}`, unit: "" }),
    part: (batch, row) => String(batch.labels(row).attributes.code ?? "none"),
    state: { sum: "f64" },
    scoreThenLearn({ length, series, age, time, count, failed }, { sum }, { score, observed, expected }) {
      for (let i = 0; i < length; i++) {
        const at = (time[i] - START) / (10 * SECOND) - 1;
        rows.push({ series: series[i], age: age[i], at, count: count[i], failed: failed[i] });
        sum[series[i]] += count[i];
        observed[i] = failed[i];
        score[i] = quiet.has(series[i]) ? 0 : failed[i];
        expected[i] = 0;
      }
    },
  });
  const intake = new Intake("traces", 1, 1000);
  intake.assemble({ idle_timeout: 10_000, max_traces: 100, max_spans: 1000 });
  const options = z.object(intervalOptions(plugin)).parse({ warmup: 0, ...written });
  const detector = new IntervalDetector(plugin, options, fakeHost("count"), intake.table, (each) =>
    anomalies.push(each),
  );
  let next = 1;
  /** Spans of `name` that end so many seconds after START, received when `now` seconds have passed. */
  function spans(now: number, name: string, ends: readonly number[], more: Partial<Span> = {}) {
    const bytes = request(
      ends.map((end) => ({
        trace: (next++).toString(16).padStart(32, "0"),
        id: "00000000000000a1",
        name,
        kind: 2,
        from: START + end * SECOND - 5,
        to: START + end * SECOND,
        ...more,
      })),
    );
    const receivedAt = START + now * SECOND;
    intake.read(bytes);
    const view = intake.rows(receivedAt) as Spans;
    const labels = (row: number) => labelsOf("traces", bytes, intake.scan, row);
    const nothing = () => {};
    const batch = { signal: "traces" as const, bytes, receivedAt, rows: view, labels };
    detector.process({
      ...batch,
      annotate: nothing,
      drop: nothing,
      replace: nothing,
      append: nothing,
      extend: nothing,
      mine: nothing,
      mined: undefined,
    });
  }
  const tick = (now: number) => detector.tick(START + now * SECOND);
  return { rows, anomalies, detector, intake, spans, tick };
}

const counts = (rows: readonly Row[]) => rows.map(({ at, count }) => `${at}: ${count}`);

test("each interval is judged once, a lateness after its end, also when nothing happened in it", () => {
  const { rows, spans, tick } = counting();
  spans(0, "GET /", []);
  spans(3, "GET /", [1, 2]);
  spans(3, "GET /other", [1]);
  spans(24, "GET /other", [23, 24]);
  assert.deepEqual(rows, [], "its lateness is not over");
  tick(25);
  assert.deepEqual(
    rows.map(({ series, at, count }) => [series, at, count]),
    [
      [0, 0, 2],
      [1, 0, 1],
    ],
  );
  spans(34, "GET /other", [12, 13, 33]);
  tick(60);
  assert.deepEqual(
    rows.filter(({ series }) => series === 0).map(({ at, count, age }) => [at, count, age]),
    [
      [0, 2, 0],
      [1, 0, 1],
      [2, 0, 2],
      [3, 0, 3],
    ],
  );
  assert.deepEqual(counts(rows.filter(({ series }) => series === 1)), ["0: 1", "1: 2", "2: 2", "3: 1"]);
});

test("what comes after its interval was judged is left out and counted", () => {
  const { rows, detector, spans, tick } = counting();
  spans(0, "GET /", []);
  spans(3, "GET /", [1]);
  tick(30);
  spans(31, "GET /", [2, 30]);
  tick(60);
  assert.deepEqual(counts(rows), ["0: 1", "1: 0", "2: 0", "3: 1"]);
  assert.equal(detector.late, 1);
});

test("a service that is silent is not judged; where it often is, its silence is", () => {
  const { rows, spans, tick } = counting();
  spans(0, "GET /", []);
  for (let t = 0; t < 100; t += 10) spans(t + 1, "GET /", [t]);
  tick(600);
  assert.equal(rows.length, 10, "nothing came from the service");
  spans(603, "GET /", [602]);
  tick(640);
  assert.equal(rows.length, 11, "of the long silence nothing is judged");
  assert.equal(rows.at(-1)!.at, 60);
  spans(643, "GET /", [642]);
  tick(680);
  assert.deepEqual(counts(rows.slice(-4)), ["61: 0", "62: 0", "63: 0", "64: 1"]);
});

test("failures are counted where they began, by the part that the detector names", () => {
  const { rows, anomalies, spans, tick } = counting();
  spans(0, "POST /pay", []);
  spans(5, "POST /pay", [1, 2, 3]);
  spans(5, "POST /pay", [3, 4], { failed: true, attributes: { code: 503 } });
  spans(6, "POST /pay", [5], { failed: true, attributes: { code: 500 } });
  tick(30);
  assert.deepEqual(
    rows.map(({ count, failed }) => [count, failed]),
    [
      [6, 3],
      [6, 2],
      [6, 1],
    ],
  );
  const [told] = anomalies;
  assert.equal(anomalies.length, 1, "one incident is told once, with its parts");
  assert.equal(told.reason, "failures of POST /pay of shop is 3; usually it is about 0; mostly 503.");
  assert.deepEqual(told.contributors, ["503", "500"]);
  assert.equal(told.labels.part, undefined);
  assert.equal(told.labels.traceId.length, 32);
});

test("a part that is past the line alone is told by its name, and its series for it no more for a while", () => {
  const quiet = new Set([0]);
  const { anomalies, spans, tick } = counting({}, quiet);
  const fail = (now: number, count: number) => {
    spans(now, "POST /pay", Array(count).fill(now - 1), { failed: true, attributes: { code: 503 } });
  };
  spans(0, "POST /pay", []);
  fail(5, 3);
  tick(30);
  quiet.delete(0);
  fail(35, 4);
  fail(45, 9);
  tick(90);
  assert.deepEqual(
    anomalies.map(({ reason }) => reason),
    [
      "failures of POST /pay with 503 of shop is 3; usually it is about 0.",
      "failures of POST /pay with 503 of shop is 4; usually it is about 0.",
      "failures of POST /pay of shop is 9; usually it is about 0; mostly 503.",
    ],
  );
});

test("a series has few parts, and the rest is one", () => {
  const { rows, anomalies, spans, tick } = counting();
  spans(0, "GET /", []);
  for (let code = 0; code < 20; code++) spans(1, "GET /", [1], { failed: true, attributes: { code } });
  tick(30);
  assert.equal(rows.length, 1 + 9);
  assert.equal(rows.at(-1)!.failed, 12);
  assert.equal(anomalies[0].contributors[0], "other");
});

test("a sender whose clock is wrong is counted all the same, after a while", () => {
  const { rows, spans, tick } = counting();
  spans(0, "GET /", []);
  for (let t = 10; t <= 1200; t += 10) {
    spans(
      t,
      "GET /",
      Array.from({ length: 5 }, (_, i) => t - 300 - i),
    );
    tick(t);
  }
  assert.ok(
    rows.slice(-20).every(({ count }) => count > 0),
    counts(rows.slice(-20)).join(),
  );
});

test("what it knows survives a restart, also of series that come again", () => {
  const before = counting();
  before.spans(0, "GET /", []);
  before.spans(5, "GET /", [1, 2]);
  before.spans(5, "GET /", [3], { failed: true, attributes: { code: 503 } });
  before.tick(60);
  const after = counting();
  after.detector.restore(before.detector.takeSnapshot());
  assert.equal(after.detector.series, 2);
  after.spans(100, "GET /", []);
  after.spans(105, "GET /", [101]);
  after.spans(105, "GET /", [102], { failed: true, attributes: { code: 503 } });
  after.tick(150);
  assert.deepEqual(
    after.rows.map(({ age, count, failed }) => [age, count, failed]),
    [
      [1, 2, 1],
      [1, 2, 1],
    ],
  );
});

test("a flood of new operations leaves those alone that are often called", () => {
  const { rows, detector, spans, tick } = counting({ max_series: 50 });
  spans(0, "GET /", []);
  for (let t = 0; t < 1000; t += 10) {
    spans(t + 1, "GET /", [t]);
    tick(t + 1);
  }
  for (let i = 0; i < 1000; i++) spans(1000 + i / 100, `GET /${i}`, [1000 + i / 100]);
  spans(1010, "GET /", [1009]);
  tick(1060);
  assert.ok(detector.series <= 50);
  assert.ok(rows.some(({ age, at }) => age === 100 && at === 100));
});

test("match decides which operations are counted", () => {
  const { rows, spans, tick } = counting({ match: { include: { span: ["GET *"] } } });
  spans(0, "GET /", []);
  spans(1, "GET /", [1]);
  spans(1, "POST /", [1]);
  tick(30);
  assert.equal(rows.length, 1);
});

test("an interval in which the agent was started is not judged: nobody knows what was before", () => {
  const { rows, detector, spans, tick } = counting();
  spans(3, "GET /", [1, 2, 3]);
  spans(14, "GET /", [8, 12, 13]);
  tick(60);
  assert.deepEqual(counts(rows), ["1: 2"]);
  assert.equal(detector.late, 0);
});

test("what a sender could not send for a while is neither silence nor a surge", () => {
  const { rows, detector, spans, tick } = counting();
  const second = (t: number) => [t + 0.1, t + 0.5];
  spans(0, "GET /", []);
  for (let t = 0; t < 300; t++) spans(t + 1, "GET /", second(t));
  for (let t = 300; t < 350; t++) tick(t);
  for (let t = 300; t < 350; t++) spans(350, "GET /", second(t));
  for (let t = 350; t < 500; t++) spans(t + 1, "GET /", second(t));
  for (let t = 500; t < 800; t++) tick(t);
  for (let t = 500; t < 800; t++) spans(800, "GET /", second(t));
  for (let t = 800; t < 1000; t++) spans(t + 1, "GET /", second(t));
  tick(1100);
  assert.deepEqual(
    rows.filter(({ count }) => count !== 20),
    [],
  );
  assert.equal(new Set(rows.map(({ at }) => at)).size, rows.length);
  assert.ok(detector.late > 500);
});

test("it does not matter in how many requests spans come at a time", () => {
  const one = counting();
  const many = counting();
  for (const { spans } of [one, many]) spans(0, "GET /", []);
  for (let t = 10; t <= 1200; t += 5) {
    const ends = Array.from({ length: 5 }, (_, i) => t - 100 - 4 * i);
    one.spans(t, "GET /", ends);
    for (const end of ends) many.spans(t, "GET /", [end]);
  }
  assert.deepEqual(one.rows, many.rows);
  assert.ok(one.rows.length > 50);
});

test("one sender whose clock is ahead does not keep the others from being counted", () => {
  const { rows, detector, spans, tick } = counting();
  spans(0, "GET /", []);
  for (let t = 1; t <= 600; t++) {
    spans(t, "GET /", [t + 3600]);
    spans(t, "GET /", [t - 1]);
  }
  tick(700);
  assert.equal(detector.late, 0);
  assert.ok(
    rows.slice(1, -1).every(({ count }) => count >= 19),
    counts(rows).join(),
  );
});

test("what is told names a span of its own interval, or none", () => {
  const { anomalies, spans, tick } = counting();
  spans(0, "GET /", []);
  for (let t = 0; t < 50; t += 10) {
    spans(t + 1, "GET /", [t], { trace: `${t}`.padStart(32, "a") });
    if (t % 20 === 0) spans(t + 2, "GET /", [t + 1], { failed: true, trace: `${t}`.padStart(32, "b") });
    tick(t + 9.9);
  }
  tick(90);
  assert.deepEqual(
    anomalies.filter(({ labels }) => !labels.part).map(({ labels }) => labels.traceId),
    [0, 20, 40].map((t) => `${t}`.padStart(32, "b")),
  );
});

test("operations that match leaves out since a reload are forgotten", () => {
  const before = counting();
  before.spans(0, "GET /", []);
  before.spans(1, "GET /", [1]);
  before.spans(1, "GET /health", [1]);
  before.tick(30);
  const after = counting({ match: { exclude: { span: ["*health"] } } });
  after.detector.restore(before.detector.takeSnapshot());
  after.spans(100, "GET /", []);
  for (let t = 100; t < 150; t += 10) {
    after.spans(t + 1, "GET /health", [t]);
    after.spans(t + 1, "GET /", [t]);
  }
  after.tick(200);
  assert.equal(new Set(after.rows.map(({ series }) => series)).size, 1);
});

test("a state whose members are damaged is refused in words, and nothing of it is taken over", () => {
  const before = counting();
  before.spans(1, "GET /", [1]);
  before.tick(60);
  const snapshot = before.detector.takeSnapshot();
  const members = (bytes: Uint8Array) => ({
    ...snapshot,
    columns: snapshot.columns.map((each) => (each.name === "members" ? { ...each, bytes } : each)),
  });
  const broken: [Uint8Array, RegExp][] = [
    [Buffer.from("rubbish"), /^Error: is not what count saves/],
    [serialize({ interval: 10_000, members: [{ identity: [1, 2] }], sources: [] }), /or damaged \(members\.0\./],
    [serialize({ interval: 10_000, members: {}, sources: [] }), /or damaged \(members: /],
  ];
  for (const [bytes, message] of broken) {
    const { detector } = counting();
    assert.throws(() => detector.restore(members(bytes)), message);
    assert.equal(detector.series, 0);
  }
});

test("what was counted in intervals of another length is of no use", () => {
  const before = counting();
  before.spans(1, "GET /", [1]);
  const after = counting({ interval: "1m" });
  assert.throws(
    () => after.detector.restore(before.detector.takeSnapshot()),
    /counts in intervals of 10000 ms, not of 60000 ms/,
  );
});

test("an operation that did not come again after a restart sleeps after a while", () => {
  const before = counting();
  before.spans(0, "GET /", []);
  before.spans(1, "GET /", [1]);
  before.spans(1, "GET /old", [1]);
  before.tick(30);
  const after = counting();
  after.detector.restore(before.detector.takeSnapshot());
  after.spans(100, "GET /", []);
  for (let t = 100; t < 5000; t += 10) after.spans(t + 1, "GET /", [t]);
  const last = after.rows.at(-1)!.at;
  assert.equal(after.rows.filter(({ at }) => at === last).length, 1);
  assert.ok(after.rows.filter(({ count }) => count === 0).length > 300);
});

test("a part for which its own whole had to go is not counted", () => {
  const { detector, spans, tick } = counting({ max_series: 1 });
  spans(0, "GET /", []);
  for (let t = 0; t < 100; t++) spans(t + 1, "GET /", [t], { failed: t % 2 === 0 });
  tick(200);
  assert.equal(detector.series, 1);
});

test("what has no time counts as it comes", () => {
  const { rows, detector, spans, tick } = counting();
  spans(0, "GET /", []);
  spans(11, "GET /", [0, 0], { from: 0, to: 0 });
  tick(60);
  assert.deepEqual(counts(rows), ["1: 2"]);
  assert.equal(detector.late, 0);
});

test("counts are exact however many there are", () => {
  const tally = new Tally(SECOND, 0);
  tally.advance(START, () => {});
  tally.grow(1);
  tally.clear(0);
  const number = tally.intervalOf(tally.source(""), START, START);
  for (const count of [2 ** 24, 1]) tally.add(0, number, count, 0);
  const taken = { count: 0, failed: 0 };
  tally.take(0, number, taken);
  assert.equal(taken.count, 2 ** 24 + 1);
});
