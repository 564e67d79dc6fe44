// Whether a record bears an attribute is told from its bytes, however long its keys and values are and in whatever order they are written.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { hasAttribute } from "../../../plugins/processors/drain/attribute.ts";
import { encodeAttributes } from "../../../src/otlp/encode.ts";
import { Wire, Writer } from "../../../src/otlp/writer.ts";

const key = fc.oneof(fc.stringMatching(/^[ab.]{1,4}$/), fc.string({ minLength: 100, maxLength: 300 }));
const value = fc.oneof(fc.string({ maxLength: 5 }), fc.string({ minLength: 100, maxLength: 300 }), fc.boolean());

/** LogRecord { body = 5, attributes = 6 } behind its length; of a swapped attribute the value comes before the key. */
function record(attributes: readonly (readonly [string, string | boolean, boolean])[]): Uint8Array {
  const writer = new Writer(64);
  const whole = writer.open(1);
  for (const [name, content, swapped] of attributes) {
    writer.field(5, Wire.bytes).string("x");
    if (!swapped) writer.append(encodeAttributes(6, { [name]: content }));
    else {
      const pair = writer.open(6);
      const any = writer.open(2);
      writer.field(1, Wire.bytes).string(String(content));
      writer.close(any);
      writer.field(1, Wire.bytes).string(name);
      writer.close(pair);
    }
  }
  writer.close(whole);
  return writer.finish();
}

test("an attribute is found where there is one with its key", () => {
  const attribute = fc.tuple(key, value, fc.boolean());
  fc.assert(
    fc.property(fc.array(attribute, { maxLength: 6 }), key, (attributes, wanted) => {
      const bytes = record(attributes);
      for (const [name] of attributes) assert.ok(hasAttribute(bytes, 1, Buffer.from(name)), name);
      const is = attributes.some(([name]) => Buffer.from(name).equals(Buffer.from(wanted)));
      assert.equal(hasAttribute(bytes, 1, Buffer.from(wanted)), is);
    }),
  );
});
