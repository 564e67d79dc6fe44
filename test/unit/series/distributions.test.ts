// Histogram points become a rate, a mean and quantiles of what was added, as close to the raw samples as buckets allow.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Kind, MetricScan } from "../../../src/otlp/columns.ts";
import { scanMetrics } from "../../../src/otlp/metrics.ts";
import { DistributionMemory, quantile } from "../../../src/series/distributions.ts";
import { NO_SERIES } from "../../../src/series/table.ts";
import { oracle } from "../../exporting.ts";

const T = 1_700_000_000_000;
const DELTA = 1;
const CUMULATIVE = 2;
const BOUNDS = [5, 10, 25, 50, 100, 250];

const nanos = (ms: number) => `${ms}000000`;

function bucketed(samples: readonly number[], bounds: readonly number[]): number[] {
  const counts = Array<number>(bounds.length + 1).fill(0);
  for (const x of samples) counts[bounds.filter((bound) => x > bound).length]++;
  return counts;
}

const total = (samples: readonly number[]) => samples.reduce((sum, x) => sum + x, 0);

function explicit(samples: readonly number[], time: number, start: number, bounds: readonly number[] = BOUNDS): object {
  return {
    timeUnixNano: nanos(time),
    startTimeUnixNano: nanos(start),
    count: samples.length,
    sum: total(samples),
    explicitBounds: bounds,
    bucketCounts: bounds.length > 0 ? bucketed(samples, bounds) : [],
  };
}

/** As a client makes it: buckets (base^i, base^(i + 1)] of base 2^(2^-scale), mirrored for negative samples. */
function exponential(samples: readonly number[], time: number, start: number, scale: number): object {
  const side = (values: readonly number[]) => {
    const index = (x: number) => Math.ceil(Math.log2(x) * 2 ** scale) - 1;
    const indices = values.map(index);
    const offset = Math.min(...indices);
    const bucketCounts = values.length > 0 ? Array<number>(Math.max(...indices) - offset + 1).fill(0) : [];
    for (const i of indices) bucketCounts[i - offset]++;
    return { offset: values.length > 0 ? offset : 0, bucketCounts };
  };
  return {
    timeUnixNano: nanos(time),
    startTimeUnixNano: nanos(start),
    count: samples.length,
    sum: total(samples),
    scale,
    zeroCount: samples.filter((x) => x === 0).length,
    positive: side(samples.filter((x) => x > 0)),
    negative: side(samples.filter((x) => x < 0).map((x) => -x)),
  };
}

/** A series of points, each in a request of its own; the rows of each: rate, mean and, where there are buckets, quantiles. */
function follow(kind: "histogram" | "exponentialHistogram", aggregationTemporality: number, points: readonly object[]) {
  const memory = new DistributionMemory();
  memory.grow(1);
  const scan = new MetricScan();
  return points.map((point) => {
    const metric = { name: "h", [kind]: { aggregationTemporality, dataPoints: [point] } };
    const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] };
    scanMetrics(oracle.metrics.request.encode(request).finish(), scan, 1);
    memory.apply(scan, new Uint32Array(scan.length));
    const [rate, mean, p50, p95, p99] = scan.value.subarray(0, scan.length);
    return { rows: scan.length, rate, mean, p50, p95, p99 };
  });
}

const cumulative = (points: readonly object[]) => follow("histogram", CUMULATIVE, points);

/** The raw sample that the quantile falls on. */
const raw = (samples: readonly number[], q: number) =>
  samples.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(q * samples.length) - 1)];

function assertWithinBucket(estimate: number, sample: number, bounds: readonly number[], what: string): void {
  const above = bounds.find((bound) => sample <= bound) ?? bounds.at(-1);
  const below = bounds.findLast((bound) => bound < sample) ?? Math.min(0, sample);
  const slack = 1e-6 * Math.max(1, Math.abs(sample));
  assert.ok(estimate >= below - slack && estimate <= (above as number) + slack, `${what}: ${estimate} for ${sample}`);
}

test("a delta histogram tells of its own interval: rate, mean and quantiles", () => {
  const samples = [1, 7, 7, 30, 60, 60, 60, 200];
  const [row] = follow("histogram", DELTA, [explicit(samples, T, T - 4000)]);
  assert.equal(row.rows, 5);
  assert.equal(row.rate, 2);
  assert.equal(row.mean, total(samples) / 8);
  assertWithinBucket(row.p50, 30, BOUNDS, "p50");
  assertWithinBucket(row.p99, 200, BOUNDS, "p99");
});

