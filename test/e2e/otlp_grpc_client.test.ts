// The client of the otlp_grpc exporter, by itself: what servers say besides a status, and connections that come, go and stay silent.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import * as http2 from "node:http2";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import plugin from "../../plugins/exporters/otlp_grpc/index.ts";
import { targetOf } from "../../plugins/exporters/otlp_grpc/target.ts";
import { eventually } from "../agent.ts";
import { failure, fakeHost, patience, requestOf } from "../exporting.ts";

type Reply = (stream: http2.ServerHttp2Stream) => void;

const BYTES = Buffer.from(requestOf("logs").bytes);
const ok: Reply = (stream) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.alloc(5));
};
const headersOnly =
  (headers: http2.OutgoingHttpHeaders): Reply =>
  (stream) =>
    stream.respond({ ":status": 200, ...headers }, { endStream: true });

interface Call {
  readonly headers: http2.IncomingHttpHeaders;
  readonly flag: number;
  readonly message: Buffer;
}

/** A server of bare HTTP/2 that answers each call as `reply` says once it is whole. */
async function server(t: TestContext, reply: Reply, at: net.ListenOptions = { port: 0, host: "127.0.0.1" }) {
  const calls: Call[] = [];
  const sessions = new Set<http2.ServerHttp2Session>();
  const self = { calls, sessions, reply, endpoint: "", port: 0, close };
  const listener = http2.createServer();
  listener.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  listener.on("stream", async (stream: http2.ServerHttp2Stream, headers) => {
    stream.on("error", () => {});
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    assert.equal(body.readUInt32BE(1), body.length - 5);
    calls.push({ headers, flag: body[0], message: body.subarray(5) });
    self.reply(stream);
  });
  function close() {
    for (const session of sessions) session.destroy();
    listener.close();
  }
  t.after(close);
  listener.listen(at);
  await once(listener, "listening");
  const address = listener.address();
  if (typeof address === "object" && address) {
    self.port = address.port;
    self.endpoint = `127.0.0.1:${address.port}`;
  }
  return self;
}

async function exporterTo(t: TestContext, endpoint: string, options: object = {}) {
  const config = plugin.config.parse({ endpoint, compression: "none", tls: { insecure: true }, ...options });
  const exporter = plugin.create(config, fakeHost());
  await exporter.start?.();
  t.after(() => exporter.stop?.());
  return {
    exporter,
    send: (compressed?: { encoding: "gzip" | "zstd"; bytes: Buffer }) =>
      exporter.export({ ...requestOf("logs"), ...(compressed ? { compressed } : {}) }, patience()),
  };
}

