// The parts of the otlp receiver that have a rule worth stating without a socket.
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { suite, test } from "node:test";
import zlib from "node:zlib";
import fc from "fast-check";
import { Bodies, Body } from "../../plugins/receivers/otlp/body.ts";
import { corsOptions, crossOrigin } from "../../plugins/receivers/otlp/cors.ts";
import { inflate } from "../../plugins/receivers/otlp/inflate.ts";
import { Message } from "../../plugins/receivers/otlp/message.ts";
import { Refusal } from "../../plugins/receivers/otlp/refusal.ts";

suite("origins that may send", () => {
  const allows = (patterns: string[], origin: string) =>
    crossOrigin(corsOptions.parse({ allowed_origins: patterns }))({ headers: { origin } } as IncomingMessage).length >
    0;

  test("are those that fit a pattern, whatever their case", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 3 }),
        fc.string({ unit: fc.constantFrom("a", "B"), minLength: 1, maxLength: 8 }),
        (patterns, origin) => {
          const fits = patterns.some((pattern) => new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "i").test(origin));
          assert.equal(allows(patterns, origin), fits);
        },
      ),
    );
  });

  test("are told soon, however long an origin and however many stars a pattern has", () => {
    assert.equal(allows(["*a*a*a*a*a*b"], "a".repeat(16_000)), false);
  });
});

test("a body is what was appended, whatever the pieces and the length announced", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 40 });
  fc.assert(
    fc.property(pieces, fc.option(fc.nat(10_000), { nil: undefined }), (parts, announced) => {
      const body = new Body(new Bodies(10_000_000), 1_000_000, announced);
      for (const part of parts) body.append(Buffer.from(part));
      assert.deepEqual(Buffer.from(body.bytes), Buffer.concat(parts));
    }),
  );
});

test("room for bodies is what it was before, whether they are released, handed over, or find none", () => {
  const bodies = new Bodies(256 * 1024);
  for (let i = 0; i < 100; i++) {
    const body = new Body(bodies, 128 * 1024);
    body.append(Buffer.alloc(100_000));
    if (i % 2 === 0) body.handOver()();
    body.release();
    const [one, other] = [new Body(bodies, 128 * 1024, 128 * 1024), new Body(bodies, 128 * 1024, 128 * 1024)];
    assert.throws(() => new Body(bodies, 128 * 1024, 1), Refusal);
    one.release();
    other.release();
  }
  const all = Array.from({ length: 64 }, () => new Body(bodies, 4096, 4096));
  assert.throws(() => new Body(bodies, 4096, 4096), Refusal);
  for (const body of all) body.release();
});

test("thirty bombs at once take the memory of a few", async () => {
  const size = 20 * 1024 ** 2;
  const bomb = zlib.zstdCompressSync(Buffer.alloc(size));
  const { arrayBuffers } = process.memoryUsage();
  const inflated = Array.from({ length: 30 }, () => inflate("zstd", bomb, size).then(({ bytes }) => bytes.length));
  await Promise.race(inflated);
  const taken = process.memoryUsage().arrayBuffers - arrayBuffers;
  assert.ok(taken < 10 * size, `${taken >> 20} MiB`);
  assert.deepEqual(new Set(await Promise.all(inflated)), new Set([size]));
});

test("a gRPC message is read alike however it is cut up", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(305), { maxLength: 12 }), (content, cuts) => {
      const frame = Buffer.alloc(5 + content.length);
      frame.writeUInt32BE(content.length, 1);
      frame.set(content, 5);
      const message = new Message(new Bodies(1024 ** 2), 1000);
      const at = [0, ...cuts.map((cut) => Math.min(cut, frame.length)).sort((a, b) => a - b), frame.length];
      for (let i = 1; i < at.length; i++) message.append(frame.subarray(at[i - 1], at[i]));
      const { body, encoding } = message.finish("gzip");
      assert.deepEqual(Buffer.from(body.bytes), Buffer.from(content));
      assert.equal(encoding, "identity");
    }),
  );
});
