// What people on call rely on: a service that stops sending is told at their backend, and again when it is back, after a restart too.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { eventually, folderWith, type Running, request, startAgent } from "../agent.ts";
import { gauge } from "../requests.ts";
import { httpSink, type Sink } from "../sinks.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

const CADENCE = 15_000;
const MINUTE = 60_000;

const config = (sink: Sink, directory: string) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {absence: }
exporters: {otlp_http: {endpoint: "http://${sink.endpoint}", sending_queue: {num_consumers: 1}}}
service:
  state: {directory: "${directory}", interval: 1h}
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [absence], exporters: [otlp_http]}
    anomalies: {exporters: [otlp_http]}
`;

/** What both services send in minutes [from, to) since `began`; checkout stops after the 20th and is back with the 40th. */
async function send(agent: Running, began: number, from: number, to: number): Promise<void> {
  for (let time = began + from * MINUTE; time < began + to * MINUTE; time += CADENCE) {
    const minute = (time - began) / MINUTE;
    const services = minute < 20 || minute >= 40 ? ["cart", "checkout"] : ["cart"];
    const bytes = Buffer.concat(services.map((service) => gauge(service, "load", [{ time, value: 1 }])));
    assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", bytes)).status, 200);
  }
}

const events = (sink: Sink): Json[] => sink.of("logs").flatMap((each) => each.resourceLogs[0].scopeLogs[0].logRecords);
const stateOf = ({ attributes }: Json) => attributes.find(({ key }: Json) => key === "anomaly.state").value.stringValue;
const idOf = ({ attributes }: Json) => attributes.find(({ key }: Json) => key === "anomaly.id").value.stringValue;

test("a service that stops is one event, and one more when it is back after the agent was started anew", async (t) => {
  const sink = await httpSink(t);
  const directory = join(folderWith(t), "state");
  const began = Math.floor(Date.now() / MINUTE) * MINUTE - 60 * MINUTE;
  const first = await startAgent(t, config(sink, directory));
  await send(first, began, 0, 25);
  await eventually("word of the silence", () => events(sink).length > 0);
  await send(first, began, 25, 30);
  assert.equal(await first.stop(), 0);
  const second = await startAgent(t, config(sink, directory));
  await send(second, began, 30, 45);
  await eventually("word of the return", () => events(sink).length > 1);
  assert.equal(await second.stop(), 0);

  const [open, resolved, ...more] = events(sink);
  assert.deepEqual(more, []);
  assert.equal(stateOf(open), "open");
  assert.match(
    open.body.stringValue,
    /^checkout has fallen silent: nothing for \d+ (s|min); it usually comes every 15 s\.$/,
  );
  assert.equal(stateOf(resolved), "resolved");
  assert.match(resolved.body.stringValue, /^checkout is back after/);
  assert.equal(idOf(resolved), idOf(open), "of one episode");
});
