// Buffers for requests: which one is handed out again, and how many are kept.
import assert from "node:assert/strict";
import test from "node:test";
import { BufferPool } from "../../../src/otlp/pool.ts";

test("a buffer given back is the next one of its size, also when given back by a part of it", () => {
  const pool = new BufferPool(1024 ** 2);
  const { buffer, length } = pool.take(5000);
  assert.equal(length, 8192);
  pool.give(Buffer.from(buffer));
  assert.equal(pool.take(8192).buffer, buffer);
  assert.notEqual(pool.take(8192).buffer, buffer);
  pool.give(new Uint8Array(buffer, 10, 20));
  const again = pool.take(4097);
  assert.deepEqual([again.buffer === buffer, again.byteOffset, again.length], [true, 0, 8192]);
});

test("keeps no more than its capacity, and small buffers rather than large ones", () => {
  const pool = new BufferPool(100_000);
  const [small, large, larger] = [pool.take(4096), pool.take(65_536), pool.take(131_072)];
  pool.give(large);
  pool.give(larger);
  assert.notEqual(pool.take(131_072).buffer, larger.buffer);
  const mids = Array.from({ length: 8 }, () => pool.take(8192));
  for (const mid of mids) pool.give(mid);
  pool.give(small);
  assert.equal(pool.take(4096).buffer, small.buffer);
  assert.notEqual(pool.take(65_536).buffer, large.buffer);
  const { buffer } = pool.take(8192);
  assert.ok(mids.some((mid) => mid.buffer === buffer));
});
