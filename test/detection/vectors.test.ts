// What no single metric shows: an agent watches the metrics of two services together, and goes on after a restart.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { folderWith, type Running, request, startAgent, vedette } from "../agent.ts";
import { oracleEncode } from "../unit/otlp/otlp_json.ts";

const START = 1_795_000_000_000;
const MINUTE = 60_000;
const config = (directory: string) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {half_space_trees: }
exporters: {debug: }
service:
  state: {directory: "${directory}", interval: 1h}
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [half_space_trees], exporters: [debug]}
    anomalies: {exporters: [debug]}
`;

/** What one service reports in one minute; in order, so that any test of it repeats. */
function metrics(service: string, minute: number, idle = false) {
  const load = 1 + 0.6 * Math.sin(minute / 7 + service.length) + 0.1 * Math.sin(minute * 1.3);
  const noise = (k: number) => 1 + 0.03 * Math.sin(minute * (2.1 + k));
  const values = {
    "cpu.utilization": 0.4 * (idle ? 2 - load : load) * noise(1),
    "queue.depth": 30 * load * noise(2),
    "http.server.active_requests": 80 * load * noise(3),
  };
  const timeUnixNano = `${START + minute * MINUTE}000000`;
  return {
    resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
    scopeMetrics: [
      {
        metrics: Object.entries(values).map(([name, asDouble]) => ({
          name,
          gauge: { dataPoints: [{ timeUnixNano, asDouble }] },
        })),
      },
    ],
  };
}

async function send(agent: Running, minutes: readonly number[], idle = Number.NaN): Promise<void> {
  const resourceMetrics = minutes.flatMap((minute) => [
    metrics("checkout", minute, minute === idle),
    metrics("cart", minute),
  ]);
  const body = Buffer.from(oracleEncode("metrics", { resourceMetrics }));
  assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", body)).status, 200);
}

const told = ({ output }: Running) => output.stdout.split("\n").filter((line) => line.includes("unusual"));
const minutes = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test("a combination that was never there is told with its metrics, after a restart too", async (t) => {
  const directory = join(folderWith(t), "state");
  const first = await startAgent(t, config(directory));
  // a queue as full as ever and a processor as idle as ever, but not at once: the load is at its height
  const odd = minutes(600, 700).find((minute) => Math.sin(minute / 7 + "checkout".length) > 0.98)!;
  for (let from = 0; from < 600; from += 100) await send(first, minutes(from, from + 100));
  assert.equal(await first.stop(), 0);
  assert.deepEqual(told(first), []);

  const second = await startAgent(t, config(directory));
  await send(second, minutes(600, odd));
  await send(second, [odd, odd + 1], odd);
  assert.equal(await second.stop(), 0);
  const [only, ...more] = told(second);
  assert.deepEqual(more, []);
  assert.match(
    only,
    /checkout: cpu\.utilization is 0\.1\d*, .*queue\.depth is 4.*, an unusual combination \(rarer than 1 in /,
  );
});

const cascade = (second: string) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  half_space_trees:
  isolation_forest/costly: {trees: 20}
  ewma:
  cascade: {first: half_space_trees, second: ${second}}
exporters: {debug: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma, cascade], exporters: [debug]}
    anomalies: {exporters: [debug]}
`;

test("a cascade of detectors that stand in no pipeline finds it too, in the words of the second", async (t) => {
  const agent = await startAgent(t, cascade("isolation_forest/costly"));
  const odd = minutes(1200, 1300).find((minute) => Math.sin(minute / 7 + "checkout".length) > 0.98)!;
  for (let from = 0; from < 1200; from += 100) await send(agent, minutes(from, from + 100));
  await send(agent, minutes(1200, odd));
  await send(agent, [odd, odd + 1], odd);
  assert.equal(await agent.stop(), 0);
  assert.doesNotMatch(agent.output.stderr, /unused-component/);
  const [only, ...more] = told(agent).filter((line) => line.includes(" cascade,"));
  assert.deepEqual(more, []);
  assert.match(only, /checkout: cpu\.utilization is 0\.1/);
});

test("a cascade of what is not there, or does not go together, is an error that says what to do", async (t) => {
  for (const [second, why] of [
    [
      "isolation_forest/cotsly",
      /there is no detector "isolation_forest\/cotsly"\. Did you mean "isolation_forest\/costly"/,
    ],
    ["ewma", /half_space_trees judges vectors and ewma points; name two that judge the same/],
  ] as const) {
    const folder = folderWith(t, { "config.yaml": cascade(second) });
    const { code, stderr } = await vedette(t, ["run", "--config", join(folder, "config.yaml")]);
    assert.equal(code, 1);
    assert.match(stderr, why);
  }
});
