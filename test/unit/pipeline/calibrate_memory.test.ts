// What anomalies and changes teach: bursts hide neither themselves nor later ones, an incident blinds for nothing, what lasts is adopted.
import assert from "node:assert/strict";
import test from "node:test";
import { Calibrator } from "../../../src/pipeline/calibrate.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";
import { normal } from "../../rarity.ts";

/** A series of half-normal scores, a factor and an offset at a time. */
function started(seed: number, rows = 0) {
  const calibrator = new Calibrator();
  calibrator.state.grow(1);
  const random = seededRandom(seed);
  const rarity = new Float64Array(1);
  const judge = (score: number) => {
    calibrator.apply(Uint32Array.of(0), Float64Array.of(score), 1, rarity);
    return rarity[0];
  };
  const next = (factor = 1, offset = 0) => judge(Math.abs(factor * normal(random) + offset));
  for (let i = 0; i < rows; i++) next();
  return { judge, next, random };
}

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed + 1);
const share = (flags: readonly boolean[]) => flags.filter(Boolean).length / flags.length;

test("bursts of ten at 12 sigma in half a percent of the rows are all found, for 20,000 rows", () => {
  const found: boolean[] = [];
  const honest: boolean[] = [];
  for (const seed of SEEDS) {
    const { next, random } = started(seed, 2000);
    for (let row = 0, left = 0; row < 20_000; row++) {
      if (left === 0 && random() < 0.0005) left = 10;
      if (left > 0) {
        left--;
        found.push(next(1, 12) >= 4);
      } else honest.push(next() >= 2);
    }
  }
  assert.ok(share(found) > 0.9, `${share(found)} found`);
  assert.ok(share(honest) > 0.01 / 3 && share(honest) < 0.03, `${share(honest)} of the others reach 2`);
});

test("a level of 10 sigma that lasts 300 rows is told all along, and the next one as well", () => {
  for (const seed of SEEDS) {
    const { next, judge } = started(seed, 10_000);
    const during = Array.from({ length: 300 }, () => next(1, 10) >= 5);
    assert.ok(share(during) > 0.95, `${share(during)} during`);
    for (let i = 0; i < 100; i++) next();
    assert.ok(judge(10) >= 5, "100 rows later");
  }
});

for (const factor of [3, 10, 1000]) {
  test(`scores ${factor} times as large for good are the new normal after a thousand rows`, () => {
    const after = SEEDS.flatMap((seed) => {
      const { next } = started(seed, 10_000);
      const rarities = Array.from({ length: 4000 }, () => next(factor));
      assert.ok(Math.max(...rarities.slice(0, 20)) >= 3, "told when it begins");
      return rarities.slice(1000).map((rarity) => rarity >= 2);
    });
    assert.ok(share(after) < 0.03, `${share(after)} reach 2`);
  });
}

test("after scores have shrunk to a tenth for good, what was ordinary before is rare", () => {
  for (const seed of SEEDS.slice(0, 5)) {
    const { next, judge } = started(seed, 10_000);
    for (let i = 0; i < 12_000; i++) next(0.1);
    const rarity = judge(3);
    assert.ok(rarity >= 2.5, `${rarity}`);
  }
});

test("a night of half the noise makes no alarm of the next morning", () => {
  const alarms = SEEDS.flatMap((seed) => {
    const { next } = started(seed, 10_000);
    for (let i = 0; i < 3000; i++) next(0.5);
    return Array.from({ length: 1000 }, () => next() >= 5);
  });
  assert.equal(share(alarms), 0);
});

test("of a lattice of scores each step has a rarity of its own, between those of the steps around it", () => {
  const { judge, random } = started(1);
  const draw = () => Math.floor(-Math.log(1 - random()) / Math.log(2));
  for (let i = 0; i < 20_000; i++) judge(draw());
  // half of a value counts as beyond it: P(>= k) is 2^-k here, so mid-p is three quarters of that
  for (let k = 4; k <= 10; k++) {
    const rarity = judge(k);
    const exact = -Math.log10(0.75 * 2 ** -k);
    assert.ok(Math.abs(rarity - exact) < 0.07, `${k}: ${rarity}, exactly ${exact}`);
  }
});

test("a score that never changes is never rare", () => {
  const { judge } = started(1);
  for (let i = 0; i < 5000; i++) assert.ok(judge(3.7) < 2 || i < 16, `${i}`);
});
