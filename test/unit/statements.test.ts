// Numbers of statements: one for each template of each series, whatever comes and goes.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Mined, StatementColumn, Statements } from "../../src/api/index.ts";

const mined = (statements: Statements) => ({ numbering: statements.begin() }) as Mined;

test("a statement keeps its number, and no other has it, also when its series becomes another", () => {
  const step = fc.record({ series: fc.nat(40), template: fc.integer({ min: 1, max: 60 }), forgets: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 100, maxLength: 2000 }), (steps) => {
      const statements = new Statements();
      const numbering = statements.begin();
      const known = new Map<string, number>();
      const given = new Set<number>();
      for (const [i, { series, template, forgets }] of steps.entries()) {
        if (forgets && i % 20 === 0) {
          statements.forget(series);
          for (const key of known.keys()) if (key.startsWith(`${series} `)) known.delete(key);
        }
        const key = `${series} ${template}`;
        const number = statements.of(series, template);
        if (known.has(key)) assert.equal(number, known.get(key));
        else assert.ok(number > 0 && !given.has(number));
        known.set(key, number);
        given.add(number);
        assert.equal(numbering.largest, given.size);
      }
    }),
  );
});

test("numbers are bounded: they begin anew between two batches, and what was kept by them is forgotten", () => {
  const statements = new Statements();
  const column = new StatementColumn();
  assert.equal(column.begin(mined(statements)), true);
  const before = statements.begin();
  for (let template = 1; template <= 140_000; template++) statements.of(1, template);
  assert.equal(column.begin({ numbering: before } as Mined), false);
  column.values[140_000] = 7;
  assert.equal(column.values[140_000], 7);
  assert.notEqual(statements.begin(), before);
  assert.equal(statements.of(1, 5), 1);
  assert.equal(column.begin(mined(statements)), true);
  assert.equal(column.values[140_000], 0);
});
