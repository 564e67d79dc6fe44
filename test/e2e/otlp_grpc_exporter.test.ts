// The otlp_grpc exporter against real gRPC servers: what arrives, and what each status or its absence means.
import assert from "node:assert/strict";
import * as net from "node:net";
import test, { type TestContext } from "node:test";
import * as grpc from "@grpc/grpc-js";
import type { Telemetry } from "vedette";
import { Code, encodeStatus } from "vedette/otlp";
import plugin from "../../plugins/exporters/otlp_grpc/index.ts";
import { parseEndpoint } from "../../plugins/exporters/otlp_grpc/options.ts";
import { anomalyOf, failure, fakeHost, oracle, patience, requestOf } from "../exporting.ts";

type Call = grpc.ServerUnaryCall<Buffer, Buffer>;
type Reply = (callback: grpc.sendUnaryData<Buffer>, call: Call) => void;

const ok: Reply = (callback) => callback(null, Buffer.alloc(0));
const refuse =
  (code: number, details = "", info?: Uint8Array): Reply =>
  (callback) => {
    const metadata = new grpc.Metadata();
    if (info) metadata.set("grpc-status-details-bin", Buffer.from(info));
    callback({ code, details, metadata });
  };

const service = (path: string) => ({
  Export: {
    path: `/opentelemetry.proto.collector.${path}/Export`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
});

interface Received {
  path: string;
  metadata: grpc.Metadata;
  host: string;
  body: Buffer;
}

/** Answers each request with the next of `replies`; the last one goes on for ever. */
async function collector(t: TestContext, replies: Reply[] = [], port = 0) {
  const received: Received[] = [];
  const server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
  for (const path of ["metrics.v1.MetricsService", "logs.v1.LogsService", "trace.v1.TraceService"]) {
    server.addService(service(path), {
      Export: (call: Call, callback: grpc.sendUnaryData<Buffer>) => {
        const reply = replies[Math.min(received.length, replies.length - 1)] ?? ok;
        received.push({ path: call.getPath(), metadata: call.metadata, host: call.getHost(), body: call.request });
        reply(callback, call);
      },
    });
  }
  const bound = await new Promise<number>((resolve, reject) => {
    const insecure = grpc.ServerCredentials.createInsecure();
    server.bindAsync(`127.0.0.1:${port}`, insecure, (error, port) => (error ? reject(error) : resolve(port)));
  });
  t.after(() => server.forceShutdown());
  return { endpoint: `127.0.0.1:${bound}`, port: bound, received, server };
}

async function exporterTo(t: TestContext, endpoint: string, options: object = {}) {
  const host = fakeHost();
  const config = plugin.config.parse({ endpoint, compression: "none", tls: { insecure: true }, ...options });
  const exporter = plugin.create(config, host);
  await exporter.start?.();
  t.after(() => exporter.stop?.());
  return { exporter, host, send: (signal: Telemetry = "metrics") => exporter.export(requestOf(signal), patience()) };
}

/** An address where nobody listens. */
async function closedPort(): Promise<string> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `127.0.0.1:${port}`;
}

test("each signal arrives at its service, byte for byte, compressed or not", async (t) => {
  const { endpoint, received } = await collector(t);
  for (const compression of ["none", "gzip"]) {
    const { send } = await exporterTo(t, endpoint, { compression });
    for (const signal of ["metrics", "logs", "traces"] as const) {
      await send(signal);
      const { path, body } = received.at(-1)!;
      assert.match(path, { metrics: /MetricsService/, logs: /LogsService/, traces: /TraceService/ }[signal]);
      assert.deepEqual(body, Buffer.from(requestOf(signal).bytes));
      assert.deepEqual(oracle[signal].request.decode(body), oracle[signal].request.decode(requestOf(signal).bytes));
    }
  }
});

test("a large request passes, and several are in flight at once", async (t) => {
  const waiting: grpc.sendUnaryData<Buffer>[] = [];
  const { endpoint, received } = await collector(t, [
    (callback) => {
      waiting.push(callback);
      if (waiting.length === 5) for (const each of waiting) each(null, Buffer.alloc(0));
    },
  ]);
  const { exporter, send } = await exporterTo(t, endpoint);
  const bytes = Buffer.alloc(8 * 1024 ** 2, 7);
  const large = exporter.export({ signal: "metrics", bytes, items: 1 }, patience());
  await Promise.all([large, send(), send(), send(), send()]);
  assert.ok(received.some(({ body }) => body.equals(bytes)));
});

test("headers, authority and user agent arrive with every request", async (t) => {
  const { endpoint, received } = await collector(t);
  const options = {
    headers: [{ name: "X-Api-Key", value: "k" }],
    authority: "telemetry.example",
    user_agent: "tester",
  };
  const { send } = await exporterTo(t, endpoint, options);
  for (let i = 0; i < 2; i++) await send();
  for (const { metadata, host } of received) {
    assert.deepEqual(metadata.get("x-api-key"), ["k"]);
    assert.equal(metadata.get("user-agent")[0], `tester grpc-node-http2/${process.versions.node}`);
    assert.equal(host, "telemetry.example");
  }
});

