// What operators rely on: a reload changes what changed, keeps the rest running and its models, and loses or refuses nothing.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { eventually, folderWith, launch, request } from "../agent.ts";
import { config, overHttp, point, startFile } from "../reloading.ts";
import { httpSink } from "../sinks.ts";

test("a changed detector goes on with what it has learnt: it needs no second warm-up", async (t) => {
  const sink = await httpSink(t);
  const { agent, reload } = await startFile(t, config({ sink: sink.endpoint }));
  const send = overHttp(t, agent);
  for (let i = 0; i < 80; i++) assert.ok(await send(point(i)));
  await reload(config({ sink: sink.endpoint, processors: "ewma: {threshold: 4}" }));
  assert.ok(await send(point(80, 5000)));
  await eventually("the anomaly", () => agent.output.stdout.includes("checkout load (host=a) is 5000"));
  assert.equal(agent.output.stdout.trimEnd().split("\n").length, 1, "and nothing else was told");
});

test("a bad new file changes nothing and is told with its place", async (t) => {
  const sink = await httpSink(t);
  const good = config({ sink: sink.endpoint });
  const { agent, reload, said } = await startFile(t, good);
  const endpoint = agent.at("otlp", "http");
  for (const [bad, told] of [
    [good.replace("ewma: }", "ewma: {alhpa: 0.1}}"), /config\.yaml:3:\d+ unknown-option processors\.ewma\.alhpa/],
    ["receivers: [", /yaml-syntax/],
    ["", /reload 3 failed/],
  ] as const) {
    await reload(bad);
    assert.match(agent.output.stderr, told);
    assert.equal((await request(endpoint, "/v1/metrics", point(1))).status, 200);
  }
  assert.equal(said(/vedette: reload \d+ is done/), 0);
  await eventually("what was sent meanwhile", () => sink.received.length === 3);
});

test("what cannot start is taken back: a port in use, with everything else of the new file", async (t) => {
  const sink = await httpSink(t);
  const good = config({ sink: sink.endpoint });
  const { agent, reload } = await startFile(t, good);
  const endpoint = agent.at("otlp", "http");
  const taken = `receivers: {otlp/more: {protocols: {http: {endpoint: "${sink.endpoint}"}}}, otlp:`;
  const bad = good
    .replace("receivers: {otlp:", taken)
    .replace("[otlp]", "[otlp, otlp/more]")
    .replace("ewma: }", "ewma: {alpha: 0.2}}");
  await reload(bad);
  assert.match(agent.output.stderr, /reload 1 failed.*otlp\/more could not start: cannot listen on .*EADDRINUSE/);
  assert.equal((await request(endpoint, "/v1/metrics", point(1))).status, 200);
  await reload(good.replace("debug: }", "debug: {verbosity: normal}}"));
  assert.equal((await request(endpoint, "/v1/metrics", point(2))).status, 200);
  await eventually("both points", () => sink.received.length === 2);
});

test("a changed file is seen without a signal, and a signal it takes away is refused from then on", async (t) => {
  const sink = await httpSink(t);
  const both = config({ sink: sink.endpoint }).replace(
    "    anomalies",
    "    logs: {receivers: [otlp], exporters: [otlp_http]}\n    anomalies",
  );
  const { agent, changes } = await startFile(t, both);
  const endpoint = agent.at("otlp", "http");
  assert.equal((await request(endpoint, "/v1/logs", Buffer.alloc(0))).status, 200);
  await changes(config({ sink: sink.endpoint }));
  assert.equal((await request(endpoint, "/v1/logs", Buffer.alloc(0))).status, 404);
  assert.equal((await request(endpoint, "/v1/metrics", point(1))).status, 200);
  await changes(both);
  assert.equal((await request(endpoint, "/v1/logs", Buffer.alloc(0))).status, 200);
});

const BRITTLE = (body: string) => `
import { defineProcessor, z } from "vedette";
export default defineProcessor({
  type: "brittle", signals: ["metrics"], stability: "experimental", summary: "Fails on everything.",
  config: z.object({}),
  create: () => ({ process(batch) { ${body} } }),
});`;

