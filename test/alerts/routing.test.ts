// What people on call rely on: critical anomalies reach the pager, and their end does too; the archive has all; a replay tells each once.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { eventually, folderWith, type Running, request, startWith, vedette } from "../agent.ts";
import { gauge } from "../requests.ts";
import { httpSink, type Sink } from "../sinks.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

const START = 1_795_000_000_000;

/** Every value is an anomaly of its own score. */
const LEVEL = `
import { defineDetector, z } from "vedette";

export default defineDetector({
  type: "level",
  signal: "metrics",
  stability: "experimental",
  summary: "Takes values for scores.",
  finds: { above: "spike", below: "drop" },
  scores: "line",
  defaults: { warmup: 0 },
  config: z.object({}),
  state: {},
  scoreThenLearn({ length, value }, _state, verdicts) {
    for (let i = 0; i < length; i++) verdicts.score[i] = value[i];
  },
});
`;

/** All anomalies of a service are one incident, which is over with one that scores 1. */
const STORY = `
import { defineProcessor, z } from "vedette";

export default defineProcessor({
  type: "story",
  signals: ["anomalies"],
  stability: "experimental",
  summary: "Makes changes of anomalies.",
  config: z.object({}),
  create: () => ({
    process: (list) =>
      list.map((each) => ({
        ...each,
        id: each.labels.resource["service.name"],
        state: each.score === 1 ? "resolved" : "ongoing",
      })),
  }),
});
`;

const configuration = (page: string, keep: string) => `
plugins: [./level.ts, ./story.ts]
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {level: {annotate: none}, story: }
connectors:
  routing:
    table:
      - statement: route() where attributes["anomaly.severity"] == "critical"
        action: copy
        pipelines: [anomalies/page]
    default_pipelines: [anomalies/keep]
exporters:
  debug:
  otlp_http/page: {endpoint: "http://${page}", sending_queue: {num_consumers: 1}}
  otlp_http/keep: {endpoint: "http://${keep}", sending_queue: {num_consumers: 1}}
service:
  state: {directory: state}
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [level], exporters: [debug]}
    anomalies: {processors: [story], exporters: [routing]}
    anomalies/page: {receivers: [routing], exporters: [otlp_http/page]}
    anomalies/keep: {receivers: [routing], exporters: [otlp_http/keep]}
`;

/** "checkout open critical" of each event. */
const told = ({ received }: Sink): string[] =>
  received.flatMap(({ json }) =>
    json.resourceLogs.flatMap(({ scopeLogs }: Json) =>
      scopeLogs.flatMap(({ logRecords }: Json) =>
        logRecords.map(({ attributes }: Json) =>
          ["id", "state", "severity"]
            .map((key) => attributes.find((one: Json) => one.key === `anomaly.${key}`).value.stringValue)
            .join(" "),
        ),
      ),
    ),
  );

async function send(agent: Running, service: string, score: number, i: number): Promise<void> {
  const point = gauge(service, "load", [{ time: START + i * 1000, value: score }]);
  assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", point)).status, 200);
}

test("what is critical is paged, and its end is told there even after a restart and when it is critical no more", async (t) => {
  const [page, keep] = [await httpSink(t), await httpSink(t)];
  const config = configuration(page.endpoint, keep.endpoint);
  const folder = folderWith(t, { "config.yaml": config, "level.ts": LEVEL, "story.ts": STORY });
  const start = () => startWith(t, ["run", "--config", "config.yaml"], folder);
  const first = await start();
  await send(first, "cart", 1.5, 0);
  await send(first, "checkout", 1.5, 1);
  await send(first, "checkout", 4, 2);
  assert.equal(await first.stop(), 0);
  const second = await start();
  await send(second, "checkout", 1.5, 3);
  await send(second, "checkout", 1, 4);
  await send(second, "cart", 1, 5);
  await eventually("all to be kept", () => told(keep).length === 6);
  assert.equal(await second.stop(), 0);
  assert.deepEqual(told(page), ["checkout open critical", "checkout ongoing warning", "checkout resolved info"]);
  assert.deepEqual(told(keep), [
    "cart open warning",
    "checkout open warning",
    "checkout ongoing critical",
    "checkout ongoing warning",
    "checkout resolved info",
    "cart resolved info",
  ]);
});

test("a replay tells each anomaly once, however many pipelines it is routed to", async (t) => {
  const rows = [5, 1.5, 4].map((score, i) => `${new Date(START + i * 60_000).toISOString()},${score}`);
  const files = { "level.ts": LEVEL, "story.ts": STORY, "a.csv": `timestamp,value\n${rows.join("\n")}\n` };
  const folder = folderWith(t, { ...files, "config.yaml": configuration("127.0.0.1:9", "127.0.0.1:9") });
  const args = ["replay", "-c", join(folder, "config.yaml"), "--input", "a.csv", "--anomalies", "-", "--quiet"];
  const { code, stdout, stderr } = await vedette(t, args, folder);
  assert.equal(code, 0, stderr);
  const lines = stdout.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).score),
    [5, 1.5, 4],
  );
});