test("a cumulative histogram tells of what was added since the point before, its first point nothing", () => {
  const before = [1, 1, 1, 1];
  const added = [60, 70, 80, 90];
  const [first, second, third] = cumulative([
    explicit(before, T, T - 60_000),
    explicit([...before, ...added], T + 2000, T - 60_000),
    explicit([...before, ...added], T + 4000, T - 60_000),
  ]);
  assert.ok([first.rate, first.mean, first.p50].every(Number.isNaN));
  assert.equal(second.rate, 2);
  assert.equal(second.mean, 75);
  assertWithinBucket(second.p50, 70, BOUNDS, "p50");
  assert.equal(third.rate, 0);
  assert.ok([third.mean, third.p50, third.p99].every(Number.isNaN), "nothing was added, so nothing is known of it");
});

test("after a reset the whole point was added since the last one, or since its start where that is later", () => {
  const many = Array<number>(100).fill(1);
  const few = [200, 200, 200, 200];
  const [, noStart] = cumulative([explicit(many, T, 0), explicit(few, T + 2000, 0)]);
  assert.deepEqual([noStart.rate, noStart.mean], [2, 200]);
  const [, oldStart] = cumulative([explicit(many, T, T - 60_000), explicit(few, T + 2000, T - 60_000)]);
  assert.deepEqual([oldStart.rate, oldStart.mean], [2, 200]);
  const [, newStart] = cumulative([explicit(many, T, T - 60_000), explicit(few, T + 2000, T + 1000)]);
  assert.deepEqual([newStart.rate, newStart.mean], [4, 200]);
  const [, , next] = cumulative([
    explicit(many, T, T - 60_000),
    explicit(few, T + 2000, T + 1000),
    explicit([...few, 7, 7], T + 3000, T + 1000),
  ]);
  assert.deepEqual([next.rate, next.mean], [2, 7]);
});

test("a start after the last point is a reset even where the counts went up", () => {
  const [, row] = cumulative([explicit([1], T, T - 1000), explicit([60, 60], T + 2000, T + 1000)]);
  assert.deepEqual([row.rate, row.mean], [2, 60]);
});

test("late and repeated points tell nothing and spoil nothing; a clock set back starts anew", () => {
  const one = [1];
  const [, late, repeated, next] = cumulative([
    explicit(one, T, 0),
    explicit(one, T - 1000, 0),
    explicit(one, T, 0),
    explicit([1, 60], T + 1000, 0),
  ]);
  assert.ok(Number.isNaN(late.rate) && Number.isNaN(repeated.rate));
  assert.deepEqual([next.rate, next.mean], [1, 60]);
  const back = T - 3_600_000;
  const [, anew, then] = cumulative([explicit(one, T, 0), explicit(one, back, 0), explicit([1, 60], back + 1000, 0)]);
  assert.ok(Number.isNaN(anew.rate));
  assert.deepEqual([then.rate, then.mean], [1, 60]);
});

test("a histogram without buckets has a rate and a mean and no quantiles", () => {
  const [, row] = cumulative([explicit([1], T, 0, []), explicit([1, 5, 7], T + 1000, 0, [])]);
  assert.deepEqual([row.rows, row.rate, row.mean], [2, 2, 6]);
});

test("an empty interval has a rate of zero, and no mean", () => {
  const [row] = follow("histogram", DELTA, [explicit([], T, T - 1000)]);
  assert.equal(row.rate, 0);
  assert.ok(Number.isNaN(row.mean) && Number.isNaN(row.p50));
});

test("a histogram that had no buckets yet gets them without a false quantile", () => {
  const empty = exponential([], T, T - 1000, 3);
  const [, row] = follow("exponentialHistogram", CUMULATIVE, [empty, exponential([8, 8], T + 1000, T - 1000, 3)]);
  assert.equal(row.rate, 2);
  assert.ok(row.p50 > 7 && row.p50 <= 8.001, `${row.p50}`);
});

