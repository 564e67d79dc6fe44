// holt_winters against the recursion of the textbooks, and its season against the one that a series has.
import assert from "node:assert/strict";
import test from "node:test";
import holtWinters from "../../plugins/processors/holt_winters/index.ts";
import { normal } from "../gauges.ts";
import { scored } from "../scoring.ts";

const HOUR = 3_600_000;
const FIVE = 300_000;
const hourly = { season: "1h", bins: 12, alpha: 0.2, beta: 0.1, gamma: 0.3, min_relative_deviation: 0 };
/** The middle of the first bin of an hour. */
const MIDDLE = Math.ceil(1.7e12 / HOUR) * HOUR + FIVE / 2;

test("once the season is known, level, trend and season follow Holt and Winters", () => {
  const random = normal();
  const shape = (i: number) => 100 + 0.5 * i + 20 * Math.sin((2 * Math.PI * i) / 12) + random();
  const young = scored(
    holtWinters,
    hourly,
    Array.from({ length: 60 }, (_, i) => shape(i)),
    { step: FIVE, begin: MIDDLE },
  );
  const { state } = young;
  assert.equal(state.known[0], 1);
  for (let i = 60; i < 300; i++) {
    const bin = i % 12;
    const [level, trend, season] = [state.level[0], state.trend[0], state.pattern[bin]];
    // no further off than what is learnt in full
    const y = level + trend + season + Math.sqrt(state.variance[0]) * Math.max(-1.9, Math.min(1.9, random()));
    const { expected } = scored(holtWinters, hourly, [y], { begin: MIDDLE + i * FIVE, state });
    const nextLevel = 0.2 * (y - season) + 0.8 * (level + trend);
    const nextTrend = 0.1 * (nextLevel - level) + 0.9 * trend;
    const nextSeason = 0.3 * (y - nextLevel) + 0.7 * season;
    const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9 * Math.abs(b) + 1e-9, `${a} is not ${b}`);
    near(expected[0], level + trend + season);
    near(state.level[0], nextLevel);
    near(state.trend[0], nextTrend);
    near(state.pattern[bin], nextSeason);
  }
});

test("an outlier of any size teaches no more than two standard deviations", () => {
  const random = normal();
  const values = Array.from({ length: 300 }, () => 100 + random());
  const { state } = scored(holtWinters, {}, values);
  const [level, deviation] = [state.level[0], Math.sqrt(state.variance[0])];
  scored(holtWinters, {}, [1e12], { begin: 1.7e12 + 300 * 60_000, state });
  assert.ok(Math.abs(state.level[0] - level) < 0.1 * 2 * Math.max(deviation, 1.1) + 0.1);
  assert.ok(Math.sqrt(state.variance[0]) < 1.2 * Math.max(deviation, 1.1));
});

test("of a rising series with a season the pattern holds the season alone", () => {
  const random = normal();
  const season = (i: number) => 50 * Math.sin((2 * Math.PI * i) / 144);
  const values = Array.from({ length: 170 }, (_, i) => 1000 + i + season(i) + random());
  const { state } = scored(holtWinters, {}, values, { step: 600_000, begin: 1_699_920_000_000 });
  assert.equal(state.known[0], 1);
  for (let bin = 0; bin < 48; bin++) {
    const wanted = season(bin * 3 + 1);
    assert.ok(Math.abs(state.pattern[bin] - wanted) < 20, `bin ${bin}: ${state.pattern[bin]}, not ${wanted}`);
  }
});

test("the basis is named once the season is one of days or weeks", () => {
  const values = new Array(400).fill(0).map((_, i) => i % 7);
  const { basis } = scored(holtWinters, {}, values, { step: 600_000 });
  assert.equal(basis[10], 0);
  assert.equal(basis[399], 1);
  const week = scored(holtWinters, { season: "7d", bins: 14 }, values, { step: 3_600_000 });
  assert.equal(week.basis[399], 2);
  const hour = scored(holtWinters, { season: "1h", bins: 4 }, values, { step: 600_000 });
  assert.equal(hour.basis[399], 0);
});
