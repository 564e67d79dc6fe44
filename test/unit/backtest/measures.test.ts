// The measures mean what their papers say: worked by hand, and against the definitions spelt out row by row.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { eventScore } from "../../../src/backtest/events.ts";
import { judgementOf } from "../../../src/backtest/judgement.ts";
import { nabScore, PROFILES } from "../../../src/backtest/nab.ts";
import { delayScore, longestDelay, pointScore } from "../../../src/backtest/points.ts";
import { countedFrom, eventsOfLabels, eventsOfWindows, type JudgedSeries } from "../../../src/backtest/series.ts";

const MINUTE = 60_000;

/** Rows a minute apart; `labels` and `scores` name rows that are not 0. */
function series(length: number, labels: readonly number[], scores: Readonly<Record<number, number>>, step = MINUTE) {
  const labelled = new Uint8Array(length);
  for (const row of labels) labelled[row] = 1;
  const score = new Float64Array(length);
  for (const [row, value] of Object.entries(scores)) score[Number(row)] = value;
  const time = Float64Array.from({ length }, (_, i) => i * step);
  return { name: "s", time, score, events: eventsOfLabels(labelled) } satisfies JudgedSeries;
}

const rows = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-9, `${actual}, not ${expected}`);
const sigmoid = (y: number) => 2 / (1 + Math.exp(5 * y)) - 1;

test("NAB: an alarm at the start of the only window is worth 100, silence 0, and none before the window costs in full", () => {
  const window = rows(50, 59);
  const at = (scores: Record<number, number>) => nabScore([series(100, window, scores)], PROFILES.standard);
  near(at({ 50: 1 }).default, 100);
  near(at({}).default, 0);
  near(at({}).best, 0);
  assert.equal(at({}).threshold, Number.POSITIVE_INFINITY);
  near(at({ 20: 1 }).default, (100 * -0.11) / 2);
  near(at({ 20: 1, 50: 1 }).default, (100 * (2 - 0.11)) / 2);
  near(nabScore([series(100, window, { 20: 1, 50: 1 })], PROFILES.reward_low_fp).default, (100 * (2 - 0.22)) / 2);
  near(nabScore([series(100, window, { 20: 1 })], PROFILES.reward_low_fn).default, (100 * -0.11) / 3);
});

test("NAB: the first alarm in a window counts, a late one less, and just after the window an alarm costs little", () => {
  const window = rows(50, 59);
  const at = (scores: Record<number, number>) => nabScore([series(100, window, scores)], PROFILES.standard).default;
  near(at({ 57: 1, 58: 9 }), (100 * (1 + sigmoid(-0.3) / sigmoid(-1))) / 2);
  near(at({ 60: 1 }), (100 * 0.11 * sigmoid(1 / 9)) / 2);
  near(at({ 90: 1 }), (100 * -0.11) / 2);
});

test("NAB: the best line is the one for all series together", () => {
  const quiet = series(100, rows(50, 59), { 20: 0.5, 50: 0.8 });
  const loud = series(100, rows(50, 59), { 20: 3, 50: 4 });
  const { default: atLine, best, threshold } = nabScore([quiet, loud], PROFILES.standard);
  near(atLine, (100 * (2 - 0.11)) / 4);
  near(best, (100 * (4 - 0.11)) / 4);
  assert.equal(threshold, 0.8);
});

test("probation: 15 % of a series and never more than 750 rows", () => {
  assert.equal(countedFrom(series(100, [], {})), 15);
  assert.equal(countedFrom(series(5000, [], {})), 750);
  assert.equal(countedFrom(series(100_000, [], {})), 750);
  const { false_alarms, events } = eventScore([series(100, [3, 4], { 4: 1, 14: 1, 15: 1 })]);
  assert.deepEqual({ false_alarms, events }, { false_alarms: 1, events: 0 });
});

test("delay-adjusted F1: an event counts with all its rows when one of its first eight is an alarm, otherwise with none", () => {
  const event = rows(40, 59);
  near(delayScore([series(100, event, { 47: 1 })])?.f1, 1);
  near(delayScore([series(100, event, { 48: 1 })])?.f1, 0);
  near(delayScore([series(100, event, { 47: 1, 80: 1, 81: 1 })])?.f1, 40 / 42);
  near(delayScore([series(100, event, { 47: 0.5, 80: 0.4 })])?.best_f1, 1);
  const hourly = series(100, event, { 44: 1 }, 60 * MINUTE);
  assert.deepEqual([longestDelay(series(100, [], {})), longestDelay(hourly)], [7, 3]);
  near(delayScore([hourly])?.f1, 0);
  near(delayScore([series(100, event, { 43: 1 }, 60 * MINUTE)])?.f1, 1);
});

test("plain points are counted one by one", () => {
  const score = pointScore([series(100, rows(40, 43), { 40: 2, 41: 1, 42: 0.5, 90: 1 })]);
  near(score?.precision, 2 / 3);
  near(score?.recall, 2 / 4);
  near(score?.f1, 4 / 7);
  near(score?.best_f1, 6 / 8);
  assert.equal(score?.best_threshold, 0.5);
});

test("events: found by any of their rows, their delay, and runs of alarms outside of them", () => {
  const labels = [...rows(30, 39), ...rows(50, 59), ...rows(70, 79)];
  const score = eventScore([series(100, labels, { 33: 1, 59: 2, 60: 1, 61: 1, 63: 1, 80: 1, 81: 1 })]);
  assert.equal(score.events, 3);
  assert.equal(score.found, 2);
  assert.equal(score.found_in_time, 1);
  const windows = eventScore([series(100, labels, { 33: 1 })], "windows");
  assert.deepEqual(
    [windows.found_in_time, windows.recall_in_time, windows.precision_in_time],
    Array(3).fill(undefined),
  );
  assert.equal(score.delay_rows, 6);
  assert.equal(score.delay_seconds, 360);
  assert.equal(score.false_alarms, 3);
  near(score.recall, 2 / 3);
  near(score.precision, 2 / 5);
});

