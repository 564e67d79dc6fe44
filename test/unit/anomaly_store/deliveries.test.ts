// Which alert was sent by whom goes on record: the first of each state, and only so many a minute.
import assert from "node:assert/strict";
import test from "node:test";
import { Deliveries } from "../../../plugins/extensions/anomaly_store/deliveries.ts";
import anomalyStore from "../../../plugins/extensions/anomaly_store/index.ts";
import type { Anomaly, Delivery } from "../../../src/api/index.ts";
import { episode, NOW, newHost } from "./kept.ts";

const sent = (changes: readonly Anomaly[], more: Partial<Delivery> = {}): Delivery => ({
  exporter: "pagerduty",
  time: NOW,
  changes,
  outcome: "done",
  attempts: 1,
  seconds: 0.041,
  reason: "",
  ...more,
});

const recording = () => {
  const deliveries = new Deliveries();
  return (delivery: Delivery) => deliveries.recordsOf(delivery).records.map(({ by, detail }) => `${by} ${detail}`);
};

const room = (changes: Partial<Anomaly> = {}) => episode("shop", "temperature", 0, { severity: "warning", ...changes });

test("of an alert the beginning, each severity and the end are recorded once by exporter", () => {
  const record = recording();
  assert.deepEqual(record(sent([room()])), ["pagerduty warning: taken at the 1st try, 41 ms"]);
  assert.deepEqual(record(sent([room({ state: "ongoing" })])), []);
  assert.deepEqual(record(sent([room()], { exporter: "slack", attempts: 12, seconds: 130 })), [
    "slack warning: taken at the 12th try, 2 min",
  ]);
  assert.deepEqual(record(sent([room({ severity: "critical" })], { attempts: 2 })), [
    "pagerduty critical: taken at the 2nd try, 41 ms",
  ]);
  const over = sent([room({ severity: "critical", state: "resolved" })], { attempts: 3, seconds: 6 });
  assert.deepEqual(record({ ...over, outcome: "failed", reason: "permanent error: 403" }), [
    "pagerduty resolved: given up after 3 tries, 6 s: permanent error: 403",
  ]);
  assert.deepEqual(record(over), ["pagerduty resolved: taken at the 3rd try, 6 s"]);
});

test("anomalies that are no episode of anything are left out", () => {
  const { episode: _, ...row } = room();
  assert.deepEqual(recording()(sent([row])), []);
});

test("a flood of alerts is recorded up to 120 a minute, and the rest counted", () => {
  const deliveries = new Deliveries();
  const many = Array.from({ length: 200 }, (_, i) => episode("shop", `metric ${i}`, 0));
  assert.deepEqual([deliveries.recordsOf(sent(many)).records.length, deliveries.recordsOf(sent(many)).left], [120, 0]);
  const later = deliveries.recordsOf(sent(many, { time: NOW + 60_000 }));
  assert.deepEqual([later.records.length, later.left], [80, 160]);
});

test("a store that is closed by then takes no harm", () => {
  const host = newHost();
  const { delivered } = anomalyStore.create(anomalyStore.config.parse({ directory: "/nowhere" }), host);
  delivered!(sent([room()]));
  assert.deepEqual(host.logged, []);
});
