// How much an anomaly matters: by score, duration, breadth and rules; and that what lasts is raised though nothing new is heard of it.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly, Incident } from "vedette";
import correlate from "../../plugins/processors/correlate/index.ts";
import episodes from "../../plugins/processors/episodes/index.ts";
import severity from "../../plugins/processors/severity/index.ts";
import { about, anomalyTimeline, BEGINNING } from "../anomaly_timeline.ts";
import { damaged } from "../damaged.ts";
import { anomalyOf, fakeHost } from "../exporting.ts";

const MINUTE = 60;
const GRAVITY = ["info", "warning", "critical"];
const timeline = (options: object = {}) => anomalyTimeline([episodes, { resolve_after: "5m" }], [severity, options]);
const slow = (score: number, changes: Partial<Anomaly> = {}) => about("shop", "latency", { score, ...changes });
const judged = (options: object, changes: Partial<Anomaly>) =>
  anomalyTimeline([severity, options]).raise(changes)[0].severity;

const incident = (...services: string[]): Partial<Anomaly> => ({
  incident: { members: [], episodes: services.length, origins: [], services, traces: [], templates: [] } as Incident,
  episode: { start: BEGINNING, lastSeen: BEGINNING, peak: 1.1, count: 5 },
});

test("the score says it, and an incident of three services is one step graver", () => {
  assert.deepEqual(
    [1, 1.24, 1.25, 1.99, 2, Number.POSITIVE_INFINITY, Number.NaN].map((score) => judged({}, { score })),
    ["info", "info", "warning", "warning", "critical", "critical", "info"],
  );
  assert.equal(judged({ warning: 3, critical: 4 }, { score: 2.9 }), "info");
  assert.equal(judged({}, incident("a", "b")), "info");
  assert.equal(judged({}, incident("a", "b", "c")), "warning");
  assert.equal(judged({ raise_services: 0 }, incident("a", "b", "c")), "info");
});

test("the first rule that holds says it, whatever the score", () => {
  const rules = [
    { condition: 'type == "absence"', severity: "critical" },
    { condition: 'service == "checkout"', severity: "info" },
  ];
  assert.equal(judged({ rules }, { type: "absence", score: 1 }), "critical");
  assert.equal(judged({ rules }, { score: 9 }), "info");
  assert.equal(judged({ rules }, about("shop", "latency", { score: 1.3 })), "warning");
});

test("what lasts is raised by itself, is told as going on, and stays that grave to its end", () => {
  const line = timeline();
  for (let i = 0; i < 20; i++) {
    line.raise(slow(i === 0 ? 1.3 : 1.1));
    line.tick(MINUTE);
  }
  line.tick(10 * MINUTE);
  assert.deepEqual(
    line.told.map((each, i) => `${line.passed[i].severity} ${each}`),
    [
      "warning 0:00:00 open spike shop: latency of shop is odd",
      "critical 0:15:10 ongoing spike shop: latency of shop is odd. Raised to critical: it has lasted for 15 min.",
      "critical 0:24:00 resolved spike shop: latency of shop is odd. Resolved: it lasted 19 min, 20 anomalies.",
    ],
  );
  assert.equal(new Set(line.passed.map(({ id }) => id)).size, 1);
});

test("a silence of which nothing is heard is raised as well, also where there are no episodes before", () => {
  const line = anomalyTimeline([severity, { raise_after: "1h" }]);
  line.raise(slow(1, { id: "a", untilResolved: true }), slow(1, { id: "b" }));
  line.tick(3 * 3600);
  line.raise(slow(1, { id: "a", state: "resolved" }));
  assert.deepEqual(
    line.passed.map(({ id, state, severity }) => `${id} ${state} ${severity}`),
    ["a open info", "b open info", "a ongoing warning", "a resolved warning"],
  );
});

test("rules are asked again as it lasts", () => {
  const line = timeline({ rules: [{ condition: 'duration >= Duration("30s") and score < 2', severity: "critical" }] });
  line.raise(slow(1));
  line.tick(29);
  line.raise(slow(1));
  line.tick(31);
  line.lasts(slow(1).fingerprint!);
  line.tick(MINUTE);
  assert.deepEqual(line.told, [
    "0:00:00 open spike shop: latency of shop is odd",
    '0:01:10 ongoing spike shop: latency of shop is odd. Raised to critical: the rule duration >= Duration("30s") and score < 2 holds.',
  ]);
});

test("what is open does not become less grave, and its duration counts from when it was told first", () => {
  const rules = [{ condition: 'type == "planned"', severity: "info" }];
  const line = anomalyTimeline([severity, { rules, raise_after: "1m" }]);
  const silence = (changes: Partial<Anomaly>) => slow(1.5, { id: "a", untilResolved: true, ...changes });
  line.raise(silence({}));
  line.tick(30);
  line.raise(silence({ type: "planned", state: "ongoing" }));
  line.raise(silence({ state: "ongoing" }));
  line.tick(MINUTE);
  assert.deepEqual(
    line.passed.map(({ time, severity }) => [(time - BEGINNING) / 1000, severity]),
    [
      [0, "warning"],
      [30, "warning"],
      [30, "warning"],
      [60, "critical"],
    ],
  );
});

