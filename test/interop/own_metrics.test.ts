// A real Prometheus scrapes the agent and answers queries about it; promtool finds nothing to complain of.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { eventually, folderWith, request, startAgent } from "../agent.ts";
import { gauge } from "../requests.ts";

const HINT = "no prometheus on PATH; apt-get install -y --no-install-recommends prometheus";
const found = spawnSync("prometheus", ["--version"]).status === 0;
const skip = found ? false : HINT;

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

/** A Prometheus on a free port that scrapes `target` ten times a second; resolves to its address. */
async function startPrometheus(t: TestContext, target: string): Promise<string> {
  const scrape = `{ job_name: agent, static_configs: [{ targets: ["${target}"] }] }`;
  const folder = folderWith(t, {
    "prom.yml": `global: { scrape_interval: 100ms, scrape_timeout: 100ms }\nscrape_configs: [${scrape}]\n`,
  });
  const child: ChildProcess = spawn(
    "prometheus",
    [
      `--config.file=${join(folder, "prom.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      "--web.listen-address=127.0.0.1:0",
      "--log.level=info",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const closed = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const address = () => /Listening on" address=(\S+)/.exec(said)?.[1];
  await eventually("Prometheus to listen", () => address() !== undefined || child.exitCode !== null);
  const found = address();
  if (found === undefined) throw new Error(`Prometheus ended\n${said}`);
  return found;
}

/** The answer to an instant query, asked until there is one. */
async function answer(
  prometheus: string,
  query: string,
): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  for (let left = 200; left > 0; left--) {
    const { status, body } = await request(prometheus, `/api/v1/query?query=${encodeURIComponent(query)}`);
    // it listens a moment before it is ready
    const result = status === 200 ? JSON.parse(body.toString()).data.result : [];
    if (result.length > 0) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no answer to ${query}`);
}

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
