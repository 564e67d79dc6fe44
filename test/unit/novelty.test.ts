// novelty: its set of seen values against a list of them, and what it calls what it finds.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import novelty from "../../plugins/processors/novelty/index.ts";
import { begin, mark, type SeenValues, WORDS } from "../../plugins/processors/novelty/seen_values.ts";
import { scored } from "../scoring.ts";

function empty(): SeenValues {
  const one = () => new Float64Array(1);
  return { seen: new Uint32Array(WORDS), low: one(), width: one(), least: one(), most: one() };
}

const value = fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 8);

test("the nearest seen value is as far as in a list of all, but for the width of two bits", () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 200 }), (values) => {
      const set = empty();
      const list = [-125_000, 125_000];
      begin(set, 0, list[0]);
      mark(set, 0, list[1]);
      for (const v of values) {
        const far = mark(set, 0, v) * set.width[0];
        const nearest = Math.min(...list.map((seen) => Math.abs(seen - v)));
        assert.ok(Math.abs(Math.abs(far) - nearest) <= 2 * set.width[0], `${far}, not ${nearest}`);
        if (far !== 0)
          assert.ok(
            list.some((seen) => Math.abs(v + far - seen) <= 2 * set.width[0]),
            "it lies there",
          );
        list.push(v);
      }
      for (const v of list) assert.equal(mark(set, 0, v), 0, "all that was seen is in the set");
    }),
  );
});

test("while the range grows, upwards and downwards, nothing seen is lost", () => {
  const set = empty();
  const list = [1];
  begin(set, 0, 1);
  for (let v = 1.5; v < 1e6; v *= 1.5) {
    for (const one of [v, -v]) {
      // it doubles once a call
      for (let call = 0; call < 4; call++) mark(set, 0, one);
      list.push(one);
      for (const seen of list) assert.equal(mark(set, 0, seen), 0, `${seen} after ${one}`);
    }
  }
  assert.equal(set.least[0], -set.most[0]);
});

test("above all it is a spike, below a drop, in a gap an outlier; the nearest seen value is what was expected", () => {
  const values = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 10 : 90) + (i % 7));
  const find = (v: number) => {
    const { finding, expected, score } = scored(novelty, {}, [...values, v]);
    return { finding: finding[400], expected: Math.round(expected[400]), news: score[400] > 10 };
  };
  assert.deepEqual(find(200), { finding: 0, expected: 96, news: true });
  assert.deepEqual(find(-50), { finding: 0, expected: 10, news: true });
  assert.deepEqual(find(30), { finding: 1, expected: 16, news: true });
  assert.deepEqual(find(12), { finding: 0, expected: 12, news: false });
});

test("the first other value of a constant series is as new as can be, a second time it is nothing", () => {
  const { score } = scored(novelty, {}, [...new Array(200).fill(3), 4, 3, 4, 3]);
  assert.ok(score[200] > 1000);
  assert.deepEqual([...score.subarray(201)], [0, 0, 0]);
});