test("anomalies arrive as log events, and those with companions as gauges too", async (t) => {
  const { endpoint, received } = await collector(t);
  const { exporter } = await exporterTo(t, endpoint);
  await exporter.export([anomalyOf()], patience());
  await exporter.export([anomalyOf({ companions: true })], patience());
  const services = received.map(({ path }) => path.split(".").at(-1));
  assert.deepEqual(services, ["LogsService/Export", "LogsService/Export", "MetricsService/Export"]);
  const logs = oracle.logs.request.decode(received[0]!.body).toJSON();
  assert.equal(logs.resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue, anomalyOf().reason);
  const metrics = oracle.metrics.request.decode(received[2]!.body).toJSON();
  const names = metrics.resourceMetrics[0].scopeMetrics[0].metrics.map(({ name }: { name: string }) => name);
  assert.ok(names.includes("anomaly.score"));
});

test("when only the gauges fail, trying again does not repeat the log events", async (t) => {
  const { endpoint, received } = await collector(t, [ok, refuse(Code.UNAVAILABLE), ok]);
  const { exporter } = await exporterTo(t, endpoint);
  const anomalies = [anomalyOf({ companions: true })];
  assert.equal((await failure(exporter.export(anomalies, patience()))).retryable, true);
  await exporter.export(anomalies, patience());
  assert.equal(received.filter(({ path }) => path.includes("LogsService")).length, 1);
});

test("which statuses are tried again", async (t) => {
  const again = new Set(["CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"]);
  const codes = Object.entries(Code).filter(([name]) => name !== "OK");
  const { endpoint } = await collector(
    t,
    codes.map(([name, code]) => refuse(code, `because ${name}`)),
  );
  const { send } = await exporterTo(t, endpoint);
  for (const [name] of codes) {
    const error = await failure(send());
    assert.ok(error.message.startsWith(`cannot send to ${endpoint} (${name}): because ${name}`), error.message);
    assert.equal(error.retryable, again.has(name), name);
    assert.equal(error.retryAfter, undefined, name);
  }
});

