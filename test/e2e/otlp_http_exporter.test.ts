// The otlp_http exporter against real servers: what arrives, and what each answer or its absence means.
import assert from "node:assert/strict";
import * as http from "node:http";
import * as net from "node:net";
import test, { type TestContext } from "node:test";
import { gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import type { Telemetry } from "vedette";
import { Code, encodeStatus, protobufToJson, statusToJson } from "vedette/otlp";
import plugin from "../../plugins/exporters/otlp_http/index.ts";
import { anomalyOf, failure, fakeHost, now, oracle, patience, requestOf } from "../exporting.ts";

interface Received {
  path: string;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}
type Answer = (response: http.ServerResponse, request: http.IncomingMessage) => void;

const ok: Answer = (response) => response.end();
const answer =
  (status: number, headers: http.OutgoingHttpHeaders = {}, body: string | Uint8Array = ""): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);

async function listen(t: TestContext, server: net.Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

/** Reads each request whole, then answers it with the next of `answers`; the last one goes on for ever. */
async function collector(t: TestContext, ...answers: Answer[]) {
  const received: Received[] = [];
  let connections = 0;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const next = answers[Math.min(received.length, answers.length - 1)] ?? ok;
    received.push({ path: request.url ?? "", headers: request.headers, body: Buffer.concat(chunks) });
    next(response, request);
  });
  server.on("connection", () => connections++);
  const address = await listen(t, server);
  t.after(() => server.closeAllConnections());
  return { url: `http://${address}`, address, received, connections: () => connections };
}

function exporterTo(t: TestContext, endpoint: string, options: object = {}) {
  const host = fakeHost();
  const config = plugin.config.parse({ endpoint, compression: "none", ...options });
  const exporter = plugin.create(config, host);
  t.after(() => exporter.stop?.());
  return { exporter, host, send: (signal: Telemetry = "metrics") => exporter.export(requestOf(signal), patience()) };
}

test("each signal arrives at its path, byte for byte", async (t) => {
  const { url, received } = await collector(t);
  const { send } = exporterTo(t, url);
  for (const [i, signal] of (["metrics", "logs", "traces"] as const).entries()) {
    await send(signal);
    const { path, headers, body } = received[i]!;
    assert.equal(path, `/v1/${signal}`);
    assert.equal(headers["content-type"], "application/x-protobuf");
    assert.equal(headers["content-encoding"], undefined);
    assert.deepEqual(body, Buffer.from(requestOf(signal).bytes));
    assert.deepEqual(oracle[signal].request.decode(body), oracle[signal].request.decode(requestOf(signal).bytes));
  }
});

test("a compressed body says so and inflates to the same bytes", async (t) => {
  const { url, received } = await collector(t);
  const inflate = { gzip: gunzipSync, zstd: zstdDecompressSync, zlib: inflateSync, deflate: inflateSync };
  for (const [compression, inflated] of Object.entries(inflate)) {
    for (const level of [undefined, -1, 0, 9]) {
      await exporterTo(t, url, { compression, compression_params: { level } }).send();
      const { headers, body } = received.at(-1)!;
      assert.equal(headers["content-encoding"], compression);
      assert.deepEqual(inflated(body), Buffer.from(requestOf("metrics").bytes), `${compression} ${level}`);
    }
  }
  await exporterTo(t, url, { compression: "" }).send();
  assert.equal(received.at(-1)!.headers["content-encoding"], undefined);
});

test("encoding json sends OTLP/JSON", async (t) => {
  const { url, received } = await collector(t);
  await exporterTo(t, url, { encoding: "json" }).send("traces");
  assert.equal(received[0]!.headers["content-type"], "application/json");
  assert.equal(received[0]!.body.toString(), protobufToJson("traces", requestOf("traces").bytes));
});

test("headers, credentials in the URL and the user agent arrive", async (t) => {
  const { address, received } = await collector(t);
  await exporterTo(t, `http://user:pa%20ss@${address}`, { headers: [{ name: "X-Api-Key", value: "k" }] }).send();
  const { headers } = received[0]!;
  assert.equal(headers["x-api-key"], "k");
  assert.equal(headers.authorization, `Basic ${Buffer.from("user:pa ss").toString("base64")}`);
  assert.equal(headers["user-agent"], "vedette");
});

