// Silence of what usually comes: how soon it is sure, and of what it is not said.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { GAP_STATE, gap, judgeGap } from "../../plugins/processors/template_rate/gap.ts";
import { judgeRate, paceOf, RATE_STATE } from "../../src/counts/index.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { poisson } from "../../src/testing/stream.ts";
import { columnsOf } from "./counts/watched_rate.ts";

const LINE = 7;
const STEP = 10;
const HOUR = 3600;
const START = 1_700_035_200;

/** A series and the others of its service: tells the seconds until silence was sure while they come so many times a minute. */
function watcher() {
  const state = columnsOf({ ...RATE_STATE, ...GAP_STATE });
  const random = seededRandom(7);
  const pace = paceOf(1000 * STEP);
  let time = START;
  return (seconds: number, rate: (time: number) => number, others: (time: number) => number = () => 600) => {
    const since = time;
    let sure = Number.POSITIVE_INFINITY;
    while (time < since + seconds) {
      const y = poisson(random, (rate(time) * STEP) / 60);
      const o = poisson(random, (others(time) * STEP) / 60);
      time += STEP;
      judgeRate(state, 0, time, y, pace, LINE, undefined, o);
      judgeGap(state, 0, y, o, STEP);
      if (gap.rarity >= LINE) sure = Math.min(sure, time - since);
    }
    return sure;
  };
}

const so = (rate: number) => () => rate;
const NEVER = Number.POSITIVE_INFINITY;

test("silence is sure after some twenty records that should have come", () => {
  for (const [rate, minutes] of [
    [3, 9],
    [10, 3],
    [60, 1],
  ]) {
    const watch = watcher();
    assert.equal(watch(4 * HOUR, so(rate)), NEVER);
    const sure = watch(HOUR, so(0));
    assert.ok(sure <= 60 * minutes && sure * rate >= 60 * 16, `${rate} a minute: ${sure} s`);
  }
});

test("what stops with all else of its service is not silent by itself", () => {
  const watch = watcher();
  watch(4 * HOUR, so(10));
  assert.equal(watch(HOUR, so(0), so(0)), NEVER);
});

test("what often pauses is known for it, and a lull as long as one before is no news", () => {
  const pausing = watcher();
  const some = (time: number) => (Math.floor(time / 120) % 2 === 0 ? 10 : 0);
  pausing(HOUR, some);
  assert.equal(pausing(4 * HOUR, some), NEVER);
  const hourly = watcher();
  const lull = (time: number) => (time % HOUR < 900 ? 0 : 10);
  hourly(12 * HOUR, lull);
  assert.equal(hourly(12 * HOUR, lull), NEVER);
});

test("what is rare is not judged by hours without it, nor what is new", () => {
  const rare = watcher();
  rare(24 * HOUR, so(0.2));
  assert.equal(rare(24 * HOUR, so(0)), NEVER);
  const young = watcher();
  young(HOUR / 4, so(10));
  assert.equal(young(HOUR, so(0)), NEVER);
});

test("whatever comes, what is remembered stays finite", () => {
  const any = fc.oneof(fc.nat(1000), fc.constantFrom(Number.NaN, Infinity, -1, 1e308));
  fc.assert(
    fc.property(fc.array(fc.tuple(any, any), { maxLength: 300 }), (counts) => {
      const state = columnsOf({ ...RATE_STATE, ...GAP_STATE });
      for (const [i, [y, o]] of counts.entries()) {
        judgeRate(state, 0, START + STEP * i, y, paceOf(1000 * STEP), LINE, undefined, o);
        judgeGap(state, 0, y, o, STEP);
        for (const name of Object.keys(GAP_STATE))
          assert.ok(Number.isFinite(state[name as keyof typeof GAP_STATE][0]), name);
        assert.ok(Number.isFinite(gap.rarity));
      }
    }),
  );
});