/** Makes attempts until one resolves to true. */
async function attempting(what: string, attempt: () => Promise<boolean>): Promise<void> {
  const deadline = patience();
  while (!(await attempt())) {
    assert.ok(!deadline.aborted, `${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("a request goes out compressed as configured, and as it came where it came so", async (t) => {
  const { calls, endpoint } = await server(t, ok);
  const compressed = { gzip: gzipSync(BYTES, { level: 9 }), zstd: zstdCompressSync(BYTES) };
  const inflate = { gzip: gunzipSync, zstd: zstdDecompressSync };
  for (const compression of ["gzip", "zstd"] as const) {
    const { send } = await exporterTo(t, endpoint, { compression });
    await send();
    const { headers, flag, message } = calls.at(-1)!;
    assert.deepEqual([headers["grpc-encoding"], flag], [compression, 1]);
    assert.deepEqual(inflate[compression](message), BYTES);
    for (const encoding of ["gzip", "zstd"] as const) {
      await send({ encoding, bytes: compressed[encoding] });
      const { message } = calls.at(-1)!;
      if (encoding === compression) assert.ok(message.equals(compressed[encoding]));
      assert.deepEqual(inflate[compression](message), BYTES);
    }
  }
  const { send } = await exporterTo(t, endpoint);
  await send({ encoding: "gzip", bytes: compressed.gzip });
  const { headers, flag, message } = calls.at(-1)!;
  assert.deepEqual([headers["grpc-encoding"], flag, message], [undefined, 0, BYTES]);
});

test("an answer that is no status of gRPC is told for what it is", async (t) => {
  const reset =
    (code: number): Reply =>
    (stream) =>
      stream.close(code);
  const { constants } = http2;
  const cases: [reply: Reply, words: RegExp, retryable: boolean][] = [
    [headersOnly({ ":status": 404 }), /\(UNIMPLEMENTED\): HTTP status 404, which is not gRPC; is it an OTLP/, false],
    [headersOnly({ ":status": 401 }), /\(UNAUTHENTICATED\): HTTP status 401, which is not gRPC; check auth/, false],
    [headersOnly({ ":status": 403 }), /\(PERMISSION_DENIED\)/, false],
    [headersOnly({ ":status": 503 }), /\(UNAVAILABLE\): HTTP status 503/, true],
    [headersOnly({ ":status": 429 }), /\(UNAVAILABLE\): HTTP status 429/, true],
    [headersOnly({ ":status": 500 }), /\(UNKNOWN\): HTTP status 500/, false],
    [headersOnly({ ":status": 503, "grpc-status": "3", "grpc-message": "no" }), /\(INVALID_ARGUMENT\): no$/, false],
    [
      headersOnly({ "grpc-status": "8", "grpc-message": "100%25 f%C3%BCll" }),
      /\(RESOURCE_EXHAUSTED\): 100% füll/,
      false,
    ],
    [headersOnly({ "grpc-status": "8", "grpc-message": "100% full" }), /: 100% full/, false],
    [headersOnly({ "grpc-status": "99" }), /\(99\)/, false],
    [headersOnly({ "grpc-status": "well" }), /\(UNKNOWN\)/, false],
    [headersOnly({}), /\(UNKNOWN\): the call ended without a status/, false],
    [reset(constants.NGHTTP2_CANCEL), /\(CANCELLED\)/, true],
    [reset(constants.NGHTTP2_ENHANCE_YOUR_CALM), /\(RESOURCE_EXHAUSTED\)/, false],
    [reset(constants.NGHTTP2_INADEQUATE_SECURITY), /\(PERMISSION_DENIED\)/, false],
    [(stream) => stream.session!.destroy(), /\(UNAVAILABLE\)/, true],
  ];
  const backend = await server(t, ok);
  const { send } = await exporterTo(t, backend.endpoint);
  for (const [reply, words, retryable] of cases) {
    backend.reply = reply;
    const error = await failure(send());
    assert.match(error.message, words);
    assert.equal(error.retryable, retryable, error.message);
  }
  backend.reply = ok;
  await send();
});

test("an answer that is too long is not read to its end, and one that cannot be read is a delivery all the same", async (t) => {
  const withBody =
    (body: Buffer): Reply =>
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(body);
    };
  const backend = await server(t, withBody(Buffer.alloc(5 * 1024 ** 2)));
  const { send } = await exporterTo(t, backend.endpoint);
  assert.match((await failure(send())).message, /\(RESOURCE_EXHAUSTED\): the answer has more than 4194304 bytes/);
  for (const body of [Buffer.of(0, 0, 0), Buffer.of(0, 0, 0, 0, 9, 1), Buffer.of(1, 0, 0, 0, 1, 8), Buffer.alloc(0)]) {
    backend.reply = withBody(body);
    await send();
  }
});

test("a call that the server did not look at is made again at once; twice is enough", async (t) => {
  const refuse: Reply = (stream) => stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  const backend = await server(t, (stream) => {
    if (backend.calls.length === 1) refuse(stream);
    else ok(stream);
  });
  const { send } = await exporterTo(t, backend.endpoint);
  await send();
  assert.equal(backend.calls.length, 2);
  backend.reply = refuse;
  const error = await failure(send());
  assert.equal(error.retryable, true);
  assert.equal(backend.calls.length, 4);
});

test("a server that says goodbye gets no new call, and those under way end", async (t) => {
  let answer = () => {};
  const backend = await server(t, (stream) => {
    answer = () => ok(stream);
  });
  const { send } = await exporterTo(t, backend.endpoint);
  const underWay = send();
  await eventually("the call under way", () => backend.calls.length === 1);
  const [leaving] = backend.sessions;
  backend.reply = ok;
  leaving.goaway(http2.constants.NGHTTP2_NO_ERROR);
  await attempting("another connection", async () => {
    await send();
    return backend.sessions.size === 2;
  });
  answer();
  await underWay;
  await eventually("the end of the first", () => backend.sessions.size === 1 && !backend.sessions.has(leaving));
});

test("round_robin takes addresses in turn and does without those that are gone; pick_first stays with the first", async (t) => {
  const both = [await server(t, ok), await server(t, ok)];
  const endpoint = `ipv4:${both.map((each) => each.endpoint).join(",")}`;
  const { send } = await exporterTo(t, endpoint);
  await attempting("both connections", async () => {
    await send();
    return both.every(({ sessions }) => sessions.size === 1);
  });
  const counts = () => both.map(({ calls }) => calls.length);
  const before = counts();
  for (let i = 0; i < 10; i++) await send();
  assert.deepEqual(
    counts().map((count, i) => count - before[i]),
    [5, 5],
  );
  both[0].close();
  await eventually("the loss", () => both[0].sessions.size === 0);
  // the loss is heard of a moment later here
  await attempting("deliveries to the other", async () => {
    const failed = await send().then(
      () => false,
      () => true,
    );
    return !failed;
  });
  const left = both[1].calls.length;
  for (let i = 0; i < 4; i++) await send();
  assert.equal(both[1].calls.length, left + 4);

  const two = [await server(t, ok), await server(t, ok)];
  const places = `ipv4:${two.map((each) => each.endpoint).join(",")}`;
  const first = await exporterTo(t, places, { balancer_name: "pick_first" });
  for (let i = 0; i < 4; i++) await first.send();
  assert.deepEqual(
    two.map(({ calls }) => calls.length),
    [4, 0],
  );
  two[0].close();
  await attempting("the second", async () => {
    await first.send().catch(() => {});
    return two[1].calls.length > 0;
  });
});

test("a server behind a socket in the file system", { skip: process.platform === "win32" }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vedette-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "otlp.sock");
  const { calls } = await server(t, ok, { path });
  for (const endpoint of [`unix:${path}`, `unix://${path}`]) await (await exporterTo(t, endpoint)).send();
  assert.deepEqual(
    calls.map(({ headers }) => headers[":authority"]),
    ["localhost", "localhost"],
  );
});

/** Stands before a server, and can fall silent without closing anything. */
async function between(t: TestContext, port: number) {
  const pairs: [net.Socket, net.Socket][] = [];
  const listener = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    pairs.push([near, far]);
    near.pipe(far).pipe(near);
    for (const each of [near, far]) each.on("error", () => {});
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    for (const socket of pairs.flat()) socket.destroy();
    listener.close();
  });
  const address = listener.address() as net.AddressInfo;
  const silence = () => {
    for (const [near, far] of pairs) {
      near.unpipe(far);
      far.unpipe(near);
    }
  };
  return { endpoint: `127.0.0.1:${address.port}`, silence };
}