test("what has gone quiet is not raised while it waits to be over, nor for the time that the agent was not there", () => {
  const line = anomalyTimeline([episodes, { resolve_after: "15m" }], [severity, { raise_after: "10m" }]);
  line.raise(slow(1.3));
  line.tick(9 * MINUTE);
  line.lasts(slow(1).fingerprint!);
  line.tick(14 * MINUTE);
  line.restart(40 * MINUTE);
  line.tick(MINUTE);
  assert.deepEqual(
    line.passed.map(({ state, severity }) => `${state} ${severity}`),
    ["open warning", "resolved warning"],
  );
});

test("an incident goes on while anything in its services does, told or not", () => {
  const line = anomalyTimeline([episodes], [correlate], [severity]);
  line.raise(slow(1.3), about("shop", "errors", { score: 1.3 }));
  line.tick(2 * MINUTE);
  const later = about("shop", "queue", { score: 1.1 });
  line.raise(later);
  for (let i = 0; i < 15; i++) {
    line.tick(MINUTE);
    line.lasts(later.fingerprint!);
  }
  line.tick(15 * MINUTE);
  assert.deepEqual(
    line.passed.map(({ state, severity }) => `${state} ${severity}`),
    ["open warning", "ongoing critical", "resolved critical"],
  );
});

test("a restart does not change when it is raised", () => {
  const line = timeline({ raise_after: "1m" });
  line.tick(3);
  line.raise(slow(1));
  line.tick(61);
  line.restart();
  line.lasts(slow(1).fingerprint!);
  line.tick(MINUTE);
  assert.equal(line.told[1].slice(0, 15), "0:01:10 ongoing");
});

test("raise_after of 0 raises nothing", () => {
  const line = timeline({ raise_after: 0 });
  for (let i = 0; i < 100; i++) {
    line.raise(slow(1));
    line.tick(MINUTE);
  }
  assert.deepEqual(
    line.passed.map(({ severity }) => severity),
    ["info"],
  );
});

test("of more than max_open the one that changed longest ago is forgotten", () => {
  const line = anomalyTimeline([severity, { max_open: 1, raise_after: "1m" }]);
  line.raise(slow(1, { id: "a", untilResolved: true }), slow(1, { id: "b", untilResolved: true }));
  assert.deepEqual(
    line.tick(2 * MINUTE).map(({ id }) => id),
    ["b"],
  );
});

const script = fc.array(
  fc.record({
    wait: fc.oneof(fc.nat(5), fc.nat(600)),
    what: fc.constantFrom("latency", "errors"),
    score: fc.double({ min: 1, max: 3, noNaN: true }),
  }),
  { maxLength: 25 },
);

function play(steps: typeof script extends fc.Arbitrary<infer S> ? S : never, restarts = new Set<number>()): Anomaly[] {
  const rules = [{ condition: "score < 1.1", severity: "info" }];
  const line = timeline({ raise_after: "3m", rules });
  for (const [i, { wait, what, score }] of steps.entries()) {
    line.tick(wait);
    line.raise(about("shop", what, { score }));
    if (restarts.has(i)) line.restart();
  }
  line.tick(3600);
  assert.equal(line.errors, 0);
  return line.passed;
}

test("while it is open its severity never falls, and a restart anywhere changes nothing", () => {
  fc.assert(
    fc.property(script, fc.array(fc.nat(24)), (steps, restarts) => {
      const passed = play(steps);
      const open = new Map<string, number>();
      for (const { id, state, severity } of passed) {
        const gravity = GRAVITY.indexOf(severity);
        assert.equal(open.has(id), state !== "open");
        assert.ok(gravity >= (open.get(id) ?? 0));
        if (state === "resolved") assert.equal(gravity, open.get(id));
        if (state === "resolved") open.delete(id);
        else open.set(id, gravity);
      }
      assert.equal(open.size, 0);
      assert.deepEqual(play(steps, new Set(restarts)), passed);
    }),
  );
});

test("what was saved is refused when it is damaged, and never breaks what runs", () => {
  const create = () => severity.create(severity.config.parse({}), fakeHost());
  const before = create();
  before.process([anomalyOf(incident("a", "b")), anomalyOf({ id: "b", untilResolved: true })]);
  const saved = before.save!();
  fc.assert(
    fc.property(fc.nat(), fc.nat(5), (place, value) => {
      const part = create();
      try {
        part.load!(damaged(saved, place, value));
      } catch (error) {
        assert.match((error as Error).message, /^is (not what severity saves|of another version of severity)/);
        return;
      }
      part.tick!(BEGINNING + 1e10);
      part.process([]);
      part.save!();
    }),
  );
});
