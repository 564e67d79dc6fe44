// The cursor: what protobuf allows is read, what it forbids is refused with its place.
import assert from "node:assert/strict";
import test from "node:test";
import {
  after,
  DecodeError,
  enter,
  high,
  low,
  position,
  readTag,
  readVarint,
  readVarint64,
  readZigzag,
  skip,
} from "../../../src/otlp/wire.ts";

const bytes = (...list: number[]) => Uint8Array.from(list);
const refuses = (read: () => unknown, message: RegExp, offset: number) =>
  assert.throws(read, (error) => {
    assert.ok(error instanceof DecodeError);
    assert.equal(error.code, "malformed-otlp");
    assert.match(error.message, message);
    assert.equal(error.offset, offset);
    return true;
  });

test("a varint may be padded to ten bytes", () => {
  const padded = bytes(0x96, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 99);
  assert.equal(readVarint(padded, 0, 11), 150);
  assert.equal(position, 10);
});

test("a varint past 64 bits is refused, by its length or by its tenth byte", () => {
  const long = new Uint8Array(11).fill(0x80);
  refuses(() => readVarint(long, 0, 11), /varint past 64 bits at byte 0/, 0);
  const wide = Uint8Array.from([...new Array(9).fill(0x80), 2]);
  refuses(() => readVarint(wide, 0, 10), /varint past 64 bits at byte 0/, 0);
});

test("64-bit varints come in two halves, 32-bit ones keep their low half", () => {
  const minusOne = new Uint8Array(10).fill(0xff);
  minusOne[9] = 1;
  readVarint64(minusOne, 0, 10);
  assert.deepEqual([low, high], [-1, -1]);
  assert.equal(readVarint(minusOne, 0, 10), -1);
  readVarint64(bytes(0x80, 0x80, 0x80, 0x80, 0x10), 0, 5);
  assert.deepEqual([low, high], [0, 1]);
});

test("zigzag numbers alternate in sign", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((n) => readZigzag(bytes(n), 0, 1)),
    [0, -1, 1, -2, 2],
  );
  assert.equal(readZigzag(bytes(0xff, 0xff, 0xff, 0xff, 0x0f), 0, 5), -(2 ** 31));
});

test("nothing is read past the end of the message, though the buffer goes on", () => {
  const buffer = bytes(0x80, 0x01, 5, 6, 7, 8, 9, 10, 11, 12);
  refuses(() => readVarint(buffer, 0, 1), /ends inside a field/, 1);
  refuses(() => readTag(buffer, 1, 1), /ends inside a field/, 1);
  refuses(() => enter(buffer, 2, 2), /ends inside a field/, 2);
  refuses(() => enter(buffer, 2, 7), /length exceeds the enclosing message at byte 2/, 2);
  refuses(() => after(3, 8, 10), /ends inside a field/, 3);
  assert.equal(enter(buffer, 2, 8), 8);
  assert.equal(position, 3);
});

test("a length or a tag past 32 bits is refused", () => {
  const huge = bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x01);
  refuses(() => enter(huge, 0, 6), /size out of range/, 0);
  refuses(() => enter(bytes(0xff, 0xff, 0xff, 0xff, 0x0f), 0, 5), /size out of range/, 0);
  refuses(() => readTag(huge, 0, 6), /tag out of range/, 0);
});

test("unknown fields of every wire type are skipped, groups with what they hold", () => {
  assert.equal(skip(bytes(0x80, 0x01), (9 << 3) | 0, 0, 2), 2);
  assert.equal(skip(new Uint8Array(8), (9 << 3) | 1, 0, 8), 8);
  assert.equal(skip(bytes(2, 1, 1), (9 << 3) | 2, 0, 3), 3);
  assert.equal(skip(new Uint8Array(4), (9 << 3) | 5, 0, 4), 4);
  const inner = [(1 << 3) | 0, 5, (2 << 3) | 3, (2 << 3) | 4];
  assert.equal(skip(bytes(...inner, (9 << 3) | 4), (9 << 3) | 3, 0, 5), 5);
});

test("field number 0, wire types 6 and 7, and groups that do not close are refused", () => {
  refuses(() => skip(bytes(1), 0, 0, 1), /field number 0/, 0);
  refuses(() => skip(bytes(1), (9 << 3) | 6, 0, 1), /wire type 6 or 7/, 0);
  refuses(() => skip(bytes(1), (9 << 3) | 7, 0, 1), /wire type 6 or 7/, 0);
  refuses(() => skip(bytes(1), (9 << 3) | 4, 0, 1), /never began/, 0);
  refuses(() => skip(bytes((8 << 3) | 4), (9 << 3) | 3, 0, 1), /never began/, 1);
  refuses(() => skip(bytes(8, 1), (9 << 3) | 3, 0, 2), /ends inside a field/, 2);
});

test("groups nested a thousand deep are refused instead of exhausting the stack", () => {
  const deep = new Uint8Array(1000).fill((9 << 3) | 3);
  assert.throws(() => skip(deep, (9 << 3) | 3, 0, 1000), /nested too deeply/);
});
