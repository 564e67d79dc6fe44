// A column that grows keeps what was written and goes on with zeros, however small or large it is and was.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { grown } from "../../../src/series/growing.ts";

const TYPES = [Float64Array, Float32Array, Uint32Array, Int32Array, Uint16Array, Uint8Array] as const;

test("what was written stays through any growth, the rest is zero", () => {
  const steps = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), steps, (Type, more) => {
      let column: InstanceType<(typeof TYPES)[number]> = new Type(0);
      for (const step of more) {
        const before = column.length;
        column = grown(column, before + step);
        assert.equal(column.constructor, Type);
        assert.equal(column.length, before + step);
        assert.ok(column.subarray(before).every((value) => value === 0));
        assert.ok(column.subarray(0, before).every((value, i) => value === (i % 250) + 1));
        for (let i = before; i < column.length; i++) column[i] = (i % 250) + 1;
      }
    }),
    { numRuns: 40 },
  );
});

test("a large column is not there twice: the one before is empty once it has grown", () => {
  const large = grown(new Float64Array(0), 200_000);
  large.fill(7);
  const larger = grown(large, 300_000);
  assert.equal(large.length, 0);
  assert.deepEqual([larger[0], larger[199_999], larger[200_000]], [7, 7, 0]);
});
