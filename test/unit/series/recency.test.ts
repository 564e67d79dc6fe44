// The least recently touched row is always the one named, whatever was touched, grown and asked before.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Recency } from "../../../src/series/recency.ts";

test("the oldest row is the one a naive list would name", () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ touch: fc.nat(199) }) },
    { weight: 2, arbitrary: fc.record({ ask: fc.constant(true) }) },
    { weight: 2, arbitrary: fc.record({ hand: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 40 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const recency = new Recency();
      recency.grow(200);
      const order: number[] = [];
      const touch = (row: number) => {
        const at = order.indexOf(row);
        if (at >= 0) order.splice(at, 1);
        order.push(row);
        recency.touch(row);
      };
      touch(0);
      for (const at of steps) {
        if ("touch" in at) touch(at.touch % order.length);
        else if ("add" in at) for (let i = 0; i < at.add && order.length < 200; i++) touch(order.length);
        else {
          const oldest = recency.oldest(order.length);
          assert.equal(oldest, order[0]);
          if ("hand" in at) touch(oldest);
        }
      }
    }),
  );
});

test("with more rows than one pass samples, every row is named in the order of its touch", () => {
  const rows = 5000;
  const recency = new Recency();
  recency.grow(rows);
  const order = Array.from({ length: rows }, (_, i) => (i * 1237) % rows);
  for (const row of order) recency.touch(row);
  for (const row of order) {
    assert.equal(recency.oldest(rows), row);
    recency.touch(row);
  }
});

test("the oldest stays so until it is touched, and growth changes nothing", () => {
  const recency = new Recency();
  recency.grow(4);
  for (const row of [2, 0, 3, 1]) recency.touch(row);
  assert.equal(recency.oldest(4), 2);
  recency.grow(4000);
  assert.equal(recency.oldest(4), 2);
  recency.touch(2);
  assert.equal(recency.oldest(4), 0);
});

test("a stamp tells whether a row was touched since the clock was read", () => {
  const recency = new Recency();
  recency.grow(2);
  recency.touch(0);
  const then = recency.clock;
  recency.touch(1);
  assert.ok(recency.stampOf(0) <= then);
  assert.ok(recency.stampOf(1) > then);
});
