// A handful of clear faults in a generated shop is found, each at the service that is at fault, and little else is said.
import assert from "node:assert/strict";
import test from "node:test";
import { outcomesOf, quietOf } from "../../bench/trace_figures.ts";
import { type Chosen, trialOf } from "../../bench/trace_trial.ts";

const FAULTS: readonly Chosen[] = [
  { kind: "slow", target: "inventory GET /stock/{sku}", size: 10 },
  { kind: "errors", target: "search GET /related", size: 0.5, exception: "PoolExhaustedError" },
  { kind: "traffic", target: "gateway GET /", size: 0 },
  { kind: "new_call", target: "cart GET /cart", peer: "payment GET /charges/{id}", size: 1 },
  { kind: "repeated_call", target: "catalog GET /prices", peer: "SELECT prices", size: 20 },
  { kind: "delay", target: "gateway GET /", peer: "account GET /session", size: 30 },
];

/** Outside of faults, by all detectors together, in some five hours. */
const FALSE_ALARMS = 2;

test("clear faults in a generated shop are found, and no one else is blamed first", async (t) => {
  const trial = await trialOf({ seed: 900, faults: FAULTS, begins: 10, learning: 3 });
  for (const { fault, found, blamed, first } of outcomesOf(trial)) {
    const what = `${fault.kind} of ${fault.target}`;
    assert.ok(found, `${what} was not found`);
    assert.equal(blamed, "target", `${what}: first blamed was ${first?.service}: ${first?.reason}`);
  }
  const { alarms } = quietOf(trial);
  t.diagnostic(`${trial.spans} spans, ${alarms.length} false alarms`);
  assert.ok(alarms.length <= FALSE_ALARMS, alarms.map(({ reason }) => reason).join("\n"));
});
