// What the judge of incidents says of them: which fault each tells, whom it blames, what is a page.
import assert from "node:assert/strict";
import test from "node:test";
import type { Anomaly } from "vedette";
import { incidentOutcomes, isIncident, opened } from "../../bench/incident_figures.ts";
import { type Cause, planCauses } from "../../bench/incident_plan.ts";
import type { IncidentTrial, Told } from "../../bench/incident_trial.ts";
import { anomalyOf } from "../exporting.ts";

const MINUTE = 60_000;

const cause = (service: string, from: number): Cause => {
  return { company: "alone", kind: "slow", services: [service], from, to: from + 10 * MINUTE };
};

const at = (service: string, time: number): Anomaly => {
  const { labels } = anomalyOf();
  return anomalyOf({ time, labels: { ...labels, resource: { "service.namespace": "shop", "service.name": service } } });
};

function told(id: string, time: number, members: readonly string[], state: Anomaly["state"] = "open"): Told {
  const origins = members.map((service) => ({ service: `shop/${service}`, share: 1, reasons: [] }));
  const incident = {
    members: members.map((service) => at(service, time)),
    episodes: members.length,
    origins,
    services: members,
    traces: [],
    templates: [],
  };
  return { at: time, anomaly: anomalyOf({ id, type: "incident", state, time, incident }) };
}

const trial = (causes: readonly Cause[], all: readonly Told[]): IncidentTrial => {
  const options = { seed: 1, slots: 1, processors: {} };
  return { options, causes, told: all, calls: [], learnt: 0, end: 60 * MINUTE, spans: 0, records: 0 };
};

test("a fault is told by the incident with a member at its service, and right when that is its first origin by the end", () => {
  const [outcome] = incidentOutcomes(
    trial(
      [cause("cart", 10 * MINUTE)],
      [
        told("x", 9 * MINUTE, ["cart"]),
        told("y", 11 * MINUTE, ["search"]),
        told("z", 12 * MINUTE, ["gateway", "cart"]),
        told("z", 13 * MINUTE, ["cart", "gateway"], "ongoing"),
        told("z", 40 * MINUTE, ["gateway", "cart"], "resolved"),
      ],
    ),
  );
  assert.deepEqual([outcome.ids, outcome.delay, outcome.atFirst, outcome.byTheEnd], [["z"], 2 * MINUTE, false, true]);
});

test("two faults in one incident share it; one that is not told is not right", () => {
  const faults = [cause("cart", 10 * MINUTE), cause("search", 10 * MINUTE), cause("payment", 10 * MINUTE)];
  const outcomes = incidentOutcomes(trial(faults, [told("x", 11 * MINUTE, ["cart", "search"])]));
  assert.deepEqual(
    outcomes.map(({ shared, rank }) => [shared, rank]),
    [
      [true, 1],
      [true, 2],
      [false, Number.POSITIVE_INFINITY],
    ],
  );
});

test("a page is an incident that opens while something is wrong, or soon after; others are for nothing", () => {
  const all = [
    told("a", 5 * MINUTE, ["cart"]),
    told("b", 11 * MINUTE, ["search"]),
    told("b", 12 * MINUTE, ["search"], "ongoing"),
    told("c", 21 * MINUTE, ["cart"]),
    told("d", 30 * MINUTE, ["cart"]),
  ];
  const { wrong, quiet } = opened(trial([cause("cart", 10 * MINUTE)], all), isIncident);
  assert.deepEqual(
    [wrong.map(({ anomaly }) => anomaly.id), quiet.map(({ anomaly }) => anomaly.id)],
    [
      ["b", "c"],
      ["a", "d"],
    ],
  );
});

test("of faults at once neither calls the other; of one soon after another the services differ", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const slots = Map.groupBy(planCauses(seed, 0, 9), ({ from }) => Math.floor(from / (40 * MINUTE)));
    assert.equal(slots.size, 9);
    for (const some of slots.values()) {
      const [one, other] = some;
      assert.equal(some.length, one.company === "alone" ? 1 : 2);
      if (!other) continue;
      assert.ok(one.services.every((service) => !other.services.includes(service)));
      const apart = other.from - one.from;
      if (one.company === "at once") assert.ok(apart < 30_000);
      else assert.ok(apart >= 2 * MINUTE && apart < 6 * MINUTE);
    }
  }
});
