// Bursts of rare templates, minute by minute: told at once where they are large, and not where the template always came so.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { BURST_STATE, burst, judgeBurst } from "../../plugins/processors/template_rate/burst.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { columnsOf } from "./counts/watched_rate.ts";

const LINE = 6;

/** The largest rarity in these minutes of so many records each. */
function watcher(seldom = false) {
  const state = columnsOf(BURST_STATE);
  return (minutes: Iterable<number>) => {
    let most = 0;
    for (const count of minutes) {
      judgeBurst(state, 0, count, true, seldom);
      most = Math.max(most, burst.rarity);
    }
    return most;
  };
}

/** So many minutes, in a share of which it comes, so many times. */
function* some(minutes: number, share: number, size: (random: () => number) => number) {
  const random = seededRandom(5);
  for (let i = 0; i < minutes; i++) yield random() < share ? size(random) : 0;
}

const once = () => 1;

test("thirty at once of what comes once an hour are told in that minute, ten a minute after a few", () => {
  for (const [count, minutes] of [
    [30, 1],
    [10, 5],
  ]) {
    const watch = watcher();
    assert.ok(watch(some(1440, 1 / 60, once)) < LINE);
    assert.ok(watch(Array(minutes).fill(count)) >= LINE, `${count}`);
  }
});

test("what comes in runs is known for it", () => {
  const watch = watcher();
  const job = (random: () => number) => 50 + Math.floor(100 * random());
  watch(some(600, 1 / 60, job));
  assert.ok(watch(some(6000, 1 / 60, job)) < LINE);
});

test("what comes many times as often is told where it is rare, though one by one", () => {
  const watch = watcher(true);
  assert.ok(watch(some(3000, 0.01, once)) < LINE);
  assert.ok(watch(some(20, 0.7, once)) >= LINE);
});

test("a burst that lasts becomes usual, and does not hide a larger one", () => {
  const watch = watcher();
  watch(some(1440, 1 / 60, once));
  watch(Array(120).fill(10));
  assert.ok(watch(Array(60).fill(10)) < LINE);
});

test("whatever comes, what is remembered stays finite", () => {
  const any = fc.array(fc.oneof(fc.nat(1000), fc.constantFrom(Number.NaN, Infinity, -1, 1e308)), { maxLength: 300 });
  fc.assert(
    fc.property(any, (counts) => {
      const state = columnsOf(BURST_STATE);
      for (const count of counts) judgeBurst(state, 0, count, true, true);
      for (const column of Object.values(state)) assert.ok(Number.isFinite(column[0]));
      assert.ok(Number.isFinite(burst.rarity));
    }),
  );
});
