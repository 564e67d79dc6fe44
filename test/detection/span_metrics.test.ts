// Metrics from spans, as a user runs them: an SDK's traces go in, calls and durations come out, and detectors of metrics watch them.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { AggregationTemporality } from "@opentelemetry/sdk-metrics";
import type { Anomaly } from "vedette";
import { folderWith, request, startAgent, vedette } from "../agent.ts";
import { exporters, Service } from "../interop/sdk.ts";
import { traces } from "../requests.ts";
import { httpSink } from "../sinks.ts";
import { type Json, oracle, oracleDecode } from "../unit/otlp/otlp_json.ts";

const DURATION = "traces.span.metrics.duration";

const metricsOf = (request: Json): Json[] => request.resourceMetrics[0].scopeMetrics[0].metrics;

test("what an SDK sends is counted, told when the agent stops, and watched", async (t) => {
  const sink = await httpSink(t);
  const agent = await startAgent(
    t,
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
connectors:
  span_metrics:
    aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA
    exemplars: {enabled: true}
processors:
  threshold: {upper: 1000, match: {include: {metric: [traces.span.metrics.duration]}}}
exporters: {otlp_http: {endpoint: "http://${sink.endpoint}"}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [span_metrics, otlp_http]}
    metrics: {receivers: [span_metrics], processors: [threshold], exporters: [otlp_http]}
    anomalies: {exporters: [otlp_http]}
`,
  );
  const service = new Service("pay", AggregationTemporality.DELTA, [
    exporters("http/protobuf", agent.at("otlp", "http")),
  ]);
  const began = Date.now() - 60_000;
  for (let i = 0; i < 10; i++) {
    const span = service.tracer.startSpan("POST /pay", { kind: SpanKind.SERVER, startTime: began });
    if (i < 2) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(began + 5000);
  }
  await service.shutdown();
  assert.equal(await agent.stop(), 0);

  assert.equal(sink.of("traces").length, 1, "the traces go on");
  const [told] = sink.of("metrics");
  const attributes = told.resourceMetrics[0].resource.attributes.map(({ key }: Json) => key);
  assert.ok(attributes.includes("process.pid"), "the metrics have the resource of the spans");
  const [calls, duration] = metricsOf(told);
  assert.deepEqual(
    calls.sum.dataPoints.map(({ asInt, attributes }: Json) => [asInt, attributes.at(-1).value.stringValue]),
    [
      ["2", "STATUS_CODE_ERROR"],
      ["8", "STATUS_CODE_UNSET"],
    ],
  );
  assert.deepEqual(
    duration.histogram.dataPoints.map(({ count, sum }: Json) => [count, sum]),
    [
      ["2", 10_000],
      ["8", 40_000],
    ],
  );
  const sent = sink.of("traces")[0].resourceSpans[0].scopeSpans[0].spans;
  const named = calls.sum.dataPoints.flatMap(({ exemplars }: Json) => exemplars.map(({ spanId }: Json) => spanId));
  for (const id of named) assert.ok(sent.some(({ spanId }: Json) => spanId === id));
  assert.equal(named.length, 7, "of two, both; of eight, five");
  const records = sink.of("logs").flatMap(({ resourceLogs }) => resourceLogs[0].scopeLogs[0].logRecords);
  const reasons = records.map(({ body }: Json) => body.stringValue);
  const p99 = /^shop\/pay traces\.span\.metrics\.duration p99 .* is 4\.97 s, above its limit of 1 s\.$/;
  assert.equal(reasons.filter((reason) => p99.test(reason)).length, 2, "of the failed ones and of the others");
});

test("a detector of metrics finds the operation that has become slow", async (t) => {
  const folder = folderWith(t, {
    "config.yaml": `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
connectors: {span_metrics: {metrics_flush_interval: 30s}}
processors: {auto: }
exporters: {debug: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [span_metrics]}
    metrics: {receivers: [span_metrics], processors: [auto], exporters: [debug]}
    anomalies: {exporters: [debug]}
`,
  });
  const start = Date.UTC(2026, 0, 1);
  const lines: string[] = [];
  const slow = (minute: number) => minute >= 360 && minute < 370;
  for (let minute = 0; minute < 380; minute++) {
    const spans = Array.from({ length: 40 }, (_, i) => ({
      name: "POST /pay",
      time: start + minute * 60_000 + i * 1500,
      duration: (slow(minute) ? 900 : 30) + ((i * 7 + minute * 13) % 17),
      traceId: String(minute * 40 + i + 1).padStart(32, "0"),
      spanId: String(minute * 40 + i + 1).padStart(16, "0"),
    }));
    lines.push(JSON.stringify(oracleDecode(oracle.traces, traces("pay", spans))));
  }
  writeFileSync(join(folder, "traces.jsonl"), lines.join("\n"));
  const args = ["replay", "--config", "config.yaml", "--input", "traces.jsonl", "--anomalies", "found.jsonl"];
  const { code, stderr } = await vedette(t, args, folder);
  assert.equal(code, 0, stderr);
  const found = readFileSync(join(folder, "found.jsonl"), "utf8").trimEnd().split("\n");
  const anomalies = found.map((line) => JSON.parse(line) as Anomaly);
  for (const statistic of ["mean", "p99"]) {
    const one = anomalies.find(({ labels }) => labels.name === DURATION && labels.statistic === statistic);
    assert.ok(one, `${statistic} is found: ${stderr}`);
    assert.ok(slow((one.time - start) / 60_000), "when it became slow");
  }
});

test("operations that take turns in an agent with room for two are counted apart", async (t) => {
  const sink = await httpSink(t);
  const agent = await startAgent(
    t,
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
connectors: {span_metrics: }
exporters: {otlp_http: {endpoint: "http://${sink.endpoint}"}}
service:
  max_series: 2
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [span_metrics]}
    metrics: {receivers: [span_metrics], exporters: [otlp_http]}
`,
  );
  for (let round = 0; round < 3; round++) {
    for (const name of ["a", "b", "c", "d"]) {
      const [traceId, spanId] = ["1".repeat(32), "2".repeat(16)];
      const body = traces("pay", [{ name, time: Date.now(), duration: 5, traceId, spanId }]);
      assert.equal((await request(agent.at("otlp", "http"), "/v1/traces", body)).status, 200);
    }
  }
  assert.equal(await agent.stop(), 0);
  const [calls] = metricsOf(sink.of("metrics")[0]);
  const named = calls.sum.dataPoints.map(({ asInt, attributes }: Json) => [attributes[1].value.stringValue, asInt]);
  assert.deepEqual(named, [
    ["a", "3"],
    ["b", "3"],
    ["c", "3"],
    ["d", "3"],
  ]);
});
