// What the detectors of vectors promise: a combination that is new is found, its metrics are named, and normal comes back.
import assert from "node:assert/strict";
import test from "node:test";
import halfSpaceTrees from "../../plugins/processors/half_space_trees/index.ts";
import isolationForest from "../../plugins/processors/isolation_forest/index.ts";
import type { VectorDetectorPlugin } from "../../src/api/index.ts";
import { Relations } from "../../src/pipeline/relations.ts";
import { optionsOf } from "../../src/registry.ts";
import { SeriesState } from "../../src/series/state.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";

const WIDTH = 6;
const random = seededRandom(11);
/** One load drives four metrics; two dimensions are of no metric. `odd` takes one metric off it. */
const vector = (odd = -1, load = random()): number[] =>
  [100, 3, 2000, 1e9].map((level, k) => level * (0.5 + (k === odd ? 1 - load : load) + 0.03 * random()));

interface Judged {
  readonly score: number;
  readonly contributions: Float64Array;
}

/** A detector on one resource, one vector a minute. NaN stands for a silent metric. */
function watch(plugin: VectorDetectorPlugin<any, any>, options: object = {}) {
  const config = optionsOf(plugin as never).parse({ dimensions: WIDTH, ...options }) as never;
  const state = new SeriesState(plugin.state(config));
  state.grow(1);
  const relations = new Relations(WIDTH);
  relations.state.grow(1);
  let age = 0;
  const held = new Uint32Array(WIDTH);
  return (values: readonly number[], renewed = -1): Judged => {
    if (renewed >= 0) held[renewed] = 0;
    const numbers = (length: number) => new Float64Array(length).fill(Number.NaN);
    const verdicts = { score: numbers(1), contributions: numbers(WIDTH), finding: new Uint8Array(1) };
    const own = Float64Array.from({ length: WIDTH }, (_, k) => values[k] ?? Number.NaN);
    const rows = { length: 1, width: WIDTH, series: new Uint32Array(1), age: Uint32Array.of(age) };
    const deviations = numbers(WIDTH);
    relations.deviate(0, own, held, 0, deviations);
    const given = { ...rows, time: Float64Array.of(age++ * 60_000), values: own, deviations, held: held.slice() };
    plugin.scoreThenLearn(given, state.columns as never, verdicts, config);
    for (let k = 0; k < WIDTH; k++) held[k]++;
    // NaN says nothing, as 0
    return { score: verdicts.score[0], contributions: verdicts.contributions.map((each) => each || 0) };
  };
}

for (const plugin of [halfSpaceTrees, isolationForest] as VectorDetectorPlugin<any, any>[]) {
  test(`${plugin.type}: a metric off the load of the others scores above all that is normal, and is named`, () => {
    const see = watch(plugin);
    const scores: number[] = [];
    for (let i = 0; i < 1500; i++) {
      const { score } = see(vector());
      if (i > 700) scores.push(score);
    }
    const highest = Math.max(...scores);
    for (let k = 0; k < 4; k++) {
      const { score, contributions } = see(vector(k, 0.95));
      assert.ok(score > highest, `metric ${k}: ${score}, normal up to ${highest}`);
      assert.equal(contributions.indexOf(Math.max(...contributions)), k, [...contributions].join(" "));
      assert.ok(see(vector()).score <= highest);
    }
  });

  test(`${plugin.type}: says nothing before it has learnt, then soon; a silent metric is as usual`, () => {
    const see = watch(plugin);
    let first = 0;
    while (Number.isNaN(see(vector()).score) && first < 1000) first++;
    assert.ok(first >= 16 && first < 120, `${first} vectors`);
    for (let i = 0; i < 500; i++) see(vector());
    const { score, contributions } = see([...vector(-1, 0.5).slice(0, 3), Number.NaN]);
    assert.ok(score < 1.5, `${score}`);
    assert.ok(!(contributions[3] > 0));
  });

  test(`${plugin.type}: a dimension that another metric takes over is not odd for that`, () => {
    const see = watch(plugin);
    for (let i = 0; i < 600; i++) see(vector());
    const normal = Math.max(...Array.from({ length: 100 }, () => see(vector()).score));
    const other = () => [...vector().slice(0, 3), -5e6 * random()];
    const { contributions, score } = see(other(), 3);
    assert.ok(!(contributions[3] > 0.5), `${contributions[3]}`);
    assert.ok(score <= normal + 1, `${score} after ${normal}`);
    for (let i = 0; i < 1000; i++) assert.ok(see(other()).score <= normal + 2);
  });

  test(`${plugin.type}: what lasts becomes normal`, () => {
    const see = watch(plugin, plugin === (isolationForest as never) ? { subsample: 64 } : {});
    for (let i = 0; i < 600; i++) see(vector());
    const before = see(vector(1, 0.95)).score;
    for (let i = 0; i < 2500; i++) see(vector(1));
    const after = see(vector(1, 0.95)).score;
    assert.ok(after < before / 3, `${before} and then ${after}`);
  });
}
