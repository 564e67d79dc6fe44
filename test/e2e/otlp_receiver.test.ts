// What a sender and an operator rely on: the otlp receiver over real sockets, with an agent that is none.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { after, before, suite, test } from "node:test";
import zlib from "node:zlib";
import grpc from "@grpc/grpc-js";
import oracle from "otlp-oracle/build/src/generated/root.js";
import type { Telemetry } from "vedette";
import { Code, DecodeError, decodeStatus } from "vedette/otlp";
import { fakeHost } from "vedette/testing";
import otlp from "../../plugins/receivers/otlp/index.ts";
import { METHODS, SIGNALS } from "../sinks.ts";
import { call, framed, payload, post, type Running, startReceiver, until, withSession } from "./otlp_clients.ts";

const COMPRESS = { gzip: zlib.gzipSync, zstd: zlib.zstdCompressSync, deflate: zlib.deflateSync };

/** One unary call by the reference implementation. */
function grpcCall(client: grpc.Client, bytes: Buffer, signal: Telemetry = "metrics"): Promise<Buffer> {
  const identity = (buffer: Buffer) => buffer;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(METHODS[signal], identity, identity, bytes, (error, answer) =>
      error ? reject(error) : resolve(answer!),
    );
  });
}

const grpcClient = (to: Running, options: grpc.ClientOptions = {}) =>
  new grpc.Client(to.grpc, grpc.credentials.createInsecure(), { "grpc.max_send_message_length": -1, ...options });

