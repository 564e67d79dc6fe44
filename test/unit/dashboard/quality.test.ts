// Alarms by the viewer's days, what the last rehearsal found, and which option makes a detector quieter.
import assert from "node:assert/strict";
import test from "node:test";
import type { AgentView, AnomalyStore, Rehearsal, Tally } from "../../../src/api/index.ts";
import { ask, NOW, newHost, start } from "./dashboard.ts";

const DAY = 86_400_000;

test("days are the viewer's, with what was said of the alarms; budgets of all detectors add up", async (t) => {
  const host = newHost();
  const asked: number[][] = [];
  const today = Math.floor((NOW + 330 * 60_000) / DAY);
  const tally: Tally = {
    open: { critical: 0, warning: 0, info: 0 },
    days: [
      { day: today, opinion: "bad", told: 2 },
      { day: today, opinion: null, told: 3 },
      { day: today - 1, opinion: "good", told: 1 },
      { day: today - 40, opinion: "good", told: 7 },
    ],
    detectors: [
      { id: "ewma", told: 9, bad: 2 },
      { id: "gone", told: 1, bad: 0 },
    ],
  };
  const anomalies = {
    watch: () => () => {},
    tally: async (...question: number[]) => {
      asked.push(question);
      return tally;
    },
  } as Partial<AnomalyStore> as AnomalyStore;
  const fault = { signal: "metrics", kind: "rise", about: "x", delay: 1 } as const;
  const rehearsal: Rehearsal = {
    from: NOW - 900_000,
    until: NOW - 1000,
    requests: 10,
    faults: [
      { ...fault, by: "ewma" },
      { ...fault, by: undefined },
      { ...fault, signal: "logs", by: "drain" },
    ],
    alarms: 1,
    astray: 0,
    seconds: 2,
  };
  host.extensions.set("anomaly_store", { anomalies });
  host.extensions.set("self_test", { rehearsal });
  const at = (section: "extensions" | "processors", id: string) => ({ section, id, status: "ok", since: NOW }) as const;
  const options: Record<string, Record<string, unknown>> = {
    ewma: { alert_budget: "5/day" },
    other: { alert_budget: "7/week" },
    plain: { threshold: 5 },
  };
  host.agent = {
    ...host.agent,
    components: () => [
      at("extensions", "anomaly_store"),
      at("extensions", "self_test"),
      ...Object.keys(options).map((id) => at("processors", id)),
    ],
    configOf: (_, id) => options[id],
  } satisfies AgentView;
  const dashboard = await start(t, {}, host);
  const { json } = await ask(dashboard, "/api/v1/quality?days=3&offset=330");
  assert.deepEqual(json.budget, { per_day: 6, used: 13 });
  assert.deepEqual(json.days, [
    { date: "2026-11-21", good: 0, bad: 0, expected: 0, unjudged: 0 },
    { date: "2026-11-22", good: 1, bad: 0, expected: 0, unjudged: 0 },
    { date: "2026-11-23", good: 0, bad: 2, expected: 0, unjudged: 3 },
  ]);
  assert.equal(asked[0][0], Date.UTC(2026, 10, 20, 18, 30), "midnight where the viewer is");
  assert.deepEqual(json.detectors, [
    { id: "ewma", told: 9, bad: 2, setting: "alert_budget: 5/day", path: "processors.ewma.alert_budget" },
    { id: "gone", told: 1, bad: 0, setting: "", path: "processors.gone" },
  ]);
  assert.deepEqual(json.self_test.kinds, [
    { signal: "metrics", kind: "rise", found: 1, planted: 2 },
    { signal: "logs", kind: "rise", found: 1, planted: 1 },
  ]);
  assert.deepEqual([json.self_test.alarms, Math.round(json.self_test.minutes)], [1, 15]);
});

test("without a store, a rehearsal or budgets there are days without alarms", async (t) => {
  const dashboard = await start(t);
  const { json } = await ask(dashboard, "/api/v1/quality");
  assert.deepEqual(
    [json.budget, json.self_test, json.detectors, json.days.length],
    [{ per_day: null, used: 0 }, null, [], 7],
  );
});
