// auto: how rare what it calls rare is, how often it cries wolf on everyday series, and that its parts do what they say.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { FINDS, LINE } from "../../plugins/processors/auto/combine.ts";
import { count, decadesBeyond, type Events } from "../../plugins/processors/auto/events.ts";
import auto from "../../plugins/processors/auto/index.ts";
import { CELLS, COUNTS, LEVELS, type Memory, type Point, shape, WIDTH } from "../../plugins/processors/auto/memory.ts";
import { noveltyOf } from "../../plugins/processors/auto/novelty.ts";
import { once } from "../../plugins/processors/auto/peak.ts";
import { isDue, pass } from "../../plugins/processors/auto/rhythm.ts";
import { SeriesState } from "../../src/series/state.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { scored } from "../scoring.ts";

type Random = () => number;
const normal = (random: Random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 5);

/** The verdicts of one series, a point a minute, with a gap of some hours after so many points. */
function judged(values: readonly number[], step = MINUTE, gapAfter = values.length) {
  const before = scored(auto, {}, values.slice(0, gapAfter), { step, begin: START });
  const begin = START + gapAfter * step + 5 * 60 * MINUTE;
  const after = scored(auto, {}, values.slice(gapAfter), { step, begin, state: before.state });
  const { finding, expected, lower, upper, basis } = before;
  return { score: Float64Array.of(...before.score, ...after.score), finding, expected, lower, upper, basis };
}

const series = (length: number, shapeOf: (random: Random, i: number) => number, seed = 1) => {
  const random = seededRandom(seed);
  return Array.from({ length }, (_, i) => shapeOf(random, i));
};

/** Rows past the line, once the agent would tell them. */
const alarms = (score: Float64Array) => [...score.keys()].filter((i) => i >= 60 && score[i] >= LINE);

const NOISE: Record<string, (random: Random, i: number) => number> = {
  normal: (random) => 100 + 5 * normal(random),
  "log-normal": (random) => 100 * Math.exp(0.5 * normal(random)),
  laplace: (random) => 50 + (random() < 0.5 ? 5 : -5) * Math.log(1 - random()),
  exponential: (random) => -10 * Math.log(1 - random()),
  "student's t of 3": (random) =>
    50 + (5 * normal(random)) / Math.sqrt((normal(random) ** 2 + normal(random) ** 2 + normal(random) ** 2) / 3),
  uniform: (random) => 100 * random(),
  integers: (random) => Math.round(50 + 2 * normal(random)),
  bimodal: (random) => (random() < 0.5 ? 20 : 80) + 2 * normal(random),
  "mostly zero": (random) => (random() < 0.03 ? 1 + Math.floor(3 * random()) : 0),
};

for (const [name, shapeOf] of Object.entries(NOISE)) {
  test(`${name} noise: after 2,000 points a rarity of r is no more frequent than three times 10^-r`, () => {
    const scores = [1, 2, 3].flatMap((seed) => [...judged(series(20_000, shapeOf, seed)).score.slice(2000)]);
    for (const rarity of [1, 2, 3, LINE, 4, 4.5]) {
      const rows = scores.filter((score) => score >= rarity).length;
      // by chance alone three may be found where one is expected
      assert.ok(rows <= Math.max(3, 3 * 10 ** -rarity * scores.length), `${rows} rows of rarity ${rarity}`);
    }
  });
}

const EVERYDAY: Record<string, readonly [most: number, shapeOf: (random: Random, i: number) => number]> = {
  "a constant": [0, () => 42],
  "plain noise": [4, NOISE.normal],
  "a sawtooth": [0, (random, i) => (i % 100) + 0.1 * random()],
  "a noisy sawtooth": [7, (random, i) => 500 + 0.5 * (i % 700) + 2 * normal(random)],
  "two levels": [2, NOISE.bimodal],
  "a spike each hour": [3, (random, i) => (i % 60 === 0 ? 100 : 10) + normal(random)],
  "a daily rhythm": [4, (random, i) => 100 + 50 * Math.sin((2 * Math.PI * i) / 1440) + 3 * normal(random)],
  "errors now and then": [14, (random) => (random() < 0.003 ? 1 + Math.floor(3 * random()) : 0)],
  "long tails": [10, NOISE["log-normal"]],
};

for (const [name, [most, shapeOf]] of Object.entries(EVERYDAY)) {
  test(`${name}: at most ${most} false alarms in two weeks of minutes`, () => {
    const told = alarms(judged(series(20_000, shapeOf)).score);
    assert.ok(told.length <= most, `at ${told}`);
  });
}

test("level and unit of a series do not matter", () => {
  const values = series(3000, (random, i) => 10 * normal(random) + (i % 700 === 699 ? 90 : 0));
  const { score } = judged(values);
  for (const [factor, offset] of [
    [1, 1e12],
    [1e-6, 0],
    [1024, -1e9],
  ]) {
    const other = judged(values.map((value) => value * factor + offset)).score;
    assert.deepEqual(alarms(other), alarms(score));
  }
});