test("quantiles of explicit buckets lie in the bucket of the raw sample", () => {
  const samples = fc.array(fc.double({ min: 0.01, max: 250, noNaN: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(samples, samples, (before, added) => {
      const [first, second] = cumulative([explicit(before, T, 0), explicit([...before, ...added], T + 1000, 0)]);
      assert.equal(first.rows, 5);
      for (const [name, q] of [
        ["p50", 0.5],
        ["p95", 0.95],
        ["p99", 0.99],
      ] as const) {
        assertWithinBucket(second[name], raw(added, q), BOUNDS, name);
      }
    }),
  );
});

test("quantiles of exponential buckets lie within a bucket's width of the raw sample, negative ones too", () => {
  const value = fc.oneof(fc.double({ min: 0.001, max: 1e6, noNaN: true }), fc.constant(0));
  const signed = fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: value.map((x) => -x) });
  const samples = fc.array(signed, { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(samples, samples, fc.integer({ min: 0, max: 4 }), (before, added, scale) => {
      const all = [...before, ...added].map((x) => (x === 0 ? 0 : x));
      const [, second] = follow("exponentialHistogram", CUMULATIVE, [
        exponential(before, T, 0, scale),
        exponential(all, T + 1000, 0, scale),
      ]);
      const base = 2 ** (2 ** -scale) * (1 + 1e-9);
      for (const [name, q] of [
        ["p50", 0.5],
        ["p95", 0.95],
        ["p99", 0.99],
      ] as const) {
        const sample = raw(added, q);
        const [low, high] = sample < 0 ? [sample * base, sample / base] : [sample / base, sample * base];
        // between the negative buckets and the positive ones there is no bucket but that of zero
        const lowest = Math.max(-1e9, ...all.filter((x) => x < 0));
        if (sample === 0) assert.ok(second[name] <= 0 && second[name] >= lowest, `${name} ${second[name]} for 0`);
        else
          assert.ok(second[name] >= low - 1e-9 && second[name] <= high + 1e-9, `${name} ${second[name]} for ${sample}`);
      }
    }),
  );
});

test("an exponential histogram that lowers its scale between two points keeps its quantiles honest", () => {
  const samples = fc.array(fc.double({ min: 1, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      samples,
      samples,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      (before, added, scale, by) => {
        const [, second] = follow("exponentialHistogram", CUMULATIVE, [
          exponential(before, T, 0, scale),
          exponential([...before, ...added], T + 1000, 0, scale - by),
        ]);
        assert.ok(Math.abs(second.rate - added.length) < 1e-9);
        assert.ok(Math.abs(second.mean - total(added) / added.length) <= 1e-6 * total([...before, ...added]));
        const base = 2 ** (2 ** -(scale - by)) * (1 + 1e-9);
        for (const [name, q] of [
          ["p50", 0.5],
          ["p99", 0.99],
        ] as const) {
          const sample = raw(added, q);
          assert.ok(
            second[name] >= sample / base && second[name] <= sample * base,
            `${name} ${second[name]} for ${sample}`,
          );
        }
      },
    ),
  );
});

test("the quantile of a histogram: beyond the last bound that bound, below a negative first one that one", () => {
  const of = (q: number, upper: number[], counts: number[]) =>
    quantile(q, Float64Array.from(upper), 0, Float64Array.from(counts), upper.length);
  assert.equal(of(0.5, [10, 20, Number.POSITIVE_INFINITY], [10, 10, 10]), 5);
  assert.equal(of(0.75, [10, 20, Number.POSITIVE_INFINITY], [5, 10, 10]), 15);
  assert.equal(of(0.99, [10, 20, Number.POSITIVE_INFINITY], [1, 2, 100]), 20);
  assert.equal(of(0.5, [-10, 20, Number.POSITIVE_INFINITY], [10, 10, 10]), -10);
  assert.ok(Number.isNaN(of(0.5, [Number.POSITIVE_INFINITY], [10])));
  assert.ok(Number.isNaN(of(0.5, [10, Number.POSITIVE_INFINITY], [0, 0])));
  assert.ok(Number.isNaN(of(0.5, [], [])));
});

test("a distribution whose series had no place tells nothing, and a recycled row starts anew", () => {
  const memory = new DistributionMemory();
  memory.grow(1);
  const scan = new MetricScan();
  const add = (time: number, count: number, series: number) => {
    scan.reset(0);
    scan.length = 2;
    scan.kind.fill(Kind.cumulative, 0, 2);
    scan.time.fill(time, 0, 2);
    scan.start.fill(0, 0, 2);
    scan.value.fill(Number.NaN, 0, 2);
    scan.distributions.add(0, 2, count, count);
    memory.apply(scan, Uint32Array.of(series, series));
    return scan.value[0];
  };
  add(T, 10, 0);
  assert.equal(add(T + 1000, 15, 0), 5);
  assert.ok(Number.isNaN(add(T + 2000, 25, NO_SERIES)));
  memory.recycle(0);
  assert.ok(Number.isNaN(add(T + 3000, 35, 0)));
  assert.equal(add(T + 4000, 36, 0), 1);
});
