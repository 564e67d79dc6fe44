// A detector with an alert budget keeps the laws of every detector, and what it has learnt when the budget changes.
import assert from "node:assert/strict";
import test from "node:test";
import ewma from "../../plugins/processors/ewma/index.ts";
import spanDuration from "../../plugins/processors/span_duration/index.ts";
import { type Labels, z } from "../../src/api/index.ts";
import { Findings } from "../../src/pipeline/detection.ts";
import { lineOf } from "../../src/pipeline/line.ts";
import { type DetectorOptions, detectorOptions } from "../../src/pipeline/options.ts";
import type { Kept } from "../../src/series/snapshot.ts";
import { checkDetector } from "../../src/testing/check_detector.ts";
import { generate } from "../../src/testing/generate.ts";
import { fakeHost } from "../exporting.ts";
import { type AnyDetector, optionsOf, wired } from "../wired.ts";

for (const plugin of [ewma, spanDuration] as AnyDetector[]) {
  test(`${plugin.type} with a budget: batches, restarts and recycled rows change nothing`, () => {
    const parse = () => optionsOf(plugin, { alert_budget: "1/h" }) as unknown as Record<string, unknown>;
    // it marks one row of each incident, where the law about sense asks for all
    const broken = checkDetector(plugin, parse).filter(({ law }) => law !== "sense");
    assert.deepEqual(broken, []);
  });
}

test("from a threshold to a budget and on to another one, the detector goes on with what it knows", () => {
  const requests = [...generate.metrics({ seed: 3 })];
  const run = (options: object, from?: ReturnType<typeof wired>) => {
    const next = wired(ewma, options);
    if (from) next.detector.restore(from.detector.takeSnapshot());
    for (const { bytes } of requests) next.emit(bytes);
    return next;
  };
  const fixed = run({ threshold: 6 });
  const budget = run({ alert_budget: "1/day" }, fixed);
  assert.equal(budget.detector.warming, 0);
  assert.equal(fixed.detector.threshold, 6);
  const larger = wired(ewma, { alert_budget: "24/day" });
  larger.detector.restore(budget.detector.takeSnapshot());
  assert.equal(larger.detector.series, budget.detector.series);
  assert.ok(larger.detector.threshold < budget.detector.threshold);
  const back = wired(ewma, { threshold: 6 });
  back.detector.restore(budget.detector.takeSnapshot());
  assert.equal(back.detector.threshold, 6);
});

test("a finder's budget outlives a restart beside what the finder keeps", () => {
  const options = z.object(detectorOptions({ signal: "logs" })).parse({ alert_budget: "1/day" }) as DetectorOptions;
  const findings = () => new Findings(fakeHost(), options, lineOf(options, {}), () => {});
  const own: Kept = {
    takeSnapshot: () => ({ type: "finder", stateVersion: 1, takenAt: 0, columns: [] }),
    restore: ({ type }) => assert.equal(type, "finder"),
  };
  const labels = { resource: {}, scope: { name: "", version: "" }, name: "m", attributes: {} } as unknown as Labels;
  const [before, after] = [findings(), findings()];
  for (let hour = 0; hour < 200; hour++) {
    before.find({ type: "absence", signal: "logs", labels, time: 1e12 + hour * 3.6e6, rarity: 2 + (hour % 7) });
  }
  after.keeping(own).restore(before.keeping(own).takeSnapshot());
  assert.notEqual(findings().threshold, before.threshold);
  assert.equal(after.threshold, before.threshold);
});
