// What people on call rely on: an incident that waits for more is told before the agent stops, or goes on without who holds it.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { eventually, folderWith, request } from "../agent.ts";
import { startFile } from "../reloading.ts";
import { gauge } from "../requests.ts";

const configuration = ({ processors = "[correlate, severity]", service = "" }) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {threshold: {upper: 100}, correlate: {settle: 1h}, severity: }
exporters: {debug: }
service:
  telemetry: {metrics: {level: none}}
  ${service}
  pipelines:
    metrics: {receivers: [otlp], processors: [threshold], exporters: [debug]}
    anomalies: {processors: ${processors}, exporters: [debug]}
`;

const incidents = (stdout: string) => stdout.split("\n").filter((line) => line.includes("incident"));

async function withIncident(t: TestContext, config: string) {
  const started = await startFile(t, config);
  const { agent } = started;
  const time = Date.now();
  await request(agent.at("otlp", "http"), "/v1/metrics", gauge("checkout", "load", [{ time, value: 400 }]));
  return started;
}

test("an incident that waits for more is told when the agent stops", async (t) => {
  const { agent } = await withIncident(t, configuration({}));
  assert.equal(await agent.stop(), 0);
  const told = incidents(agent.output.stdout);
  assert.equal(told.length, 1, agent.output.stdout);
  assert.match(told[0], /load of checkout|checkout load/);
});

test("it is told once where it is kept over the restart", async (t) => {
  const directory = folderWith(t);
  const config = configuration({ service: `state: {directory: "${directory}"}` });
  const first = await withIncident(t, config);
  assert.equal(await first.agent.stop(), 0);
  assert.equal(incidents(first.agent.output.stdout).length, 1, first.agent.output.stdout);
  const second = await startFile(t, config);
  assert.equal(await second.agent.stop(), 0);
  assert.deepEqual(incidents(second.agent.output.stdout), []);
});

test("and it is told when a reload leaves out who holds it", async (t) => {
  const { agent, reload } = await withIncident(t, configuration({}));
  await reload(configuration({ processors: "[severity]" }));
  await eventually("the incident", () => incidents(agent.output.stdout).length > 0);
  assert.equal(await agent.stop(), 0);
  assert.equal(incidents(agent.output.stdout).length, 1, agent.output.stdout);
});
