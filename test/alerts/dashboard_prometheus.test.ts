// What lies further back than the dashboard's own points comes from a real Prometheus, under the names that it gives to metrics of OTLP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { setTimeout } from "node:timers/promises";
import { request, startAgent } from "../agent.ts";
import { answer, startPrometheus, withoutPrometheus } from "../prometheus.ts";
import { gauge } from "../requests.ts";

test("a chart goes on into what Prometheus has of the series, and says so", { skip: withoutPrometheus }, async (t) => {
  // as a Prometheus that takes OTLP names the gauge queue.depth, of unit 1, of the service agent
  const server = createServer((_, response) => response.end('queue_depth_ratio{host="a"} 7\n'));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const prometheus = await startPrometheus(t, `127.0.0.1:${(server.address() as AddressInfo).port}`);
  await answer(prometheus, "queue_depth_ratio");
  const scraped = Date.now();
  const agent = await startAgent(
    t,
    `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {threshold: {upper: 100}}
exporters: {debug: }
extensions: {dashboard: {endpoint: "127.0.0.1:0", prometheus: {endpoint: "http://${prometheus}"}}}
service:
  extensions: [dashboard]
  pipelines:
    metrics: {receivers: [otlp], processors: [threshold], exporters: [debug]}
`,
  );
  // the agent's points are of whole seconds: its first one begins after the scrape
  await setTimeout(scraped + 1000 - Date.now());
  const now = Date.now();
  const points = [0, 1, 2].map((i) => ({ time: now + i, value: 9 }));
  await request(agent.at("otlp", "http"), "/v1/metrics", gauge("agent", "queue.depth", points));
  const ask = async (path: string) =>
    (await fetch(`http://${agent.at("dashboard", "http")}/api/v1/series${path}`)).json();
  const { items } = (await ask("?q=queue.depth")) as { items: { fingerprint: string }[] };
  // steps of 15 s, one of which is when it was scraped
  const whole: any = await ask(`/${items[0].fingerprint}?from=${scraped - 60_000}`);
  assert.equal(whole.source, "prometheus", JSON.stringify(whole.explain));
  assert.deepEqual([whole.points.observed[0], whole.points.observed.at(-1)], [7, 9]);
  assert.deepEqual([whole.points.expected[0], whole.points.score[0]], [null, null]);
  assert.match(whole.explain.at(-1), /^Points from before the agent's own come from Prometheus \(.*queue_depth/);
});
