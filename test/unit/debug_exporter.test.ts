// The debug exporter: what a person reads on the terminal.
import assert from "node:assert/strict";
import test from "node:test";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { ExportError } from "vedette";
import { jsonToProtobuf, protobufToJson } from "vedette/otlp";
import { anomalyLine } from "../../plugins/exporters/debug/anomaly_line.ts";
import plugin, { Debug } from "../../plugins/exporters/debug/index.ts";
import { prettyJson, printable } from "../../plugins/exporters/debug/printable.ts";
import { anomalyOf, fakeHost, requestOf } from "../exporting.ts";

function debug(options: object = {}) {
  const host = fakeHost();
  const printed = { text: "" };
  const sink = {
    colour: false,
    async write(text: string) {
      printed.text += text;
    },
  };
  return { host, printed, exporter: new Debug(plugin.config.parse(options), host, sink) };
}

test("basic verbosity counts the rows of each request", async () => {
  const { exporter, printed } = debug();
  await exporter.export(requestOf("metrics", 12));
  await exporter.export(requestOf("logs", 1));
  await exporter.export(requestOf("traces", 3));
  assert.equal(printed.text, "metrics: 12 data points\nlogs: 1 log record\ntraces: 3 spans\n");
});

test("normal verbosity prints a line a row", async () => {
  const { exporter, printed } = debug({ verbosity: "normal" });
  await exporter.export(requestOf("metrics", 2));
  await exporter.export(requestOf("logs", 1));
  await exporter.export(requestOf("traces", 1));
  assert.deepEqual(printed.text.split("\n"), [
    "metrics: 2 data points",
    "  2026-11-22T18:40:00.000Z checkout queue.length 0.5 {item} {queue=orders-0}",
    "  2026-11-22T18:40:00.000Z checkout queue.length 1.5 {item} {queue=orders-1}",
    "logs: 1 log record",
    "  2026-11-22T18:40:00.000Z checkout ERROR payment 0 refused {order=0}",
    "traces: 1 span",
    `  2026-11-22T18:40:00.000Z checkout POST /pay 12 ms ERROR declined trace=${"01".repeat(16)} span=${"01".repeat(8)}`,
    "",
  ]);
});

test("normal verbosity prints distributions by what is known of them, and points without a value", async () => {
  const { exporter, printed } = debug({ verbosity: "normal" });
  const json = {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              { name: "h", unit: "ms", histogram: { dataPoints: [{ count: "5", sum: 12.5, max: 7 }, {}] } },
              {
                name: "s",
                summary: { dataPoints: [{ count: 2, sum: 3, quantileValues: [{ quantile: 0.5, value: 1 }] }] },
              },
              { name: "g", gauge: { dataPoints: [{ flags: 1 }, { asInt: "0" }] } },
              { name: "empty" },
            ],
          },
        ],
      },
    ],
  };
  const bytes = jsonToProtobuf("metrics", Buffer.from(JSON.stringify(json)));
  await exporter.export({ signal: "metrics", bytes, items: 5 });
  const time = "  1970-01-01T00:00:00.000Z -";
  assert.deepEqual(printed.text.trimEnd().split("\n").slice(1), [
    `${time} h count=5 sum=12.5 max=7 ms`,
    `${time} h count=0 ms`,
    `${time} s count=2 sum=3 p50=1`,
    `${time} g no value`,
    `${time} g 0`,
  ]);
});

test("detailed verbosity prints the whole request as OTLP/JSON", async () => {
  const { exporter, printed } = debug({ verbosity: "detailed" });
  const request = requestOf("traces", 2);
  await exporter.export(request);
  const [head, ...json] = printed.text.split("\n");
  assert.equal(head, "traces: 2 spans");
  assert.deepEqual(JSON.parse(json.join("\n")), JSON.parse(protobufToJson("traces", request.bytes)));
  assert.ok(json.length > 20);
});

test("an anomaly is one readable line at every verbosity, never sampled away", async () => {
  for (const verbosity of ["basic", "normal", "detailed"]) {
    const { exporter, printed } = debug({ verbosity, sampling_initial: 0, sampling_thereafter: 0 });
    await exporter.export(requestOf("metrics"));
    await exporter.export([
      anomalyOf(),
      anomalyOf({ severity: "critical", type: "level_shift", state: "resolved", reason: "it is over" }),
    ]);
    assert.deepEqual(printed.text.split("\n"), [
      "2026-11-22T18:40:00.000Z WARNING  spike        checkout http.server.duration p99 is 930 ms; usually it is about 120 ms  [score 2.4, rarity 14.6, ewma, id 1f0c8a52d93b7e46-19aa]",
      "2026-11-22T18:40:00.000Z CRITICAL level_shift  it is over  [score 2.4, rarity 14.6, ewma, id 1f0c8a52d93b7e46-19aa, resolved]",
      "",
    ]);
  }
});

