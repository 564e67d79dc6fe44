// Rates of events: what is told of a surge, a drop and silence, how soon, and what is not told.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { judgeRate, paceOf, RATE_STATE, rate } from "../../../src/counts/index.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";
import { normal } from "../../rarity.ts";
import { columnsOf, DAY, daily, HOUR, MONDAY, watch } from "./watched_rate.ts";

/** After two days a series without a daily course is known to have none. */
const KNOWN = 2 * DAY;
const steady = (perSecond: number) => () => perSecond;

test("a steady rate is no news", () => {
  for (const perSecond of [0.01, 0.1, 1, 10, 1000]) {
    assert.deepEqual(watch({ seed: 3 }).go(DAY, steady(perSecond)), [], `${perSecond}/s`);
  }
});

test("three times as many calls are told within minutes, the more there are the sooner", () => {
  for (const [perSecond, within] of [
    [0.1, 1200],
    [1, 120],
    [10, 20],
    [100, 10],
  ]) {
    const { go } = watch();
    go(KNOWN, steady(perSecond));
    const [first] = go(KNOWN + 2 * HOUR, steady(3 * perSecond));
    assert.ok(first.at <= KNOWN + within, `at ${perSecond}/s after ${first.at - KNOWN} s`);
    assert.ok(first.observed > first.upper && first.upper > first.expected && first.expected > first.lower);
  }
});

test("a third of the calls is told as a drop", () => {
  const { go } = watch();
  go(KNOWN, steady(10));
  const [first] = go(KNOWN + 600, steady(10 / 3));
  assert.ok(first.observed < first.lower && !first.silent);
});

test("silence is told as such, with the time of the last call", () => {
  for (const [perSecond, within] of [
    [0.1, 600],
    [1, 60],
    [10, 20],
  ]) {
    const { go } = watch();
    go(KNOWN, steady(perSecond));
    const [first] = go(KNOWN + HOUR, steady(0));
    assert.ok(first.silent && first.observed === 0, "silent");
    assert.ok(first.at <= KNOWN + within, `at ${perSecond}/s after ${first.at - KNOWN} s`);
    assert.ok(first.since <= KNOWN && first.since > KNOWN - 60, `since ${first.since - KNOWN} s`);
  }
});

test("an incident is told once, and again when it is twice as rare", () => {
  const { go } = watch();
  go(KNOWN, steady(1));
  const told = go(KNOWN + HOUR, steady(4));
  assert.ok(told.length === 1 || (told.length === 2 && told[1].rarity >= 2 * told[0].rarity), `${told.length} times`);
});

test("a silence is told once, though it becomes rarer and then usual", () => {
  const { go } = watch();
  go(KNOWN, steady(1));
  assert.equal(go(KNOWN + 5 * HOUR, steady(0)).length, 1);
});

test("a surge goes on for as long as it lasts, and no more than some minutes longer, however few come", () => {
  for (const [perSecond, times] of [
    [0.002, 50],
    [0.005, 20],
    [0.02, 15],
    [0.1, 10],
    [1, 3],
  ]) {
    for (const minutes of [10, 30]) {
      for (const seed of [1, 2, 3]) {
        const { go, lasting } = watch({ seed });
        go(KNOWN, steady(perSecond));
        const over = KNOWN + 60 * minutes;
        go(over, steady(times * perSecond));
        const what = `x${times} of ${perSecond}/s for ${minutes} min`;
        assert.ok(lasting.at > over - 180, `${what}: last ${over - lasting.at} s before it was over`);
        go(over + 1200, steady(perSecond));
        assert.ok(lasting.at <= over + 180, `${what}: last ${lasting.at - over} s after it was over`);
      }
    }
  }
});

test("a drop and a silence go on until they are over", () => {
  for (const [perSecond, times] of [
    [10, 0.3],
    [1, 0],
    [0.1, 0],
  ]) {
    const { go, lasting } = watch();
    go(KNOWN, steady(perSecond));
    const over = KNOWN + 2400;
    go(over, steady(times * perSecond));
    assert.ok(lasting.at > over - 60, `last ${over - lasting.at} s before`);
    go(over + 2 * HOUR, steady(perSecond));
    assert.ok(lasting.at <= over + 300, `last ${lasting.at - over} s after`);
  }
});

test("a surge that ends in silence is told as both", () => {
  const { go } = watch();
  go(KNOWN, steady(5));
  assert.equal(go(KNOWN + 600, steady(50)).length, 1);
  assert.ok(go(KNOWN + 660, steady(0)).some(({ silent, since }) => silent && since >= KNOWN + 590));
});

test("an operation that lived for minutes may go unsaid", () => {
  for (const perSecond of [0.1, 1, 10]) {
    assert.deepEqual(
      watch().go(6 * HOUR, (time) => (time < 1200 ? perSecond : 0)),
      [],
    );
  }
});

