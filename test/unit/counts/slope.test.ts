// Claims of rarity that do not come true are believed less.
import assert from "node:assert/strict";
import test from "node:test";
import { believed, learnClaim, SLOPE_STATE } from "../../../src/counts/slope.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";
import { columnsOf } from "./watched_rate.ts";

/** A series whose claims are `exaggerated` times as rare as they should be. */
function series(exaggerated: number) {
  const state = columnsOf(SLOPE_STATE);
  const random = seededRandom(7);
  for (let minute = 0; minute < 20_000; minute++) learnClaim(state, 0, -Math.log10(1 - random()) * exaggerated);
  return state;
}

test("honest claims are believed", () => {
  const state = series(1);
  for (const claimed of [0.5, 1.4, 3, 6, 9]) {
    assert.ok(
      Math.abs(believed(state, 0, claimed) - claimed) < 0.1 * claimed,
      `${believed(state, 0, claimed)} of ${claimed}`,
    );
  }
});

test("claims that are twice as rare as they should be are taken for about half", () => {
  const claimed = believed(series(2), 0, 12);
  assert.ok(claimed > 4.5 && claimed < 7, `${claimed}`);
});

test("modest claims earn no trust beyond honesty", () => {
  assert.equal(believed(series(0.3), 0, 6), 6);
});

test("a new series is believed as it is, and a long incident is one claim", () => {
  const state = columnsOf(SLOPE_STATE);
  assert.ok(Math.abs(believed(state, 0, 8) - 8) < 1e-9);
  for (let minute = 0; minute < 500; minute++) learnClaim(state, 0, minute % 7 === 0 ? 0 : 15);
  const after = believed(state, 0, 8);
  assert.ok(after > 5, `${after}`);
});
