// What a service with the OpenTelemetry SDK relies on: whatever it sends, however it sends it, arrives as if sent directly.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { AggregationTemporality } from "@opentelemetry/sdk-metrics";
import { eventually, folderWith, startAgent } from "../agent.ts";
import { decoded, grpcSink, httpSink, type Received, SIGNALS, type Sink } from "../sinks.ts";
import { type Json, oracleEncode } from "../unit/otlp/otlp_json.ts";
import { exporters, instruments, records, Service, spans, type Transport } from "./sdk.ts";

/** Every exporter in every pipeline, detectors on the way; one request at a time, so that order can be compared. */
const configuration = (http: Sink, grpc: Sink, folder: string) => `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:0"}
      http: {endpoint: "127.0.0.1:0"}
processors: {ewma: , span_duration: , log_rate: , cooldown: }
exporters:
  otlp_http:
    endpoint: http://${http.endpoint}
    sending_queue: {num_consumers: 1}
  otlp_grpc:
    endpoint: ${grpc.endpoint}
    tls: {insecure: true}
    sending_queue: {num_consumers: 1}
  file: {path: ${join(folder, "telemetry.jsonl")}}
  file/anomalies: {path: ${join(folder, "anomalies.jsonl")}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [otlp_http, otlp_grpc, file]}
    traces: {receivers: [otlp], processors: [span_duration], exporters: [otlp_http, otlp_grpc, file]}
    logs: {receivers: [otlp], processors: [log_rate], exporters: [otlp_http, otlp_grpc, file]}
    anomalies: {processors: [cooldown], exporters: [file/anomalies]}
`;

// not in a before hook: an after within that runs when the hook ends
const folder = folderWith({ after });
const [direct, http, grpc] = await Promise.all([httpSink({ after }), httpSink({ after }), grpcSink({ after })]);
const agent = await startAgent({ after }, configuration(http, grpc, folder));

const RESOURCES = { metrics: "resourceMetrics", logs: "resourceLogs", traces: "resourceSpans" } as const;

/** The requests of a file, each decoded by the oracle. */
function requestsIn(file: string): { signal: string; json: Json }[] {
  const lines = readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean);
  return lines.map((line) => {
    const json = JSON.parse(line) as Json;
    const signal = SIGNALS.find((one) => RESOURCES[one] in json)!;
    return { signal, json: decoded(signal, oracleEncode(signal, json)) };
  });
}

const plain = (received: readonly Received[]) => received.map(({ signal, json }) => ({ signal, json }));

/** What has reached the three ends of the agent since so many requests, once as much has as was sent directly. */
async function delivered(since: number) {
  const arrived = (count: number) => count >= direct.received.length;
  await eventually("the agent's exporters", () => arrived(http.received.length) && arrived(grpc.received.length));
  await eventually("the agent's file", () => arrived(requestsIn("telemetry.jsonl").length));
  return {
    http: http.received.slice(since),
    grpc: grpc.received.slice(since),
    file: requestsIn("telemetry.jsonl").slice(since),
  };
}

const TRANSPORTS: readonly Transport[] = ["grpc", "http/protobuf", "http/json"];

for (const transport of TRANSPORTS) {
  for (const gzip of [false, true]) {
    for (const temporality of [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA]) {
      const how = `${AggregationTemporality[temporality].toLowerCase()} over ${transport}${gzip ? ", gzipped" : ""}`;
      test(`all that the SDK sends is delivered as it was sent, ${how}`, async () => {
        const since = direct.received.length;
        const [component, protocol] = ["otlp", transport === "grpc" ? "grpc" : "http"];
        const service = new Service("checkout", temporality, [
          // its own two encodings differ in a record without a body: JSON has an empty one
          exporters(transport === "http/json" ? transport : "http/protobuf", direct.endpoint),
          exporters(transport, agent.at(component, protocol), gzip),
        ]);
        const measure = instruments(service.meter);
        for (let round = 0; round < 2; round++) {
          measure();
          spans(service.tracer);
          records(service.logger);
          await service.flush();
        }
        await service.shutdown();
        const sent = direct.received.slice(since);
        assert.deepEqual(
          sent.map(({ signal }) => signal),
          ["metrics", "traces", "logs", "metrics", "traces", "logs", "metrics"],
        );
        const got = await delivered(since);
        assert.deepEqual(plain(got.http), plain(sent));
        assert.deepEqual(plain(got.grpc), plain(sent));
        assert.deepEqual(got.file, plain(sent));
        if (transport !== "http/json") {
          assert.deepEqual(
            got.http.map(({ bytes }) => bytes),
            sent.map(({ bytes }) => bytes),
            "byte for byte",
          );
        }
      });
    }
  }
}

