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

const clock = {
  time: 0,
  now() {
    return this.time;
  },
};
const toldOf = (options: { send_ongoing?: boolean; send_resolved?: boolean } = {}) =>
  new Told({ send_ongoing: false, send_resolved: true, ...options }, clock);

/** Those of the story that are told, by their place in it. */
function told(options: { send_ongoing?: boolean; send_resolved?: boolean }, story = STORY): number[] {
  const memory = toldOf(options);
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
  const memory = toldOf();
  for (let i = 0; i <= 10_000; i++) memory.tell(anomalyOf({ id: `${i}` }));
  assert.equal(memory.severityOf("0"), undefined);
  assert.equal(memory.severityOf("1"), "warning");
});

const incidentAt = (origin: string, services = 2, state: Anomaly["state"] = "ongoing"): Anomaly =>
  anomalyOf({
    state,
    incident: {
      members: [],
      episodes: 2,
      origins: [{ service: origin, share: 0.9, reasons: [] }],
      services: Array.from({ length: services }, (_, i) => `service ${i}`),
      traces: [],
      templates: [],
    },
  });

/** Whether each change is told, a second apart unless said otherwise. */
function heard(changes: readonly Anomaly[], apart = 1000, memory = toldOf()): boolean[] {
  return changes.map((change) => {
    clock.time += apart;
    const isNews = memory.isNews(change);
    assert.equal(memory.knows(change) && isNews, false, "what is known is no news");
    if (isNews) memory.tell(change);
    return isNews;
  });
}

test("an incident that is found to begin elsewhere, or that spreads, is news; one that recedes is not", () => {
  const story = [incidentAt("cart"), incidentAt("cart"), incidentAt("payments"), incidentAt("payments", 3)];
  assert.deepEqual(heard([...story, incidentAt("payments", 2)]), [true, false, true, true, false]);
});

test("one that goes to and fro is told a few times at once, then each minute, and in the end no more but its end", () => {
  const restless = Array.from({ length: 100 }, (_, i) => incidentAt(i % 2 === 0 ? "cart" : "payments"));
  const count = (all: boolean[]) => all.filter(Boolean).length;
  assert.equal(count(heard(restless)), 5, "three at once, and one after a minute");
  const memory = toldOf();
  assert.equal(count(heard(restless, 61_000, memory)), 21);
  assert.deepEqual(heard([incidentAt("cart", 2, "resolved")], 0, memory), [true]);
});

test("what was told is known after a restart", () => {
  const before = toldOf();
  before.tell(incidentAt("cart", 3));
  const after = toldOf();
  after.load(before.save());
  assert.equal(after.isNews(incidentAt("cart", 3)), false);
  assert.equal(after.isNews(incidentAt("payments", 3)), true);
  assert.throws(() => after.load(new Uint8Array(3)), /is not what/);
});
