// Smaller options and manners of the otlp receiver that a Collector user or a gRPC client relies on.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import otlp from "../../plugins/receivers/otlp/index.ts";
import { requestOf } from "../exporting.ts";
import { call, framed, post, raw, startReceiver, withSession } from "./otlp_clients.ts";

const BODY = Buffer.from(requestOf("metrics").bytes);

describe("otlp receiver over HTTP", () => {
  test("serves a request that names the whole URL, as a proxy's client does", async () => {
    const receiver = await startReceiver();
    for (const path of ["http://agent.example:4318/v1/metrics", "http://agent.example/v1/metrics?x=1"]) {
      assert.equal((await post(receiver, BODY, { path })).status, 200);
    }
    assert.equal((await post(receiver, BODY, { path: "http://agent.example" })).status, 404);
    await receiver.stop();
  });

  test("adds response_headers to every answer", async () => {
    const receiver = await startReceiver({ http: { response_headers: { "x-served-by": "edge-1" } } });
    assert.equal((await post(receiver, BODY)).headers["x-served-by"], "edge-1");
    assert.equal((await post(receiver, BODY, { path: "/nowhere" })).headers["x-served-by"], "edge-1");
    await receiver.stop();
    const broken = { protocols: { http: { response_headers: { "content-length": "5" } } } };
    assert.match(otlp.config.safeParse(broken).error!.message, /the server sets this header itself/);
  });

  test("takes only the compressions of compression_algorithms", async () => {
    const receiver = await startReceiver({ http: { compression_algorithms: ["gzip"] } });
    const gzip = await post(receiver, gzipSync(BODY), { headers: { "content-encoding": "gzip" } });
    assert.deepEqual([gzip.status, (await post(receiver, BODY)).status], [200, 415]);
    await receiver.stop();
  });

  test("tells what is no HTTP so, counts it, and closes", async () => {
    const reasons: unknown[] = [];
    const meter = { createCounter: () => ({ add: (_: number, { reason }: any) => reasons.push(reason) }) } as any;
    const receiver = await startReceiver({ http: { read_header_timeout: "50ms" }, host: { meter } });
    assert.match(await raw(receiver.http.port, "rubbish\r\n\r\n"), /^HTTP\/1\.1 400 /);
    assert.match(
      await raw(receiver.http.port, `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    assert.match(await raw(receiver.http.port, "POST /v1/metrics HT"), /^HTTP\/1\.1 408 /);
    assert.deepEqual(reasons, ["malformed", "too_large", "timeout"]);
    await receiver.stop();
  });
});

describe("otlp receiver over gRPC", () => {
  test("gives a call up at its grpc-timeout while it waits for room", async () => {
    const { promise: room, resolve } = Promise.withResolvers<boolean>();
    const receiver = await startReceiver({}, () => room);
    await withSession(receiver, async (session) => {
      const { trailers } = await call(session, [framed(BODY)], { "grpc-timeout": "50m" });
      assert.equal(trailers["grpc-status"], "4");
    });
    resolve(true);
    await receiver.stop();
  });

  test("answers in time what has a grpc-timeout, and refuses an illegible one", async () => {
    const receiver = await startReceiver();
    await withSession(receiver, async (session) => {
      const status = async (timeout: string) =>
        (await call(session, [framed(BODY)], { "grpc-timeout": timeout })).trailers["grpc-status"];
      assert.deepEqual([await status("10S"), await status("99999999H"), await status("soon")], ["0", "0", "13"]);
    });
    assert.equal(receiver.taken.length, 2);
    await receiver.stop();
  });

  test("sends away who pings too often, but not who also calls", async () => {
    const receiver = await startReceiver();
    await withSession(receiver, async (session) => {
      const ping = () => new Promise((resolve) => session.ping(resolve));
      for (let i = 0; i < 6; i++) {
        await ping();
        assert.equal((await call(session, [framed(BODY)])).trailers["grpc-status"], "0");
      }
      const sentAway = new Promise<[number, string]>((resolve) => {
        session.once("goaway", (code, _, reason) => resolve([code, String(reason)]));
      });
      for (let i = 0; i < 4; i++) session.ping(() => {});
      assert.deepEqual(await sentAway, [11, "too_many_pings"]);
    });
    await receiver.stop();
  });

  test("bears as many pings as its enforcement_policy allows", async () => {
    const enforcement_policy = { min_time: "0", permit_without_stream: true };
    const receiver = await startReceiver({ grpc: { keepalive: { enforcement_policy } } });
    await withSession(receiver, async (session) => {
      for (let i = 0; i < 10; i++) await new Promise((resolve) => session.ping(resolve));
      assert.equal((await call(session, [framed(BODY)])).trailers["grpc-status"], "0");
    });
    await receiver.stop();
  });
});

test("options of the Collector that change nothing here are accepted", () => {
  const { error } = otlp.config.safeParse({
    protocols: {
      grpc: { transport: "tcp", include_metadata: true, read_buffer_size: 524288, write_buffer_size: "32KiB" },
      http: { transport: "tcp", include_metadata: true, max_request_body_size: 10485760 },
    },
  });
  assert.equal(error?.message, undefined);
});
