// What is held back and when it is told after all: maintenance, deployments, graver anomalies.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly } from "vedette";
import { fakeHost } from "vedette/testing";
import inhibit from "../../plugins/processors/inhibit/index.ts";
import { about, anomalyTimeline, BEGINNING } from "../anomaly_timeline.ts";
import { damaged } from "../damaged.ts";
import { anomalyOf } from "../exporting.ts";

const MINUTE = 60;
const HOUR = 3600;
const at = (hours: number) => new Date(BEGINNING + hours * HOUR * 1000).toISOString();

/** Changes of an episode of a service. */
const change = (service: string, state: Anomaly["state"], more: Partial<Anomaly> = {}): Partial<Anomaly> => ({
  ...about(service, "latency"),
  id: `${service}-1`,
  state,
  episode: { start: BEGINNING, lastSeen: BEGINNING, peak: 2, count: 1 },
  ...more,
});

/** "cart open warning" of each. */
const brief = (anomalies: readonly Anomaly[]) =>
  anomalies.map(({ id, state, severity }) => `${id.split("-")[0]} ${state} ${severity}`);

const NIGHT = { windows: [{ name: "night", start: at(1), end: at(2) }] };
const BACKUP = { windows: [{ name: "backup", cron: "0 1 * * mon", duration: "1h", condition: 'service == "db"' }] };

test("what opens in a window is not told until the window ends; then it is, if it is still open, as it is by then", () => {
  const timeline = anomalyTimeline([inhibit, NIGHT]);
  timeline.tick(HOUR);
  assert.deepEqual(timeline.raise(change("cart", "open"), change("db", "open")), []);
  timeline.tick(30 * MINUTE);
  assert.deepEqual(timeline.raise(change("cart", "resolved"), change("db", "ongoing", { severity: "critical" })), []);
  assert.deepEqual(timeline.tick(30 * MINUTE - 1), []);
  assert.deepEqual(brief(timeline.tick()), ["db open critical"]);
  assert.deepEqual(brief(timeline.raise(change("db", "ongoing"), change("db", "resolved"))), [
    "db ongoing warning",
    "db resolved warning",
  ]);
  assert.deepEqual(timeline.tick(2 * HOUR), []);
  assert.equal(timeline.errors, 0);
});

test("what was told before a window goes on being told to its end", () => {
  const timeline = anomalyTimeline([inhibit, NIGHT]);
  timeline.raise(change("cart", "open"));
  timeline.tick(HOUR + MINUTE);
  const states = ["ongoing", "open", "resolved"] as const;
  for (const state of states) assert.equal(timeline.raise(change("cart", state)).length, 1, state);
  assert.deepEqual(timeline.raise(change("cart", "open")), [], "a new one is held back");
});

test("windows come again by a crontab, for those that meet their condition", () => {
  const timeline = anomalyTimeline([inhibit, BACKUP]);
  timeline.tick(HOUR);
  assert.deepEqual(brief(timeline.raise(change("db", "open"), change("cart", "open"))), ["cart open warning"]);
  assert.deepEqual(brief(timeline.tick(HOUR)), ["db open warning"]);
  timeline.now = 7 * 24 * HOUR + HOUR + MINUTE;
  assert.deepEqual(timeline.raise(change("db", "open", { id: "db-2" })), []);
});

test("lowered, an anomaly is told as info with the reason, and as what it is once the window is over", () => {
  const timeline = anomalyTimeline([inhibit, { ...NIGHT, mode: "lower" }]);
  timeline.tick(HOUR);
  const [told] = timeline.raise(change("cart", "open"), change("db", "open", { severity: "critical" }));
  assert.match(told.reason, /^latency of cart is odd \(severity lowered: maintenance window night\)$/);
  assert.deepEqual(brief(timeline.raise(change("cart", "resolved"))), ["cart resolved info"]);
  assert.deepEqual(brief(timeline.tick(HOUR)), ["db ongoing critical"]);
});

const RULES = {
  inhibit_rules: [{ source: 'severity == "critical"', target: 'severity == "warning"', equal: ["service"] }],
};

test("while something graver of the service is open, what follows from it waits", () => {
  const timeline = anomalyTimeline([inhibit, RULES]);
  const grave = (state: Anomaly["state"]) => change("cart", state, { id: "cart-0", severity: "critical" });
  const seen = timeline.raise(change("cart", "open"), change("db", "open"), grave("open"));
  assert.deepEqual(brief(seen), ["db open warning", "cart open critical"], "also what comes before it in one go");
  assert.deepEqual(timeline.raise(change("cart", "ongoing")), []);
  assert.deepEqual(brief(timeline.raise(change("cart", "ongoing", { severity: "critical" }))), ["cart open critical"]);
  assert.deepEqual(timeline.raise(change("cart", "open", { id: "cart-2" })), []);
  timeline.raise(change("cart", "resolved"), grave("resolved"));
  assert.deepEqual(brief(timeline.tick()), ["cart open warning"]);
});

test("anomalies that meet both sides of a rule do not hold back each other; what both lack is equal", () => {
  const rule = { source: "score > 1", target: "score > 1", equal: ["k8s.pod.name"] };
  const timeline = anomalyTimeline([inhibit, { inhibit_rules: [rule, { ...rule, source: "score > 5" }] }]);
  assert.equal(timeline.raise(change("cart", "open"), change("db", "open")).length, 2);
  assert.equal(timeline.raise(change("web", "open", { score: 6 })).length, 1);
  assert.deepEqual(timeline.raise(change("shop", "open")), []);
});

const DEPLOYED = { deployments: { duration: "10m", condition: 'severity != "critical"' } };

