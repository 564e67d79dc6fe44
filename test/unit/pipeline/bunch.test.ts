// Many series that change at once: one cause, one anomaly.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Anomaly } from "../../../src/api/index.ts";
import { Bunch } from "../../../src/pipeline/bunch.ts";

const MINUTE = 60_000;

function bunching() {
  const told: string[] = [];
  const { tell } = new Bunch(({ fingerprint, reason }) => told.push(`${fingerprint}: ${reason}`));
  const say = (fingerprint: string, minute: number, score: number, observed = 0) =>
    tell({ fingerprint, time: minute * MINUTE, score, observed, expected: 5, reason: `${fingerprint} is quiet.` } as Anomaly);
  return { told, say };
}

test("what falls silent within minutes of each other is told of the first, and again when it is twice as rare", () => {
  const { told, say } = bunching();
  say("a", 0, 1.1);
  for (const [i, name] of ["b", "c", "d", "b"].entries()) say(name, i, 1.5);
  say("a", 4, 2.5);
  say("d", 5, 3);
  assert.deepEqual(told, ["a: a is quiet.", "a: a is quiet; and 3 other series with it."]);
});

test("what comes later, or goes the other way, has a cause of its own", () => {
  const { told, say } = bunching();
  say("a", 0, 1.1);
  say("b", 1, 1.1, 9);
  say("c", 10, 1.1);
  assert.equal(told.length, 3);
});

test("a bunch that does not end is told anew after an hour", () => {
  const { told, say } = bunching();
  for (let minute = 0; minute < 150; minute++) say(`${minute}`, minute, 1.1);
  assert.equal(told.length, 3);
});