suite("requests that are taken", () => {
  let receiver: Running;
  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver.stop());

  const last = () => receiver.taken.at(-1)!;

  for (const signal of SIGNALS) {
    test(`${signal} posted as protobuf arrive byte for byte`, async () => {
      const bytes = payload(130_000);
      const answer = await post(receiver, bytes, { path: `/v1/${signal}` });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["content-type"], "application/x-protobuf");
      assert.equal(answer.body.length, 0);
      assert.equal(last().signal, signal);
      assert.deepEqual(last().bytes, bytes);
    });

    test(`${signal} sent by a gRPC client arrive byte for byte`, async () => {
      const client = grpcClient(receiver);
      const bytes = payload(130_000, 2);
      assert.equal((await grpcCall(client, bytes, signal)).length, 0);
      assert.equal(last().signal, signal);
      assert.deepEqual(last().bytes, bytes);
      client.close();
    });
  }

  test("a body without Content-Length, in chunks of any size", async () => {
    const bytes = payload(300_000);
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 70_000), bytes.subarray(70_000)];
    assert.equal((await post(receiver, pieces)).status, 200);
    assert.deepEqual(last().bytes, bytes);
  });

  test("a body larger than what is given on trust", async () => {
    const bytes = payload(5_000_000);
    assert.equal((await post(receiver, bytes)).status, 200);
    assert.deepEqual(last().bytes, bytes);
  });

  test("an empty request, which is a valid one", async () => {
    assert.equal((await post(receiver, Buffer.alloc(0))).status, 200);
    assert.equal(last().bytes.length, 0);
    const client = grpcClient(receiver);
    await grpcCall(client, Buffer.alloc(0));
    assert.equal(last().bytes.length, 0);
    client.close();
  });

  test("JSON becomes protobuf, and is answered in JSON", async () => {
    const request = {
      resourceMetrics: [
        { scopeMetrics: [{ metrics: [{ name: "queue.length", gauge: { dataPoints: [{ asDouble: 2.5 }] } }] }] },
      ],
    };
    const answer = await post(receiver, Buffer.from(JSON.stringify(request)), {
      headers: { "content-type": "Application/JSON; charset=utf-8" },
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(answer.body.toString(), "{}");
    const { ExportMetricsServiceRequest } = (oracle as any).opentelemetry.proto.collector.metrics.v1;
    const [metric] = ExportMetricsServiceRequest.decode(last().bytes).resourceMetrics[0].scopeMetrics[0].metrics;
    assert.equal(metric.name, "queue.length");
    assert.equal(metric.gauge.dataPoints[0].asDouble, 2.5);
  });

  for (const [encoding, compress] of Object.entries(COMPRESS)) {
    for (const size of [10, 130_000, 3_000_000]) {
      test(`${size} bytes compressed with ${encoding}, over both protocols`, async () => {
        const bytes = payload(size, size);
        const compressed = compress(bytes);
        assert.equal((await post(receiver, compressed, { headers: { "content-encoding": encoding } })).status, 200);
        assert.deepEqual(last().bytes, bytes);
        receiver.taken.length = 0;
        await withSession(receiver, async (session) => {
          const answer = await call(session, [framed(compressed, 1)], { "grpc-encoding": encoding });
          assert.equal(answer.trailers["grpc-status"], "0");
        });
        assert.deepEqual(last().bytes, bytes);
      });
    }
  }

  test("a gRPC client's own gzip", async () => {
    const client = grpcClient(receiver, { "grpc.default_compression_algorithm": 2 });
    const bytes = payload(130_000, 3);
    await grpcCall(client, bytes);
    assert.deepEqual(last().bytes, bytes);
    client.close();
  });

  test("a gRPC message in DATA frames of one byte each", async () => {
    const bytes = payload(40);
    await withSession(receiver, async (session) => {
      const pieces = [...framed(bytes)].map((byte) => Buffer.of(byte));
      const answer = await call(session, pieces, { "content-type": "application/grpc+proto" });
      assert.equal(answer.headers["content-type"], "application/grpc");
      assert.equal(answer.trailers["grpc-status"], "0");
      assert.deepEqual(answer.body, framed(Buffer.alloc(0)));
    });
    assert.deepEqual(last().bytes, bytes);
  });

  test("a client that waits for 100 Continue", async () => {
    const request = http.request({
      ...receiver.http,
      path: "/v1/logs",
      method: "POST",
      agent: false,
      headers: { "content-type": "application/x-protobuf", "content-length": 4, expect: "100-continue" },
    });
    request.flushHeaders();
    await once(request, "continue");
    request.end("\x0a\x02\x0a\x00");
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    assert.equal(response.statusCode, 200);
    response.resume();
  });

  test("hundreds at once do not mix, and every buffer comes back once", async () => {
    receiver.taken.length = 0;
    receiver.lent.out = receiver.lent.back = 0;
    const client = grpcClient(receiver);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    const sent = Array.from({ length: 300 }, (_, i) => payload(1 + ((i * 7919) % 200_000), i + 1));
    await Promise.all(
      sent.map((bytes, i) => (i % 2 === 0 ? grpcCall(client, bytes) : post(receiver, bytes, { agent }))),
    );
    const order = (a: Buffer, b: Buffer) => Buffer.compare(a, b);
    assert.deepEqual(receiver.taken.map(({ bytes }) => bytes).sort(order), sent.toSorted(order));
    assert.deepEqual(receiver.lent, { out: 300, back: 300 });
    client.close();
    agent.destroy();
  });
});

test("bytes stay as they are until the agent gives them back, whatever arrives meanwhile", async () => {
  const held: { bytes: Uint8Array; release: () => void }[] = [];
  const receiver = await startReceiver({}, (bytes, release) => {
    held.push({ bytes, release });
    return true;
  });
  const sent = Array.from({ length: 20 }, (_, i) => payload(50_000, i + 1));
  for (const bytes of sent) await post(receiver, bytes);
  assert.deepEqual(
    held.map(({ bytes }) => Buffer.from(bytes)),
    sent,
  );
  for (const { release } of held) {
    release();
    release();
  }
  held.length = 0;
  await post(receiver, sent[0]);
  await post(receiver, sent[1]);
  assert.notEqual(held[0].bytes.buffer, held[1].bytes.buffer);
  assert.deepEqual(Buffer.from(held[0].bytes), sent[0]);
  await receiver.stop();
});

