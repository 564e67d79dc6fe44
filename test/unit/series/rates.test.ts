// Monotonic sums become rates that add up to what was counted, through resets, late points and clocks set back.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Kind, MetricScan } from "../../../src/otlp/columns.ts";
import { Rates } from "../../../src/series/rates.ts";
import { NO_SERIES } from "../../../src/series/table.ts";

interface Point {
  readonly value: number;
  readonly time: number;
  readonly start?: number;
  readonly kind?: number;
  readonly series?: number;
}

/** What each point came to, all in one request. */
function apply(rates: Rates, points: readonly Point[]): number[] {
  const scan = new MetricScan();
  scan.reserve(points.length);
  scan.length = points.length;
  points.forEach(({ value, time, start = 0, kind = Kind.cumulative }, i) => {
    scan.value[i] = value;
    scan.time[i] = time;
    scan.start[i] = start;
    scan.kind[i] = kind;
  });
  rates.apply(
    scan,
    Uint32Array.from(points, ({ series = 0 }) => series),
  );
  return [...scan.value.subarray(0, points.length)];
}

function fresh(): Rates {
  const rates = new Rates();
  rates.grow(4);
  return rates;
}

const T = 1_700_000_000_000;

test("a cumulative sum is its increase per second; its first point tells nothing", () => {
  const rates = apply(fresh(), [
    { value: 100, time: T },
    { value: 150, time: T + 10_000 },
    { value: 150, time: T + 20_000 },
    { value: 151, time: T + 20_500 },
  ]);
  assert.deepEqual(rates, [Number.NaN, 5, 0, 2]);
});

test("the flush of a stopping SDK, a moment after its last export, is no drop to nothing; what it adds is counted later", () => {
  const rates = apply(fresh(), [
    { value: 100, time: T },
    { value: 150, time: T + 10_000 },
    { value: 150, time: T + 10_001 },
    { value: 160, time: T + 20_000 },
  ]);
  assert.deepEqual(rates, [Number.NaN, 5, Number.NaN, 1]);
  const kind = Kind.delta;
  assert.deepEqual(apply(fresh(), [{ value: 1, time: T + 1, start: T, kind }]), [Number.NaN]);
});

test("gauges pass as they are, infinite ones too", () => {
  const kind = Kind.value;
  const points = [5, -3, Number.POSITIVE_INFINITY].map((value) => ({ value, time: T, kind }));
  assert.deepEqual(apply(fresh(), points), [5, -3, Number.POSITIVE_INFINITY]);
});

test("a delta is divided by its own interval; without a start, or of no length, it tells nothing", () => {
  const kind = Kind.delta;
  const rates = apply(fresh(), [
    { value: 30, time: T, start: T - 10_000, kind },
    { value: 30, time: T, kind },
    { value: 30, time: T, start: T, kind },
    { value: 30, time: T, start: T + 1, kind },
  ]);
  assert.deepEqual(rates, [3, Number.NaN, Number.NaN, Number.NaN]);
});

test("a smaller value is a reset: the sum grew from zero since the point before", () => {
  const rates = apply(fresh(), [
    { value: 1000, time: T },
    { value: 20, time: T + 10_000 },
    { value: 40, time: T + 20_000 },
  ]);
  assert.deepEqual(rates, [Number.NaN, 2, 2]);
});

test("a start after the last point is a reset even when the value is larger: the sum grew from zero since then", () => {
  const rates = apply(fresh(), [
    { value: 100, time: T, start: T - 60_000 },
    { value: 120, time: T + 10_000, start: T + 6_000 },
    { value: 130, time: T + 20_000, start: T + 6_000 },
  ]);
  assert.deepEqual(rates, [Number.NaN, 30, 1]);
});

test("late and repeated points tell nothing and are not learnt", () => {
  const rates = apply(fresh(), [
    { value: 100, time: T },
    { value: 200, time: T + 10_000 },
    { value: 150, time: T + 5_000 },
    { value: 200, time: T + 10_000 },
    { value: 300, time: T + 20_000 },
  ]);
  assert.deepEqual(rates, [Number.NaN, 10, Number.NaN, Number.NaN, 10]);
});

test("a clock set back by more than ten minutes starts the series anew", () => {
  const back = T - 3_600_000;
  const rates = apply(fresh(), [
    { value: 100, time: T },
    { value: 200, time: back },
    { value: 250, time: back + 10_000 },
  ]);
  assert.deepEqual(rates, [Number.NaN, Number.NaN, 5]);
});

test("a value that is no number makes no rate and spoils none", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    const rates = apply(fresh(), [
      { value: 100, time: T },
      { value, time: T + 10_000 },
      { value: 140, time: T + 20_000 },
    ]);
    assert.deepEqual(rates, [Number.NaN, Number.NaN, 2], String(value));
  }
});

test("series do not touch each other, a recycled row starts anew, and rows without a series tell nothing", () => {
  const rates = fresh();
  apply(rates, [
    { value: 100, time: T, series: 0 },
    { value: 500, time: T, series: 1 },
  ]);
  rates.recycle(1);
  rates.grow(8);
  const next = apply(rates, [
    { value: 110, time: T + 10_000, series: 0 },
    { value: 600, time: T + 10_000, series: 1 },
    { value: 700, time: T + 10_000, series: NO_SERIES },
    { value: 800, time: T + 10_000, series: 7 },
  ]);
  assert.equal(next[0], 1);
  assert.ok(Number.isNaN(next[1]) && Number.isNaN(next[3]));
});

test("rates times their intervals add up to what was counted, whatever resets and late points came between", () => {
  const step = fc.record({
    wait: fc.integer({ min: 100, max: 60_000 }),
    add: fc.nat(1000),
    reset: fc.constantFrom("no", "no", "no", "by start", "by value"),
    late: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const rates = fresh();
      let time = T;
      let start = T - 1000;
      let sum = 1_000_000;
      let counted = 0;
      let added = 0;
      let since = time;
      apply(rates, [{ value: sum, time, start }]);
      for (const { wait, add, reset, late } of steps) {
        if (late) assert.ok(Number.isNaN(apply(rates, [{ value: sum - 1, time: time - 1, start }])[0]));
        time += wait;
        if (reset === "by start") {
          start = since = time - Math.ceil(wait / 2);
          sum = 0;
        } else if (reset === "by value" && add < sum) sum = 0;
        sum += add;
        counted += add;
        added += (apply(rates, [{ value: sum, time, start }])[0] * (time - since)) / 1000;
        since = time;
      }
      assert.ok(Math.abs(added - counted) <= 1e-6 * Math.max(1, counted), `${added} of ${counted}`);
    }),
  );
});
