// What a user of a cascade relies on: how much passes, what the second detector learns from, whose scores count.
import assert from "node:assert/strict";
import test from "node:test";
import cascade from "../../plugins/processors/cascade/index.ts";
import { defineDetector, type StateShape, z } from "../../src/api/index.ts";
import { compose, composedOptions } from "../../src/pipeline/compose.ts";
import { optionsOf } from "../../src/registry.ts";
import { SeriesState } from "../../src/series/state.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";

const about = { signal: "metrics", stability: "alpha", finds: { above: "spike", below: "drop" } } as const;
const config = z.object({});

/** Scores a row by its value. */
const cheap = defineDetector({
  ...about,
  type: "cheap",
  summary: "Scores the value.",
  config,
  state: {},
  scoreThenLearn({ length, value }, _, { score, expected }) {
    for (let i = 0; i < length; i++) {
      score[i] = value[i];
      expected[i] = 1;
    }
  },
});

/** Runs a cascade over one series of values: its scores, and which rows the second detector saw, with their ages. */
function run(values: readonly number[], options: object = {}) {
  const seen: [value: number, age: number][] = [];
  const costly = defineDetector({
    ...about,
    type: "costly",
    summary: "Scores ten times the value.",
    config,
    state: { sum: "f64" },
    scoreThenLearn({ length, value, age, series }, { sum }, { score, expected }) {
      for (let i = 0; i < length; i++) {
        seen.push([value[i], age[i]]);
        expected[i] = sum[series[i]];
        sum[series[i]] += value[i];
        score[i] = 10 * value[i];
      }
    },
  });
  const parts = [cheap, costly].map((plugin) => ({ id: plugin.type, plugin, options: {} }) as never);
  const own = composedOptions(optionsOf(cascade).parse({ first: "cheap", second: "costly", ...options }), parts);
  const plugin = compose(cascade, own, parts);
  const state = new SeriesState(plugin.state as StateShape);
  state.grow(1);
  const length = values.length;
  const numbers = () => new Float64Array(length).fill(Number.NaN);
  const verdicts = { score: numbers(), observed: numbers(), expected: numbers(), lower: numbers(), upper: numbers() };
  const age = Uint32Array.from({ length }, (_, i) => i);
  const zero = new Uint32Array(length);
  const rows = { length, series: zero, age, time: numbers(), offset: zero, value: Float64Array.from(values) };
  const all = { ...verdicts, finding: new Uint8Array(length), basis: new Uint8Array(length) };
  plugin.scoreThenLearn(rows as never, state.columns as never, all as never, own as never);
  return { ...verdicts, seen };
}

const random = seededRandom(4);
const noise = Array.from({ length: 20_000 }, () => -Math.log(1 - random()));

test("about the share that is asked for passes, and is judged by the second alone", () => {
  for (const share of [0.01, 0.05, 0.2]) {
    const { score, seen } = run(noise, { share, sample: 0 });
    const passed = score.slice(256).filter((each) => each > 0).length / (noise.length - 256);
    assert.ok(passed > share / 1.3 && passed < share * 1.3, `${share}: ${passed}`);
    assert.equal(seen.length, 256 + Math.round(passed * (noise.length - 256)));
  }
  const { score } = run([...noise, 40]);
  assert.equal(score.at(-1), 400);
});

test("the share follows scores that grow tenfold", () => {
  const { score } = run([...noise, ...noise.map((each) => 10 * each)], { sample: 0 });
  const late = score.slice(-10_000);
  const passed = late.filter((each) => each > 0).length / late.length;
  assert.ok(passed > 0.035 && passed < 0.065, `${passed}`);
});

test("the second learns the first rows and a sample of ordinary ones, and none of those is an anomaly", () => {
  const { score, expected, seen } = run(noise, { share: 0.02, sample: 0.1, learn: 100 });
  assert.ok(score.slice(0, 100).every(Number.isNaN));
  assert.equal(seen.length, seen.at(-1)![1] + 1);
  const ordinary = seen.slice(100).filter(([value]) => value < 1).length;
  const share = ordinary / noise.slice(100).filter((value) => value < 1).length;
  assert.ok(share > 0.08 && share < 0.12, `${share}`);
  // a row that did not pass keeps what the first one expected, and scores nothing
  const skipped = noise.findIndex((value, i) => i >= 100 && !seen.some(([one]) => one === value));
  assert.equal(score[skipped], 0);
  assert.equal(expected[skipped], 1);
});

test("a series that stands still passes nothing, and its first move does", () => {
  const { score, seen } = run([...new Array(1000).fill(0), 3], { sample: 0 });
  assert.equal(seen.length, 257);
  assert.equal(score.at(-1), 30);
});

test("what a cascade leaves open is as its detectors have it, what they watch and how they raise is not theirs to say", () => {
  const part = (id: string, options: object) => ({ id, plugin: cheap, options }) as never;
  const parts = [
    part("cheap", { interval: 1000, dimensions: 8, match: {}, alert_budget: 3, max_series: 1000 }),
    part("costly", { interval: 5000, dimensions: 4, threshold: 4, max_series: 200 }),
  ];
  const own = { first: "cheap", second: "costly" };
  const shape = { interval: 1000, dimensions: 8 };
  assert.deepEqual(composedOptions(own, parts), { ...shape, ...own, max_series: 200, threshold: 4 });
  const said = { ...own, alert_budget: 1, max_series: 5 };
  assert.deepEqual(composedOptions(said, parts), { ...shape, ...said });
});