suite("what the agent decides", () => {
  const cases: [string, () => boolean | Promise<boolean>, status: number, code: number][] = [
    ["takes it later", async () => true, 200, Code.OK],
    ["is full", () => false, 503, Code.UNAVAILABLE],
    ["finds out later that it is full", async () => false, 503, Code.UNAVAILABLE],
    [
      "finds that it is not OTLP",
      () => {
        throw new DecodeError("length past the end at byte 7", 7);
      },
      400,
      Code.INVALID_ARGUMENT,
    ],
    ["fails", async () => Promise.reject(new Error("secret detail")), 500, Code.INTERNAL],
  ];
  for (const [what, decide, status, code] of cases) {
    test(`the agent ${what}: HTTP ${status}, gRPC ${code}`, async () => {
      const receiver = await startReceiver({}, (_, release) => {
        release();
        return decide();
      });
      const answer = await post(receiver, payload(100));
      assert.equal(answer.status, status);
      const json = await post(receiver, Buffer.from("{}"), { headers: { "content-type": "application/json" } });
      assert.equal(json.status, status);
      const trailers = await withSession(
        receiver,
        async (session) => (await call(session, [framed(payload(9))])).trailers,
      );
      assert.equal(trailers["grpc-status"], String(code));
      if (status === 200) return receiver.stop();

      const told = decodeStatus(answer.body);
      assert.equal(told.code, code);
      assert.equal(JSON.parse(json.body.toString()).message, told.message);
      assert.equal(decodeURIComponent(String(trailers["grpc-message"])), told.message);
      assert.ok(!told.message.includes("secret"));
      const details = trailers["grpc-status-details-bin"];
      if (code === Code.UNAVAILABLE) {
        assert.equal(answer.headers["retry-after"], "1");
        assert.equal(told.retryAfter, 1000);
        assert.equal(decodeStatus(Buffer.from(String(details), "base64")).retryAfter, 1000);
      } else {
        assert.equal(answer.headers["retry-after"], undefined);
        assert.equal(details, undefined);
      }
      await receiver.stop();
    });
  }

  test("what waits for room is bounded too: 503 beyond it, and room again afterwards", async () => {
    const waiting: ((taken: boolean) => void)[] = [];
    const receiver = await startReceiver(
      {
        http: { max_request_body_size: 65_536 },
        grpc: { max_recv_msg_size_mib: 1 / 16 },
        admission: { request_limit_mib: 0.01 },
      },
      () => new Promise((resolve) => waiting.push(resolve)),
    );
    for (let round = 0; round < 3; round++) {
      const answers = Array.from({ length: 4 }, () => post(receiver, payload(60_000)));
      await until(() => waiting.length === 4);
      let refused = false;
      const beyond = post(receiver, payload(60_000)).finally(() => (refused = true));
      await until(() => refused || waiting.length > 4);
      for (const go of waiting.splice(0)) go(true);
      assert.equal((await beyond).status, 503);
      for (const answer of answers) assert.equal((await answer).status, 200);
    }
    await receiver.stop();
  });

  test("a failing agent is logged once a minute, with what was not logged", async () => {
    const receiver = await startReceiver({}, () => {
      throw new Error("out of cheese");
    });
    const errors = () => receiver.logged.filter(({ level }) => level === "error");
    for (let i = 0; i < 5; i++) await post(receiver, payload(10));
    assert.equal(errors().length, 1);
    assert.match(String(errors()[0].fields.error), /out of cheese/);
    receiver.clock += 60_000;
    await post(receiver, payload(10));
    assert.equal(errors()[1].fields.unreported, 4);
    await receiver.stop();
  });

  test("a signal that no pipeline takes does not exist: HTTP 404, gRPC UNIMPLEMENTED", async () => {
    const receiver = await startReceiver({}, undefined, ["traces"]);
    assert.equal((await post(receiver, payload(10), { path: "/v1/traces" })).status, 200);
    const answer = await post(receiver, payload(10), { path: "/v1/metrics" });
    assert.equal(answer.status, 404);
    assert.match(decodeStatus(answer.body).message, /no pipeline of this agent takes metrics/);
    const client = grpcClient(receiver);
    await assert.rejects(grpcCall(client, payload(10)), { code: grpc.status.UNIMPLEMENTED });
    client.close();
    await receiver.stop();
  });
});

