// A rate beside those of the other series of its service: what is told on a first day that the rate alone does not tell.
import assert from "node:assert/strict";
import test from "node:test";
import { judgeRate, paceOf, RATE_STATE, rate } from "../../../src/counts/index.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";
import { poisson } from "../../../src/testing/stream.ts";
import { normal } from "../../rarity.ts";
import { columnsOf, HOUR, MONDAY, STEP } from "./watched_rate.ts";

/** `rate.basis` of what is told beside the others. */
const BESIDE = 3;
const BEGINS = 8 * HOUR;

/** What is told in half an hour after eight, of half a call a second times `own` in a service of five times `all`, which wanders. */
function told({ own = 1, all = 1, known = true, seed = 1 }): { after: number; basis: number; observed: number }[] {
  const state = columnsOf(RATE_STATE);
  const random = seededRandom(seed);
  const found: { after: number; basis: number; observed: number }[] = [];
  let noise = 0;
  for (let now = 0; now < BEGINS + 1800; now += STEP) {
    noise = noise * Math.exp(-STEP / 1800) + Math.sqrt(1 - Math.exp((-2 * STEP) / 1800)) * normal(random);
    const wrong = now >= BEGINS;
    const common = Math.exp(0.4 * noise) * (wrong ? all : 1);
    const count = poisson(random, 0.5 * STEP * common * (wrong ? own : 1));
    const others = poisson(random, 5 * STEP * common);
    judgeRate(state, 0, MONDAY + now + STEP, count, paceOf(STEP * 1000), 5, undefined, known ? others : 0);
    if (rate.rarity >= 5) found.push({ after: now + STEP - BEGINS, basis: rate.basis, observed: rate.observed });
  }
  return found;
}

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

test("a third of the calls is told within minutes on the first day where the service goes on as ever", () => {
  for (const seed of seeds) {
    const [first] = told({ own: 1 / 3, seed });
    assert.ok(first?.after > 0 && first.after <= 600 && first.observed < 0.4, `of seed ${seed}: ${first?.after} s`);
  }
  const alone = seeds.filter((seed) => told({ own: 1 / 3, known: false, seed }).some(({ after }) => after <= 600));
  assert.ok(alone.length < seeds.length / 2, "the rate alone does not tell");
});

test("three times the calls are told within minutes, too", () => {
  for (const seed of seeds) {
    const [first] = told({ own: 3, seed });
    assert.ok(first?.after > 0 && first.after <= 300, `of seed ${seed}: ${first?.after} s`);
  }
});

test("what all of the service does is not told as if one series did it", () => {
  for (const all of [1, 1 / 3, 3]) {
    for (const seed of seeds) assert.ok(told({ all, seed }).every(({ basis }) => basis !== BESIDE));
  }
});

test("a series that keeps its pace while its service is three times as busy is not told for that", () => {
  for (const seed of seeds) assert.ok(told({ all: 3, own: 1 / 3, seed }).every(({ basis }) => basis !== BESIDE));
});
