// Own metrics pushed as OTLP: as configured whatever the environment says, all again after a failure, and no stop that waits.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http, { type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import { measure } from "../../../src/observe/instruments.ts";
import { Push } from "../../../src/observe/push.ts";
import { eventually, folderWith, request } from "../../agent.ts";
import { authority, withoutOpenssl } from "../../certificates.ts";
import { httpSink } from "../../sinks.ts";
import type { Json } from "../otlp/otlp_json.ts";
import { options, ownMetrics } from "./own_metrics.ts";

test("a last push has as long as it is given, and no longer", async (t) => {
  const sink = await httpSink(t);
  sink.mood = "hangs";
  const { own, log, lines } = ownMetrics(t);
  const [{ periodic }] = options({
    readers: [{ periodic: { exporter: { otlp: { endpoint: `http://${sink.endpoint}` } } } }],
  }).metrics.readers!;
  const push = new Push({ ...periodic!, otlp: periodic!.exporter.otlp }, own.collect, log.for("telemetry"));
  await Promise.all([push.stop(50), push.stop(50)]);
  assert.match(
    lines.join(""),
    /info {2}telemetry: own metrics could not be sent a last time .* error="the agent stops"/,
  );
});

test("OTLP is pushed over mutual TLS, to a server that our authority vouches for", {
  skip: withoutOpenssl,
}, async (t) => {
  const folder = folderWith(t);
  const { ca_file, issue } = authority(folder, "ours");
  const server = issue("server");
  const client = issue("client");
  const names: string[] = [];
  const tls = {
    ca: readFileSync(ca_file),
    cert: readFileSync(server.cert_file),
    key: readFileSync(server.key_file),
    requestCert: true,
    rejectUnauthorized: false,
  };
  const backend = https.createServer(tls, (request, response) => {
    names.push(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN));
    response.end();
  });
  backend.listen(0, "localhost");
  t.after(() => backend.close());
  await once(backend, "listening");
  const { own, lines } = ownMetrics(t);
  const endpoint = `https://localhost:${(backend.address() as AddressInfo).port}`;
  const push = (otlp: object) => options({ readers: [{ periodic: { exporter: { otlp: { endpoint, ...otlp } } } }] });
  const shown = { client_certificate: client.cert_file, client_key: client.key_file };
  setEnvironment(t, {
    OTEL_EXPORTER_OTLP_CERTIFICATE: ca_file,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: server.cert_file,
    OTEL_EXPORTER_OTLP_CLIENT_KEY: server.key_file,
  });
  await own.configure(push({ certificate: ca_file, ...shown }));
  await own.stop();
  await own.configure(push({ certificate: ca_file }));
  await own.stop();
  assert.deepEqual(names, ["client", "undefined"], "no certificate but the one configured");
  await own.configure(push(shown));
  await own.stop();
  assert.match(lines.join(""), /own metrics could not be sent a last time .*(certificate|issuer)/);
  await assert.rejects(own.configure(push({ certificate: join(folder, "none.pem") })), {
    message: /^service\.telemetry\.metrics\.readers\[0\]: ENOENT.*none\.pem/,
  });
});

