// The self-test of a running agent: it plants faults into what comes in, and tells what was found on its pages and in its metrics.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, request, startAgent } from "../agent.ts";
import { gauge } from "../requests.ts";

const CONFIG = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
processors: { ewma: { warmup: 20, threshold: 2 } }
exporters: { file: { path: /dev/null } }
extensions:
  self_test: { initial_delay: 3s, window: 4s, cpu_share: 1 }
  zpages: { endpoint: "127.0.0.1:0" }
service:
  extensions: [self_test, zpages]
  telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { port: 0 } } } }] } }
  pipelines: { metrics: { receivers: [otlp], processors: [ewma], exporters: [file] } }
`;

test("an agent under way tests itself and says what it found", async (t) => {
  const agent = await startAgent(t, CONFIG);
  let sent = 0;
  let turn = 1;
  const noise = () => {
    turn = (Math.imul(turn, 1_664_525) + 1_013_904_223) | 0;
    return (turn >>> 8) / 2 ** 24;
  };
  const sending = setInterval(() => {
    const time = Date.now();
    for (const service of ["cart", "checkout"]) {
      const body = gauge(service, "queue.length", [{ time, value: 100 + 10 * noise() }]);
      void request(agent.at("otlp", "http"), "/v1/metrics", body).then(() => sent++);
    }
  }, 20);
  t.after(() => clearInterval(sending));
  await eventually("the self-test to be done", () => agent.output.stderr.includes("planted faults found"));
  clearInterval(sending);
  assert.match(agent.output.stderr, /self-test of [\d :-]+UTC: 1 of 1 planted faults found; \d+ anomalies in 1 min/);
  const { body } = await request(agent.at("zpages", "http"), "/debug/servicez");
  assert.match(body.toString(), /1 of 1 planted faults found/);
  const metrics = await request(agent.at("telemetry", "prometheus"), "/metrics");
  assert.match(metrics.body.toString(), /^vedette_self_test_recall\{.*fault="(rise|fall)".*\} 1$/m);
  assert.ok(sent > 0);
});
