// threshold: which limits make sense; what it tells is in test/cases/threshold.cases.
import assert from "node:assert/strict";
import test from "node:test";
import threshold from "../../plugins/processors/threshold/index.ts";
import { BEGIN, scored } from "../scoring.ts";
import { optionsOf } from "../wired.ts";

const problem = (options: object) => threshold.config.safeParse(options).error?.issues[0].message;

test("without a limit, or with limits that leave nothing between, it says so", () => {
  assert.match(problem({})!, /no limit; write upper, lower or both/);
  assert.match(problem({ for: "5m" })!, /no limit/);
  assert.match(problem({ lower: 2, upper: 1 })!, /no value is fine/);
  assert.equal(problem({ lower: 1, upper: 1 }), undefined);
  assert.equal(problem({ upper: 0 }), undefined);
});

test("the bounds are the limits, and nothing is expected", () => {
  const { lower, upper, expected } = scored(threshold, { upper: 90 }, [95]);
  assert.deepEqual([lower[0], upper[0], expected[0]], [Number.NaN, 90, Number.NaN]);
});

test("a clock that was set back begins anew instead of being late for good", () => {
  const { state } = scored(threshold, { upper: 90 }, [80, 95]);
  const day = 86_400_000;
  const { score } = scored(threshold, { upper: 90 }, [80, 95, 96], { begin: BEGIN - day, state });
  assert.deepEqual([...score], [0, 1.25, 0]);
});

test("an option that means a rarity is refused, since the detector claims none", () => {
  for (const option of [{ threshold: 4 }, { alert_budget: "1/day" }]) {
    assert.throws(() => optionsOf(threshold, { upper: 1, ...option }), /claims no rarity/);
  }
  assert.equal(optionsOf(threshold, { upper: 1 }).warmup, 0);
});