test("a plugin that keeps failing is taken out, told, and comes back mended by a reload", async (t) => {
  const sink = await httpSink(t);
  const text = (level: string) => `plugins: [./brittle.js]
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {brittle: }
exporters: {otlp_http: {endpoint: "http://${sink.endpoint}"}}
extensions: {health_check: {endpoint: "127.0.0.1:0"}}
service:
  telemetry: {logs: {level: ${level}}, metrics: {level: none}}
  extensions: [health_check]
  pipelines: {metrics: {receivers: [otlp], processors: [brittle], exporters: [otlp_http]}}
`;
  const { agent, folder, reload, said } = await startFile(t, text("info"), {
    "brittle.js": BRITTLE("return Promise.reject(new Error('late'))"),
  });
  const endpoint = agent.at("otlp", "http");
  for (let i = 0; i < 20; i++) assert.equal((await request(endpoint, "/v1/metrics", point(i))).status, 200);
  await eventually("all twenty, untouched", () => sink.received.length === 20);
  assert.match(agent.output.stderr, /error brittle: a plugin failed on a batch.*process returned a promise/);
  assert.equal(said(/brittle: a plugin failed again and again/), 1);
  assert.equal((await request(agent.at("health_check", "http"), "/")).status, 503);
  writeFileSync(
    join(folder, "brittle.js"),
    BRITTLE(
      "for (let i = 0; i < batch.rows.length; i++) batch.annotate(i, { mended: true }, 'attributes'); return batch;",
    ),
  );
  await reload(text("debug"));
  assert.equal((await request(agent.at("health_check", "http"), "/")).status, 200);
  await request(endpoint, "/v1/metrics", point(20));
  await eventually("the mended plugin's mark", () => JSON.stringify(sink.received.at(-1)!.json).includes("mended"));
});

/** Takes its time to start, and to stop, until a file says otherwise. */
const SLOW = `
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { defineExtension, z } from "vedette";
const until = async (host, file) => {
  host.log.info("waits for " + file);
  while (!existsSync(new URL(file, import.meta.url))) await sleep(20);
};
export default defineExtension({
  type: "slow", stability: "experimental", summary: "Waits for files.",
  config: z.object({ tag: z.string().default("").describe("Told apart by it.") }),
  create: (_, host) => ({ start: () => until(host, "start"), stop: () => until(host, "stop") }),
});`;

const slow = (sink: string, tag = "a") =>
  `plugins: [./slow.js]\nextensions: {slow: {tag: ${tag}}}\n${config({ sink, service: "extensions: [slow]" })}`;

test("SIGHUP while the agent starts is heeded once it runs, and while it stops it is told and ignored", async (t) => {
  const sink = await httpSink(t);
  const folder = folderWith(t, { "slow.js": SLOW, "package.json": '{"type": "module"}' });
  const file = join(folder, "config.yaml");
  writeFileSync(file, slow(sink.endpoint));
  const agent = launch(t, ["run", "--config", file]);
  const says = (what: string) => eventually(what, () => agent.output.stderr.includes(what));
  await says("waits for start");
  agent.signal("SIGHUP");
  writeFileSync(join(folder, "start"), "");
  await says("reload 1 is done");
  agent.signal("SIGTERM");
  await says("waits for stop");
  agent.signal("SIGHUP");
  await says("not reloaded");
  writeFileSync(join(folder, "stop"), "");
  assert.equal(await agent.exited, 0, agent.output.stderr);
});

test("SIGTERM ends a start, and a reload, that is stuck; what was accepted is delivered all the same", async (t) => {
  const sink = await httpSink(t);
  const others = { "slow.js": SLOW, "package.json": '{"type": "module"}', stop: "" };
  const folder = folderWith(t, others);
  writeFileSync(join(folder, "config.yaml"), slow(sink.endpoint));
  const stuck = launch(t, ["run", "--config", join(folder, "config.yaml")]);
  await eventually("the start to be stuck", () => stuck.output.stderr.includes("waits for start"));
  assert.equal(await stuck.stop(), 0, stuck.output.stderr);

  const { agent, folder: second, said } = await startFile(t, config({ sink: sink.endpoint }), others);
  writeFileSync(join(second, "config.yaml"), slow(sink.endpoint));
  agent.signal("SIGHUP");
  await eventually("the reload to be stuck", () => said(/waits for start/) === 1);
  assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", point(1))).status, 200);
  assert.equal(await agent.stop(), 0, agent.output.stderr);
  assert.equal(sink.received.length, 1);
});
