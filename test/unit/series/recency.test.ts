// The row that must go is always the one that a naive list would name, whatever was touched, grown and asked before.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Recency } from "../../../src/series/recency.ts";
import { NaiveRecency } from "./naive_recency.ts";

test("the row that must go is the one a naive segmented list would name", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ touch: fc.nat(199), times: fc.constantFrom(1, 1, 2, 49, 50, 51) }) },
    { weight: 2, arbitrary: fc.record({ ask: fc.constant(true) }) },
    { weight: 4, arbitrary: fc.record({ hand: fc.constant(true) }) },
    { weight: 1, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 1, arbitrary: fc.record({ eighths: fc.integer({ min: 1, max: 12 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const recency = new Recency();
      recency.grow(200);
      const naive = new NaiveRecency<number>();
      const touch = (row: number) => {
        naive.touch(row);
        recency.touch(row);
      };
      let now = 1_700_000_000_000;
      touch(0);
      for (const at of steps) {
        const rows = naive.order.length;
        if ("touch" in at) for (let i = 0; i < at.times; i++) touch(at.touch % rows);
        else if ("add" in at) for (let i = 0; i < at.add && naive.order.length < 200; i++) touch(naive.order.length);
        else if ("eighths" in at) {
          now += at.eighths * 450_000;
          naive.tick(now);
          recency.tick(now);
        } else {
          const oldest = recency.oldest(rows);
          assert.equal(oldest, naive.oldest());
          if (!("hand" in at)) continue;
          naive.forget(oldest);
          recency.forget(oldest);
          touch(oldest);
        }
      }
    }),
    { numRuns: 300 },
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

test("a row that is recalled is as established as its touches make it", () => {
  const recency = new Recency();
  recency.grow(5);
  for (let row = 0; row < 5; row++) recency.recall(row, row < 3 ? 4_000_000_000 : 10);
  assert.equal(recency.established, 3);
  assert.equal(recency.oldest(5), 3);
  recency.recall(0, 1);
  assert.equal(recency.established, 2);
});

test("a clock that jumps or says nothing sensible keeps the order, and its marks bounded", () => {
  const recency = new Recency();
  recency.grow(5);
  const settle = (row: number) => {
    for (let i = 0; i < 50; i++) recency.touch(row);
  };
  for (let row = 0; row < 4; row++) settle(row);
  recency.touch(4);
  for (const now of [Number.NaN, 5, -1e300, 8e15, 0, Number.NaN, 1_700_000_000_000]) recency.tick(now);
  assert.ok([0, 4].includes(recency.oldest(5)));
  recency.touch(0);
  recency.touch(4);
  assert.notEqual(recency.oldest(5), 0, "what was just seen stays");
});
