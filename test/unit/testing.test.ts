// vedette/testing: the streams are OTLP and repeat by seed, the judge ranks as it should, the host is what it says.
import assert from "node:assert/strict";
import test from "node:test";
import type { Telemetry } from "vedette";
import { fakeHost, generate, type LabelledRequest, type StreamOptions } from "vedette/testing";
import { record, successors } from "../../src/testing/recording.ts";
import { averagePrecision, judge } from "../../src/testing/sense.ts";
import { oracle } from "../exporting.ts";

const streams: Record<Telemetry, (options?: StreamOptions) => Iterable<LabelledRequest>> = {
  metrics: generate.metrics,
  traces: generate.spans,
  logs: generate.logs,
};
const signals = Object.keys(streams) as Telemetry[];
const SMALL = { points: 60, anomalies: 12 };

const rowsIn: Record<Telemetry, (message: any) => any[]> = {
  metrics: (message) =>
    message.resourceMetrics[0].scopeMetrics[0].metrics.flatMap(
      (metric: any) => (metric.gauge ?? metric.sum ?? metric.histogram ?? metric.exponentialHistogram).dataPoints,
    ),
  traces: (message) => message.resourceSpans[0].scopeSpans[0].spans,
  logs: (message) => message.resourceLogs[0].scopeLogs[0].logRecords,
};

for (const signal of signals) {
  test(`a stream of ${signal} is OTLP to an independent decoder, with a label for each item`, () => {
    let requests = 0;
    let planted = 0;
    for (const request of streams[signal](SMALL)) {
      const rows = rowsIn[signal](oracle[signal].request.decode(request.bytes).toJSON());
      assert.equal(rows.length, request.items);
      assert.equal(request.planted.length, request.items);
      assert.equal(request.signal, signal);
      requests++;
      planted += request.planted.reduce((sum, label) => sum + label, 0);
    }
    assert.ok(requests > 60);
    assert.ok(planted > 0);
  });

  test(`a stream of ${signal} repeats by seed, and differs between seeds`, () => {
    const bytes = (options: StreamOptions) => Buffer.concat([...streams[signal](options)].map(({ bytes }) => bytes));
    assert.deepEqual(bytes(SMALL), bytes(SMALL));
    assert.notDeepEqual(bytes(SMALL), bytes({ ...SMALL, seed: 2 }));
  });

  test(`nothing is planted in a stream of ${signal} without anomalies, nor in the first third of one with`, () => {
    for (const { planted } of streams[signal]({ ...SMALL, anomalies: 0 })) assert.ok(!planted.includes(1));
    const recording = record(signal, streams[signal](SMALL));
    const first = recording.item.findIndex((item) => recording.planted[item] === 1);
    const [begin, end] = [recording.rows.time[0], recording.rows.time[recording.rows.length - 1]];
    assert.ok(recording.rows.time[first] > begin + (end - begin) / 4);
  });
}

test("counters and histograms of a stream are cumulative, and start anew when their service restarts", () => {
  let resets = 0;
  const last = new Map<string, { start: string; value: number }>();
  for (const { bytes } of generate.metrics({ points: 2000, series: 6, services: 1 })) {
    const message = oracle.metrics.request.decode(bytes).toJSON();
    for (const metric of message.resourceMetrics[0].scopeMetrics[0].metrics) {
      const data = metric.sum ?? metric.histogram;
      if (data?.aggregationTemporality !== "AGGREGATION_TEMPORALITY_CUMULATIVE") continue;
      const [{ attributes, startTimeUnixNano: start, asInt, count }] = data.dataPoints;
      const key = JSON.stringify([metric.name, attributes]);
      const value = Number(asInt ?? count);
      const before = last.get(key);
      if (before && before.start !== start) resets++;
      else if (before) assert.ok(value >= before.value, "never falls but by a restart");
      last.set(key, { start, value });
    }
  }
  assert.ok(resets > 0);
});

test("a recording has the rates and quantiles that a detector sees, each row with its item", () => {
  const recording = record("metrics", generate.metrics({ points: 20, series: 5, services: 1 }));
  const names = new Set(
    Array.from({ length: recording.rows.length }, (_, row) => {
      const { name, statistic } = recording.labels(row);
      return `${name} ${statistic}`;
    }),
  );
  assert.ok(names.has("http.requests rate") && names.has("http.server.request.duration p99"), [...names].join());
  assert.equal(recording.planted.length, 100);
  assert.equal(recording.item[recording.rows.length - 1], 99);
});

test("successors of series have rows of their own from the middle on", () => {
  const recording = record("logs", generate.logs({ points: 20 }));
  const middle = recording.rows.length >> 1;
  const before = [...recording.rows.series.slice(0, middle)];
  const changing = successors(recording, middle);
  assert.deepEqual([...changing.rows.series.slice(0, middle)], before);
  const old = new Set(before);
  assert.ok([...changing.rows.series.slice(middle)].every((series) => !old.has(series)));
});

test("average precision is 1 for a perfect ranking, the share of what is planted for a constant one", () => {
  const judged = (scores: number[]) => scores.map((score, i) => ({ planted: i < 2, score }));
  assert.equal(averagePrecision(judged([9, 8, 1, 2, 3, 4, 5, 0])), 1);
  assert.equal(averagePrecision(judged([1, 1, 1, 1, 1, 1, 1, 1])), 0.25);
  assert.ok(Math.abs(averagePrecision(judged([9, 7, 8, 0, 0, 0, 0, 0])) - (1 / 2 + (1 / 2) * (2 / 3))) < 1e-12);
  assert.throws(() => averagePrecision([{ planted: false, score: 1 }]), /nothing is planted/);
});

test("the labels themselves make sense, and their opposite does not", () => {
  const recording = record("traces", generate.spans(SMALL));
  const label = (row: number) => recording.planted[recording.item[row]];
  assert.equal(judge(recording, label), undefined);
  assert.match(judge(recording, (row) => 1 - label(row)) ?? "", /hardly better/);
});

test("a fake host keeps its log, moves its clock only when told, and repeats its chance by id", () => {
  const host = fakeHost("ewma/a");
  host.log.warn("late", { by: 3 });
  assert.deepEqual(host.logged, [{ level: "warn", message: "late", fields: { by: 3 } }]);
  const now = host.now();
  host.time += 5;
  assert.equal(host.now(), now + 5);
  const draws = (id: string) => {
    const { random } = fakeHost(id);
    return Array.from({ length: 50 }, random);
  };
  assert.deepEqual(draws("ewma/a"), draws("ewma/a"));
  assert.notDeepEqual(draws("ewma/a"), draws("ewma/b"));
  assert.ok(draws("ewma/a").every((x) => x >= 0 && x < 1));
});
