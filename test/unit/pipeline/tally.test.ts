// Counts of members by interval: which rows stand for an interval, and which members are asleep.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Tally } from "../../../src/pipeline/tally.ts";

const SECOND = 1000;
const DAY = 86_400;
const START = 1_700_000_000;

/** Of one member, with intervals of a second that are judged three seconds after their end. */
function tallyOfOne() {
  const tally = new Tally(SECOND, 3 * SECOND);
  tally.grow(1);
  tally.clear(0);
  return tally;
}

function close(tally: Tally, number: number): number {
  const taken = { count: 0, failed: 0 };
  tally.take(0, number, taken);
  return taken.count;
}

test("the first row of an interval is told, and the first that failed", () => {
  const tally = tallyOfOne();
  const told = [0, 0, 1, 1, 0].map((failed) => tally.add(0, START, 1, failed));
  assert.deepEqual(told, [true, false, true, false, false]);
  assert.equal(tally.add(0, START + 1, 1, 1), true, "another interval");
  assert.equal(close(tally, START), 5);
  assert.equal(tally.add(0, START, 1, 0), true, "what is closed is forgotten");
});

test("a part has no count of its own: its first failure is told", () => {
  const tally = tallyOfOne();
  assert.deepEqual([tally.add(0, START, 0, 1), tally.add(0, START, 0, 1)], [true, false]);
});

test("what was counted often sleeps after two days, and wakes when it is counted", () => {
  const tally = tallyOfOne();
  tally.add(0, START, 1000, 0);
  close(tally, START);
  assert.equal(tally.sleeps(0, START + 2 * DAY), false);
  const later = START + 2 * DAY + 1;
  assert.equal(tally.sleeps(0, later), true);
  tally.add(0, later + 2, 1, 0);
  assert.equal(tally.sleeps(0, later), false, "it is counted in an interval that is open");
  close(tally, later + 2);
  assert.equal(tally.sleeps(0, later + DAY), false);
});

test("what was counted a few times, or failed in parts a few times, sleeps after an hour", () => {
  for (const [count, failed] of [
    [19, 0],
    [0, 19],
  ]) {
    const tally = tallyOfOne();
    tally.add(0, START, count, failed);
    close(tally, START);
    assert.equal(tally.sleeps(0, START + 3600), false);
    assert.equal(tally.sleeps(0, START + 3601), true);
    tally.add(0, START + 3605, count && 1, failed && 1);
    close(tally, START + 3605);
    assert.equal(tally.sleeps(0, START + 2 * 3605), false, "by now it was counted often");
  }
});