/** Sets variables for the time of one test. */
function setEnvironment(scope: TestContext, variables: Readonly<Record<string, string>>): void {
  Object.assign(process.env, variables);
  scope.after(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

test("the variables of SDKs change nothing, and are there afterwards as before", async (t) => {
  const sink = await httpSink(t);
  const { own, lines } = ownMetrics(t);
  const variables = {
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=stolen",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "api-key=stolen",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://127.0.0.1:1/v1/metrics",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_TIMEOUT: "1",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta",
  };
  setEnvironment(t, variables);
  for (const protocol of ["http/protobuf", "http/json"]) {
    const otlp = { endpoint: `http://${sink.endpoint}`, protocol, headers: { "x-team": "ours" } };
    await own.configure(options({ readers: [{ periodic: { exporter: { otlp } } }] }));
    await own.stop();
    const { headers } = sink.received.at(-1)!;
    assert.deepEqual(Object.keys(headers).sort(), [
      "connection",
      "content-type",
      "host",
      "transfer-encoding",
      "user-agent",
      "x-team",
    ]);
    assert.match(headers["user-agent"]!, /^vedette /);
  }
  assert.equal(sink.received.length, 2, lines.join(""));
  for (const [name, value] of Object.entries(variables)) assert.equal(process.env[name], value);
});

/** A backend that answers as `answer` says, and how often it was asked. */
async function backend(scope: TestContext, answer: (response: ServerResponse) => void) {
  const asked = { times: 0, endpoint: "" };
  const server = http.createServer((request, response) => {
    asked.times++;
    request.resume().once("end", () => answer(response));
  });
  server.listen(0, "127.0.0.1");
  scope.after(() => server.close());
  await once(server, "listening");
  asked.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return asked;
}

/** Lets what is ready happen. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

test("what a backend has no room for is tried again", async (t) => {
  const answers = [503, 200];
  const asked = await backend(t, (response) => response.writeHead(answers.shift() ?? 200).end());
  const { own, lines } = ownMetrics(t);
  const otlp = { endpoint: asked.endpoint };
  await own.configure(options({ readers: [{ periodic: { interval: 20, exporter: { otlp } } }] }));
  await eventually("a retry and another push", () => asked.times >= 3);
  await own.stop();
  assert.equal(lines.join(""), "");
});

test("a stop does not wait for a retry, and nothing is sent after it", async (t) => {
  const first = Promise.withResolvers<void>();
  const asked = await backend(t, (response) => {
    response.socket!.once("close", first.resolve);
    response.writeHead(503).end();
  });
  const { own, lines } = ownMetrics(t);
  const otlp = { endpoint: asked.endpoint };
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await own.configure(options({ readers: [{ periodic: { interval: 20, exporter: { otlp } } }] }));
  await first.promise;
  await turns();
  await own.stop(); // no timer runs out, so this ends only if it waits for none
  assert.equal(asked.times, 2, "the push that failed, and a last one");
  assert.match(
    lines.join(""),
    /^\S+ info {2}telemetry: own metrics could not be sent a last time .* error="it has no room/,
  );
  assert.equal(lines.length, 1);
  t.mock.timers.tick(60_000);
  await turns();
  await request(asked.endpoint.slice("http://".length), "/after");
  assert.equal(asked.times, 3, "none but the one just sent");
});

test("a failure is told once, and the next push carries the totals", async (t) => {
  let status = 400;
  const asked = await backend(t, (response) => response.writeHead(status).end());
  const { own, lines, numbers } = ownMetrics(t);
  numbers.push(measure("otelcol_exporter_sent_spans", 5, { exporter: "debug" }));
  const reader = (endpoint: string) =>
    options({ readers: [{ periodic: { interval: 10, exporter: { otlp: { endpoint } } } }] });
  await own.configure(reader(asked.endpoint));
  await eventually("several failures", () => asked.times > 3);
  assert.match(
    lines.join(""),
    /^\S+ warn {2}telemetry: own metrics could not be sent .* error="it answered 400 Bad Request"/,
  );
  assert.equal(lines.length, 1);
  status = 200;
  const sink = await httpSink(t);
  await own.configure(reader(`http://${sink.endpoint}`));
  await own.stop();
  assert.equal(sums(sink.of("metrics"), "otelcol_exporter_sent_spans")[0].value, 5);
});

/** Numbers by metric name, of all requests in the order in which they came. */
function sums(requests: readonly Json[], name: string): { value: number; start: string; attributes: Json }[] {
  const metrics = requests.flatMap(({ resourceMetrics }) =>
    resourceMetrics[0].scopeMetrics.flatMap((scope: Json) => scope.metrics),
  );
  return metrics
    .filter((metric: Json) => metric.name === name)
    .flatMap((metric: Json) => (metric.sum ?? metric.gauge).dataPoints)
    .map((point: Json) => ({
      value: Number(point.asInt ?? point.asDouble),
      start: point.startTimeUnixNano,
      attributes: point.attributes,
    }));
}

for (const [protocol, compression] of [
  ["http/protobuf", "none"],
  ["http/protobuf", "gzip"],
  ["http/json", "gzip"],
] as const) {
  test(`OTLP is pushed in ${protocol} with compression ${compression}, and once more at the end`, async (t) => {
    const sink = await httpSink(t);
    const { own, numbers } = ownMetrics(t);
    numbers.push(
      measure("otelcol_exporter_sent_spans", 5, { exporter: "debug" }),
      measure("vedette_snapshot_seconds", 0.25),
    );
    const meter = own.meterFor("exporters", "file").meter;
    meter.createHistogram("took", { unit: "s" }).record(0.1);
    meter.createGauge("odd").record(Number.NaN);
    const otlp = { endpoint: `http://${sink.endpoint}`, protocol, compression };
    await own.configure(options({ readers: [{ periodic: { interval: 20, exporter: { otlp } } }] }, { zone: "a" }));
    await eventually("two pushes", () => sink.of("metrics").length >= 2);
    numbers[0] = measure("otelcol_exporter_sent_spans", 9, { exporter: "debug" });
    await own.stop();
    const requests = sink.of("metrics");
    const sent = sums(requests, "otelcol_exporter_sent_spans");
    assert.equal(sent[0].value, 5);
    assert.equal(sent.at(-1)!.value, 9);
    assert.equal(sent.at(-1)!.start, sent[0].start, "one counter from its start to its end");
    assert.equal(sent[0].attributes[0].value.stringValue, "debug");
    assert.equal(sums(requests, "vedette_snapshot_seconds")[0].value, 0.25);
    assert.ok(Number.isNaN(sums(requests, "odd")[0].value));
    const [{ resource, scopeMetrics }] = requests[0].resourceMetrics;
    assert.ok(resource.attributes.some(({ key, value }: Json) => key === "zone" && value.stringValue === "a"));
    assert.deepEqual([scopeMetrics[0].scope.name, scopeMetrics[0].scope.version], ["vedette", "1.2.3"]);
    const took = scopeMetrics.flatMap(({ metrics }: Json) => metrics).find(({ name }: Json) => name === "took");
    const [point] = took.histogram.dataPoints;
    assert.equal(took.histogram.aggregationTemporality, 2);
    assert.equal(point.count, "1");
    assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1);
    const count = requests.length;
    await own.stop();
    assert.equal(sink.of("metrics").length, count, "stopped is stopped");
  });
}

test("a backend that is away is a warning, and a stop is not held up by one that hangs", async (t) => {
  const sink = await httpSink(t);
  const { own, lines } = ownMetrics(t);
  const otlp = {
    endpoint: `http://user:secret@${sink.endpoint}/other?key=secret`,
    headers: { authorization: "secret" },
    timeout: 200,
  };
  const push = (endpoint: string) =>
    options({ readers: [{ periodic: { interval: 10, exporter: { otlp: { ...otlp, endpoint } } } }] });
  await own.configure(push(otlp.endpoint));
  await eventually("the warning", () => lines.join("").includes("own metrics could not be sent"));
  assert.match(lines.join(""), new RegExp(`endpoint="http://${sink.endpoint}/other" error=`));
  sink.mood = "hangs";
  await own.configure(push(`http://${sink.endpoint}`));
  await own.stop();
  assert.doesNotMatch(lines.join(""), /secret/);
});