test("nothing was marked and nothing raised while nothing was abnormal", () => {
  assert.deepEqual(requestsIn("anomalies.jsonl"), []);
  assert.ok(!JSON.stringify(requestsIn("telemetry.jsonl")).includes("anomaly."));
});

/** Takes what was added by us out of the rows of a request, and counts the rows that had it by where it was. */
function unmarked(json: Json, count: { attributes: number; exemplars: number }): Json {
  const ours = (attribute: Json) => attribute.key.startsWith("anomaly.");
  const strip = (value: any): any => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== "object" || value === null) return value;
    const copy: Json = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, strip(inner)]));
    if (copy.attributes?.some(ours)) {
      count.attributes++;
      copy.attributes = copy.attributes.filter((attribute: Json) => !ours(attribute));
    }
    if (copy.exemplars?.some((exemplar: Json) => exemplar.filteredAttributes?.some(ours))) {
      count.exemplars++;
      copy.exemplars = copy.exemplars.filter((exemplar: Json) => !exemplar.filteredAttributes?.some(ours));
    }
    return copy;
  };
  return strip(json);
}

test("of a planted anomaly only the mark differs: an exemplar on the point, attributes on span and record", async () => {
  const since = direct.received.length;
  const service = new Service("payments", AggregationTemporality.CUMULATIVE, [
    exporters("http/protobuf", direct.endpoint),
    exporters("grpc", agent.at("otlp", "grpc")),
  ]);
  const depth = service.meter.createGauge("queue.depth");
  const began = Date.now() - 4 * 3_600_000;
  const minute = (n: number) => began + n * 60_000;
  const noise = (n: number) => Math.sin(n * n * 0.7) * 2;
  for (let n = 0; n < 150; n++) {
    depth.record(50 + noise(n), { queue: "orders" });
    for (let i = 0; i < 2; i++) {
      const span = service.tracer.startSpan("settle", { startTime: began + n });
      span.setAttribute("attempt", i).end(began + n + 40 + noise(n + i));
    }
    for (let i = 0; i < 3 + noise(n); i++) {
      service.logger.emit({ severityNumber: 17, body: "refused", timestamp: minute(n) + i });
    }
    await service.flush();
  }
  depth.record(900, { queue: "orders" });
  service.tracer.startSpan("settle", { startTime: began, attributes: { attempt: 9 } }).end(began + 4000);
  for (let i = 0; i < 400; i++)
    service.logger.emit({ severityNumber: 17, body: `refused ${i}`, timestamp: minute(150) });
  await service.flush();
  await service.shutdown();

  const sent = direct.received.slice(since);
  const got = await delivered(since);
  for (const arrived of [plain(got.http), plain(got.grpc), got.file]) {
    const count = () => ({ attributes: 0, exemplars: 0 });
    const marked = { metrics: count(), traces: count(), logs: count() };
    const stripped = arrived.map(({ signal, json }) => ({ signal, json: unmarked(json, marked[signal as "logs"]) }));
    assert.deepEqual(stripped, plain(sent));
    // the SDK repeats a gauge when it shuts down
    assert.deepEqual(marked.metrics, { attributes: 0, exemplars: 2 });
    assert.deepEqual(marked.traces, { attributes: 1, exemplars: 0 });
    assert.ok(marked.logs.attributes >= 1, "the burst is marked");
    assert.deepEqual(arrived.slice(0, -4), plain(sent).slice(0, -4), "nothing before the last requests is marked");
  }
  await eventually("the anomalies' file", () => requestsIn("anomalies.jsonl").length >= 3);
  assert.equal(await agent.stop(), 0);
});