test("paths: a base keeps its own, with or without a slash at its end; a signal's own endpoint is taken whole", async (t) => {
  const { url, received } = await collector(t);
  await exporterTo(t, `${url}/otlp/`).send();
  await exporterTo(t, `${url}/otlp?tenant=a`).send();
  await exporterTo(t, url, { metrics_endpoint: `${url}/api/push/` }).send();
  assert.deepEqual(
    received.map(({ path }) => path),
    ["/otlp/v1/metrics", "/otlp/v1/metrics?tenant=a", "/api/push/"],
  );
});

test("calls share connections one after another, and several are in flight at once", async (t) => {
  const waiting: http.ServerResponse[] = [];
  const { url, connections } = await collector(t, (response) => {
    waiting.push(response);
    if (waiting.length === 5) for (const each of waiting.splice(0)) each.end();
  });
  const { send } = exporterTo(t, url);
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 5 }, () => send()));
  assert.equal(connections(), 5);
});

test("max_conns_per_host bounds the connections", async (t) => {
  const { url, connections, received } = await collector(t);
  const { send } = exporterTo(t, url, { max_conns_per_host: 2 });
  await Promise.all(Array.from({ length: 10 }, () => send()));
  assert.equal(received.length, 10);
  assert.equal(connections(), 2);
});

test("connections are not kept where that is not wanted", async (t) => {
  const { url, connections } = await collector(t);
  const { send } = exporterTo(t, url, { disable_keep_alives: true });
  await send();
  await send();
  assert.equal(connections(), 2);
});

test("no more unused connections are kept than configured", async (t) => {
  const { url, connections } = await collector(t);
  const { send } = exporterTo(t, url, { max_idle_conns_per_host: 1 });
  await Promise.all([send(), send()]);
  await Promise.all([send(), send()]);
  assert.equal(connections(), 3);
});

