// What log_values holds records against: blocks, numbers that need not be read, and those of key-value lists as drain hands them on.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Fields } from "../../plugins/processors/drain/fields.ts";
import { readMap } from "../../plugins/processors/drain/kvlist.ts";
import { Block, Blocks } from "../../plugins/processors/log_values/blocks.ts";
import { endOfEncoded, readEncoded, textOfEncoded } from "../../plugins/processors/log_values/encoded.ts";
import { readPlain } from "../../plugins/processors/log_values/plain.ts";
import type { AttributeValue } from "../../src/api/index.ts";
import { encodeAttributes } from "../../src/otlp/encode.ts";
import { enter, position, readTag } from "../../src/otlp/wire.ts";

/** The bytes of a record whose body is a map, and where drain says that its one value begins. */
function mapOf(value: AttributeValue): { bytes: Uint8Array; start: number } {
  const bytes = encodeAttributes(1, { body: { took: value } });
  const fields = new Fields();
  // KeyValue { value = 2 }
  readTag(bytes, 0, bytes.length);
  const end = enter(bytes, position, bytes.length);
  let p = position;
  readTag(bytes, p, end);
  p = enter(bytes, position, end);
  readTag(bytes, p, end);
  enter(bytes, position, end);
  readMap(fields, bytes, position, end);
  const field = fields.type.findIndex((type) => type !== 0);
  assert.equal(fields.start[field], fields.end[field]);
  return { bytes, start: fields.start[field] };
}

test("whole numbers, others and truth values of a key-value list are read where drain has no text of them", () => {
  const read = (value: AttributeValue) => {
    const { bytes, start } = mapOf(value);
    const end = endOfEncoded(bytes, start);
    assert.ok(end > start, String(value));
    return { number: readEncoded(bytes, start, end), text: textOfEncoded(bytes, start, end) };
  };
  fc.assert(fc.property(fc.maxSafeInteger(), (n) => read(BigInt(n)).number === n));
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => read(n + 0.5).number === n + 0.5));
  assert.deepEqual(read(true), { number: Number.NaN, text: "true" });
  assert.equal(read(-7n).text, "-7");
});

test("what is empty because there is nothing is no number", () => {
  const { bytes, start } = mapOf("");
  assert.equal(endOfEncoded(bytes, start), start);
  fc.assert(
    fc.property(fc.string(), (text) => {
      const line = Buffer.from(text);
      for (let i = 0; i <= line.length; i++) assert.equal(endOfEncoded(line, i), i);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (hostile) => {
      for (let i = 0; i <= hostile.length; i++) assert.ok(endOfEncoded(hostile, i) >= i);
    }),
  );
});

test("a block that is used anew remembers nothing, and knows for how many parameters it is", () => {
  const blocks = new Blocks();
  const slots = Array.from({ length: 200 }, (_, count) => blocks.add(count));
  for (const [count, slot] of slots.entries()) {
    assert.ok(blocks.has(slot, count) && !blocks.has(slot, count + 1));
    blocks.push(slot, 7, 1);
    blocks.rows[blocks.at(slot)] = 9;
    blocks.margins[blocks.marginsAt(slot)] = 9;
  }
  blocks.release(slots[30]);
  const again = blocks.add(2);
  assert.equal(again, slots[30]);
  assert.equal(blocks.released, 1);
  assert.ok(blocks.has(again, 2));
  blocks.drain(again, () => assert.fail("nothing waits"));
  assert.equal(blocks.rows[blocks.at(again)] | blocks.margins[blocks.marginsAt(again)], 0);
});

test("whole numbers written in digits alone are read, and told from all else", () => {
  const text = fc.oneof(fc.stringMatching(/^[0-9]{0,10}$/), fc.stringMatching(/^[-+.,0-9a-f:/ é]{0,10}$/));
  fc.assert(
    fc.property(text, fc.nat(9), (text, before) => {
      const bytes = Buffer.from(`${"9".repeat(before)}${text}123`);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const end = bytes.length - 3;
      const number = end >= 8 && /^[0-9]{1,8}$/.test(text) ? Number(text) : -1;
      assert.equal(readPlain(view, before, end), number);
    }),
    { numRuns: 5000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 16 }), fc.nat(8), (bytes, length) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const text = Buffer.from(bytes.subarray(bytes.length - length)).toString("latin1");
      const number = /^[0-9]{1,8}$/.test(text) ? Number(text) : -1;
      assert.equal(readPlain(view, bytes.length - length, bytes.length), number);
    }),
  );
});

test("an interval with no more high and low numbers than usual is put aside, one with more is due", () => {
  const blocks = new Blocks();
  const slot = blocks.add(1);
  const numbers = (count: number, high: number, low = 0) => {
    blocks.rows[blocks.at(slot) + Block.parameters + 2] = count;
    blocks.margins[blocks.marginsAt(slot) + 1] += high;
    blocks.margins[blocks.marginsAt(slot) + 2] += low;
    return blocks.isDue(slot, 0);
  };
  blocks.expect(slot, 0, 0.02, 0.01);
  assert.equal(numbers(100, 4, 2), false);
  assert.equal(numbers(100, 3, 1), false);
  assert.equal(blocks.margins[blocks.marginsAt(slot) + 1] >>> 16, 7);
  assert.equal(numbers(100, 5), true, "more than usual");
  assert.equal(blocks.takeClean(slot, 0), 200);
  const fresh = blocks.add(1);
  blocks.rows[blocks.at(fresh) + Block.parameters + 2] = 100;
  blocks.margins[blocks.marginsAt(fresh) + 1] = 1;
  assert.equal(blocks.isDue(fresh, 0), true, "of what was never judged nothing is usual");
});
