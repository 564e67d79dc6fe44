// Two instrumented services under load, as a user has them: an endpoint that turns slow and a call that was never made before are told.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Scope, startAgent } from "../agent.ts";

/** As a user would configure it, but that it learns within seconds, not within hours. */
const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:0}}}}
processors:
  span_duration:
  span_errors:
  span_rate:
  trace_structure: {learning: 10s}
  service_graph:
exporters: {debug: {}}
service:
  telemetry: {metrics: {level: none}}
  traces: {idle_timeout: 2s}
  pipelines:
    traces: {receivers: [otlp], processors: [span_duration, span_errors, span_rate, trace_structure, service_graph], exporters: [debug]}
    anomalies: {exporters: [debug]}
`;

/** Milliseconds between two requests of the load, and for which it runs until it is learnt, and after something changed. */
const BETWEEN = 15;
const LEARNING = 30_000;
const PATIENCE = 40_000;

async function startService(scope: Scope, name: string, collector: string, other = ""): Promise<string> {
  const script = fileURLToPath(new URL("service.cts", import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, name, collector, other], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  scope.after(() => child.kill("SIGKILL"));
  const [port] = (await once(child.stdout!, "data")) as [Buffer];
  return `http://127.0.0.1:${port.toString().trim()}`;
}

const behave = (service: string, behaviour: object) =>
  fetch(`${service}/behave`, { method: "POST", body: JSON.stringify(behaviour) });

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("a slow endpoint and a new call between instrumented services are told, and their callers are not blamed", async (t) => {
  const agent = await startAgent(t, CONFIG);
  const collector = `http://${agent.at("otlp", "http")}`;
  const stock = await startService(t, "stock", collector);
  const front = await startService(t, "front", collector, stock);

  const connections = new http.Agent({ keepAlive: true });
  t.after(() => connections.destroy());
  let sent = 0;
  const load = setInterval(() => {
    const path = sent++ % 3 === 0 ? "/pay" : "/cart";
    http.get(`${front}${path}`, { agent: connections }, (response) => response.resume()).once("error", () => {});
  }, BETWEEN);
  t.after(() => clearInterval(load));

  const told = (pattern: RegExp) => agent.output.stdout.split("\n").filter((line) => pattern.test(line));
  async function awaited(what: string, pattern: RegExp): Promise<void> {
    const deadline = performance.now() + PATIENCE;
    while (told(pattern).length === 0) {
      if (performance.now() > deadline)
        assert.fail(`${what} was not told:\n${told(/anomaly|latency|call/).join("\n")}`);
      await pause(200);
    }
  }

  await pause(LEARNING);
  await behave(stock, { slow: 60 });
  await awaited("the slow endpoint", /latency .*GET \/reserve in stock/);
  assert.deepEqual(told(/latency .* in front .*span_duration/), [], "its caller took no longer itself");
  await behave(stock, { slow: 0 });
  await behave(front, { audit: true });
  await awaited("the new call", /new_\w+ .*GET \/audit/);
  assert.equal(await agent.stop(), 0);
});