test("a proxy is sent through, with the credentials in its URL", async (t) => {
  const asked: [url: string, authorization: string | undefined][] = [];
  const proxy = http.createServer((request, response) => {
    asked.push([request.url!, request.headers["proxy-authorization"]]);
    request.resume().on("end", () => response.end());
  });
  proxy.on("connect", (request: http.IncomingMessage, socket: net.Socket) => {
    asked.push([request.url!, request.headers["proxy-authorization"]]);
    socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  const proxy_url = `http://user:secret@${await listen(t, proxy)}`;
  t.after(() => proxy.closeAllConnections());
  await exporterTo(t, "http://backend.invalid:4318", { proxy_url }).send();
  const error = await failure(exporterTo(t, "https://backend.invalid", { proxy_url }).send());
  const authorization = `Basic ${Buffer.from("user:secret").toString("base64")}`;
  assert.deepEqual(asked, [
    ["http://backend.invalid:4318/v1/metrics", authorization],
    ["backend.invalid:443", authorization],
  ]);
  assert.equal(error.retryable, true);
  assert.ok(!error.message.includes("secret"), error.message);
  assert.match(error.message, /the proxy of proxy_url .* user and password/);
});

test("anomalies arrive as log events, and those with companions as gauges too", async (t) => {
  const { url, received } = await collector(t);
  const { exporter } = exporterTo(t, url);
  await exporter.export([anomalyOf()], patience());
  assert.deepEqual(
    received.map(({ path }) => path),
    ["/v1/logs"],
  );
  const logs = oracle.logs.request.decode(received[0]!.body).toJSON();
  assert.equal(logs.resourceLogs[0].scopeLogs[0].logRecords[0].eventName, "anomaly");
  assert.equal(logs.resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue, anomalyOf().reason);

  await exporter.export([anomalyOf(), anomalyOf({ companions: true })], patience());
  assert.deepEqual(
    received.map(({ path }) => path),
    ["/v1/logs", "/v1/logs", "/v1/metrics"],
  );
  const metrics = oracle.metrics.request.decode(received[2]!.body).toJSON();
  const names = metrics.resourceMetrics[0].scopeMetrics[0].metrics.map(({ name }: { name: string }) => name);
  assert.ok(names.includes("anomaly.score"));
});

test("when only the gauges fail, trying again does not repeat the log events", async (t) => {
  const { url, received } = await collector(t, ok, answer(503), ok);
  const { exporter } = exporterTo(t, url);
  const anomalies = [anomalyOf({ companions: true })];
  assert.equal((await failure(exporter.export(anomalies, patience()))).retryable, true);
  await exporter.export(anomalies, patience());
  assert.deepEqual(
    received.map(({ path }) => path),
    ["/v1/logs", "/v1/metrics", "/v1/metrics"],
  );
});

test("which answers are tried again", async (t) => {
  const date = (milliseconds: number) => new Date(now + milliseconds).toUTCString();
  const table: [status: number, headers: http.OutgoingHttpHeaders, retryable: boolean, retryAfter?: number][] = [
    [429, {}, true],
    [429, { "retry-after": "7" }, true, 7000],
    [502, {}, true],
    [503, { "retry-after": date(90_000) }, true, 90_000],
    [503, { "retry-after": date(-90_000) }, true, 0],
    [503, { "retry-after": "soon" }, true],
    [504, {}, true],
    [400, { "retry-after": "7" }, false],
    [401, {}, false],
    [404, {}, false],
    [408, {}, false],
    [413, {}, false],
    [500, {}, false],
    [501, {}, false],
  ];
  const { url } = await collector(t, ...table.map(([status, headers]) => answer(status, headers)));
  const { send } = exporterTo(t, url);
  for (const [status, headers, retryable, retryAfter] of table) {
    const error = await failure(send());
    const row = `${status} ${JSON.stringify(headers)}`;
    assert.ok(error.message.startsWith(`${url}/v1/metrics answered ${status}`), error.message);
    assert.equal(error.retryable, retryable, row);
    assert.equal(error.retryAfter, retryAfter, row);
    if (status === 413) assert.match(error.message, /: raise the receiver's limit, or let the service send smaller/);
  }
});

test("the reason in the body is in the error, whatever it is written in", async (t) => {
  const status = { code: Code.INVALID_ARGUMENT, message: "too old\x1b[31m" };
  const { url } = await collector(
    t,
    answer(400, { "content-type": "application/x-protobuf" }, encodeStatus(status)),
    answer(400, { "content-type": "application/json; charset=utf-8" }, statusToJson(status)),
    answer(400, { "content-type": "text/plain" }, "too old\n"),
  );
  const { send } = exporterTo(t, url);
  for (let i = 0; i < 3; i++) {
    const { message } = await failure(send());
    assert.match(message, /answered 400: too old/);
    assert.ok(!message.includes("\x1b"));
  }
});

test("a body that is no reason leaves the status alone", async (t) => {
  const { url } = await collector(
    t,
    answer(400, { "content-type": "application/x-protobuf" }, "\xff\xff"),
    answer(400, { "content-type": "application/json" }, "{{"),
    answer(400, { "content-type": "text/html" }, "<h1>no</h1>"),
    answer(400, { "content-type": "text/plain", "content-encoding": "gzip" }, "xx"),
  );
  const { send } = exporterTo(t, url);
  for (let i = 0; i < 4; i++) assert.equal((await failure(send())).message, `${url}/v1/metrics answered 400`);
});

test("the RetryInfo of a status counts where there is no Retry-After", async (t) => {
  const body = encodeStatus({ code: Code.UNAVAILABLE, message: "full", retryAfter: 1500 });
  const { url } = await collector(t, answer(503, { "content-type": "application/x-protobuf" }, body));
  assert.equal((await failure(exporterTo(t, url).send())).retryAfter, 1500);
});

test("a partial success is delivered, and a warning with its counts", async (t) => {
  const partial = (rejectedSpans: number, errorMessage: string) =>
    oracle.traces.response.encode({ partialSuccess: { rejectedSpans, errorMessage } }).finish();
  const { url } = await collector(
    t,
    answer(200, { "content-type": "application/x-protobuf" }, partial(1, "no room")),
    answer(
      200,
      { "content-type": "application/json" },
      '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"old"}}',
    ),
    answer(202, { "content-type": "application/x-protobuf" }, partial(0, "be careful")),
    answer(200, { "content-type": "application/x-protobuf" }, "\xff"),
    answer(200, { "content-type": "text/html" }, "<p>thanks</p>"),
  );
  const { send, host } = exporterTo(t, url);
  for (let i = 0; i < 5; i++) await send("traces");
  const name = `${url}/v1/traces`;
  assert.deepEqual(host.logged, [
    { level: "warn", message: `${name} rejected 1 of 2 items: no room`, fields: { rejected: 1, items: 2 } },
    { level: "warn", message: `${name} rejected 2 of 2 items: old`, fields: { rejected: 2, items: 2 } },
    {
      level: "warn",
      message: `${name} took the request with a warning: be careful`,
      fields: { rejected: 0, items: 2 },
    },
  ]);
});

test("redirects are not followed", async (t) => {
  const other = await collector(t);
  const { url } = await collector(t, answer(307, { location: `${other.url}/v1/metrics?key=secret` }));
  const error = await failure(exporterTo(t, url, { headers: { "api-key": "k" } }).send());
  assert.equal(error.retryable, false);
  assert.match(error.message, new RegExp(`redirects are not followed; set the endpoint to ${other.url}/v1/metrics$`));
  assert.equal(other.received.length, 0);
});

test("nobody listening is tried again; the error names place, cause and remedy, and no secret", async (t) => {
  const server = net.createServer();
  const address = await listen(t, server);
  await new Promise((closed) => server.close(closed));
  const error = await failure(exporterTo(t, `http://user:secret@${address}?token=secret`).send());
  assert.equal(error.retryable, true);
  const expected = `cannot send to http://${address}/v1/metrics (ECONNREFUSED): is a collector listening there?`;
  assert.equal(error.message, expected);
});

test("a connection that the server closed while it was idle is tried again, and then works", async (t) => {
  const { url, received } = await collector(t, ok, (_, request) => request.socket.resetAndDestroy(), ok);
  const { send } = exporterTo(t, url);
  await send();
  const error = await failure(send());
  assert.equal(error.retryable, true);
  assert.match(error.message, /ECONNRESET/);
  await send();
  assert.equal(received.length, 3);
});

test("a server that never answers is left when the time is up, and may be tried again", async (t) => {
  let gone = 0;
  const { url } = await collector(t, (response) => response.on("close", () => gone++));
  const { exporter } = exporterTo(t, url);
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("timeout of 5s is over")), 50);
  const error = await failure(exporter.export(requestOf("logs"), controller.signal));
  assert.equal(error.retryable, true);
  assert.equal(error.message, `no answer from ${url}/v1/logs: timeout of 5s is over`);
  while (gone === 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("the time can be up before the start, while connecting, and while waiting for a connection", async (t) => {
  const silent = net.createServer((socket) => t.after(() => socket.destroy()));
  const address = await listen(t, silent);
  const over = exporterTo(t, `http://${address}`).exporter.export(requestOf("logs"), AbortSignal.abort());
  assert.equal((await failure(over)).retryable, true);
  const handshake = exporterTo(t, `https://${address}`).exporter.export(requestOf("logs"), AbortSignal.timeout(50));
  assert.equal((await failure(handshake)).retryable, true);
  const { exporter } = exporterTo(t, `http://${address}`, { max_conns_per_host: 1 });
  const both = [1, 2].map(() => failure(exporter.export(requestOf("logs"), AbortSignal.timeout(50))));
  assert.deepEqual(
    (await Promise.all(both)).map((error) => error.retryable),
    [true, true],
  );
});

test("a slow server that answers in time has answered", async (t) => {
  const { url } = await collector(t, (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const parts = ['{"partialSuccess":', '{"rejectedLogRecords":', '"1"}}'];
    const timer = setInterval(() => {
      const part = parts.shift();
      if (part !== undefined) return response.write(part);
      clearInterval(timer);
      return response.end();
    }, 5);
  });
  const { send, host } = exporterTo(t, url);
  await send("logs");
  assert.equal(host.logged.length, 1);
});

test("idle_conn_timeout closes a connection that waits, not one that works", async (t) => {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const { url, connections } = await collector(t, (response, request) => {
    request.socket.on("close", close);
    setTimeout(() => response.end(), 100);
  });
  await exporterTo(t, url, { idle_conn_timeout: "30ms" }).send();
  await closed;
  assert.equal(connections(), 1);
});

test("an answer without end is cut off: the status counts, the connection goes", async (t) => {
  let written = 0;
  const endless: (status: number) => Answer = (status) => (response) => {
    response.writeHead(status, { "content-type": "text/plain" });
    const more = () => {
      do written += 16_384;
      while (!response.destroyed && response.write("x".repeat(16_384)));
    };
    response.on("drain", more);
    more();
  };
  const { url, connections } = await collector(t, endless(200), endless(400), ok);
  const { send } = exporterTo(t, url);
  await send();
  assert.equal((await failure(send())).message, `${url}/v1/metrics answered 400`);
  await send();
  assert.equal(connections(), 3);
  assert.ok(written < 64 * 1024 ** 2, `${written} bytes were written`);
});

test("an answer that breaks off, or never ends, after its status is still that status", async (t) => {
  const { url } = await collector(
    t,
    (response) => response.writeHead(200, { "content-length": "10" }).write("x", () => response.destroy()),
    (response) => response.writeHead(200, { "content-length": "10" }).write("x"),
  );
  const { exporter, send } = exporterTo(t, url);
  await send();
  await exporter.export(requestOf("logs"), AbortSignal.timeout(50));
});

test("an answer before the request was read ends its connection: what is sent of the body is what it was", async (t) => {
  let foreign = 0;
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const server = net.createServer((socket) => {
    socket.on("error", () => {}).on("close", close);
    socket.once("data", () => {
      socket.pause().write("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
      setTimeout(() => socket.on("data", (chunk: Buffer) => void (chunk.includes(1) && foreign++)).resume(), 50);
    });
  });
  const { exporter } = exporterTo(t, `http://${await listen(t, server)}`);
  const bytes = new Uint8Array(64 * 1024 ** 2);
  const error = await failure(exporter.export({ signal: "metrics", bytes, items: 1 }, patience()));
  assert.match(error.message, /answered 503/);
  bytes.fill(1);
  await closed;
  assert.equal(foreign, 0);
});

test("what answers without speaking HTTP/1.1 is tried again, with a hint", async (t) => {
  const http2Settings = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
  const address = await listen(
    t,
    net.createServer((socket) => socket.on("error", () => {}).end(http2Settings)),
  );
  const error = await failure(exporterTo(t, `http://${address}`).send());
  assert.equal(error.retryable, true);
  assert.match(error.message, /not HTTP\/1\.1; a gRPC port wants the otlp_grpc exporter/);
  const plain = await failure(exporterTo(t, `https://${address}`).send());
  assert.match(plain.message, /does the port speak TLS\?/);
});

test("an answer that would change the protocol is tried again", async (t) => {
  const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
  const address = await listen(
    t,
    net.createServer((socket) => socket.on("error", () => {}).once("data", () => socket.write(head))),
  );
  assert.equal((await failure(exporterTo(t, `http://${address}`).send())).retryable, true);
});

test("stop closes idle connections, may come twice and without a start", async (t) => {
  const { url } = await collector(t);
  const { exporter, send } = exporterTo(t, url);
  await send();
  await exporter.stop?.();
  await exporter.stop?.();
});

test("configuration errors say which option is wrong", () => {
  const http = "http://collector:4318";
  const wrong: [config: object, path: string][] = [
    [{}, "endpoint"],
    [{ endpoint: "collector:4318" }, "endpoint"],
    [{ endpoint: "grpc://collector" }, "endpoint"],
    [{ endpoint: "http://user:secret%zz@collector" }, "endpoint"],
    [{ endpoint: http, logs_endpoint: "/v1/logs" }, "logs_endpoint"],
    [{ endpoint: http, compression: "snappy" }, "compression"],
    [{ endpoint: http, compression: "lz4" }, "compression"],
    [{ endpoint: http, compression_params: { level: 10 } }, "compression_params.level"],
    [{ endpoint: http, cookies: { enabled: true } }, "cookies.enabled"],
    [{ endpoint: http, proxy_url: "socks5://user:secret@proxy" }, "proxy_url"],
    [{ endpoint: http, auth: {} }, "auth.authenticator"],
    [{ endpoint: http, tls: { cert_file: "tls.crt" } }, "tls.cert_file"],
    [{ endpoint: http, headers: { "Content-Type": "text/plain" } }, "headers.Content-Type"],
    [{ endpoint: http, headers: { "bad name": "x" } }, "headers.bad name"],
    [{ endpoint: http, headers: { key: "secret\r\nx: y" } }, "headers.key"],
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
  assert.ok(plugin.config.safeParse({ metrics_endpoint: http }).success);
  assert.equal(plugin.config.parse({ endpoint: http }).compression, "gzip");
});
