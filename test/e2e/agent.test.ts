// What an operator relies on when running the agent: it starts or says why not, loses nothing it acknowledged, stops cleanly.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ServiceError } from "@grpc/grpc-js";
import { AggregationTemporality } from "@opentelemetry/sdk-metrics";
import { decodeStatus } from "vedette/otlp";
import { eventually, folderWith, request, startAgent, startWith, vedette } from "../agent.ts";
import { exporters, instruments, records, Service, spans } from "../interop/sdk.ts";
import { gauge } from "../requests.ts";
import { grpcSend, grpcSink, httpSink, type Sink } from "../sinks.ts";

const RECEIVER = `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "127.0.0.1:0"}
      http: {endpoint: "127.0.0.1:0"}
`;

/** One pipeline of metrics to each of the sinks, whose exporters are called otlp_http or otlp_grpc. */
const forward = (exporter: string, sink: Sink, options: string) => `${RECEIVER}
exporters:
  ${exporter}:
    endpoint: ${exporter === "otlp_http" ? "http://" : ""}${sink.endpoint}
    ${exporter === "otlp_grpc" ? "tls: {insecure: true}" : ""}
    ${options}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [${exporter}]}}}
`;

/** The n-th of requests that can be told apart. */
const numbered = (n: number) => gauge("checkout", "n", [{ time: 1_795_000_000_000 + n, value: n }]);

/** The same requests, whatever their order. */
function assertSame(got: readonly Uint8Array[], wanted: readonly Uint8Array[]): void {
  const sorted = (list: readonly Uint8Array[]) => list.map((bytes) => Buffer.from(bytes).toString("hex")).sort();
  assert.deepEqual(sorted(got), sorted(wanted));
}

/** A port that this test holds. */
async function takenPort(t: TestContext): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test("SIGTERM delivers what was acknowledged before the agent ends, however slow the backend", async (t) => {
  const sink = await httpSink(t);
  sink.delay = 200;
  const agent = await startAgent(t, forward("otlp_http", sink, ""));
  const requests = Array.from({ length: 50 }, (_, n) => numbered(n));
  const answers = await Promise.all(requests.map((bytes) => request(agent.at("otlp", "http"), "/v1/metrics", bytes)));
  for (const { status } of answers) assert.equal(status, 200);
  assert.ok(sink.received.length < requests.length, "some are still on their way");
  assert.equal(await agent.stop(), 0);
  assertSame(
    sink.received.map(({ bytes }) => bytes),
    requests,
  );
});

test("a second SIGTERM ends the agent at once", async (t) => {
  const sink = await httpSink(t);
  sink.mood = "hangs";
  const agent = await startAgent(t, forward("otlp_http", sink, ""));
  await request(agent.at("otlp", "http"), "/v1/metrics", numbered(0));
  agent.signal("SIGTERM");
  await eventually("the agent to begin stopping", () => agent.output.stderr.includes("SIGTERM"));
  await new Promise((resolve) => setTimeout(resolve, 700));
  agent.signal("SIGTERM");
  assert.equal(await agent.exited, 143);
});

test("a signal that comes twice for one key, from the terminal and from npm, still delivers what was acknowledged", async (t) => {
  const sink = await httpSink(t);
  sink.delay = 300;
  const agent = await startAgent(t, forward("otlp_http", sink, ""));
  await request(agent.at("otlp", "http"), "/v1/metrics", numbered(0));
  agent.signal("SIGINT");
  await eventually("the agent to begin stopping", () => agent.output.stderr.includes("SIGINT"));
  agent.signal("SIGINT");
  assert.equal(await agent.exited, 0);
  assert.equal(sink.received.length, 1);
});

test("what cannot be delivered within shutdown_timeout is counted in the log, and the agent still ends with 0", async (t) => {
  const sink = await httpSink(t);
  sink.mood = "hangs";
  const agent = await startAgent(t, `${forward("otlp_http", sink, "")}\nservice::shutdown_timeout: 300ms\n`);
  await request(agent.at("otlp", "http"), "/v1/metrics", numbered(0));
  assert.equal(await agent.stop(), 0);
  assert.match(agent.output.stderr, /error otlp_http: data dropped .*items=1 /);
});

