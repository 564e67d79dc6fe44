// Of each metric how far it is from where the others say it is: against what was added to it, and whatever comes.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Relations } from "../../../src/pipeline/relations.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";
import { gaussian } from "../../../src/testing/stream.ts";

const WIDTH = 4;
const NONE = Number.NaN;

/** Deviations of one resource's vectors, one after the other; `renewed` is a dimension that has a new metric. */
function watch() {
  const relations = new Relations(WIDTH);
  relations.state.grow(1);
  const held = new Uint32Array(WIDTH);
  const see = (values: readonly number[], renewed = -1): number[] => {
    if (renewed >= 0) held[renewed] = 0;
    const into = new Float64Array(WIDTH);
    relations.deviate(0, Float64Array.from(values), held, 0, into);
    for (let k = 0; k < WIDTH; k++) held[k]++;
    return [...into];
  };
  return { see, relations };
}

const random = seededRandom(5);
/** Three metrics of one load, each with a noise of its own of the given size, and a fourth by itself. */
function vector(noise: readonly number[] = [0, 1, 2].map(() => gaussian(random)), load = gaussian(random)): number[] {
  const [a, b, c] = noise;
  return [50 + 10 * load + a, 1e9 * (3 - load + 0.1 * b), 0.002 * (load + 0.1 * c), 7 + gaussian(random)];
}

test("a metric that leaves the load is told by how much, though its value is an everyday one", () => {
  const { see } = watch();
  const usual: number[] = [];
  for (let i = 0; i < 2000; i++)
    if (i > 500) usual.push(...see(vector()));
    else see(vector());
  const scatter = Math.sqrt(usual.reduce((sum, each) => sum + each * each, 0) / usual.length);
  assert.ok(scatter > 0.8 && scatter < 1.2, `${scatter}`);
  // by as much as ten standard deviations of its noise, and that is one of its own
  const [odd, ...others] = see(vector([10, 0, 0], 0)).map(Math.abs);
  assert.ok(odd > 5 && odd < 12, `${odd}`);
  assert.ok(
    others.every((each) => each < 0.75 * odd),
    others.join(" "),
  );
});

test("a load of twice what it ever was is in no deviation", () => {
  const { see } = watch();
  for (let i = 0; i < 1500; i++) see(vector());
  assert.ok(see(vector([0, 0, 0], 6)).every((each) => Math.abs(each) < 4));
});

test("an outlier hides no other, and what lasts becomes normal", () => {
  const { see } = watch();
  for (let i = 0; i < 1500; i++) see(vector());
  const first = Math.abs(see(vector([20, 0, 0], 0))[0]);
  for (let i = 0; i < 5; i++) see(vector([20, 0, 0]));
  assert.ok(Math.abs(see(vector([20, 0, 0], 0))[0]) > 0.8 * first);
  for (let i = 0; i < 3000; i++) see(vector([20 + gaussian(random), gaussian(random), gaussian(random)]));
  assert.ok(Math.abs(see(vector([20, 0, 0], 0))[0]) < 3);
});

test("of a silent metric, one that is new and one that never was nothing is said, and the others are as they were", () => {
  const { see } = watch();
  for (let i = 0; i < 1500; i++) see([...vector().slice(0, 3), NONE]);
  const [, b, c] = vector([0, 0, 0], 1.5);
  const silent = see([NONE, b, c, NONE]);
  assert.ok(Number.isNaN(silent[0]) && Number.isNaN(silent[3]));
  assert.ok(Math.abs(silent[1]) < 2 && Math.abs(silent[2]) < 2, silent.join(" "));
  const renewed = see([-3e6, b, c, NONE], 0);
  assert.ok(Number.isNaN(renewed[0]));
  assert.ok(Math.abs(renewed[1]) < 3 && Math.abs(renewed[2]) < 3, renewed.join(" "));
});

test("metrics that say the same, stand still or are as large as can be leave every number finite", () => {
  const value = fc.oneof(
    fc.double({ min: -1e149, max: 1e149, noNaN: true }),
    fc.constantFrom(NONE, 0, 1, -1e149, 1e149, 5e-324),
  );
  const rows = fc.array(fc.tuple(value, value, fc.nat(9)), { minLength: 40, maxLength: 150 });
  fc.assert(
    fc.property(rows, (all) => {
      const { see, relations } = watch();
      for (const [a, b, renewed] of all) {
        const deviations = see([a, a, b, 3], renewed === 0 ? 1 : -1);
        assert.ok(
          deviations.every((each) => Number.isNaN(each) || Math.abs(each) <= 1e6),
          deviations.join(" "),
        );
        for (const [name, column] of Object.entries(relations.state.columns)) {
          assert.ok(column.every(Number.isFinite), name);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("metrics that take turns, and were seen together for two vectors only, do not contradict each other", () => {
  const { see } = watch();
  let farthest = 0;
  for (let i = 0; i < 600; i++) {
    const load = gaussian(random);
    const [a, b] = [load + 0.1 * gaussian(random), load + 0.1 * gaussian(random)];
    // an attribute that is gone for an hour makes other series of them; what was there stands for two intervals more
    const gone = i >= 384 && i < 444;
    const old = gone && i >= 386 ? [NONE, NONE] : [a, b];
    const deviations = see([...old, ...(i >= 384 && i < 446 ? [-a, 3 * b] : [NONE, NONE])], i === 384 ? 2 : -1);
    if (i > 100) farthest = Math.max(farthest, ...deviations.map((each) => Math.abs(each || 0)));
  }
  assert.ok(farthest < 10, `${farthest}`);
});