test("RetryInfo says how long to wait, and makes RESOURCE_EXHAUSTED one to try again", async (t) => {
  const info = (code: number, retryAfter?: number) => encodeStatus({ code, message: "", retryAfter });
  const { endpoint } = await collector(t, [
    refuse(Code.UNAVAILABLE, "full", info(Code.UNAVAILABLE, 1500)),
    refuse(Code.RESOURCE_EXHAUSTED, "full", info(Code.RESOURCE_EXHAUSTED, 0)),
    refuse(Code.RESOURCE_EXHAUSTED, "full", info(Code.RESOURCE_EXHAUSTED)),
    refuse(Code.RESOURCE_EXHAUSTED, "full", Uint8Array.of(255)),
    refuse(Code.INVALID_ARGUMENT, "bad", info(Code.INVALID_ARGUMENT, 1500)),
  ]);
  const { send } = await exporterTo(t, endpoint);
  const outcomes = [];
  for (let i = 0; i < 5; i++) {
    const { retryable, retryAfter, message } = await failure(send());
    outcomes.push([retryable, retryAfter]);
    if (i === 3) assert.match(message, /full; if the message is too large, raise the receiver's limit/);
  }
  assert.deepEqual(outcomes, [
    [true, 1500],
    [true, 0],
    [false, undefined],
    [false, undefined],
    [false, undefined],
  ]);
});

test("a partial success is delivered, and a warning with its counts", async (t) => {
  const partial = (rejectedLogRecords: number, errorMessage: string): Reply => {
    const response = oracle.logs.response.encode({ partialSuccess: { rejectedLogRecords, errorMessage } }).finish();
    return (callback) => callback(null, Buffer.from(response));
  };
  const unreadable: Reply = (callback) => callback(null, Buffer.of(255));
  const { endpoint } = await collector(t, [partial(1, "no\x1b room"), partial(0, "be careful"), unreadable, ok]);
  const { send, host } = await exporterTo(t, endpoint);
  for (let i = 0; i < 4; i++) await send("logs");
  assert.deepEqual(host.logged, [
    { level: "warn", message: `${endpoint} rejected 1 of 2 items: no room`, fields: { rejected: 1, items: 2 } },
    {
      level: "warn",
      message: `${endpoint} took the request with a warning: be careful`,
      fields: { rejected: 0, items: 2 },
    },
  ]);
});

test("nobody listening is tried again; the error names place and remedy", async (t) => {
  const endpoint = await closedPort();
  const error = await failure((await exporterTo(t, endpoint)).send());
  assert.equal(error.retryable, true);
  const cause = `connect ECONNREFUSED ${endpoint.replace("http://", "")}`;
  assert.equal(error.message, `cannot send to ${endpoint} (UNAVAILABLE): ${cause}; is a collector listening there?`);
});

test("TLS towards a plaintext server is tried again, with a hint", async (t) => {
  const { endpoint } = await collector(t);
  const error = await failure((await exporterTo(t, endpoint, { tls: {} })).send());
  assert.equal(error.retryable, true);
  assert.match(error.message, /if it speaks plaintext, set tls.insecure: true$/);
});

test("http:// is plaintext, https:// is TLS, whatever tls.insecure says", async (t) => {
  const { endpoint, received } = await collector(t);
  await (await exporterTo(t, `http://${endpoint}`, { tls: { insecure: false } })).send();
  assert.equal(received.length, 1);
  await failure((await exporterTo(t, `https://${endpoint}`, { tls: { insecure: true } })).send());
  assert.equal(received.length, 1);
});

test("a server that never answers is left when the time is up: the call is cancelled there, and may be tried again", async (t) => {
  let cancelled = 0;
  const { endpoint } = await collector(t, [(_, call) => call.on("cancelled", () => cancelled++)]);
  const { exporter } = await exporterTo(t, endpoint);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("timeout of 5s is over")), 50);
  const error = await failure(exporter.export(requestOf("logs"), controller.signal));
  assert.equal(error.retryable, true);
  assert.equal(error.message, `no answer from ${endpoint}: timeout of 5s is over`);
  while (cancelled === 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("the time can be up before the start and while connecting", async (t) => {
  const silent = net.createServer((socket) => t.after(() => socket.destroy())).listen(0, "127.0.0.1");
  await new Promise((listening) => silent.once("listening", listening));
  t.after(() => silent.close());
  const { exporter } = await exporterTo(t, `127.0.0.1:${(silent.address() as net.AddressInfo).port}`);
  for (const signal of [AbortSignal.abort(), AbortSignal.timeout(50)]) {
    assert.equal((await failure(exporter.export(requestOf("logs"), signal))).retryable, true);
  }
});

test("with wait_for_ready a request waits for the connection until its time is up", async (t) => {
  const { exporter } = await exporterTo(t, await closedPort(), { wait_for_ready: true });
  const { message } = await failure(exporter.export(requestOf("logs"), AbortSignal.timeout(300)));
  assert.match(message, /^no answer from /);
});

test("after the server has come back requests arrive again", async (t) => {
  const first = await collector(t);
  const { send } = await exporterTo(t, first.endpoint);
  await send();
  first.server.forceShutdown();
  const error = await failure(send());
  assert.equal(error.retryable, true, error.message);
  const second = await collector(t, [ok], first.port);
  const deadline = patience();
  while (second.received.length === 0 && !deadline.aborted) {
    await send().catch(() => new Promise((resolve) => setTimeout(resolve, 50)));
  }
  assert.equal(second.received.length, 1);
});

test("stop may come twice and without a start; an export after it fails", async (t) => {
  const { endpoint } = await collector(t);
  const { exporter, send } = await exporterTo(t, endpoint);
  await send();
  await exporter.stop?.();
  await exporter.stop?.();
  await failure(send());
  await plugin.create(plugin.config.parse({ endpoint }), fakeHost()).stop?.();
});

test("endpoints as a Collector user writes them", () => {
  const table: [text: string, expected: ReturnType<typeof parseEndpoint>][] = [
    ["localhost:4317", { target: "dns:localhost:4317" }],
    ["127.0.0.1:4317", { target: "dns:127.0.0.1:4317" }],
    ["[::1]:4317", { target: "dns:[::1]:4317" }],
    ["http://collector:4317", { target: "dns:collector:4317", tls: false }],
    ["HTTPS://collector:4317/", { target: "dns:collector:4317", tls: true }],
    ["dns:///collector:4317", { target: "dns:///collector:4317" }],
    ["unix:/run/otlp.sock", { target: "unix:/run/otlp.sock" }],
    ["collector", undefined],
    ["http://collector", undefined],
    ["http://collector:4317/v1/traces", undefined],
    ["user:secret@collector:4317", undefined],
    ["collector:70000", undefined],
    ["", undefined],
  ];
  for (const [text, expected] of table) assert.deepEqual(parseEndpoint(text), expected, text);
});

test("configuration errors say which option is wrong", () => {
  const wrong: [config: object, path: string][] = [
    [{}, "endpoint"],
    [{ endpoint: "collector" }, "endpoint"],
    [{ endpoint: "ipv4:a:1" }, "endpoint"],
    [{ endpoint: "a:1", compression: "snappy" }, "compression"],
    [{ endpoint: "a:1", headers: { "trace-bin": "x" } }, "headers.trace-bin"],
    [{ endpoint: "a:1", headers: { "bad name": "x" } }, "headers.bad name"],
    [{ endpoint: "a:1", headers: { Connection: "close" } }, "headers.Connection"],
    [{ endpoint: "a:1", headers: { key: "secret\n" } }, "headers.key"],
    [{ endpoint: "a:1", balancer_name: "random" }, "balancer_name"],
  ];
  for (const [config, path] of wrong) {
    const { error } = plugin.config.safeParse(config);
    assert.deepEqual(
      error?.issues.map((issue) => issue.path.join(".")),
      [path],
      JSON.stringify(config),
    );
    assert.ok(!error?.message.includes("secret"));
  }
});