test("after a deployment anomalies of the service wait, but for the gravest", () => {
  const timeline = anomalyTimeline([inhibit, DEPLOYED]);
  const news = change("cart", "open", { id: "new-1", type: "deployment", severity: "info" });
  assert.deepEqual(brief(timeline.raise(change("cart", "open"), news)), ["new open info"]);
  const more = timeline.raise(change("db", "open"), change("cart", "open", { id: "cart-2", severity: "critical" }));
  assert.deepEqual(brief(more), ["db open warning", "cart open critical"]);
  assert.deepEqual(timeline.tick(599), []);
  assert.deepEqual(brief(timeline.tick()), ["cart open warning"]);
});

test("a deployment is heard of when it is raised, whatever the processors before make of it", () => {
  const part = inhibit.create(inhibit.config.parse(DEPLOYED), fakeHost("inhibit"));
  part.found!(anomalyOf(change("cart", "open", { id: "new-1", type: "deployment" })));
  assert.equal(part.process([anomalyOf(change("cart", "open"))]), undefined);
});

test("a row without an end counts as open for a while: a short window tells it, a long one does not", () => {
  const short = { windows: [{ name: "short", start: at(0), end: at(0.05) }] };
  for (const [window, told] of [
    [short, 1],
    [NIGHT, 0],
  ] as const) {
    const timeline = anomalyTimeline([inhibit, window]);
    timeline.tick(window === NIGHT ? HOUR : 1);
    timeline.raise(about("cart", "latency"));
    assert.equal(timeline.tick(2 * HOUR).length, told);
  }
  const silence = anomalyTimeline([inhibit, NIGHT]);
  silence.tick(HOUR);
  silence.raise({ ...about("cart", "silence"), untilResolved: true });
  assert.equal(silence.tick(2 * HOUR).length, 1, "a silence lasts until it is resolved");
});

test("a restart loses nothing of what is held back, of what was told, nor of why", () => {
  const timeline = anomalyTimeline([inhibit, { ...NIGHT, ...RULES, ...DEPLOYED }]);
  timeline.raise(change("told", "open"), change("new", "open", { id: "new-0", type: "deployment" }));
  timeline.raise(change("grave", "open", { id: "grave-0", severity: "critical" }));
  timeline.raise(change("new", "open"), change("grave", "open"));
  timeline.restart();
  assert.deepEqual(timeline.raise(change("new", "ongoing"), change("grave", "ongoing")), []);
  assert.deepEqual(brief(timeline.tick(600)), ["new open warning"]);
  timeline.tick(HOUR - 600);
  assert.equal(timeline.raise(change("told", "open")).length, 1, "told again as open, it is the same");
  timeline.raise(change("late", "open"), change("grave", "resolved", { id: "grave-0" }));
  timeline.restart(2 * HOUR);
  assert.deepEqual(brief(timeline.tick()).sort(), ["grave open warning", "late open warning"]);
});

test("more than there is room for is told at once, not lost", () => {
  const timeline = anomalyTimeline([inhibit, { ...NIGHT, max_open: 2 }]);
  timeline.tick(HOUR);
  assert.deepEqual(timeline.raise(change("a", "open"), change("b", "open"), change("a", "ongoing")), []);
  assert.deepEqual(brief(timeline.raise(change("c", "open"))), ["b open warning"]);
  assert.match(timeline.host.logged[0].message, /too many anomalies are held back/);
});

test("whatever happens, each anomaly is told from open to resolved, or not at all when it ends in a window", () => {
  const step = fc.record({
    id: fc.constantFrom("a", "b", "c"),
    severity: fc.constantFrom("info" as const, "warning" as const, "critical" as const),
    ends: fc.boolean(),
    wait: fc.nat(1200),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), fc.constantFrom("drop", "lower"), (steps, mode) => {
      const timeline = anomalyTimeline([inhibit, { ...NIGHT, ...RULES, mode }]);
      const open = new Set<string>();
      const raise = (id: string, ends: boolean, more: Partial<Anomaly> = {}) => {
        if (ends && !open.has(id)) return;
        timeline.raise(change(id, ends ? "resolved" : open.has(id) ? "ongoing" : "open", more));
        if (ends) open.delete(id);
        else open.add(id);
      };
      for (const { id, severity, ends, wait } of steps) {
        raise(id, ends, { severity });
        timeline.tick(wait);
      }
      timeline.tick(2 * HOUR);
      for (const id of [...open]) raise(id, true);
      const last = new Map<string, string>();
      for (const { id, state } of timeline.passed) {
        assert.equal(
          state === "open",
          (last.get(id) ?? "resolved") === "resolved",
          `${id} ${last.get(id)} -> ${state}`,
        );
        last.set(id, state);
      }
      for (const [id, state] of last) assert.equal(state, "resolved", id);
    }),
    { numRuns: 50 },
  );
});

test("a state that is damaged is refused, or does no harm", () => {
  const create = () => inhibit.create(inhibit.config.parse({ ...NIGHT, ...RULES, ...DEPLOYED }), fakeHost("inhibit"));
  const first = create();
  const marker = change("new", "open", { id: "new-0", type: "deployment" });
  const changes = [change("grave", "open", { severity: "critical" }), change("new", "open"), marker];
  first.process(changes.map(anomalyOf));
  const saved = first.save!();
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (place, value) => {
      const next = create();
      try {
        next.load!(damaged(saved, place, value));
      } catch (error) {
        assert.match((error as Error).message, /^is (of another version of|not what) inhibit/);
      }
      next.tick!(BEGINNING);
      next.process(changes.map(anomalyOf));
    }),
  );
});
