// What a broken or hostile sender gets from the otlp receiver, and that nobody else notices.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { after, afterEach, before, suite, test } from "node:test";
import zlib from "node:zlib";
import grpc from "@grpc/grpc-js";
import { Code, decodeStatus } from "vedette/otlp";
import { Crowd } from "../../plugins/receivers/otlp/crowd.ts";
import { METHODS } from "../sinks.ts";
import {
  call,
  framed,
  grpcPort,
  payload,
  post,
  type Running,
  raw,
  startReceiver,
  until,
  withSession,
} from "./otlp_clients.ts";

const LIMIT = 64 * 1024;
const TIMEOUT = "300ms";

/** Room for four requests of the largest size at once, so that a leak of one shows. */
const tight = () =>
  startReceiver({
    grpc: { max_recv_msg_size_mib: LIMIT / 1024 ** 2, read_timeout: TIMEOUT },
    http: { max_request_body_size: LIMIT, read_header_timeout: TIMEOUT, read_timeout: TIMEOUT },
    admission: { request_limit_mib: 0.001 },
  });

/** A request that has room reserved for it and sends no byte of its body; undefined when there was none. */
async function reserved(receiver: Running): Promise<http.ClientRequest | undefined> {
  const request = http.request({
    ...receiver.http,
    path: "/v1/metrics",
    method: "POST",
    agent: false,
    headers: { "content-type": "application/x-protobuf", "content-length": LIMIT, expect: "100-continue" },
  });
  request.on("error", () => {});
  request.flushHeaders();
  const proceeds = await new Promise<boolean>((resolve) => {
    request.once("continue", () => resolve(true));
    request.once("response", (response) => resolve(response.statusCode !== 503));
  });
  if (proceeds) return request;
  request.destroy();
  return undefined;
}

async function assertNothingHeld(receiver: Running): Promise<void> {
  const requests = [];
  for (let i = 0; i < 4; i++) requests.push(await reserved(receiver));
  assert.ok(
    requests.every((request) => request),
    "room is still taken by requests that are over",
  );
  assert.equal(await reserved(receiver), undefined);
  for (const request of requests) request!.destroy();
}

const zeros = Buffer.alloc(20 * 1024 ** 2);
const gzip = zlib.gzipSync(payload(5000));
const flipped = Buffer.from(gzip);
flipped[flipped.length >> 1] ^= 0xff;
/** A sound zstd frame of three bytes that asks for a window of 128 MiB. */
const hugeWindow = Buffer.from("28b52ffd0088190000616263", "hex");

