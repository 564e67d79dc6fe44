// A snapshot is read back as it was written, or refused with a reason: whatever bit of the file is another.
import assert from "node:assert/strict";
import test from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import type { Processor } from "../../../src/api/index.ts";
import {
  column,
  copiedSnapshot,
  keptOf,
  type LiveSnapshot,
  type Snapshot,
  SnapshotError,
  sizeOf,
} from "../../../src/series/snapshot.ts";
import { decodeSnapshot, encodeSnapshot, type Piece, type Stored } from "../../../src/series/snapshot_file.ts";

/** As a disk would hold it: what was never written is zero. */
function assembled(pieces: Iterable<Piece>): Buffer {
  let file = Buffer.alloc(0);
  for (const { at, bytes } of pieces) {
    if (at + bytes.length > file.length) file = Buffer.concat([file, Buffer.alloc(at + bytes.length - file.length)]);
    file.set(bytes, at);
  }
  return file;
}

const fileOf = (stored: Stored<Snapshot | LiveSnapshot>) => assembled(encodeSnapshot(stored));

/** Reads it from one buffer that is used again for each part, as a file is read. */
function decoded(file: Uint8Array): Stored {
  const room = new Uint8Array(file.length);
  const read = (at: number, length: number) => {
    room.set(file.subarray(at, at + length));
    return room.subarray(0, length);
  };
  return decodeSnapshot({ length: file.length, read });
}

/** With a right checksum. */
function sealed(body: Uint8Array): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(crc32(body));
  return Buffer.concat([body, crc]);
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
  columns: columns.map(({ name, type, width, shared, bytes }) => ({ name, type, width, shared, bytes: [...bytes] })),
});

test("what is written is read back, wherever in a buffer the file lies", () => {
  const file = fileOf(stored);
  assert.deepEqual(plain(decoded(file)), plain(stored));
  const shifted = Buffer.concat([Buffer.of(1), file]).subarray(1);
  assert.deepEqual(plain(decoded(shifted)), plain(stored));
});

test("a file of which any byte changed, or that was cut short anywhere, is refused", () => {
  const file = fileOf(stored);
  for (let at = 0; at < file.length; at++) {
    const changed = Buffer.from(file);
    changed[at] ^= 1 << (at % 8);
    assert.throws(() => decoded(changed), SnapshotError, `byte ${at}`);
    assert.throws(() => decoded(file.subarray(0, at)), SnapshotError, `cut at ${at}`);
  }
});

test("the reason of a refusal tells a newer file from a foreign and a damaged one", () => {
  const file = fileOf(stored);
  const newer = Buffer.from(file);
  newer.writeUInt32LE(2, 8);
  const damaged = Buffer.from(file);
  damaged[file.length - 10] ^= 1;
  assert.throws(() => decoded(newer), /is in format 2, written by another version of the agent/);
  assert.throws(() => decoded(Buffer.from("a file of somebody else")), /no snapshot of ours/);
  assert.throws(() => decoded(damaged), /checksum/);
});

test("bytes with a right checksum are still not trusted", () => {
  const file = fileOf(stored);
  const start = Buffer.from(file.subarray(0, 16));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(200), (rest, length) => {
      start.writeUInt32LE(length, 12);
      assert.throws(() => decoded(sealed(Buffer.concat([start, rest]))), SnapshotError);
    }),
  );
  const other = Buffer.from(file.subarray(0, -4));
  const at = other.indexOf('"endianness":"') + '"endianness":"'.length;
  other.write(other.toString("latin1", at, at + 1) === "L" ? "B" : "L", at);
  assert.throws(() => decoded(sealed(other)), /order of bytes/);
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

/** So wide that few rows are copied at a time. */
const WIDE = 20_000;

/** Columns of `rows` rows, each entry of a row its version; `write` gives the row another one. */
function living(rows: number) {
  const age = new Uint32Array(rows);
  const profile = new Float64Array(rows * WIDE);
  const shared = Uint8Array.of(1, 2, 3);
  const write = (row: number, version: number) => {
    age[row] = version;
    profile.fill(version, row * WIDE, (row + 1) * WIDE);
  };
  let ended = false;
  const live: LiveSnapshot = {
    type: "ewma",
    stateVersion: 3,
    takenAt: 1_700_000_000_000,
    rows,
    columns: [
      { name: "age", type: "u32", width: 1, shared: false, read: (from, to) => age.subarray(from, to) },
      {
        name: "profile",
        type: "f64",
        width: WIDE,
        shared: false,
        read: (from, to) => profile.subarray(from * WIDE, to * WIDE),
      },
      { name: "shared", type: "u8", width: 3, shared: true, read: () => shared },
    ],
    ended: () => ended,
  };
  const end = () => {
    ended = true;
  };
  return { live, write, end };
}

test("a snapshot copied some rows at a time is, byte for byte, the one copied at once, if nothing is learnt meanwhile", () => {
  for (const rows of [0, 1, 7, 31]) {
    const { live, write } = living(rows);
    for (let row = 0; row < rows; row++) write(row, row + 1);
    const sliced = [...encodeSnapshot({ key: "k", snapshot: live })].length;
    if (rows === 31) assert.ok(sliced > 8, "it takes more than one slice");
    const file = fileOf({ key: "k", snapshot: live });
    assert.ok(file.equals(fileOf({ key: "k", snapshot: copiedSnapshot(live) })), `${rows} rows`);
    assert.deepEqual(sizeOf(live), sizeOf(copiedSnapshot(live)));
  }
});

test("rows that change while it is copied are in it as they were at one moment, all columns of it", () => {
  const rows = 31;
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat(rows - 1), { maxLength: 20 }), { maxLength: 20 }), (changes) => {
      const { live, write } = living(rows);
      for (let row = 0; row < rows; row++) write(row, 1);
      let version = 1;
      const next = [...changes];
      const meanwhile = function* () {
        for (const piece of encodeSnapshot({ key: "k", snapshot: live })) {
          yield { ...piece, bytes: Uint8Array.from(piece.bytes) };
          version++;
          for (const row of next.shift() ?? []) write(row, version);
        }
      };
      const { columns } = decoded(assembled(meanwhile())).snapshot;
      const age = new Uint32Array(columns[0].bytes.buffer);
      const profile = new Float64Array(columns[1].bytes.buffer);
      for (let row = 0; row < rows; row++) {
        assert.ok(age[row] >= 1 && age[row] <= version);
        assert.ok(
          profile.subarray(row * WIDE, (row + 1) * WIDE).every((value) => value === age[row]),
          `row ${row}`,
        );
      }
    }),
    { numRuns: 20 },
  );
});

test("one that ends while it is copied never becomes whole", () => {
  const { live, end } = living(31);
  const pieces = encodeSnapshot({ key: "k", snapshot: live });
  for (let i = 0; i < 4; i++) assert.equal(pieces.next().value?.last, false);
  end();
  assert.ok([...pieces].every(({ last }) => !last));
});