const SHORT = `
    sending_queue: {queue_size: 5}
    retry_on_failure: {initial_interval: 50ms, max_interval: 100ms, randomization_factor: 0}`;

test("over HTTP a full queue refuses with 503 and Retry-After, and all that was acknowledged arrives once the backend is back", async (t) => {
  const sink = await httpSink(t);
  const agent = await startAgent(t, forward("otlp_http", sink, SHORT));
  await sink.close();
  const acknowledged: Buffer[] = [];
  for (let n = 0; n < 20; n++) {
    const { status, headers } = await request(agent.at("otlp", "http"), "/v1/metrics", numbered(n));
    if (status === 200) acknowledged.push(numbered(n));
    else {
      assert.equal(status, 503);
      assert.equal(headers["retry-after"], "1");
    }
  }
  assert.equal(acknowledged.length, 5);
  await sink.open();
  await eventually("what was acknowledged", () => sink.received.length >= 5);
  const late = await request(agent.at("otlp", "http"), "/v1/metrics", numbered(99));
  assert.equal(late.status, 200, "there is room again");
  assert.equal(await agent.stop(), 0);
  assertSame(
    sink.received.map(({ bytes }) => bytes),
    [...acknowledged, numbered(99)],
  );
});

test("over gRPC a full queue refuses with UNAVAILABLE and RetryInfo, and all that was acknowledged arrives once the backend is back", async (t) => {
  const sink = await grpcSink(t);
  const agent = await startAgent(t, forward("otlp_grpc", sink, SHORT));
  sink.mood = "refuses";
  const acknowledged: Buffer[] = [];
  for (let n = 0; n < 20; n++) {
    const refused = await grpcSend(agent.at("otlp", "grpc"), "metrics", numbered(n)).then(
      () => undefined,
      (error: ServiceError) => error,
    );
    if (refused === undefined) acknowledged.push(numbered(n));
    else {
      assert.equal(refused.code, 14);
      const [details] = refused.metadata.get("grpc-status-details-bin");
      assert.equal(decodeStatus(details as Buffer).retryAfter, 1000);
    }
  }
  assert.equal(acknowledged.length, 5);
  sink.mood = "takes";
  await eventually("what was acknowledged", () => sink.received.length >= 5);
  await grpcSend(agent.at("otlp", "grpc"), "metrics", numbered(99));
  assert.equal(await agent.stop(), 0);
  assertSame(
    sink.received.map(({ bytes }) => bytes),
    [...acknowledged, numbered(99)],
  );
});

