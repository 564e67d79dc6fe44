// What the writer writes is protobuf: the bytes of the specification, and what a reader reads back.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import * as wire from "../../../src/otlp/wire.ts";
import { Wire, Writer } from "../../../src/otlp/writer.ts";

const hex = (writer: Writer) => Buffer.from(writer.finish()).toString("hex");

const VARINTS: readonly [number | bigint, string][] = [
  [0, "00"],
  [-0, "00"],
  [127, "7f"],
  [128, "8001"],
  [300, "ac02"],
  [2 ** 31, "8080808008"],
  [2 ** 32 - 1, "ffffffff0f"],
  [2 ** 53 - 1, "ffffffffffffff0f"],
  [-1, "ffffffffffffffffff01"],
  [-(2 ** 31), "80808080f8ffffffff01"],
  [2n ** 53n, "8080808080808010"],
  [2n ** 63n - 1n, "ffffffffffffffff7f"],
  [-(2n ** 63n), "80808080808080808001"],
  [2n ** 64n - 1n, "ffffffffffffffffff01"],
];

for (const [value, bytes] of VARINTS) {
  test(`the varint of ${value} is as short as it can be`, () => assert.equal(hex(new Writer().varint(value)), bytes));
}

test("every 64-bit integer is read back from its varint", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const bytes = new Writer().varint(value).finish();
      wire.readVarint64(bytes, 0, bytes.length);
      assert.equal((BigInt(wire.high >>> 0) << 32n) | BigInt(wire.low >>> 0), value);
      assert.equal(wire.position, bytes.length);
    }),
  );
});

test("every sint32 is read back from its zigzag", () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const bytes = new Writer().zigzag(value).finish();
      assert.equal(wire.readZigzag(bytes, 0, bytes.length), value);
    }),
  );
});

test("any text is written as UTF-8 with its length in bytes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
      const bytes = new Writer(16).string(text).finish();
      const end = wire.enter(bytes, 0, bytes.length);
      assert.equal(end, bytes.length);
      assert.equal(Buffer.from(bytes.subarray(wire.position)).toString(), text);
    }),
  );
});

test("messages within messages have the right lengths, however long they are", () => {
  for (const size of [0, 1, 125, 126, 127, 128, 129, 16_000, 16_380, 16_384, 2_100_000]) {
    const writer = new Writer(16);
    const outer = writer.open(1);
    const inner = writer.open(2);
    writer.append(new Uint8Array(size).fill(7));
    writer.close(inner);
    writer.field(3, Wire.varint).varint(5);
    writer.close(outer);
    const bytes = writer.finish();
    assert.equal(wire.readTag(bytes, 0, bytes.length), 0x0a);
    assert.equal(wire.enter(bytes, wire.position, bytes.length), bytes.length);
    assert.equal(wire.readTag(bytes, wire.position, bytes.length), 0x12);
    const end = wire.enter(bytes, wire.position, bytes.length);
    assert.equal(end - wire.position, size);
    assert.deepEqual(bytes.subarray(wire.position, end), new Uint8Array(size).fill(7));
    assert.deepEqual(bytes.subarray(end), Uint8Array.of(0x18, 5));
  }
});

test("a time keeps every digit that its milliseconds have", () => {
  const nanos = (milliseconds: number) => {
    const bytes = new Writer().time(milliseconds).finish();
    return wire.viewOf(bytes).getBigUint64(0, true);
  };
  assert.equal(nanos(1_714_000_000_123), 1_714_000_000_123_000_000n);
  assert.equal(nanos(1_714_000_000_123.5), 1_714_000_000_123_500_000n);
  assert.equal(nanos(0.000001), 1n);
  assert.equal(nanos(18_446_744_073_709), 18_446_744_073_709_000_000n);
  for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY, 1e300]) assert.equal(nanos(bad), 0n);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (time) =>
      assert.equal(nanos(time), BigInt(time) * 1_000_000n),
    ),
  );
});

test("what was finished stays as it is when more is written", () => {
  const writer = new Writer().varint(1);
  const first = writer.finish();
  writer.varint(2);
  assert.deepEqual(first, Uint8Array.of(1));
  assert.deepEqual(writer.finish(), Uint8Array.of(1, 2));
});