suite("start and stop", () => {
  test("stop answers what is in flight, closes idle connections at once, and is safe twice", async () => {
    const waiting: (() => void)[] = [];
    const receiver = await startReceiver({}, (_, release) => {
      release();
      return new Promise((resolve) => waiting.push(() => resolve(true)));
    });
    const { port } = receiver.http;
    const silent = net.connect(port, "127.0.0.1");
    await once(silent, "connect");
    const agent = new http.Agent({ keepAlive: true });
    const client = grpcClient(receiver);
    const answers = Promise.all([post(receiver, payload(10), { agent }), grpcCall(client, payload(10))]);
    await until(() => waiting.length === 2);

    const stopped = receiver.stop();
    await once(silent, "close");
    await assert.rejects(once(net.connect(port, "127.0.0.1"), "connect"), { code: "ECONNREFUSED" });
    for (const proceed of waiting) proceed();
    const [answer] = await answers;
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.connection, "close");
    await stopped;
    await receiver.stop();
    agent.destroy();
    client.close();
  });

  test("stop does not wait for kept-alive connections without a request", async () => {
    const receiver = await startReceiver();
    const agent = new http.Agent({ keepAlive: true });
    const client = grpcClient(receiver);
    await Promise.all([post(receiver, payload(10), { agent }), grpcCall(client, payload(10))]);
    await receiver.stop();
    agent.destroy();
    client.close();
  });

  const host = {
    ...fakeHost("otlp"),
    log: {
      debug() {},
      info: (_: string, fields?: object) => void listening.push(fields as never),
      warn() {},
      error() {},
    },
    now: () => 0,
    random: () => 0,
  };
  const listening: { protocol: string; endpoint: string }[] = [];
  const create = (config: object) => otlp.create(otlp.config.parse(config), host, {});

  test("stop without start does nothing", async () => {
    await create({ protocols: { grpc: null, http: null } }).stop!();
  });

  test("a port in use is said with endpoint, option, cause and remedy, and the other server is closed again", async () => {
    const blocker = net.createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const endpoint = `127.0.0.1:${(blocker.address() as net.AddressInfo).port}`;
    listening.length = 0;
    const receiver = create({ protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint } } });
    await assert.rejects(receiver.start!(), {
      message: `cannot listen on ${endpoint} (protocols.http.endpoint): another program listens there; stop it, or choose another port (EADDRINUSE)`,
    });
    const [bound] = listening;
    assert.equal(bound.protocol, "grpc");
    await assert.rejects(once(net.connect(Number(bound.endpoint.split(":")[1]), "127.0.0.1"), "connect"), {
      code: "ECONNREFUSED",
    });
    blocker.close();
  });

  for (const endpoint of ["localhost:0", "127.0.0.1:0", "[::1]:0", ":0"]) {
    test(`listens on ${endpoint} and logs where that is`, async (t) => {
      listening.length = 0;
      const receiver = create({ protocols: { http: { endpoint } } });
      try {
        await receiver.start!();
      } catch (error) {
        if (endpoint === "[::1]:0") return t.diagnostic(`this machine has no IPv6: ${(error as Error).message}`);
        throw error;
      }
      const [{ endpoint: bound }] = listening;
      const url = `http://${bound.replace("[::]", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")}/`;
      assert.equal((await fetch(url)).status, 404);
      await receiver.stop!();
    });
  }

  for (const endpoint of ["4317", "localhost", "localhost:70000", "::1:4317", "http://localhost:4317", "a b:1", ""]) {
    test(`${JSON.stringify(endpoint)} is refused as an endpoint`, () => {
      assert.ok(!otlp.config.safeParse({ protocols: { grpc: { endpoint } } }).success);
    });
  }

  test("a time that no timer can measure is refused", () => {
    const keepalive = { server_parameters: { time: "1000h" } };
    assert.ok(!otlp.config.safeParse({ protocols: { grpc: { keepalive } } }).success);
    assert.ok(!otlp.config.safeParse({ protocols: { http: { idle_timeout: "30d" } } }).success);
  });

  test("a largest request of nothing, or of more than can be held, is refused", () => {
    for (const max_request_body_size of [0, "2GiB"]) {
      assert.ok(!otlp.config.safeParse({ protocols: { http: { max_request_body_size } } }).success);
    }
  });

  test("a protocol that is absent is not served, and one at least is wanted", async () => {
    for (const config of [{}, { protocols: {} }]) {
      const { error } = otlp.config.safeParse(config);
      assert.match(error!.issues[0].message, /must specify at least one protocol/);
    }
    listening.length = 0;
    const receiver = create({ protocols: { grpc: { endpoint: "127.0.0.1:0" } } });
    await receiver.start!();
    assert.deepEqual(
      listening.map(({ protocol }) => protocol),
      ["grpc"],
    );
    await receiver.stop!();
  });
});

