// What people on call rely on: ten hours of recorded logs with a fault of every kind, replayed without a configuration; and a real SDK's logs.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { Attributes } from "../../src/api/index.ts";
import { protobufToJson } from "../../src/otlp/to_json.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { eventually, folderWith, startAgent, vedette } from "../agent.ts";
import { exporters, Service } from "../interop/sdk.ts";
import { type LogRecord, logRequest } from "../logs.ts";
import { httpSink } from "../sinks.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

const BEGINNING = Date.UTC(2026, 0, 5);
const STEP = 5;
const HOUR = 3600;
const FAULT = 9 * HOUR;
const END = FAULT + HOUR / 2;
const SERVICES = ["cart", "checkout", "search", "orders", "mail", "stock"];

/** What a service writes for one order, and what is wrong with it. */
function order(service: string, id: number, random: () => number, faulty: boolean): LogRecord[] {
  const trace = id.toString(16).padStart(32, "0");
  const is = (name: string) => faulty && service === name;
  const took = Math.round(80 * (0.5 + random()) * (is("cart") ? 4 : 1));
  const attributes: Attributes = { "code.function": "place", ...(!is("search") && { "user.tier": "gold" }) };
  const records: Omit<LogRecord, "time" | "service">[] = [
    { body: `opened connection ${id} to database`, trace },
    { body: `order ${id} of user ${Math.floor(random() * 1e6)} placed took=${took}ms`, trace, attributes },
  ];
  if (!is("orders")) records.push({ body: `closed connection ${id} to database`, trace });
  if (is("checkout") && random() < 0.2) {
    records.push({ body: `card of order ${id} was declined by issuer`, severity: 17, severityText: "ERROR", trace });
  }
  return records.map((record) => ({ service, time: 0, ...record }));
}

/** Each service has a fault of its own in the last half hour; `mail` stops writing one of its messages, `stock` writes one twenty times as often. */
function* history(): Generator<Uint8Array> {
  const random = seededRandom(5);
  let id = 1;
  for (let second = 0; second < END; second += STEP) {
    const faulty = second >= FAULT;
    const records: LogRecord[] = [];
    for (const service of SERVICES) {
      if (random() < 0.7) records.push(...order(service, id++, random, faulty));
      const often = faulty && service === "stock" ? 20 : 1;
      for (let i = 0; i < often; i++) {
        if (random() < 0.3) records.push({ service, time: 0, body: `cache refreshed with ${id} entries` });
      }
      if (!(faulty && service === "mail") && random() < 0.9) {
        records.push({ service, time: 0, body: `heartbeat ${id} sent to registry` });
      }
    }
    const time = BEGINNING + second * 1000;
    yield logRequest(records.map((record) => ({ ...record, time })));
  }
}

test("faults of every kind in recorded logs are told of their service by the detector for them, and nothing else is", async (t) => {
  const folder = folderWith(t);
  const lines = Array.from(history(), (bytes) => protobufToJson("logs", bytes));
  writeFileSync(join(folder, "logs.jsonl"), `${lines.join("\n")}\n`);
  const { code, stderr } = await vedette(t, ["replay", "--input", "logs.jsonl", "--anomalies", "found.jsonl"], folder);
  assert.equal(code, 0, stderr);
  const found = readFileSync(join(folder, "found.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const told = found.map(({ labels, detector, type, reason, time }: Json) => ({
    after: Math.round((time - BEGINNING) / 1000 - FAULT),
    service: labels.resource["service.name"],
    detector,
    type,
    reason,
  }));
  const list = told.map((each) => JSON.stringify(each)).join("\n");
  for (const [service, detector, type, reason] of [
    ["checkout", "new_template", "new_template", /ERROR "card of order <\*> was declined by issuer"/],
    ["orders", "log_sequence", "sequence", /"closed connection <\*> to database"/],
    ["cart", "log_values", "outlier", /^took in "order <\*> of user <\*> placed took=<\*>" of cart is above \d+/],
    ["search", "log_schema", "missing_field", /The attribute user\.tier is missing from "order <\*> /],
    ["mail", "template_rate", "template_rate", /"heartbeat <\*> sent to registry"/],
    ["stock", "template_rate", "template_rate", /"cache refreshed with <\*> entries"/],
  ] as const) {
    const own = told.filter((each) => each.service === service && each.detector === detector);
    assert.ok(own.length > 0, `${service}: ${detector} told nothing:\n${list}`);
    assert.equal(own[0].type, type);
    assert.match(own[0].reason, reason);
  }
  assert.deepEqual(
    told.filter(({ after }) => after < 0),
    [],
    "nothing is told before the faults",
  );
  for (const service of SERVICES) {
    // what is no longer written lacks in its traces as well
    assert.ok(told.filter((each) => each.service === service).length <= 2, list);
  }
  const [declined] = found.filter(({ detector }: Json) => detector === "new_template");
  assert.match(declined.labels.example, /^card of order \d+ was declined by issuer$/);
  assert.match(declined.labels.traceId, /^[0-9a-f]{32}$/);
});

test("a real SDK's records go on with their template, and what is new is told with template and example", async (t) => {
  const sink = await httpSink(t);
  const agent = await startAgent(
    t,
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {drain: , new_template: {learning: 0s, threshold: 0.01}}
exporters: {otlp_http: {endpoint: "http://${sink.endpoint}"}}
service:
  pipelines:
    logs: {receivers: [otlp], processors: [drain, new_template], exporters: [otlp_http]}
    anomalies: {exporters: [otlp_http]}
`,
  );
  const service = new Service("checkout", 1, [exporters("http/protobuf", agent.at("otlp", "http"))]);
  const emit = (body: string, severityNumber: number) => service.logger.emit({ body, severityNumber });
  for (let i = 0; i < 5; i++) emit(`user ${i} logged in`, 9);
  await service.flush();
  emit("disk 7 is failing", 17);
  await service.flush();
  await service.shutdown();
  const records = () =>
    sink.received.flatMap(({ json }) =>
      (json.resourceLogs ?? []).flatMap((part: Json) => part.scopeLogs.flatMap((scope: Json) => scope.logRecords)),
    );
  const text = (record: Json, key: string) =>
    record.attributes.find((each: Json) => each.key === key)?.value.stringValue;
  const events = () =>
    records().filter(({ eventName, body }: Json) => eventName === "anomaly" && /disk/.test(body.stringValue));
  await eventually("the anomaly", () => events().length > 0);
  await eventually(
    "all records",
    () => records().filter(({ eventName }: Json) => eventName !== "anomaly").length === 6,
  );
  const forwarded = records().filter(({ eventName }: Json) => eventName !== "anomaly");
  assert.deepEqual(forwarded.map((record: Json) => text(record, "log.record.template")).sort(), [
    "disk <*> is failing",
    ...Array(5).fill("user <*> logged in"),
  ]);
  const [event] = events();
  assert.equal(text(event, "log.record.template"), "disk <*> is failing");
  assert.equal(text(event, "anomaly.example"), "disk 7 is failing");
});
