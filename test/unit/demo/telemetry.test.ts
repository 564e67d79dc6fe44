// What the made-up shop does, as it arrives over a socket from OpenTelemetry's SDK.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { knock, Mail } from "../../../src/demo/mail.ts";
import { PROCESSES } from "../../../src/demo/shop.ts";
import { Telemetry } from "../../../src/demo/telemetry.ts";
import { World } from "../../../src/demo/world.ts";
import { httpSink } from "../../sinks.ts";

const START = Date.UTC(2026, 0, 5, 9);
const NANOS = (time: number) => `${time}000000`;

test("an hour long gone arrives with its own times: spans in traces, records in spans, metrics of every process", async (t) => {
  const sink = await httpSink(t);
  const mail = new Mail(`http://${sink.endpoint}`);
  t.after(() => mail.close());
  const world = new World({ seed: 1, speed: 1, faults: () => [] });
  const telemetry = new Telemetry(mail, START);
  for (const call of world.traces(START, START + 20_000)) telemetry.tell(call);
  await telemetry.measure(world.usage(START + 20_000), START + 20_000);
  await mail.send();

  const all = (signal: "traces" | "logs" | "metrics", resources: string, scopes: string, rows: string) =>
    sink
      .of(signal)
      .flatMap((request: any) => request[resources].flatMap((r: any) => r[scopes].flatMap((s: any) => s[rows])));
  const spans = all("traces", "resourceSpans", "scopeSpans", "spans");
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const children = spans.filter(({ parentSpanId }) => parentSpanId);
  assert.ok(children.length > 50 && children.length < spans.length);
  for (const span of children) assert.equal(byId.get(span.parentSpanId)?.traceId, span.traceId);
  for (const span of spans) {
    assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(NANOS(START)));
    assert.ok(BigInt(span.endTimeUnixNano) > BigInt(span.startTimeUnixNano));
  }
  const records = all("logs", "resourceLogs", "scopeLogs", "logRecords");
  assert.ok(records.length > 20);
  for (const record of records) assert.equal(byId.get(record.spanId)?.traceId, record.traceId);
  const metrics = all("metrics", "resourceMetrics", "scopeMetrics", "metrics");
  const memory = metrics.filter(({ name }) => name === "process.memory.usage");
  assert.equal(memory.length, PROCESSES.length);
  for (const { gauge } of memory) assert.equal(gauge.dataPoints[0].timeUnixNano, NANOS(START + 20_000));
  const durations = metrics.filter(({ name }) => name === "http.server.request.duration");
  const point = durations[0].exponentialHistogram.dataPoints[0];
  assert.deepEqual([point.startTimeUnixNano, point.timeUnixNano], [NANOS(START), NANOS(START + 20_000)]);
});

test("what is refused is an error, and is not sent again", async (t) => {
  let asked = 0;
  const server = http.createServer((request, response) => {
    asked++;
    request.resume().on("end", () => response.writeHead(401).end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const mail = new Mail(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(async () => {
    await mail.close();
    server.close();
  });
  const world = new World({ seed: 1, speed: 1, faults: () => [] });
  for (const call of world.traces(START, START + 5000)) new Telemetry(mail, START).tell(call);
  await assert.rejects(mail.send(), /Unauthorized/);
  await mail.send();
  assert.equal(asked, 2);
});

test("whether anybody listens is known at once", async (t) => {
  const sink = await httpSink(t);
  await knock(`http://${sink.endpoint}`);
  await sink.close();
  await assert.rejects(knock(`http://${sink.endpoint}`), { code: "ECONNREFUSED" });
});
