// A real Prometheus scrapes the agent and answers queries about it; promtool finds nothing to complain of.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { request, startAgent } from "../agent.ts";
import { answer, startPrometheus, withoutPrometheus } from "../prometheus.ts";
import { gauge } from "../requests.ts";

const skip = withoutPrometheus;

const AGENT = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
processors: { ewma: }
exporters: { debug: }
service:
  telemetry:
    resource: { team: "a \\"quoted\\" \\\\ name\\n" }
    metrics: { readers: [{ pull: { exporter: { prometheus: { port: 0 } } } }] }
  pipelines: { metrics: { receivers: [otlp], processors: [ewma], exporters: [debug] } }
`;

test("Prometheus scrapes the agent, and knows types, labels and counts", { skip }, async (t) => {
  const agent = await startAgent(t, AGENT);
  const target = agent.at("telemetry", "prometheus");
  const points = [1, 2, 3].map((value) => ({ time: 1_795_000_000_000 + value, value }));
  await request(agent.at("otlp", "http"), "/v1/metrics", gauge("checkout", "queue", points));
  const prometheus = await startPrometheus(t, target);

  const [up] = await answer(prometheus, "up == 1");
  assert.equal(up.metric.instance, target);
  const [accepted] = await answer(prometheus, "otelcol_receiver_accepted_metric_points_total");
  assert.equal(accepted.value[1], "3");
  assert.equal(accepted.metric.receiver, "otlp");
  const [info] = await answer(prometheus, "target_info");
  assert.equal(info.metric.team, 'a "quoted" \\ name\n');
  assert.equal(info.metric.service_name, "vedette");
  const [rate] = await answer(prometheus, "rate(otelcol_process_cpu_seconds_total[10s]) > 0");
  assert.ok(Number(rate.value[1]) < 64);

  const { body } = await request(prometheus, "/api/v1/targets/metadata?metric=vedette_detector_rows_total");
  const [{ type, help }] = JSON.parse(body.toString()).data;
  assert.deepEqual([type, help], ["counter", "Rows judged by the detector."]);
  assert.equal(await agent.stop(), 0);
});

test("promtool accepts every metric", { skip }, async (t) => {
  const agent = await startAgent(t, AGENT);
  const { body } = await request(agent.at("telemetry", "prometheus"), "/metrics");
  const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { input: body, encoding: "utf8" });
  assert.equal(status, 0, stderr + stdout);
});
