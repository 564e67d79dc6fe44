// Many series that change at once: one cause, one anomaly.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Anomaly } from "../../../src/api/index.ts";
import { Bunch } from "../../../src/pipeline/bunch.ts";

const MINUTE = 60_000;

function bunching() {
  const told: string[] = [];
  const bunch = new Bunch(({ fingerprint, reason }) => told.push(`${fingerprint}: ${reason}`));
  const hear = (fingerprint: string, minute: number, score: number, observed = 0, service = "cart") => {
    const reason = `${fingerprint} is quiet.`;
    const labels = { resource: { "service.name": service } } as unknown as Anomaly["labels"];
    bunch.collect({ fingerprint, labels, time: minute * MINUTE, score, observed, expected: 5, reason } as Anomaly);
  };
  const settle = () => bunch.settle();
  const say = (...said: Parameters<typeof hear>) => {
    hear(...said);
    settle();
  };
  return { told, say, hear, settle };
}

test("what falls silent within minutes of each other is told of the first, and again when it is twice as rare", () => {
  const { told, say } = bunching();
  say("a", 0, 1.1);
  for (const [i, name] of ["b", "c", "d", "b"].entries()) say(name, i, 1.5);
  say("a", 4, 2.5);
  say("d", 5, 3);
  assert.deepEqual(told, ["a: a is quiet.", "a: a is quiet; and 3 other series with it."]);
});

test("of one moment the most surprising is told, in whatever order they came", () => {
  const { told, hear, settle } = bunching();
  hear("a", 0, 1.1);
  hear("b", 0, 1.5);
  hear("c", 0, 1.2);
  settle();
  assert.deepEqual(told, ["b: b is quiet."]);
});

test("what comes later, goes the other way, or is of another service, is told for itself", () => {
  const { told, say } = bunching();
  say("a", 0, 1.1, 0, "payment");
  say("a", 0, 1.1);
  say("b", 1, 1.1, 9);
  say("c", 10, 1.1);
  assert.equal(told.length, 4);
});

test("a bunch that does not end is told anew after an hour", () => {
  const { told, say } = bunching();
  for (let minute = 0; minute < 150; minute++) say(`${minute}`, minute, 1.1);
  assert.equal(told.length, 3);
});

test("what fell silent at one moment is one event, however long it takes to be sure of what is rare", () => {
  const told: string[] = [];
  const bunch = new Bunch(({ fingerprint }) => told.push(fingerprint));
  const labels = { resource: { "service.name": "cart" } } as unknown as Anomaly["labels"];
  const silent = (fingerprint: string, since: number, minute: number) => {
    const id = `${fingerprint}-${(since * MINUTE).toString(36)}`;
    const more = { labels, time: minute * MINUTE, score: 1.1, observed: 0, expected: 5, reason: "" };
    bunch.collect({ id, fingerprint, ...more } as Anomaly);
    bunch.settle();
  };
  silent("often", 100, 101);
  silent("seldom", 96, 140);
  silent("rare", 60, 400);
  silent("later", 390, 410);
  assert.deepEqual(told, ["often", "later"]);
});