test("the same incident is told again, its end is not", () => {
  const values = series(
    6000,
    (random, i) => 100 + 5 * normal(random) + (i % 3000 >= 2500 && i % 3000 < 2620 ? 100 : 0),
  );
  const told = alarms(judged(values).score);
  assert.ok(told.includes(2500) && told.some((i) => i >= 5500 && i < 5505), `at ${told}`);
  assert.deepEqual(
    told.filter((i) => (i >= 2610 && i < 2700) || (i >= 5610 && i < 5700)),
    [],
  );
});

test("a shift that no single point betrays is told as one, or by and by as a drift, and expected is what it was before", () => {
  const values = series(7000, (random, i) => 100 + 5 * normal(random) + (i >= 6000 ? 7 : 0));
  const { score, finding, expected } = judged(values);
  const told = alarms(score).filter((i) => i >= 6000 && i < 6300);
  assert.ok(told.length > 0 && told.length < 4, `at ${told}`);
  const named = told.filter((i) => finding[i] > 0);
  assert.ok(named.length > 0);
  for (const i of named) {
    assert.ok(["level_shift", "drift"].includes(FINDS[finding[i] - 1]));
    assert.ok(expected[i] < 106, `${expected[i]}`);
  }
});

test("what follows a gap is measured by what follows it", () => {
  const values = series(3000, (random, i) => 100 + 5 * normal(random) + (i >= 1000 && i < 2000 ? 30 : 0));
  assert.deepEqual(
    alarms(judged(values, MINUTE, 2000).score).filter((i) => i >= 2000 && i < 2100),
    [],
  );
});

test("the daily course is the basis once it is known and nearer", () => {
  const rhythm = series(6 * 288, (random, i) => 100 + 50 * Math.sin((2 * Math.PI * i) / 288) + normal(random));
  const { basis } = judged(rhythm, 5 * MINUTE);
  assert.ok(basis.slice(0, 3 * 288).every((each) => each === 0));
  assert.ok(basis.slice(-100).every((each) => each === 1));
});

/** Busy by day, less so on weekends, where the local time is so many hours ahead. */
const officeHours =
  (ahead: number) =>
  (random: Random, i: number): number => {
    const hours = 8 * 24 + i / 12 + ahead;
    const weekend = Math.floor(hours / 24 - 1) % 7 >= 5;
    const busy = Math.exp(-((((hours % 24) - 13) / 3.5) ** 2));
    return 50 + (weekend ? 40 : 150) * busy + 3 * normal(random);
  };

test("the course of weekends is learnt as another, and what is said of this hour of the week is true", () => {
  const { score, expected, basis } = judged(series(35 * 288, officeHours(0)), 5 * MINUTE);
  assert.ok(basis.slice(-7 * 288).every((each) => each === 2));
  const noon = (day: number) => expected[(28 + day) * 288 + 13 * 12];
  assert.ok(Math.abs(noon(2) - 200) < 10, `Wednesday: ${noon(2)}`);
  assert.ok(Math.abs(noon(5) - 90) < 10, `Saturday: ${noon(5)}`);
  const late = alarms(score).filter((i) => i >= 14 * 288);
  assert.ok(late.length <= 2, `at ${late}`);
});

test("a weekend that begins hours before or after that of UTC is no news", () => {
  for (const ahead of [-8, 8]) {
    const { score } = judged(series(42 * 288, officeHours(ahead)), 5 * MINUTE);
    const late = alarms(score).filter((i) => i >= 21 * 288);
    assert.ok(late.length <= 3, `${ahead} hours ahead: at ${late}`);
  }
});

test("sharp hours of work are no news once they are known, nor is the Monday after the weekend that told the two apart", () => {
  const sharp = (random: Random, i: number) => {
    const hours = i / 12;
    const works = hours % 24 >= 8 && hours % 24 < 18 && Math.floor(hours / 24) % 7 < 5;
    return (works ? 200 : 50) * (1 + 0.05 * normal(random));
  };
  const late = alarms(judged(series(35 * 288, sharp), 5 * MINUTE).score).filter((i) => i >= 14 * 288);
  assert.ok(late.length <= 2, `at ${late}`);
  const halved = (random: Random, i: number) =>
    100 * (1 + 0.4 * Math.sin((2 * Math.PI * i) / 288)) * (Math.floor(i / 288) % 7 < 5 ? 1 : 0.5) + normal(random);
  const { score, basis } = judged(series(15 * 288, halved), 5 * MINUTE);
  const monday = basis.indexOf(2);
  assert.equal(monday % (7 * 288), 0);
  assert.deepEqual(
    alarms(score).filter((i) => i >= monday && i < monday + 144),
    [],
  );
});

test("without a week's rhythm nothing is said of the week, and points that are hours apart have their time of day as well", () => {
  const rhythm = (each: number) => (random: Random, i: number) =>
    100 + 50 * Math.sin((2 * Math.PI * i) / each) + normal(random);
  const fine = judged(series(28 * 288, rhythm(288)), 5 * MINUTE).basis;
  assert.ok(fine.slice(7 * 288).every((each) => each === 1));
  const hourly = judged(series(28 * 24, rhythm(24)), 60 * MINUTE).basis;
  assert.ok(hourly.slice(-7 * 24).every((each) => each > 0));
});