test("the longer nobody watched, the less of the rate is believed", () => {
  const believed = [1, 6, 12, 24].map((hours) => {
    const { state, go, miss } = watch();
    go(KNOWN, steady(1));
    miss(KNOWN + hours * HOUR);
    go(KNOWN + hours * HOUR + 10, steady(1));
    return state.events[0];
  });
  for (let i = 1; i < believed.length; i++) assert.ok(believed[i] <= 20 + believed[i - 1], `${believed}`);
});

test("without a line every interval says how rare it is, and the line is left to others", () => {
  const state = columnsOf(RATE_STATE);
  const pace = paceOf(10_000);
  let rare = 0;
  for (let i = 1; i <= 8000; i++) {
    judgeRate(state, 0, MONDAY + i * 10, i > 7900 ? 0 : 10, pace);
    if (rate.rarity > 6) rare++;
  }
  assert.ok(rare > 90, `${rare}`);
});

test("the end of an incident is no news, and the next one is", () => {
  const { go } = watch();
  go(KNOWN, steady(5));
  assert.ok(go(KNOWN + 1200, steady(30)).length > 0, "it begins");
  assert.deepEqual(go(KNOWN + 4 * HOUR, steady(5)), []);
  assert.ok(go(KNOWN + 4 * HOUR + 600, steady(30)).length > 0, "another");
});

test("what lasts an hour is how things are: then its end is news", () => {
  const { go } = watch();
  go(KNOWN, steady(5));
  go(KNOWN + 90 * 60, steady(30));
  assert.deepEqual(go(KNOWN + 4 * HOUR, steady(30)), []);
  assert.ok(go(KNOWN + 4 * HOUR + 600, steady(5)).length > 0);
});

test("a daily course is no news, nor is a weekend; at night a surge is one that would be few calls at noon", () => {
  const { go } = watch();
  assert.deepEqual(go(9 * DAY + 2 * HOUR, daily(5)), []);
  const [first] = go(9 * DAY + 3 * HOUR, (time) => 3 * daily(5)(time));
  assert.ok(first.basis === 2 && first.observed < 2 * 5, "by the time of the week");
});

test("a morning is no news on the first day, a surge is", () => {
  const morning = (time: number) => 4 + 16 / (1 + Math.exp(-(time / HOUR - 8.5) * 3));
  const { go } = watch();
  assert.deepEqual(go(12 * HOUR, morning), []);
  assert.ok(go(12 * HOUR + 60, steady(80)).length > 0);
});

test("a job every hour is no news, even though it calls all at once", () => {
  const job = (time: number) => (time % HOUR < 10 ? 36 : 0);
  assert.deepEqual(watch().go(3 * DAY, job), []);
});

test("a series is not judged in its first ten minutes", () => {
  const { go } = watch();
  assert.deepEqual(
    go(590, (time) => (time < 300 ? 1 : 50)),
    [],
  );
});

test("while nobody watches nothing is learnt: neither the gap nor what comes after it is news", () => {
  const { go, miss } = watch();
  go(KNOWN, steady(10));
  miss(KNOWN + 2 * HOUR);
  assert.deepEqual(go(KNOWN + 4 * HOUR, steady(10)), []);
  assert.ok(go(KNOWN + 4 * HOUR + 60, steady(40)).length > 0, "it still knows the rate");
});

test("slow noise is known for what it is after hours, also at a thousand calls a second", () => {
  let noise = 0;
  const random = seededRandom(5);
  const wandering = () => {
    noise = noise * Math.exp(-10 / 900) + Math.sqrt(1 - Math.exp(-20 / 900)) * normal(random);
    return 1000 * Math.exp(0.2 * noise);
  };
  assert.deepEqual(watch().go(4 * DAY, wandering), []);
});

test("intervals may be of any length", () => {
  for (const step of [1, 7, 60, 300, 3600]) {
    const { go } = watch({ step });
    assert.deepEqual(go(3 * DAY, steady(5)), [], `${step} s`);
    assert.ok(go(3 * DAY + 4 * step + 600, steady(0)).length > 0, `silence in intervals of ${step} s`);
  }
});

test("whatever comes, the state stays finite and the rarity is one or none", () => {
  const times = fc.oneof(
    fc.double(),
    fc.integer({ min: 0, max: 10_000 }).map((i) => MONDAY + i * 10),
  );
  const counts = fc.oneof(fc.double(), fc.nat(1000), fc.constantFrom(Number.NaN, Infinity, -1, 1e308));
  fc.assert(
    fc.property(fc.array(fc.tuple(times, counts), { maxLength: 60 }), (rows) => {
      const state = columnsOf(RATE_STATE);
      const pace = paceOf(10_000);
      for (let i = 1; i < 100; i++) judgeRate(state, 0, MONDAY + i * 10, 20, pace, 6);
      for (const [time, count] of rows) {
        judgeRate(state, 0, time, count, pace, 6);
        assert.ok(Number.isNaN(rate.rarity) || (rate.rarity >= 0 && rate.rarity <= 20), `${rate.rarity}`);
      }
      for (const [name, column] of Object.entries(state)) assert.ok(column.every(Number.isFinite), name);
    }),
  );
});