suite("pages in a browser", () => {
  const cors = {
    allowed_origins: ["https://*.example.com"],
    allowed_headers: ["x-tenant"],
    exposed_headers: ["x-id"],
    max_age: 600,
  };
  const preflight = (origin: string) => ({
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "x-tenant" },
  });

  test("an allowed origin may ask, send, and read the answer", async () => {
    const receiver = await startReceiver({ http: { cors } });
    const origin = "https://shop.example.com";
    const { status, headers } = await post(receiver, Buffer.alloc(0), preflight(origin));
    assert.equal(status, 204);
    assert.equal(headers["access-control-allow-origin"], origin);
    assert.match(String(headers["access-control-allow-headers"]), /content-type.*x-tenant/);
    assert.equal(headers["access-control-max-age"], "600");
    const answer = await post(receiver, payload(10), { headers: { origin } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["access-control-allow-origin"], origin);
    assert.equal(answer.headers["access-control-expose-headers"], "x-id");
    const refused = await post(receiver, payload(10), { headers: { origin, "content-type": "text/plain" } });
    assert.equal(refused.headers["access-control-allow-origin"], origin);
    await receiver.stop();
  });

  test("another origin may not, nor any where nothing is configured", async () => {
    for (const options of [{ cors }, {}]) {
      const receiver = await startReceiver({ http: options });
      const origin = "https://shop.example.com.evil.net";
      const { status, headers } = await post(receiver, Buffer.alloc(0), preflight(origin));
      assert.equal(status, 405);
      assert.equal(headers["access-control-allow-origin"], undefined);
      await receiver.stop();
    }
  });
});

test("paths can be chosen", async () => {
  const receiver = await startReceiver({ http: { logs_url_path: "/in/logs" } });
  assert.equal((await post(receiver, payload(10), { path: "/in/logs?source=a" })).status, 200);
  assert.equal((await post(receiver, payload(10), { path: "/v1/logs" })).status, 404);
  await receiver.stop();
});

test("without keep-alives each answer ends its connection", async () => {
  const receiver = await startReceiver({ http: { keep_alives_enabled: false } });
  const agent = new http.Agent({ keepAlive: true });
  assert.equal((await post(receiver, payload(10), { agent })).headers.connection, "close");
  agent.destroy();
  await receiver.stop();
});