test("a rise on the first day, as on every day, is no news", () => {
  const { score } = judged(
    series(1440, (random, i) => 100 - 50 * Math.cos((2 * Math.PI * i) / 1440) + 3 * normal(random)),
  );
  assert.deepEqual(alarms(score), []);
});

test("what is called usual is no value that the series never had, nor below zero, and holds what is expected", () => {
  for (const shapeOf of [
    NOISE.exponential,
    NOISE["mostly zero"],
    (random: Random) => Math.min(1, 1 + 0.01 * normal(random)),
  ]) {
    const values = series(5000, shapeOf);
    const { expected, lower, upper } = judged(values);
    const most = Math.max(...values);
    for (let i = 1; i < values.length; i++) {
      assert.ok(lower[i] >= 0 && lower[i] <= expected[i] && expected[i] <= upper[i], `row ${i}`);
      assert.ok(i < 500 || upper[i] <= most, `row ${i}: ${upper[i]}`);
    }
  }
  const still = judged(series(100, () => 3));
  assert.deepEqual([still.lower[99], still.upper[99]], [3, 3]);
});

test("an event is due at the third equal interval, and no more once one was missed", () => {
  const counts = new Uint16Array(COUNTS);
  const due = [300, 700, 705, 690, 710, 1400, 700, 700, 700].map((points) => {
    for (let i = 0; i < points; i++) pass(counts, 0);
    return isDue(counts, 0);
  });
  assert.deepEqual(due, [false, false, false, true, true, false, false, false, true]);
});

test("a gap in the values seen is as wide as in a list of them", () => {
  const value = fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 8);
  fc.assert(
    fc.property(fc.array(value, { minLength: 80, maxLength: 200 }), (drawn) => {
      const values = [-125_000, 125_000, ...drawn];
      const state = new SeriesState(shape);
      state.grow(1);
      const memory = state.columns as unknown as Memory;
      for (const [i, each] of values.entries()) {
        const far = noveltyOf(memory, 0, { value: each, n: i + 1 } as Point);
        const past = values.slice(0, i);
        const range = Math.max(...values.slice(0, i + 1)) - Math.min(...values.slice(0, i + 1));
        const nearest = Math.min(...past.map((other) => Math.abs(other - each)));
        assert.ok(Number.isFinite(memory.levels[LEVELS - 1]));
        if (i >= 60 && range > 0)
          assert.ok(far * range <= nearest + 1.5 * memory.levels[WIDTH], `${far * range}, not ${nearest}`);
      }
    }),
  );
});

test("rarity counts what came before, and an equal event is as rare as those before it", () => {
  const counts = new Uint16Array(1 + CELLS);
  const events: Events = { rarity: 0, known: 0, beyond: 1, wild: 0, cell: 0 };
  for (let i = 0; i < 999; i++) count(counts, 0, 0, 1, events);
  count(counts, 0, 10, 1, events);
  assert.equal(
    events.rarity.toFixed(6),
    Math.log10(1000 / 0.1).toFixed(6),
    "only the tenth of an event that the prior imagines",
  );
  for (let i = 0; i < 999; i++) count(counts, 0, 0, 1, events);
  count(counts, 0, 10, 1, events);
  assert.equal(events.known, 1);
  assert.equal(events.rarity.toFixed(6), Math.log10(2000 / 1.1).toFixed(6));
  assert.equal(events.beyond, 1);
});

test("beyond all that was counted, a steep tail makes rarer than a flat one, and few events tell little", () => {
  const decades = (sizes: readonly number[]) => {
    const counts = new Uint16Array(1 + CELLS);
    const events: Events = { rarity: 0, known: 0, beyond: 1, wild: 0, cell: 0 };
    for (const size of sizes) count(counts, 0, size, 1, events);
    count(counts, 0, 20, 1, events);
    return decadesBeyond(counts, 0, events.cell, 4);
  };
  const steep = Array.from({ length: 200 }, (_, i) => 2 + i / 200);
  const flat = Array.from({ length: 200 }, (_, i) => (200 / (i + 1)) ** 0.5);
  assert.ok(decades(steep) > decades(flat) + 0.5, `${decades(steep)} and ${decades(flat)}`);
  assert.ok(decades([1, 1]) <= Math.log10(3));
  assert.equal(decades([]), 0);
});

test("an event fires once, and again when it is larger by the margin or the past is forgotten", () => {
  const peaks = new Float32Array(2);
  const ages = new Uint16Array(1);
  const sizes = [5, 5, 4, 5.2, 6, ...Array(40).fill(0), 5];
  const fired = sizes.map((size) => once(peaks, 0, ages, 0, size, 20, 1.1) > 0);
  assert.deepEqual(
    [...fired.keys()].filter((i) => fired[i]),
    [0, 4, 45],
  );
});
