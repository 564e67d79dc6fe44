// What came compressed goes on as it came, where the next hop takes that compression and nothing was changed.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import zlib from "node:zlib";
import { eventually, startAgent } from "../agent.ts";
import { gauge } from "../requests.ts";
import { httpSink, type Sink } from "../sinks.ts";
import { call, framed, withSession } from "./otlp_clients.ts";

const BYTES = gauge("checkout", "n", [{ time: 1_795_000_000_000, value: 7 }]);
/** Nothing that compresses by itself writes it like this: to be told from what the exporter would write. */
const STORED = zlib.gzipSync(BYTES, { level: 0 });

async function between(t: TestContext, sink: Sink, options: string, processors = "[]") {
  return startAgent(
    t,
    `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}, grpc: {endpoint: "127.0.0.1:0"}}}}
processors: {threshold: {upper: 5, warmup: 0}, batch: {timeout: 50ms}, memory_limiter: {limit_mib: 4000}}
exporters: {otlp_http: {endpoint: "http://${sink.endpoint}", ${options}}, debug: {}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: ${processors}, exporters: [otlp_http]}
    anomalies: {exporters: [debug]}
`,
  );
}

async function post(endpoint: string, encoding: string, body: Uint8Array, type = "application/x-protobuf") {
  const headers = { "content-type": type, "content-encoding": encoding };
  return (await fetch(`http://${endpoint}/v1/metrics`, { method: "POST", headers, body: Buffer.from(body) })).status;
}

/** How it went out: its encoding, and whether as many bytes as came in. */
async function sent(sink: Sink, body: Uint8Array) {
  await eventually("the request to be forwarded", () => sink.received.length > 0);
  const { headers, bytes } = sink.received.splice(0)[0];
  return {
    encoding: headers["content-encoding"],
    asItCame: headers["content-length"] === String(body.length),
    same: Buffer.compare(bytes, BYTES) === 0,
  };
}

const AS_IT_CAME = { encoding: "gzip", asItCame: true, same: true };
const ANEW = { encoding: "gzip", asItCame: false, same: true };

test("gzip goes on byte for byte, also through processors that look at nothing", async (t) => {
  const sink = await httpSink(t);
  const agent = await between(t, sink, "compression: gzip", "[memory_limiter, batch]");
  assert.equal(await post(agent.at("otlp", "http"), "gzip", STORED), 200);
  assert.deepEqual(await sent(sink, STORED), AS_IT_CAME);
});

test("so does what came over gRPC, and what a detector read", async (t) => {
  const sink = await httpSink(t);
  const agent = await between(t, sink, "compression: gzip", "[threshold]");
  const quiet = gauge("checkout", "n", [{ time: 1_795_000_000_000, value: 1 }]);
  const stored = zlib.gzipSync(quiet, { level: 0 });
  await withSession({ grpc: agent.at("otlp", "grpc") }, (session) =>
    call(session, [framed(stored, 1)], { "grpc-encoding": "gzip" }),
  );
  const { encoding, asItCame } = await sent(sink, stored);
  assert.deepEqual({ encoding, asItCame }, { encoding: "gzip", asItCame: true });
});

test("what was annotated is compressed anew, and what came otherwise", async (t) => {
  const sink = await httpSink(t);
  const agent = await between(t, sink, "compression: gzip", "[threshold]");
  assert.equal(await post(agent.at("otlp", "http"), "gzip", STORED), 200);
  assert.deepEqual(await sent(sink, STORED), { encoding: "gzip", asItCame: false, same: false });
});

test("another encoding, another level or JSON is compressed anew", async (t) => {
  const sink = await httpSink(t);
  const plain = await between(t, sink, "compression: gzip");
  const zstd = zlib.zstdCompressSync(BYTES);
  assert.equal(await post(plain.at("otlp", "http"), "zstd", zstd), 200);
  assert.deepEqual(await sent(sink, zstd), ANEW);
  const leveled = await between(t, sink, "compression: gzip, compression_params: {level: 9}");
  assert.equal(await post(leveled.at("otlp", "http"), "gzip", STORED), 200);
  assert.deepEqual(await sent(sink, STORED), ANEW);
  const json = await between(t, sink, "compression: gzip, encoding: json");
  assert.equal(await post(json.at("otlp", "http"), "gzip", STORED), 200);
  await eventually("the request to be forwarded", () => sink.received.length > 0);
  assert.equal(sink.received[0].headers["content-type"], "application/json");
});

test("two streams one after the other, or bytes behind one, are not handed on to readers that take the first alone", async (t) => {
  const sink = await httpSink(t);
  const gzip = await between(t, sink, "compression: gzip");
  const half = BYTES.length >> 1;
  const parts = [BYTES.subarray(0, half), BYTES.subarray(half)].map((part) => zlib.gzipSync(part, { level: 0 }));
  for (const body of [Buffer.concat(parts), Buffer.concat([STORED, Buffer.alloc(9)])]) {
    assert.equal(await post(gzip.at("otlp", "http"), "gzip", body), 200);
    assert.deepEqual(await sent(sink, body), ANEW);
  }
});

test("zstd goes on byte for byte", async (t) => {
  const sink = await httpSink(t);
  const agent = await between(t, sink, "compression: zstd");
  const stored = zlib.zstdCompressSync(BYTES, {
    params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 },
  });
  assert.equal(await post(agent.at("otlp", "http"), "zstd", stored), 200);
  assert.deepEqual(await sent(sink, stored), { encoding: "zstd", asItCame: true, same: true });
});
