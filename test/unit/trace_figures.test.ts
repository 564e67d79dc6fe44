// How the quality of trace detection is counted: what is found, who is blamed, what is a false alarm.
import assert from "node:assert/strict";
import test from "node:test";
import { outcomesOf, quietOf } from "../../bench/trace_figures.ts";
import type { Alarm, Trial } from "../../bench/trace_trial.ts";

const MINUTE = 60_000;
const fault = { kind: "slow", target: "cart GET /cart", size: 3, from: 100 * MINUTE, to: 110 * MINUTE } as const;
const truth = { services: ["cart"], operations: ["cart GET /cart"], ancestors: ["gateway"], descendants: ["catalog"] };

const alarm = (minute: number, service: string, name = "GET /cart"): Alarm => {
  const fingerprint = `${service} ${name}`;
  return {
    detector: "d",
    type: "latency",
    fingerprint,
    service,
    name,
    kind: "server",
    peer: "",
    reason: "",
    score: 2,
    at: minute * MINUTE,
  };
};

const trial = (alarms: readonly Alarm[]): Trial => ({
  options: { seed: 1, faults: ["slow"] },
  detectors: ["d"],
  planted: [{ fault, truth }],
  alarms,
  start: 0,
  learnt: 60 * MINUTE,
  end: 180 * MINUTE,
  spans: 0,
});

const outcomeOf = (...alarms: Alarm[]) => outcomesOf(trial(alarms))[0];

test("a fault is found by an alarm about its service while it lasts, after the time that it took", () => {
  const { found, delay, blamed, named } = outcomeOf(alarm(103, "cart"), alarm(104, "gateway"));
  assert.ok(found && named);
  assert.equal(delay, 3 * MINUTE);
  assert.equal(blamed, "target");
  for (const minute of [99, 112]) assert.equal(outcomeOf(alarm(minute, "cart")).found, undefined);
  assert.equal(outcomeOf(alarm(101, "cart", "POST /items")).named, false);
});

test("whom the first alarm is about is blamed first", () => {
  assert.equal(outcomeOf(alarm(101, "gateway"), alarm(102, "cart")).blamed, "ancestor");
  assert.equal(outcomeOf(alarm(101, "catalog"), alarm(102, "cart")).blamed, "descendant");
  assert.equal(outcomeOf(alarm(101, "mail"), alarm(102, "cart")).blamed, "elsewhere");
  assert.equal(outcomeOf().blamed, undefined);
});

test("what was told shortly before the fault is not about it", () => {
  assert.equal(outcomeOf(alarm(95, "gateway"), alarm(101, "gateway"), alarm(102, "cart")).blamed, "target");
});

test("false alarms are those outside of faults, each once while it goes on, and not those of the hours of learning", () => {
  const { hours, alarms, incidents, learning } = quietOf(
    trial([
      alarm(30, "mail"),
      alarm(70, "mail"),
      alarm(75, "mail"),
      alarm(76, "search"),
      alarm(105, "cart"),
      alarm(115, "cart"),
      alarm(150, "mail"),
    ]),
  );
  assert.equal(hours, (120 - 25) / 60);
  assert.deepEqual(
    alarms.map(({ at, service }) => `${at / MINUTE} ${service}`),
    ["70 mail", "76 search", "150 mail"],
  );
  assert.equal(incidents, 3);
  assert.equal(learning, 1);
});