test("a change of an episode says how long it lasts", () => {
  const episode = { start: 0, lastSeen: 720_000, peak: 2.4, count: 31 };
  assert.match(anomalyLine(anomalyOf({ state: "ongoing", episode }), false), /, ongoing for 12 min\]$/);
  assert.match(anomalyLine(anomalyOf({ state: "resolved", episode }), false), /, resolved after 12 min\]$/);
  assert.match(anomalyLine(anomalyOf({ episode }), false), /-19aa\]$/);
});

test("the severity is coloured on a terminal, and nothing else changes", () => {
  const coloured = anomalyLine(anomalyOf(), true);
  assert.ok(coloured.includes("\x1b["));
  assert.equal(stripVTControlCharacters(coloured), anomalyLine(anomalyOf(), false));
});

test("an anomaly with times and numbers that are none is printed all the same", () => {
  const line = anomalyLine(anomalyOf({ time: Number.NaN, score: Number.POSITIVE_INFINITY, rarity: Number.NaN }), false);
  assert.match(line, /^- WARNING .*\[score Infinity, rarity NaN, /);
});

test("sampling prints the first requests of a second, then one in so many", async () => {
  const { exporter, printed, host } = debug({ sampling_initial: 2, sampling_thereafter: 3 });
  for (let items = 1; items <= 8; items++) await exporter.export(requestOf("traces", items));
  assert.deepEqual(printed.text.match(/\d+/g), ["1", "2", "5", "8"]);
  host.clock += 1000;
  await exporter.export(requestOf("traces", 9));
  assert.match(printed.text, /9 spans\n$/);
});

test("text of the telemetry can neither steer a terminal nor forge a line", async () => {
  const evil = "\x1b[2J\x9b31m\nFAKE \u202eline\u2028\x7f\r";
  const { exporter, printed } = debug({ verbosity: "normal" });
  const json = {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: evil }, severityText: evil }] }] }],
  };
  const request = {
    signal: "logs",
    bytes: jsonToProtobuf("logs", Buffer.from(JSON.stringify(json))),
    items: 1,
  } as const;
  await exporter.export(request);
  await exporter.export([anomalyOf({ reason: evil, type: evil, detector: evil, id: evil })]);
  assert.equal(printed.text.split("\n").length, 4);
  assert.doesNotMatch(printed.text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/);
  assert.match(printed.text, /\\u001b\[2J\\u009b31m\\nFAKE \\u202eline\\u2028\\u007f\\r/);
  assert.doesNotMatch(prettyJson(protobufToJson("logs", request.bytes)), /[\x7f-\x9f\u2028\u202e]/);
});

test("any text becomes one line; any JSON keeps its meaning", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/[\x00-\x1f\x7f-\x9f]/.test(printable(text))));
  fc.assert(fc.property(fc.json(), (json) => assert.deepEqual(JSON.parse(prettyJson(json)), JSON.parse(json))));
});

test("a closed standard output is a failure that is not tried again", async () => {
  const sink = { colour: false, write: () => Promise.reject(new Error("EPIPE")) };
  const exporter = new Debug(plugin.config.parse({}), fakeHost(), sink);
  await assert.rejects(exporter.export(requestOf("logs")), (error: ExportError) => {
    assert.ok(error instanceof ExportError);
    assert.equal(error.retryable, false);
    return true;
  });
});

test("lines go to the log, or to the streams that are named", async (t) => {
  const host = fakeHost();
  const logging = plugin.create(plugin.config.parse({ use_internal_logger: true, verbosity: "normal" }), host);
  await logging.export(requestOf("metrics", 1), AbortSignal.timeout(1000));
  assert.deepEqual(
    host.logged.map(({ level, message }) => [level, message.trim().split(" ")[0]]),
    [
      ["info", "metrics:"],
      ["info", "2026-11-22T18:40:00.000Z"],
    ],
  );
  const written: string[] = [];
  for (const stream of ["stdout", "stderr"] as const) {
    t.mock.method(process[stream], "write", (text: string, done: () => void) => {
      written.push(`${stream} ${text}`);
      done();
      return true;
    });
  }
  const both = plugin.create(plugin.config.parse({ output_paths: ["stderr", "stdout", "stderr"] }), fakeHost());
  await both.export(requestOf("logs", 1), AbortSignal.timeout(1000));
  t.mock.restoreAll();
  assert.deepEqual(written, ["stderr logs: 1 log record\n", "stdout logs: 1 log record\n"]);
});
