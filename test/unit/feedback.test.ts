// What users said of earlier anomalies changes those to come, and nothing of it is left once it is taken back.
import assert from "node:assert/strict";
import test from "node:test";
import feedback from "../../plugins/processors/feedback/index.ts";
import type { Anomaly, AnomalyStore, Effect } from "../../src/api/index.ts";
import { about, anomalyTimeline } from "../anomaly_timeline.ts";
import { anomalyOf } from "../exporting.ts";

const spike = about("checkout", "latency", { score: 1.6, severity: "warning" });

const effect = (changes: Partial<Effect>): Effect => ({
  feedback: ["f1"],
  scope: "fingerprint",
  match: { fingerprint: spike.fingerprint! },
  factor: 1 / 3,
  upTo: 3,
  until: 0,
  says: "",
  ...changes,
});

function taught() {
  const timeline = anomalyTimeline([feedback, { store: "anomaly_store" }]);
  const anomalies = { effects: [] as readonly Effect[] };
  timeline.host.extensions.set("anomaly_store", { anomalies: anomalies as unknown as AnomalyStore });
  const told = (...list: Partial<Anomaly>[]) => timeline.raise(...list).map(({ score, severity }) => [score, severity]);
  return { timeline, anomalies, told };
}

test("without feedback anomalies pass as they are, the very objects", () => {
  const { timeline } = taught();
  const [passed] = timeline.raise(spike);
  assert.deepEqual(passed, anomalyOf({ time: timeline.host.time, ...spike }));
});

test("what was called nothing is held back, what is larger, resolved, or an incident passes; taken back, all is as before", () => {
  const { anomalies, told } = taught();
  anomalies.effects = [effect({})];
  assert.deepEqual(told(spike), []);
  assert.deepEqual(told({ ...spike, score: 3.5, severity: "critical" }), [[3.5, "critical"]]);
  assert.deepEqual(told({ ...spike, state: "resolved" }), [[1.6, "warning"]]);
  const parts = { members: [], episodes: 0, origins: [], services: [], traces: [], templates: [] };
  assert.deepEqual(told({ ...spike, incident: parts }), [[1.6, "warning"]]);
  assert.deepEqual(told(about("cart", "errors of it", { score: 1.1, severity: "info" })), [[1.1, "info"]]);
  anomalies.effects = [];
  assert.deepEqual(told(spike), [[1.6, "warning"]]);
});

test("what was confirmed counts more, and its severity follows", () => {
  const { anomalies, told } = taught();
  anomalies.effects = [effect({ factor: 1.5, upTo: Number.POSITIVE_INFINITY })];
  assert.deepEqual(told(spike), [[1.6 * 1.5, "critical"]]);
});

test("where there is no store, as in a replay, everything passes and the log says so once", () => {
  const timeline = anomalyTimeline([feedback, { store: "anomaly_store" }]);
  assert.equal(timeline.raise(spike, spike).length, 2);
  assert.equal(timeline.raise(spike).length, 1);
  assert.equal(timeline.host.logged.filter(({ level }) => level === "warn").length, 1);
  assert.equal(timeline.errors, 0);
});
