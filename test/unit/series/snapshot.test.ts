// A snapshot is read back as it was written, or refused with a reason: whatever bit of the file is another.
import assert from "node:assert/strict";
import test from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import type { Processor } from "../../../src/api/index.ts";
import {
  column,
  decodeSnapshot,
  encodeSnapshot,
  keptOf,
  type Snapshot,
  SnapshotError,
  type Stored,
  trailer,
} from "../../../src/series/snapshot.ts";

function fileOf(stored: Stored): Buffer {
  const body = Buffer.concat(encodeSnapshot(stored));
  return Buffer.concat([body, trailer(crc32(body))]);
}

const snapshot: Snapshot = {
  type: "ewma",
  stateVersion: 3,
  takenAt: 1_700_000_000_000,
  signal: "metrics",
  columns: [
    column("series.age", "u32", Uint32Array.of(1, 2, 3)),
    column("state.mean", "f64", Float64Array.of(1.5, -0, Number.NaN)),
    { name: "state.level", type: "u8", width: 5, shared: true, bytes: Uint8Array.of(1, 2, 3, 4, 5) },
    column("state.none", "f32", new Float32Array(0)),
  ],
};

const stored: Stored = { key: "metrics/é: ewma/latency", seed: -7, snapshot };

const plain = ({ key, seed, snapshot: { columns, ...rest } }: Stored) => ({
  key,
  seed,
  ...rest,
  columns: columns.map((each) => ({ ...each, bytes: [...each.bytes] })),
});

test("what is written is read back, wherever in a buffer the file lies", () => {
  const file = fileOf(stored);
  assert.deepEqual(plain(decodeSnapshot(file)), plain(stored));
  const shifted = Buffer.concat([Buffer.of(1), file]).subarray(1);
  assert.deepEqual(plain(decodeSnapshot(shifted)), plain(stored));
});

test("a file of which any byte changed, or that was cut short anywhere, is refused", () => {
  const file = fileOf(stored);
  for (let at = 0; at < file.length; at++) {
    const changed = Buffer.from(file);
    changed[at] ^= 1 << (at % 8);
    assert.throws(() => decodeSnapshot(changed), SnapshotError, `byte ${at}`);
    assert.throws(() => decodeSnapshot(file.subarray(0, at)), SnapshotError, `cut at ${at}`);
  }
});

test("the reason of a refusal tells a newer file from a foreign and a damaged one", () => {
  const file = fileOf(stored);
  const newer = Buffer.from(file);
  newer.writeUInt32LE(2, 8);
  const damaged = Buffer.from(file);
  damaged[file.length - 10] ^= 1;
  assert.throws(() => decodeSnapshot(newer), /is in format 2, written by another version of the agent/);
  assert.throws(() => decodeSnapshot(Buffer.from("a file of somebody else")), /no snapshot of ours/);
  assert.throws(() => decodeSnapshot(damaged), /checksum/);
});

test("bytes with a right checksum are still not trusted", () => {
  const sealed = (body: Uint8Array) => Buffer.concat([body, trailer(crc32(body))]);
  const start = Buffer.concat(encodeSnapshot(stored)).subarray(0, 16);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(200), (rest, length) => {
      start.writeUInt32LE(length, 12);
      assert.throws(() => decodeSnapshot(sealed(Buffer.concat([start, rest]))), SnapshotError);
    }),
  );
  const [first, head, ...columns] = encodeSnapshot(stored);
  const other = Buffer.from(
    Buffer.from(head)
      .toString()
      .replace(/"endianness":"(.)E"/, (_, order) => `"endianness":"${order === "L" ? "B" : "L"}E"`),
  );
  assert.throws(() => decodeSnapshot(sealed(Buffer.concat([first, other, ...columns]))), /order of bytes/);
});

test("a processor with save and load is kept by those bytes, one without them not at all", () => {
  let memory = Buffer.from("learnt");
  const part: Processor<"anomalies"> = {
    process: (data) => data,
    save: () => memory,
    load: (saved) => {
      memory = Buffer.from(saved);
    },
  };
  const kept = keptOf("cooldown", part, () => 5)!;
  const taken = kept.takeSnapshot();
  assert.deepEqual([taken.type, taken.takenAt, taken.signal], ["cooldown", 5, undefined]);
  memory.fill(0);
  kept.restore(taken);
  assert.equal(memory.toString(), "learnt");
  assert.throws(() => kept.restore({ ...taken, type: "drain" }), /is that of drain, not of cooldown/);
  assert.equal(
    keptOf("other", { process: (data) => data }, () => 5),
    undefined,
  );
});
