// mad against the median and the median absolute deviation of a sorted copy.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import mad from "../../plugins/processors/mad/index.ts";
import { scored } from "../scoring.ts";

const ENOUGH = 10;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Whole numbers, with many ties, and the halves between them. */
const series = fc.array(
  fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.integer({ min: -2000, max: 2000 }).map((n) => n / 2),
  ),
  { maxLength: 120 },
);

test("the expectation is the median of the window, and the band its median absolute deviation", () => {
  fc.assert(
    fc.property(series, fc.integer({ min: 3, max: 40 }), (values, window) => {
      const { expected, upper, score, state } = scored(mad, { window, min_relative_deviation: 0 }, values);
      for (let i = 0; i < values.length; i++) {
        const before = values.slice(Math.max(0, i - window), i);
        if (before.length < Math.min(window, ENOUGH)) {
          assert.ok(Number.isNaN(score[i]), "nothing is said yet");
          continue;
        }
        const middle = median(before);
        assert.equal(expected[i], middle);
        const deviation = 1.4826 * median(before.map((value) => Math.abs(value - middle)));
        assert.ok((upper[i] - middle) / 3 >= deviation * (1 - 1e-9), "the band is no narrower");
      }
      const left = values.slice(-window).sort((a, b) => a - b);
      assert.deepEqual([...state.sorted.subarray(0, left.length)], left);
    }),
  );
});

test("where the series scatters the band is three median absolute deviations", () => {
  const values = Array.from({ length: 200 }, (_, i) => ((i * 7919) % 101) - 50);
  const { expected, upper } = scored(mad, { window: 25, min_relative_deviation: 0 }, values);
  for (let i = 25; i < values.length; i++) {
    const before = values.slice(i - 25, i);
    const deviation = median(before.map((value) => Math.abs(value - median(before))));
    assert.ok(Math.abs(upper[i] - expected[i] - 3 * 1.4826 * deviation) < 1e-9);
  }
});

test("half of a window of outliers less one moves the band by no more than what lay in it", () => {
  const calm = Array.from({ length: 60 }, (_, i) => 100 + (i % 5));
  const { expected, upper } = scored(mad, {}, [...calm, ...new Array(29).fill(1e9), 100]);
  assert.ok(expected[89] <= 104);
  assert.ok(upper[89] < 1e9);
});