suite("HTTP requests, one by one", () => {
  let receiver: Running;
  before(async () => {
    receiver = await tight();
  });
  afterEach(() => assert.equal(receiver.taken.splice(0).length, 0));
  after(async () => {
    await assertNothingHeld(receiver);
    receiver.taken.length = 0;
    await post(receiver, payload(100));
    assert.equal(receiver.taken.length, 1);
    await receiver.stop();
    receiver.taken.length = 0;
  });

  const json = { "content-type": "application/json" };
  const cases: [what: string, body: Uint8Array | Uint8Array[], options: Parameters<typeof post>[2], status: number][] =
    [
      ["one byte over the limit", payload(LIMIT + 1), {}, 413],
      ["chunks that add up to more than the limit", [payload(LIMIT), payload(1)], {}, 413],
      ["megabytes over the limit", zeros, {}, 413],
      ["a gzip bomb", zlib.gzipSync(zeros), { headers: { "content-encoding": "gzip" } }, 413],
      ["a zstd bomb", zlib.zstdCompressSync(zeros), { headers: { "content-encoding": "zstd" } }, 413],
      ["a deflate bomb", zlib.deflateSync(zeros), { headers: { "content-encoding": "deflate" } }, 413],
      [
        "gzip of gzip, once declared, over the limit",
        payload(LIMIT + 9),
        { headers: { "content-encoding": "gzip" } },
        413,
      ],
      ["what is not gzip", payload(100), { headers: { "content-encoding": "gzip" } }, 400],
      ["gzip cut short", gzip.subarray(0, -9), { headers: { "content-encoding": "gzip" } }, 400],
      ["gzip with a flipped byte", flipped, { headers: { "content-encoding": "gzip" } }, 400],
      ["nothing, said to be gzip", Buffer.alloc(0), { headers: { "content-encoding": "gzip" } }, 400],
      [
        "zstd cut short",
        zlib.zstdCompressSync(payload(5000)).subarray(0, -9),
        { headers: { "content-encoding": "zstd" } },
        400,
      ],
      ["zstd with a window of 128 MiB", hugeWindow, { headers: { "content-encoding": "zstd" } }, 400],
      ["raw deflate", zlib.deflateRawSync(payload(5000)), { headers: { "content-encoding": "deflate" } }, 400],
      ["an unknown compression", payload(10), { headers: { "content-encoding": "br" } }, 415],
      ["two compressions", gzip, { headers: { "content-encoding": "gzip, gzip" } }, 415],
      ["an unknown content type", payload(10), { headers: { "content-type": "text/plain" } }, 415],
      ["a content type that only begins well", payload(10), { headers: { "content-type": "application/jsonl" } }, 415],
      ["GET", Buffer.alloc(0), { method: "GET" }, 405],
      ["PUT", payload(10), { method: "PUT" }, 405],
      ["an unknown path", payload(10), { path: "/v1/profiles" }, 404],
      ["a path that only begins well", payload(10), { path: "/v1/metrics/" }, 404],
      ["a path full of percent signs", payload(10), { path: "/%%%/..%2f" }, 404],
      ["JSON cut short", Buffer.from('{"resourceMetrics":['), { headers: json }, 400],
      ["JSON of the wrong shape", Buffer.from('{"resourceMetrics":7}'), { headers: json }, 400],
      ["JSON a thousand levels deep", Buffer.from("[".repeat(1000)), { headers: json }, 400],
      ["protobuf said to be JSON", payload(100), { headers: json }, 400],
      ["an expectation nobody can meet", payload(10), { headers: { expect: "a-miracle" } }, 417],
    ];
  for (const [what, body, options, status] of cases) {
    test(`${what}: ${status}`, async () => {
      const answer = await post(receiver, body, options);
      assert.equal(answer.status, status);
      if (status === 405) assert.equal(answer.headers.allow, "POST");
      if (status === 417) return;
      const type = String(options?.headers?.["content-type"] ?? "application/x-protobuf");
      if (type === "application/json") assert.ok(JSON.parse(answer.body.toString()).message);
      else if (type === "application/x-protobuf") assert.ok(decodeStatus(answer.body).message);
      else assert.match(String(answer.headers["content-type"]), /^text\/plain/);
    });
  }

  const head = "POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n";
  const sockets: [what: string, bytes: string, answer: RegExp][] = [
    ["garbage", "\x16\x03\x01\x02\x00\x01\x00\xff\xff\r\n\r\n", /^HTTP\/1\.1 400/],
    ["a request line that never ends", `POST /${"a".repeat(40_000)}`, /^HTTP\/1\.1 431/],
    ["a flood of headers", `${head}${"X-A: 1234567890\r\n".repeat(2000)}\r\n`, /^HTTP\/1\.1 431/],
    ["headers that never end", head, /^HTTP\/1\.1 408/],
    ["silence", "", /^(HTTP\/1\.1 408|$)/],
    ["a body that never comes", `${head}Content-Length: 10\r\n\r\nabc`, /^HTTP\/1\.1 408/],
    ["an announced gigabyte", `${head}Content-Length: 1000000000\r\n\r\nabc`, /^HTTP\/1\.1 413/],
    ["a length that is no number", `${head}Content-Length: ten\r\n\r\n`, /^HTTP\/1\.1 400/],
    ["two lengths", `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, /^HTTP\/1\.1 400/],
    [
      "a length and chunks",
      `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400/,
    ],
    ["a chunk of the wrong size", `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n`, /^HTTP\/1\.1 400/],
    ["a chunk size that is none", `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /^HTTP\/1\.1 400/],
  ];
  for (const [what, bytes, answer] of sockets) {
    test(`${what}: ${answer.source}, and the connection ends`, async () => {
      assert.match(await raw(receiver.http.port, Buffer.from(bytes, "latin1")), answer);
    });
  }

  test("a sender that hangs up within the body: nothing is taken", async () => {
    for (let i = 0; i < 20; i++) {
      const request = await reserved(receiver);
      request!.write(payload(1000));
      request!.destroy();
    }
  });

  test("more at once than there is room for: 503 before the body, and room again afterwards", async () => {
    await assertNothingHeld(receiver);
    let again: http.ClientRequest | undefined;
    while (!again) again = await reserved(receiver);
    again.destroy();
  });
});

test("a bomb is stopped at a limit of megabytes too, and when it lies about its size", async () => {
  const receiver = await startReceiver({ http: { max_request_body_size: "1MiB" }, grpc: { max_recv_msg_size_mib: 1 } });
  const liar = Buffer.concat([zlib.gzipSync(zeros), zlib.gzipSync(Buffer.of(0))]);
  const bombs: [string, Buffer][] = [
    ["gzip", zlib.gzipSync(zeros)],
    ["gzip", liar],
    ["zstd", zlib.zstdCompressSync(zeros)],
    ["deflate", zlib.deflateSync(zeros)],
  ];
  await withSession(receiver, async (session) => {
    for (const [encoding, bomb] of bombs) {
      assert.equal((await post(receiver, bomb, { headers: { "content-encoding": encoding } })).status, 413);
      const { trailers } = await call(session, [framed(bomb, 1)], { "grpc-encoding": encoding });
      assert.equal(trailers["grpc-status"], String(Code.RESOURCE_EXHAUSTED));
    }
  });
  assert.deepEqual(receiver.taken, []);
  await receiver.stop();
});

test("a sender that is refused and goes on sending is cut, long before its time is up", async () => {
  const receiver = await startReceiver();
  const head = "POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";
  assert.match(await raw(receiver.http.port, Buffer.from(head)), /^HTTP\/1\.1 415/);
  await withSession(receiver, async (session) => {
    const stream = session.request({ ":method": "POST", ":path": "/nowhere", "content-type": "application/grpc" });
    stream.on("error", () => {});
    stream.write(payload(100));
    stream.resume();
    const [headers] = await once(stream, "response");
    assert.equal(headers["grpc-status"], String(Code.UNIMPLEMENTED));
    if (!stream.closed) await once(stream, "close");
  });
  await receiver.stop();
});

suite("gRPC calls, one by one", () => {
  let receiver: Running;
  before(async () => {
    receiver = await tight();
  });
  afterEach(() => assert.equal(receiver.taken.splice(0).length, 0));
  after(async () => {
    await assertNothingHeld(receiver);
    await receiver.stop();
  });

  const bomb = framed(zlib.gzipSync(zeros), 1);
  const cases: [what: string, pieces: Uint8Array[], headers: http2.OutgoingHttpHeaders, code: number][] = [
    ["no message", [], {}, Code.INTERNAL],
    ["half a prefix", [Buffer.alloc(3)], {}, Code.INTERNAL],
    ["a prefix alone", [framed(Buffer.alloc(0), 0, 10)], {}, Code.INTERNAL],
    ["a message cut short", [framed(payload(10), 0, 11)], {}, Code.INTERNAL],
    ["a message longer than it says", [framed(payload(10), 0, 9)], {}, Code.INTERNAL],
    ["two messages", [framed(payload(10)), framed(payload(10))], {}, Code.INTERNAL],
    ["a flag that is none", [framed(payload(10), 2)], {}, Code.INTERNAL],
    ["compressed, and nobody says how", [framed(gzip, 1)], {}, Code.INTERNAL],
    ["broken gzip", [framed(payload(10), 1)], { "grpc-encoding": "gzip" }, Code.INVALID_ARGUMENT],
    ["gzip cut short", [framed(gzip.subarray(0, -9), 1)], { "grpc-encoding": "gzip" }, Code.INVALID_ARGUMENT],
    ["a gzip bomb", [bomb], { "grpc-encoding": "gzip" }, Code.RESOURCE_EXHAUSTED],
    ["one byte over the limit", [framed(payload(LIMIT + 1))], {}, Code.RESOURCE_EXHAUSTED],
    ["megabytes over the limit", [framed(zeros)], {}, Code.RESOURCE_EXHAUSTED],
    ["an announced 4 GiB", [framed(payload(10), 0, 0xffffffff)], {}, Code.RESOURCE_EXHAUSTED],
    ["an unknown compression", [framed(payload(10), 1)], { "grpc-encoding": "snappy" }, Code.UNIMPLEMENTED],
    ["an unknown method", [framed(payload(10))], { ":path": "/grpc.health.v1.Health/Check" }, Code.UNIMPLEMENTED],
    ["a path full of percent signs", [framed(payload(10))], { ":path": "/%%%<%zz>" }, Code.UNIMPLEMENTED],
  ];
  for (const [what, pieces, headers, code] of cases) {
    test(`${what}: gRPC status ${code}, and the connection goes on`, async () => {
      await withSession(receiver, async (session) => {
        const answer = await call(session, pieces, headers);
        assert.equal(answer.headers[":status"], 200);
        assert.equal(answer.trailers["grpc-status"], String(code));
        assert.match(String(answer.trailers["grpc-message"]), /^[ -~]+$/);
        assert.equal(answer.body.length, 0);
        if (headers["grpc-encoding"] === "snappy") {
          assert.equal(answer.trailers["grpc-accept-encoding"], "identity,gzip,zstd,deflate,zlib");
        }
        assert.equal((await call(session, [framed(payload(1000))])).trailers["grpc-status"], "0");
      });
      assert.equal(receiver.taken.length, 1);
      receiver.taken.length = 0;
    });
  }

  test("what is no gRPC call gets an HTTP status", async () => {
    await withSession(receiver, async (session) => {
      const typed = await call(session, [framed(payload(10))], { "content-type": "application/json" });
      assert.equal(typed.headers[":status"], 415);
      const got = await call(session, [], { ":method": "GET" });
      assert.equal(got.headers[":status"], 405);
    });
  });

  test("a hundred oversized calls do not use up the connection", async () => {
    await withSession(receiver, async (session) => {
      for (let i = 0; i < 100; i++) {
        const answer = await call(session, [framed(payload(LIMIT * 2))]);
        assert.equal(answer.trailers["grpc-status"], String(Code.RESOURCE_EXHAUSTED));
      }
      assert.equal((await call(session, [framed(payload(1000))])).trailers["grpc-status"], "0");
    });
    receiver.taken.length = 0;
  });

  test("oversized calls among as many as the connection may have cost no other call", async () => {
    const crowded = await startReceiver({ grpc: { max_recv_msg_size_mib: 1, max_concurrent_streams: 10 } });
    const client = new grpc.Client(crowded.grpc, grpc.credentials.createInsecure());
    const identity = (bytes: Buffer) => bytes;
    const send = (bytes: Buffer) =>
      new Promise<number>((resolve) => {
        client.makeUnaryRequest(METHODS.metrics, identity, identity, bytes, (error) => resolve(error?.code ?? 0));
      });
    await send(payload(10));
    const sizes = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 2 * 1024 ** 2 : 10_000));
    const codes = await Promise.all(sizes.map((size) => send(Buffer.alloc(size))));
    assert.deepEqual(
      codes,
      sizes.map((size) => (size > 10_000 ? Code.RESOURCE_EXHAUSTED : Code.OK)),
    );
    client.close();
    await crowded.stop();
  });

  test("calls cancelled within their message, again and again: nothing is taken", async () => {
    await withSession(receiver, async (session) => {
      for (let i = 0; i < 300; i++) {
        const stream = session.request({
          ":method": "POST",
          ":path": METHODS.metrics,
          "content-type": "application/grpc",
        });
        stream.on("error", () => {});
        stream.write(framed(payload(100), 0, 1000));
        await new Promise((resolve) => setImmediate(resolve));
        stream.close(http2.constants.NGHTTP2_CANCEL);
        await new Promise((resolve) => stream.once("close", resolve));
      }
    });
  });

  test("a message that never ends is cut after read_timeout", async () => {
    await withSession(receiver, async (session) => {
      const stream = session.request({
        ":method": "POST",
        ":path": METHODS.metrics,
        "content-type": "application/grpc",
      });
      stream.on("error", () => {});
      stream.write(framed(payload(100), 0, 1000));
      await new Promise((resolve) => stream.once("close", resolve));
      assert.equal(stream.rstCode, http2.constants.NGHTTP2_CANCEL);
    });
  });

  test("a flood of headers costs the call, not the server", async () => {
    await withSession(receiver, async (session) => {
      const flood = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, "a".repeat(1000)]));
      const answer = await call(session, [framed(payload(10))], flood);
      assert.notEqual(answer.trailers["grpc-status"], "0");
    });
  });

  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const settings = Buffer.from("000000040000000000", "hex");
  const sockets: [what: string, bytes: Buffer][] = [
    ["silence", Buffer.alloc(0)],
    ["half a preface", preface.subarray(0, 10)],
    ["HTTP/1.1", Buffer.from("POST / HTTP/1.1\r\nHost: a\r\n\r\n")],
    ["garbage", payload(5000)],
    [
      "settings of a length that can not be",
      Buffer.concat([preface, Buffer.from("00000504000000000000000000ff", "hex")]),
    ],
    ["data on stream 0", Buffer.concat([preface, settings, Buffer.from("00000100000000000000", "hex")])],
    ["a frame of 16 MB", Buffer.concat([preface, settings, Buffer.from("ffffff000000000001", "hex")])],
    ["headers that are no HPACK", Buffer.concat([preface, settings, Buffer.from("000004010500000001ffffffff", "hex")])],
  ];
  for (const [what, bytes] of sockets) {
    test(`${what}: the connection ends`, async () => {
      await raw(grpcPort(receiver), bytes);
    });
  }
});

suite("HTTP/2 connections", () => {
  const session = async (parameters: object) => {
    const receiver = await startReceiver({ grpc: { keepalive: { server_parameters: parameters } } });
    const connection = http2.connect(`http://${receiver.grpc}`);
    connection.on("error", () => {});
    return { receiver, connection };
  };

  test("one without calls is closed after max_connection_idle", async () => {
    const { receiver, connection } = await session({ max_connection_idle: "100ms" });
    assert.equal((await call(connection, [framed(payload(10))])).trailers["grpc-status"], "0");
    await once(connection, "close");
    await receiver.stop();
  });

  test("an old one is told to go away after max_connection_age", async () => {
    const { receiver, connection } = await session({ max_connection_age: "100ms" });
    await once(connection, "goaway");
    await receiver.stop();
  });

  test("beyond the limit the one without calls for longest gives way to a new one", async (t) => {
    const crowd = new Crowd(2);
    const server = http2.createServer().on("session", (session) => crowd.add(session));
    server.on("stream", (stream, headers) => {
      (stream as http2.ServerHttp2Stream).respond({}, { endStream: headers[":path"] === "/quick" });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    const connect = async (path?: string) => {
      const session = http2.connect(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
      t.after(() => session.destroy());
      await once(session, "remoteSettings");
      if (path) {
        const call = session.request({ ":path": path });
        call.on("error", () => {}).resume();
        await once(call, path === "/quick" ? "close" : "response");
      }
      return session;
    };
    const busy = await connect("/endless");
    const first = await connect();
    const gone = once(first, "close");
    const quick = await connect("/quick");
    await gone;
    const quickGone = once(quick, "close");
    const last = await connect();
    await quickGone;
    assert.deepEqual([busy.closed, last.closed], [false, false]);
  });

  test("one that does not answer pings is cut", async () => {
    const { receiver, connection } = await session({ time: "50ms", timeout: "50ms" });
    const deaf = net.connect(grpcPort(receiver), "127.0.0.1");
    deaf.resume();
    deaf.write(Buffer.from("505249202a20485454502f322e300d0a0d0a534d0d0a0d0a000000040000000000", "hex"));
    await once(deaf, "close");
    assert.ok(!connection.closed);
    connection.close();
    await receiver.stop();
  });

  test("more calls at once than max_concurrent_streams wait their turn", async () => {
    let most = 0;
    const waiting: (() => void)[] = [];
    const receiver = await startReceiver({ grpc: { max_concurrent_streams: 3 } }, (_, release) => {
      release();
      most = Math.max(most, waiting.length + 1);
      return new Promise((resolve) => waiting.push(() => resolve(true)));
    });
    await withSession(receiver, async (connection) => {
      await once(connection, "remoteSettings");
      const answers = Array.from({ length: 9 }, () => call(connection, [framed(payload(10))]));
      for (let answered = 0; answered < 9; answered++) {
        await until(() => waiting.length > 0);
        waiting.shift()!();
      }
      for (const { trailers } of await Promise.all(answers)) assert.equal(trailers["grpc-status"], "0");
    });
    assert.ok(most <= 3, `${most} at once`);
    await receiver.stop();
  });
});