test("with block_on_overflow senders wait for room instead of being refused", async (t) => {
  const sink = await httpSink(t);
  sink.delay = 20;
  const options = "sending_queue: {queue_size: 2, num_consumers: 2, block_on_overflow: true}";
  const agent = await startAgent(t, forward("otlp_http", sink, options));
  const requests = Array.from({ length: 20 }, (_, n) => numbered(n));
  const answers = await Promise.all(requests.map((bytes) => request(agent.at("otlp", "http"), "/v1/metrics", bytes)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(await agent.stop(), 0);
  assertSame(
    sink.received.map(({ bytes }) => bytes),
    requests,
  );
});

test("one exporter that is down does not keep the others from what is theirs", async (t) => {
  const [up, down, second] = [await httpSink(t), await httpSink(t), await grpcSink(t)];
  const agent = await startAgent(
    t,
    `${RECEIVER}
exporters:
  otlp_http/up: {endpoint: "http://${up.endpoint}"}
  otlp_http/down: {endpoint: "http://${down.endpoint}", retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}}
  otlp_grpc: {endpoint: ${second.endpoint}, tls: {insecure: true}}
service:
  pipelines:
    metrics/first: {receivers: [otlp], exporters: [otlp_http/up, otlp_http/down]}
    metrics/second: {receivers: [otlp], exporters: [otlp_grpc]}
`,
  );
  await down.close();
  const requests = Array.from({ length: 8 }, (_, n) => numbered(n));
  for (const bytes of requests) {
    assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", bytes)).status, 200);
  }
  await eventually("both backends that are up", () => up.received.length >= 8 && second.received.length >= 8);
  assert.equal(down.received.length, 0);
  await down.open();
  await eventually("the backend that was down", () => down.received.length >= 8);
  assert.equal(await agent.stop(), 0);
  for (const sink of [up, down, second]) {
    assertSame(
      sink.received.map(({ bytes }) => bytes),
      requests,
    );
  }
});

test("a bad configuration starts nothing, and every problem of it is told with its place", async (t) => {
  const port = await takenPort(t);
  const folder = folderWith(t, {
    "bad.yaml": `receivers:
  otlp:
    protocols:
      http: {endpoint: "127.0.0.1:${port}"}
processors:
  ewma: {alhpa: 0.1}
  span_duration:
exporters:
  debug: {verbosity: loud}
  otlp_htp:
service:
  pipelines:
    metrics:
      receivers: [otlp]
      processors: [ewma, cooldwn]
      exporters: [debug]
`,
  });
  const { code, stdout, stderr } = await vedette(t, ["run", "--config", "bad.yaml"], folder);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  const problems = stderr.trimEnd().split("\n");
  const expected = [
    /^bad\.yaml:6:10 \S+ processors\.ewma\.alhpa: .*"alpha"/,
    /^bad\.yaml:9:\d+ \S+ exporters\.debug\.verbosity: /,
    /^bad\.yaml:10:3 unknown-component exporters\.otlp_htp: .*"otlp_http"/,
    /^bad\.yaml:15:26 \S+ service\.pipelines\.metrics\.processors\S*: /,
  ];
  for (const [i, pattern] of expected.entries())
    assert.match(problems.filter((line) => !/warning/.test(line))[i], pattern);
  assert.ok(!stderr.includes("cannot listen"), "the port is not even tried");
});

test("components in a pipeline of another signal are told before anything starts", async (t) => {
  const config = `${RECEIVER}
processors: {span_duration: }
exporters: {debug: }
service: {pipelines: {metrics: {receivers: [otlp], processors: [span_duration], exporters: [debug]}}}`;
  const folder = folderWith(t, { "vedette.yaml": config });
  const { code, stderr } = await vedette(t, ["validate", "--config", "vedette.yaml"], folder);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^vedette\.yaml:10:23 wrong-signal service\.pipelines\.metrics\.processors: span_duration handles traces/m,
  );
});

test("a processor that needs templates without one before it that gives them is told before anything starts", async (t) => {
  const pipeline = (processors: string) => `${RECEIVER}
processors: {drain: , new_template: }
exporters: {debug: }
service: {pipelines: {logs: {receivers: [otlp], processors: [${processors}], exporters: [debug]}}}`;
  const folder = folderWith(t, {
    "none.yaml": pipeline("new_template"),
    "after.yaml": pipeline("new_template, drain"),
    "good.yaml": pipeline("drain, new_template"),
  });
  const [none, after, good] = await Promise.all(
    ["none", "after", "good"].map((name) => vedette(t, ["validate", "--config", `${name}.yaml`], folder)),
  );
  assert.deepEqual([none.code, after.code, good.code], [1, 1, 0]);
  assert.match(none.stderr, /no-templates service\.pipelines\.logs\.processors: new_template .*; list drain before it/);
  assert.match(after.stderr, /no-templates .*; move drain before it/);
});

test("an endpoint that another program has is named, and nothing is left running", async (t) => {
  const port = await takenPort(t);
  const set = `receivers.otlp.protocols.http.endpoint=127.0.0.1:${port}`;
  const config = `${RECEIVER}
exporters: {debug: }
service: {pipelines: {metrics: {receivers: [otlp], exporters: [debug]}}}`;
  const { code, stderr } = await vedette(t, ["run", "--config", `yaml:${config}`, "--set", set]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port} .*another program listens there`));
  assert.ok(!stderr.includes(" is running"));
});

test("usage errors say what is wrong, show the usage and end with 2", async (t) => {
  const cases: [string[], RegExp][] = [
    [["run"], /^--config FILE is missing/],
    [["dance"], /^there is no command "dance"/],
    [["run", "--cofnig", "x.yaml"], /^Unknown option '--cofnig'$/m],
    [["validate", "--format", "xml", "--config", "x.yaml"], /^--format is text or json/],
    [["run", "x.yaml"], /^unexpected argument "x\.yaml"; a file is given with --config$/m],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { code, stdout, stderr } = await vedette(t, args);
      assert.equal(code, 2, args.join(" "));
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.match(stderr, /^usage: vedette /m);
    }),
  );
});

test("a missing configuration file is a bad configuration", async (t) => {
  const { code, stderr } = await vedette(t, ["run", "--config", "nowhere.yaml"]);
  assert.equal(code, 1);
  assert.match(stderr, /^nowhere\.yaml:1:1 unreadable-file: cannot be read: there is no such file/);
});

test("validate, components, --version and --help answer and end", async (t) => {
  const example = fileURLToPath(new URL("../../config.example.yaml", import.meta.url));
  const version = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
  const [valid, json, bad, text, list, number, help] = await Promise.all([
    vedette(t, ["validate", "--config", example]),
    vedette(t, ["validate", "--config", example, "--format", "json"]),
    vedette(t, ["validate", "--config", "yaml:{}", "--format", "json"]),
    vedette(t, ["components"]),
    vedette(t, ["components", "--format", "json"]),
    vedette(t, ["--version"]),
    vedette(t, ["--help"]),
  ]);
  assert.deepEqual(
    [valid.code, json.code, bad.code, text.code, list.code, number.code, help.code],
    [0, 0, 1, 0, 0, 0, 0],
  );
  assert.equal(valid.stdout, "the configuration is valid\n");
  assert.deepEqual(JSON.parse(json.stdout), { valid: true, problems: [] });
  assert.equal(JSON.parse(bad.stdout).valid, false);
  assert.ok(JSON.parse(bad.stdout).problems.length > 0);
  assert.match(text.stdout, /^processors +ewma +metrics +/m);
  const types = JSON.parse(list.stdout).map(
    ({ section, type }: { section: string; type: string }) => `${section}.${type}`,
  );
  for (const one of ["receivers.otlp", "processors.ewma", "exporters.otlp_http", "extensions.health_check"]) {
    assert.ok(types.includes(one), one);
  }
  assert.equal(number.stdout, `${version}\n`);
  assert.match(help.stdout, /^usage: vedette /m);
});

test("npm start's configuration runs, is healthy, and takes what a real SDK sends", async (t) => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const { start } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;
  const [node, , main, ...args] = start.split(" ");
  assert.deepEqual([node, main], ["node", "src/main.ts"]);
  const protocols = ["grpc", "http"].map((name) => `receivers.otlp.protocols.${name}`);
  const free = [...protocols, "extensions.health_check", "extensions.dashboard"];
  for (const path of free) args.push("--set", `${path}.endpoint=127.0.0.1:0`);
  args.push("--set", "service.telemetry.metrics.address=127.0.0.1:0");
  const directory = folderWith(t, {});
  args.push("--set", `extensions.anomaly_store.directory=${directory}`);
  const agent = await startWith(t, args, root);
  const page = await request(agent.at("dashboard", "http"), "/");
  assert.equal(page.status, 200);
  assert.equal((await request(agent.at("health_check", "http"), "/")).status, 200);
  for (const transport of ["grpc", "http/protobuf", "http/json"] as const) {
    const to = exporters(transport, agent.at("otlp", transport === "grpc" ? "grpc" : "http"));
    const service = new Service("checkout", AggregationTemporality.CUMULATIVE, [to]);
    instruments(service.meter)();
    spans(service.tracer);
    records(service.logger);
    await service.flush();
    await service.shutdown();
  }
  assert.equal(await agent.stop(), 0);
  assert.match(agent.output.stdout, /^metrics: \d+ data points$/m);
  assert.match(agent.output.stdout, /^traces: 6 spans$/m);
  assert.match(agent.output.stdout, /^logs: \d+ log records$/m);
  assert.doesNotMatch(agent.output.stderr, / (warn|error) /);
});
