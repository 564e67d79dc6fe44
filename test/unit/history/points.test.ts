// What is kept of one series over time: never more than a bound, always the most surprising row of each interval.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { POINTS, Points } from "../../../src/history/points.ts";

const HOUR = 3_600_000;
const START = Date.parse("2026-01-01T00:00:00Z");

/** Rows `each` milliseconds apart, whose value is their number; rows in `spikes` are past the line. */
function kept(rows: number, each: number, spikes: readonly number[] = [], span = 6 * HOUR): Points {
  const points = new Points(span);
  for (let i = 0; i < rows; i++) points.add(START + i * each, i, i, i - 1, i + 1, spikes.includes(i) ? 3 : 0.1);
  return points;
}

test("a young series has a point for each of its rows, a second apart at least", () => {
  const { width, time, observed } = kept(90, 1000).read();
  assert.equal(width, 1000);
  assert.deepEqual(
    time,
    Array.from({ length: 90 }, (_, i) => START + i * 1000),
  );
  assert.deepEqual(observed, [...time.keys()]);
});

test("an old one reaches back as far as it is to, in fewer points than the bound, the last half hour finely", () => {
  const { time } = kept(8 * 360, 10_000).read();
  assert.ok(time.length <= 2 * POINTS);
  const reach = START + 8 * HOUR - time[0];
  assert.ok(reach > 5.8 * HOUR && reach < 6.3 * HOUR, `${reach / HOUR} h`);
});

test("the last minutes of an old one are fine", () => {
  const { width, time } = kept(8 * 360, 10_000).read(START + 8 * HOUR - 20 * 60_000);
  assert.equal(width, 16_000);
  assert.equal(time.length, 75);
});

test("a single row past the line stays in sight, however many ordinary ones share its interval", () => {
  for (const row of [5, 1000, 7199]) {
    const { observed, score } = kept(7200, 1000, [row]).read(START);
    assert.deepEqual(
      observed.filter((_, i) => score[i] > 1),
      [row],
    );
  }
});

test("what is read is ascending, within what was asked for and within what came; of each interval the highest score", () => {
  const row = fc.record({
    after: fc.integer({ min: 0, max: 400_000 }),
    late: fc.integer({ min: 0, max: 60_000 }),
    score: fc.oneof(fc.constant(Number.NaN), fc.float({ min: 0, max: 8, noNaN: true })),
  });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 300 }), (rows) => {
      const points = new Points(HOUR);
      let now = START;
      const came = rows.map(({ after, late, score }, i) => {
        now += after;
        points.add(now - late, i, Number.NaN, Number.NaN, Number.NaN, score);
        return { time: now - late, score };
      });
      const { width, time, observed, score } = points.read();
      assert.ok(time.length >= 1 && time.length <= 2 * POINTS);
      for (const [i, at] of time.entries()) {
        if (i > 0) assert.ok(at > time[i - 1]);
        const source = came[observed[i]];
        const end = Math.min(at + width, time[i + 1] ?? Number.POSITIVE_INFINITY);
        assert.ok(source.time >= at && source.time < end);
        assert.ok(Object.is(score[i], Math.fround(source.score)));
        const shared = came.filter((row) => row.time >= at && row.time < end && row.score > score[i]);
        assert.deepEqual(shared, []);
      }
      const some = points.read(START + 100_000, START + 200_000);
      for (const at of some.time) assert.ok(at + some.width > START + 100_000 && at <= START + 200_000);
    }),
  );
});

test("times that are none, or lie far back, change nothing", () => {
  const points = kept(100, 1000);
  const before = points.read();
  for (const time of [Number.NaN, Number.NEGATIVE_INFINITY, -5, 0, START - 30 * HOUR]) points.add(time, 9, 9, 9, 9, 9);
  assert.deepEqual(points.read(), before);
});
