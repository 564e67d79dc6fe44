// What people on call rely on in a running agent: a deployment that the agent itself hears of holds back what it stirs up, and only that.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, request, startAgent } from "../agent.ts";
import { metricsOf, recordsOf } from "../timeline.ts";

const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  deployment:
  threshold: {upper: 100}
  inhibit/deployed:
    deployments: {duration: 1h}
exporters: {debug: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [threshold], exporters: [debug]}
    logs: {receivers: [otlp], processors: [deployment], exporters: [debug]}
    anomalies: {processors: [inhibit/deployed], exporters: [debug]}
`;

test("after the event of a deployment its service is quiet, and the others are not", async (t) => {
  const agent = await startAgent(t, CONFIG);
  const send = async (signal: "metrics" | "logs", bytes: Uint8Array) =>
    assert.equal((await request(agent.at("otlp", "http"), `/v1/${signal}`, bytes)).status, 200);
  const overload = (service: string) =>
    send("metrics", metricsOf({ "service.name": service }, [{ name: "load", value: 900 }], 0));
  const event = { name: 9, time: 0, attributes: { "event.name": "deployment" } };
  await send("logs", recordsOf({ "service.name": "cart" }, [event]));
  await overload("cart");
  await overload("checkout");
  await eventually("the other service", () => agent.output.stdout.includes("checkout load"));
  assert.equal(await agent.stop(), 0);
  assert.match(agent.output.stdout, /cart was deployed/);
  assert.doesNotMatch(agent.output.stdout, /cart load/);
});
