// Pipelines of anomalies: processors that speak at ticks.
import assert from "node:assert/strict";
import test from "node:test";
import { type Anomaly, defineProcessor, z } from "vedette";
import { anomalyTimeline } from "../anomaly_timeline.ts";

/** Holds anomalies back until the next tick. */
const later = defineProcessor({
  type: "later",
  signals: ["anomalies"],
  stability: "beta",
  summary: "Holds back.",
  config: z.object({}),
  create() {
    let held: Anomaly[] = [];
    let ripe = false;
    return {
      tick() {
        ripe = held.length > 0;
      },
      get due() {
        return ripe;
      },
      process(anomalies) {
        const out = ripe ? held : [];
        if (ripe) held = [];
        ripe = false;
        held.push(...anomalies);
        return out;
      },
    };
  },
});

test("what a processor hands on at a tick goes through the processors after it", () => {
  const shout = defineProcessor({
    ...later,
    type: "shout",
    create: () => ({ process: (some) => some.map((each) => ({ ...each, reason: each.reason.toUpperCase() })) }),
  });
  const timeline = anomalyTimeline([later], [shout]);
  assert.deepEqual(timeline.raise({ reason: "odd" }), []);
  assert.deepEqual(
    timeline.tick().map(({ reason }) => reason),
    ["ODD"],
  );
  assert.deepEqual(timeline.tick(5), []);
});
