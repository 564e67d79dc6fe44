// Which changes of an alert are news.
import assert from "node:assert/strict";
import test from "node:test";
import type { Anomaly } from "vedette";
import { Told } from "vedette/http";
import { anomalyOf } from "../../exporting.ts";

const STORY: readonly Pick<Anomaly, "state" | "severity">[] = [
  { state: "open", severity: "warning" },
  { state: "open", severity: "warning" },
  { state: "ongoing", severity: "warning" },
  { state: "ongoing", severity: "critical" },
  { state: "ongoing", severity: "critical" },
  { state: "resolved", severity: "critical" },
  { state: "resolved", severity: "critical" },
  { state: "open", severity: "critical" },
];

/** Those of the story that are told, by their place in it. */
function told(options: { send_ongoing?: boolean; send_resolved?: boolean }, story = STORY): number[] {
  const memory = new Told({ send_ongoing: false, send_resolved: true, ...options });
  return story.flatMap((change, i) => {
    const anomaly = anomalyOf(change);
    if (!memory.isNews(anomaly)) return [];
    memory.tell(anomaly);
    return [i];
  });
}

test("the beginning, a change of severity, the end, and a beginning after it are news, once each", () => {
  assert.deepEqual(told({}), [0, 3, 5, 7]);
});

test("all that goes on is news with send_ongoing, no end is without send_resolved", () => {
  assert.deepEqual(told({ send_ongoing: true }), [0, 2, 3, 4, 5, 7]);
  assert.deepEqual(told({ send_resolved: false }), [0, 3]);
});

test("one that is met while it goes on is news, and so is the end of one that was never met", () => {
  assert.deepEqual(told({}, STORY.slice(2)), [0, 1, 3, 5]);
  assert.deepEqual(told({}, STORY.slice(5)), [0, 2]);
});

test("of ten thousand alerts since, the oldest is forgotten", () => {
  const memory = new Told({ send_ongoing: false, send_resolved: true });
  for (let i = 0; i <= 10_000; i++) memory.tell(anomalyOf({ id: `${i}` }));
  assert.equal(memory.severityOf("0"), undefined);
  assert.equal(memory.severityOf("1"), "warning");
});