test("a connection whose pings have no answer is given up, and its calls may be tried again", async (t) => {
  const backend = await server(t, () => {});
  const { endpoint, silence } = await between(t, backend.port);
  const { send } = await exporterTo(t, endpoint, { keepalive: { time: "40ms", timeout: "60ms" } });
  const sending = failure(send());
  await eventually("the call", () => backend.calls.length === 1);
  silence();
  const error = await sending;
  assert.match(error.message, /\(UNAVAILABLE\): a ping had no answer within 60 ms/);
  assert.equal(error.retryable, true);
});

test("after a call on which nothing came back the next one has a new connection", async (t) => {
  const backend = await server(t, ok);
  const { endpoint, silence } = await between(t, backend.port);
  const { exporter, send } = await exporterTo(t, endpoint);
  await send();
  silence();
  const error = await failure(exporter.export(requestOf("logs"), AbortSignal.timeout(100)));
  assert.match(error.message, /^no answer from /);
  await send();
  assert.equal(backend.calls.length, 2);
});

test("a name that does not exist is tried again; the error names the remedy", async (t) => {
  const { send } = await exporterTo(t, "nobody.invalid:4317");
  for (let i = 0; i < 2; i++) {
    const error = await failure(send());
    assert.equal(error.retryable, true);
    assert.match(error.message, /\(UNAVAILABLE\): Name resolution failed: .*; is the host name right\?$/);
  }
});

test("targets in gRPC's notation", async () => {
  const table: [text: string, authority: string | undefined, addresses?: object[]][] = [
    ["dns:localhost:4317", "localhost:4317"],
    ["dns:localhost", "localhost:443"],
    ["dns:///collector:4317", "collector:4317"],
    ["dns://1.1.1.1/collector:4317", "collector:4317"],
    ["dns:[::1]:4317", "[::1]:4317", [{ host: "::1", port: 4317 }]],
    ["dns:127.0.0.1:1", "127.0.0.1:1", [{ host: "127.0.0.1", port: 1 }]],
    [
      "ipv4:127.0.0.1:1,127.0.0.2:2",
      "127.0.0.1:1",
      [
        { host: "127.0.0.1", port: 1 },
        { host: "127.0.0.2", port: 2 },
      ],
    ],
    [
      "ipv6:[::1]:1,[::2]",
      "[::1]:1",
      [
        { host: "::1", port: 1 },
        { host: "::2", port: 443 },
      ],
    ],
    ["unix:otlp.sock", "localhost", [{ path: "otlp.sock" }]],
    ["unix:///run/otlp.sock", "localhost", [{ path: "/run/otlp.sock" }]],
    ["ipv4:collector:4317", undefined],
    ["ipv6:127.0.0.1:4317", undefined],
    ["dns:collector:70000", undefined],
    ["dns:", undefined],
    ["collector:4317", undefined],
  ];
  for (const [text, authority, addresses] of table) {
    const target = targetOf(text);
    assert.equal(target?.authority, authority, text);
    if (addresses) assert.deepEqual(await target!.addresses(), addresses, text);
  }
});