test("false alarms a day are told of the time that was judged, and of each series in it", () => {
  const one = series(1440, [], { 500: 1, 700: 1 });
  const other = series(1440, [], { 900: 1 });
  const days = (1439 - 216) / 1440;
  const score = eventScore([one, other]);
  near(score.false_alarms_a_day, 3 / days);
  near(score.false_alarms_a_series_day, 3 / days / 2);
  const later = { ...other, time: other.time.map((time) => time + 10 * 1440 * MINUTE) };
  near(eventScore([one, later]).false_alarms_a_day, 3 / days / 2);
});

test("without labels there are no figures but the false alarms", () => {
  const { nab, delay_adjusted, points, events } = judgementOf([series(100, [], { 50: 1 })], "points");
  assert.deepEqual([nab, delay_adjusted, points], [undefined, undefined, undefined]);
  assert.deepEqual([events.recall, events.false_alarms, events.precision], [undefined, 1, 0]);
  assert.equal(judgementOf([series(100, [], {})], "windows").nab, undefined);
});

test("windows of time become the rows they hold, both ends included; those that hold none are left out", () => {
  const time = Float64Array.from([0, 10, 20, 20, 30, 40]);
  const windows = [[15, 30] as const, [-5, 4] as const, [41, 50] as const, [11, 14] as const];
  assert.deepEqual(eventsOfWindows(time, windows), [
    [0, 0],
    [2, 4],
  ]);
});

const someSeries = fc
  .array(fc.record({ label: fc.boolean(), score: fc.constantFrom(0, 0.2, 0.5, 0.9, 1, 1.5, 7, Number.NaN) }), {
    minLength: 12,
    maxLength: 60,
  })
  .map((rows) => {
    const labels = rows.flatMap(({ label }, i) => (label && rows[i >> 2].label ? [i] : []));
    return series(rows.length, labels, Object.fromEntries(rows.map(({ score }, i) => [i, score])));
  });
const several = fc.array(someSeries, { minLength: 1, maxLength: 4 });

/** Every line that makes a difference. */
const lines = (all: readonly JudgedSeries[]) => [
  Number.POSITIVE_INFINITY,
  ...all.flatMap(({ score }) => [...score].map((each) => each || 0)),
];
const scaled = (all: readonly JudgedSeries[], line: number) =>
  all.map((one) => ({ ...one, score: one.score.map((each) => ((each || 0) >= line ? 1 : 0)) }));

/** The sum that defines NAB, row by row. */
function nabByDefinition(all: readonly JudgedSeries[], { found, falseAlarm, missed }: typeof PROFILES.standard) {
  let sum = 0;
  let windows = 0;
  for (const one of all) {
    const alarm = (row: number) => row >= countedFrom(one) && one.score[row] >= 1;
    for (const [first, last] of one.events) {
      windows++;
      const hit = rows(first, last).find(alarm);
      sum += hit === undefined ? -missed : (found * sigmoid(-(last - hit + 1) / (last - first + 1))) / sigmoid(-1);
    }
    for (let row = 0; row < one.score.length; row++) {
      if (!alarm(row) || one.events.some(([first, last]) => row >= first && row <= last)) continue;
      const before = one.events.filter(([, last]) => last < row).at(-1);
      const y = before ? (row - before[1]) / (before[1] - before[0]) : Number.POSITIVE_INFINITY;
      sum += falseAlarm * (y > 3 ? -1 : sigmoid(y));
    }
  }
  return (100 * (sum + missed * windows)) / ((found + missed) * windows);
}

test("whatever the scores, NAB at the line is the sum over rows, and the best line the best of all lines", () => {
  fc.assert(
    fc.property(several, fc.constantFrom(...Object.values(PROFILES)), (all, profile) => {
      fc.pre(all.some(({ events }) => events.length > 0));
      const { default: atLine, best } = nabScore(all, profile);
      near(atLine, nabByDefinition(all, profile as typeof PROFILES.standard));
      near(best, Math.max(...lines(all).map((line) => nabByDefinition(scaled(all, line), profile as never))));
    }),
    { numRuns: 200 },
  );
});

test("whatever the scores, the best F1 is the largest that a line gives, and the default is at most that", () => {
  fc.assert(
    fc.property(several, fc.constantFrom(pointScore, delayScore), (all, scoreOf) => {
      const own = scoreOf(all);
      fc.pre(own !== undefined);
      near(own?.best_f1, Math.max(...lines(all).map((line) => scoreOf(scaled(all, line))?.f1 ?? 0)));
      near(own?.f1, scoreOf(scaled(all, 1))?.f1 ?? 0);
      assert.ok((own?.f1 ?? 0) <= (own?.best_f1 ?? 0) + 1e-12);
    }),
    { numRuns: 200 },
  );
});

test("the order of series changes nothing", () => {
  fc.assert(
    fc.property(several, (all) => {
      const forward = judgementOf(all, "points");
      const backward = judgementOf([...all].reverse(), "points");
      near(backward.delay_adjusted?.best_f1 ?? 0, forward.delay_adjusted?.best_f1 ?? 0);
      assert.deepEqual({ ...backward.events, delay_rows: 0 }, { ...forward.events, delay_rows: 0 });
    }),
  );
});
