// What the agent remembers while somebody wants it: series with their points, within a bound, and traces that an anomaly names.
import assert from "node:assert/strict";
import { test } from "node:test";
import ewma from "../../../plugins/processors/ewma/index.ts";
import { Remembering } from "../../../src/history/index.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { gauge } from "../../requests.ts";
import { request } from "../../spans.ts";
import { wired } from "../../wired.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const BOUNDS = { maxMemory: 1 << 20, span: 3_600_000, maxTraceMemory: 1 << 20 };

function watched(bounds = BOUNDS, options: object = { warmup: 20 }) {
  const remembering = new Remembering(() => {});
  const tap = remembering.tap("metrics");
  const { emit, detector, anomalies, host } = wired(ewma, options, { tap, limit: 5000 });
  const history = remembering.begin(bounds);
  let at = START;
  /** A row a second, of each value. */
  const feed = (service: string, values: readonly number[]) => {
    const points = values.map((value, i) => ({ time: at + (i + 1) * 1000, value }));
    at += values.length * 1000;
    host.clock = at;
    emit(gauge(service, "queue.length", points));
  };
  return { remembering, history, feed, anomalies, detector };
}

const steady = (rows: number) => Array.from({ length: rows }, (_, i) => 100 + (i % 5));

test("a series has the name, the state, the last verdict and the points of what was judged", () => {
  const { history, feed, anomalies } = watched();
  feed("cart", steady(10));
  assert.equal(history.series().length, 1);
  assert.equal(history.series()[0].state, "warming");
  feed("cart", [...steady(90), 900]);
  const [anomaly] = anomalies;
  const series = history.find(anomaly.fingerprint)!;
  assert.equal(series.state, "over");
  assert.equal(series.labels.resource["service.name"], "cart");
  assert.deepEqual([series.detector, series.pipeline, series.signal], ["ewma", "metrics", "metrics"]);
  assert.deepEqual([series.observed, series.time, series.lastOver], [900, anomaly.time, anomaly.time]);
  assert.equal(series.score, anomaly.score);
  const { observed, expected, score } = history.points(anomaly.fingerprint)!;
  assert.deepEqual(observed.slice(-2), [104, 900]);
  assert.equal(expected.at(-1), Math.fround(anomaly.expected));
  assert.equal(score.at(-1), Math.fround(anomaly.score));
  feed("cart", [101]);
  assert.equal(history.find(anomaly.fingerprint)!.state, "quiet");
});

test("a series that is anomalous finds room where ordinary ones do not, and the bound holds", () => {
  const { history, feed, anomalies } = watched({ ...BOUNDS, maxMemory: 100_000 });
  const all = Array.from({ length: 60 }, (_, i) => `service-${i}`);
  for (const name of all) feed(name, steady(100));
  const room = history.series().length;
  assert.ok(room > 3 && room < 60);
  assert.ok(history.byteLength <= 100_000 + 2 * BOUNDS.maxTraceMemory);
  feed("service-59", [5000]);
  assert.equal(history.series().length, room);
  assert.equal(history.find(anomalies.at(-1)!.fingerprint)!.state, "over");
});

test("a series that its detector forgot keeps its points until another needs the room", () => {
  const { history, feed } = watched({ ...BOUNDS, maxMemory: 40_000 }, { warmup: 20, max_series: 2 });
  for (const name of ["a", "b", "c"]) feed(name, steady(30));
  const names = () => history.series().map(({ labels }) => labels.resource["service.name"]);
  assert.deepEqual(names(), ["a", "b", "c"]);
  for (const name of ["d", "e", "f", "g"]) feed(name, steady(30));
  assert.ok(names().includes("g") && !names().includes("a"));
});

test("nothing is kept before it is wanted, nor after", () => {
  const { remembering, history, feed } = watched();
  feed("cart", steady(10));
  history.close();
  feed("cart", steady(10));
  const next = remembering.begin(BOUNDS);
  assert.deepEqual(next.series(), []);
  feed("cart", steady(1));
  assert.equal(next.series().length, 1);
});

const hexed = (n: number, digits: number) => n.toString(16).padStart(digits, "0");

test("a trace that an anomaly names is kept, whether it was complete before or is after; the others make room", () => {
  const remembering = new Remembering(() => {});
  const history = remembering.begin({ ...BOUNDS, maxTraceMemory: 64 * 1024 });
  const intake = new Intake("traces", 1, 1000);
  const assembler = intake.assemble({ idle_timeout: 10_000, max_traces: 1000, max_spans: 10_000 });
  assembler.onTrace = remembering.onTrace;
  const id = (n: number) => `0af7651916cd43dd${hexed(n * 7919 + 1, 16)}`;
  let at = 0;
  const send = (n: number) => {
    const own = { trace: id(n) };
    const root = hexed(2 * n + 1, 16);
    intake.read(
      request([
        { ...own, id: root, name: "GET /cart", kind: 2, from: 0, to: 100 },
        { ...own, id: hexed(2 * n + 2, 16), parent: root, name: "SELECT", kind: 3, from: 10, to: 40 },
      ]),
    );
    intake.rows(at);
    at += 20_000;
    assembler.tick(at);
  };
  const name = (n: number) => remembering.found({ labels: { traceId: id(n) } } as Parameters<Remembering["found"]>[0]);
  send(0);
  name(0);
  name(500);
  for (let n = 1; n <= 1000; n++) send(n);
  assert.deepEqual(
    history.trace(id(0))?.spans.map(({ name, parent, duration, self, kind }) => [name, parent, duration, self, kind]),
    [
      ["GET /cart", -1, 100, 70, 2],
      ["SELECT", 0, 30, 30, 3],
    ],
  );
  assert.equal(history.trace(id(500))?.spans[1].spanId, hexed(1002, 16));
  assert.equal(history.trace(id(999))?.spans.length, 2);
  assert.equal(history.trace(id(3)), undefined);
  assert.equal(history.trace("no id"), undefined);
});
