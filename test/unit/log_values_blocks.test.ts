// What log_values holds records against: blocks are found by what they were named, and numbers of key-value lists are read as drain hands them on.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Fields } from "../../plugins/processors/drain/fields.ts";
import { readMap } from "../../plugins/processors/drain/kvlist.ts";
import { Blocks } from "../../plugins/processors/log_values/blocks.ts";
import { endOfEncoded, readEncoded, textOfEncoded } from "../../plugins/processors/log_values/encoded.ts";
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

test("a block is found by its last name and number of parameters, and by nothing once it is released", () => {
  const blocks = new Blocks();
  const named = new Map<string, number>();
  const slots: string[] = [];
  const step = fc.record({
    service: fc.integer({ min: 1, max: 9 }),
    template: fc.integer({ min: 1, max: 99 }),
    count: fc.integer({ min: 0, max: 12 }),
    frees: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 400 }), (steps) => {
      for (const { service, template, count, frees } of steps) {
        const key = `${service} ${template} ${count}`;
        assert.equal(blocks.find(service, template, count), named.get(key) ?? -1);
        const slot = named.get(key);
        if (slot === undefined) {
          const made = blocks.add(count);
          blocks.name(made, service, template);
          named.set(key, made);
          slots[made] = key;
        } else if (frees) {
          blocks.release(slot);
          named.delete(key);
        }
      }
    }),
  );
  for (const [key, slot] of named) assert.equal(slots[slot], key);
  blocks.forgetNames();
  for (const key of named.keys()) {
    const [service, template, count] = key.split(" ").map(Number);
    assert.equal(blocks.find(service, template, count), -1);
  }
});
