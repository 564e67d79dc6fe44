// What operators rely on: a reload changes what changed, keeps the rest running and its models, and loses or refuses nothing.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import grpc from "@grpc/grpc-js";
import { eventually, folderWith, launch, type Running, request, startWith } from "../agent.ts";
import { gauge } from "../requests.ts";
import { httpSink, METHODS } from "../sinks.ts";

const QUIET = "telemetry: {metrics: {level: none}}";

/** A file that the test may rewrite, and the agent that runs it. */
async function startFile(t: TestContext, config: string, others: Record<string, string> = {}) {
  const folder = folderWith(t, { "config.yaml": config, "package.json": '{"type": "module"}', ...others });
  const file = join(folder, "config.yaml");
  const agent = await startWith(t, ["run", "--config", file]);
  const said = (what: RegExp) => [...agent.output.stderr.matchAll(new RegExp(what, "g"))].length;
  const settled = () => said(/vedette: reload \d+ (is done|failed)/);
  return {
    agent,
    folder,
    said,
    /** Rewrites the file, asks for a reload, and waits until it is done or has failed. */
    async reload(text: string) {
      const before = settled();
      writeFileSync(file, text);
      agent.signal("SIGHUP");
      await eventually("the reload", () => settled() > before);
    },
    async changes(text: string) {
      const before = settled();
      writeFileSync(file, text);
      await eventually("the change of the file to be seen", () => settled() > before);
    },
  };
}

const config = (parts: {
  receiver?: string;
  processors?: string;
  sink: string;
  exporter?: string;
  service?: string;
}) => `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"${parts.receiver ?? ""}}}}}
processors: {${parts.processors ?? "ewma: "}}
exporters: {otlp_http: {endpoint: "http://${parts.sink}"${parts.exporter ?? ""}}, debug: }
service:
  ${QUIET}
  ${parts.service ?? ""}
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [otlp_http]}
    anomalies: {exporters: [debug]}
`;

const START = 1_795_000_000_000;
const point = (i: number, value = 50 + (i % 7)) => gauge("checkout", "load", [{ time: START + i * 1000, value }]);

/** Sends numbered points without a pause until told to stop; what was acknowledged and what was not. */
function sender(send: (body: Buffer) => Promise<boolean>, from: number) {
  const acknowledged: number[] = [];
  const refused: number[] = [];
  let stopped = false;
  const done = (async () => {
    for (let i = from; !stopped; i++) ((await send(point(i))) ? acknowledged : refused).push(i);
  })();
  return {
    acknowledged,
    refused,
    async stop() {
      stopped = true;
      await done;
    },
  };
}

function overHttp(t: TestContext, agent: Running): (body: Buffer) => Promise<boolean> {
  const pool = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => pool.destroy());
  const url = `http://${agent.at("otlp", "http")}/v1/metrics`;
  return (body) =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
      const sent = http.request(url, { method: "POST", agent: pool, headers }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode === 200));
      });
      sent.once("error", reject);
      sent.end(body);
    });
}

function overGrpc(t: TestContext, agent: Running): (body: Buffer) => Promise<boolean> {
  const client = new grpc.Client(agent.at("otlp", "grpc"), grpc.credentials.createInsecure());
  t.after(() => client.close());
  const same = (bytes: Buffer) => bytes;
  return (body) =>
    new Promise((resolve) => {
      client.makeUnaryRequest(METHODS.metrics, same, same, body, (error: unknown) => resolve(error === null));
    });
}

test("under load, reloads of every kind refuse nothing and lose nothing", async (t) => {
  const [first, second] = [await httpSink(t), await httpSink(t)];
  const { agent, reload, said } = await startFile(t, config({ sink: first.endpoint }));
  const senders = [sender(overHttp(t, agent), 0), sender(overGrpc(t, agent), 1_000_000)];
  const moved = async (what: string) => {
    const before = senders.map(({ acknowledged }) => acknowledged.length);
    await eventually(`requests after ${what}`, () =>
      senders.every((one, i) => one.acknowledged.length > before[i] + 5),
    );
  };
  const steps: [what: string, text: string][] = [
    ["nothing", config({ sink: first.endpoint })],
    ["a detector's option", config({ sink: first.endpoint, processors: "ewma: {threshold: 6}" })],
    ["another sink", config({ sink: second.endpoint })],
    ["another queue", config({ sink: second.endpoint, exporter: ", sending_queue: {queue_size: 500}" })],
    ["the receiver's limits", config({ sink: second.endpoint, receiver: ", max_request_body_size: 1MiB" })],
    ["all at once", config({ sink: first.endpoint, processors: "ewma: {alpha: 0.1}", receiver: ", idle_timeout: 5s" })],
  ];
  for (const [what, text] of steps) {
    await moved(`before ${what}`);
    await reload(text);
    await moved(what);
  }
  for (const one of senders) await one.stop();
  assert.equal(said(/vedette: reload \d+ is done/), steps.length, agent.output.stderr);
  assert.equal(await agent.stop(), 0);
  const arrived = new Map<number, number>();
  for (const { json } of [...first.received, ...second.received]) {
    const { timeUnixNano } = json.resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0];
    const i = (Number(BigInt(timeUnixNano) / 1_000_000n) - START) / 1000;
    arrived.set(i, (arrived.get(i) ?? 0) + 1);
  }
  for (const { acknowledged, refused } of senders) {
    assert.deepEqual(refused, []);
    assert.deepEqual(
      acknowledged.filter((i) => arrived.get(i) !== 1),
      [],
      "each acknowledged point arrives once",
    );
  }
  assert.doesNotMatch(agent.output.stderr, /data dropped/);
});

test("no call is refused for being on its way while its connection is handed over", async (t) => {
  const sink = await httpSink(t);
  const text = (mib: number) =>
    config({ sink: sink.endpoint }).replace('"127.0.0.1:0"}', `"127.0.0.1:0", max_recv_msg_size_mib: ${mib}}`);
  const { agent, reload } = await startFile(t, text(4));
  const send = overGrpc(t, agent);
  const senders = [0, 1, 2].map((i) => sender(send, i * 1_000_000));
  for (let i = 1; i <= 20; i++) {
    await reload(text(4 + (i % 3)));
    // grpc-js tries a call again by itself once: one that met two hand-overs would be its own refusal
    const before = senders.map(({ acknowledged }) => acknowledged.length);
    await eventually("calls after the reload", () =>
      senders.every(({ acknowledged, refused }, j) => refused.length > 0 || acknowledged.length > before[j] + 1),
    );
  }
  for (const one of senders) await one.stop();
  assert.deepEqual(
    senders.flatMap(({ refused }) => refused),
    [],
  );
});

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
