// What people on call rely on: a service that stops sending is told at their backend, and again when it is back, after a restart too.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { setTimeout } from "node:timers/promises";
import { folderWith, type Running, request, startAgent } from "../agent.ts";
import { gauge } from "../requests.ts";
import { httpSink, type Sink } from "../sinks.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

const config = (sink: Sink, directory: string) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {absence: {min_silence: 2s, warmup: 5, threshold: 2}}
exporters: {otlp_http: {endpoint: "http://${sink.endpoint}", sending_queue: {num_consumers: 1}}}
service:
  state: {directory: "${directory}", interval: 1h}
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [absence], exporters: [otlp_http]}
    anomalies: {exporters: [otlp_http]}
`;

/** Lets the services send until `done`, four times a second. */
async function send(agent: Running, services: readonly string[], done: () => boolean): Promise<void> {
  const began = Date.now();
  while (!done()) {
    assert.ok(Date.now() - began < 60_000, "still waited for");
    const bytes = Buffer.concat(services.map((service) => gauge(service, "load", [{ time: Date.now(), value: 1 }])));
    assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", bytes)).status, 200);
    await setTimeout(250);
  }
}

const events = (sink: Sink): Json[] => sink.of("logs").flatMap((each) => each.resourceLogs[0].scopeLogs[0].logRecords);
const stateOf = ({ attributes }: Json) => attributes.find(({ key }: Json) => key === "anomaly.state").value.stringValue;
const idOf = ({ attributes }: Json) => attributes.find(({ key }: Json) => key === "anomaly.id").value.stringValue;

test("a service that stops is one event, and one more when it is back after the agent was started anew", async (t) => {
  const sink = await httpSink(t);
  const directory = join(folderWith(t), "state");
  const first = await startAgent(t, config(sink, directory));
  const learnt = Date.now() + 8000;
  await send(first, ["cart", "checkout"], () => Date.now() > learnt);
  await send(first, ["cart"], () => events(sink).length > 0);
  assert.equal(await first.stop(), 0);
  const second = await startAgent(t, config(sink, directory));
  await send(second, ["cart"], () => true);
  await send(second, ["cart", "checkout"], () => events(sink).length > 1);
  assert.equal(await second.stop(), 0);

  const [open, resolved, ...more] = events(sink);
  assert.deepEqual(more, []);
  assert.equal(stateOf(open), "open");
  assert.match(
    open.body.stringValue,
    /^checkout has fallen silent: nothing for \d+ (s|min); it usually comes every [\d.]+ s\.$/,
  );
  assert.equal(stateOf(resolved), "resolved");
  assert.match(resolved.body.stringValue, /^checkout is back after/);
  assert.equal(idOf(resolved), idOf(open), "of one episode");
});
