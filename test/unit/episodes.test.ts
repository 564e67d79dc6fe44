// What people on call are told of anomalies that repeat: that it began, that it got worse, that it is over; and nothing twice.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly } from "vedette";
import episodes from "../../plugins/processors/episodes/index.ts";
import { type AnomalyTimeline, about, anomalyTimeline, BEGINNING } from "../anomaly_timeline.ts";
import { damaged } from "../damaged.ts";
import { anomalyOf, fakeHost } from "../exporting.ts";

const MINUTE = 60;
const slow = (changes: Partial<Anomaly> = {}) => about("shop", "latency", { score: 1.3, ...changes });

const timeline = (options: object = {}) =>
  anomalyTimeline([episodes, { resolve_after: "5m", cooldown: "10m", ...options }]);

const { fingerprint: SLOW } = slow() as Anomaly;

/** For so many seconds a detector that has told it says in each `gap` that it goes on. */
function goOn(line: AnomalyTimeline, seconds: number, gap = MINUTE): void {
  for (let i = gap; i <= seconds; i += gap) {
    line.tick(gap);
    line.lasts(SLOW);
  }
}

/** One anomaly in each `gap` seconds, `times` of them. */
function repeat(line: AnomalyTimeline, times: number, gap: number, changes: Partial<Anomaly> = {}): void {
  for (let i = 0; i < times; i++) {
    line.raise(slow(changes));
    line.tick(gap);
  }
}

test("anomalies that follow each other are told once, and once more when it is over", () => {
  const line = timeline();
  repeat(line, 31, 24);
  line.tick(10 * MINUTE);
  assert.deepEqual(line.told, [
    "0:00:00 open spike shop: latency of shop is odd",
    "0:17:00 resolved spike shop: latency of shop is odd. Resolved: it lasted 12 min, 31 anomalies.",
  ]);
  const [open, resolved] = line.passed;
  assert.equal(open.id, `${open.fingerprint}-${BEGINNING.toString(36)}`);
  assert.equal(resolved.id, open.id);
  const lastSeen = BEGINNING + 720_000;
  assert.deepEqual(resolved.episode, { start: BEGINNING, lastSeen, peak: 1.3, count: 31, end: lastSeen });
});

test("an end that was found between two ticks is told after a restart as well", () => {
  const line = timeline();
  line.raise(slow());
  line.now += 6 * MINUTE;
  line.lasts(SLOW);
  line.restart();
  line.tick();
  assert.deepEqual(
    line.passed.map(({ state }) => state),
    ["open", "resolved"],
  );
});

test("each fingerprint has an episode of its own", () => {
  const line = timeline();
  line.raise(about("shop", "latency"), about("cart", "errors"));
  line.tick(5);
  line.raise(about("shop", "latency"));
  line.tick(10 * MINUTE);
  assert.deepEqual(line.told, [
    "0:00:00 open spike shop: latency of shop is odd",
    "0:00:00 open spike cart: errors of cart is odd",
    "0:05:00 resolved spike cart: errors of cart is odd. Resolved: it was one anomaly.",
    "0:05:05 resolved spike shop: latency of shop is odd. Resolved: it lasted 5 s, 2 anomalies.",
  ]);
});

test("it is told at once when it gets clearly worse, and its end tells of its worst moment", () => {
  const line = timeline();
  for (const [score, severity] of [
    [1.3, "warning"],
    [1.5, "warning"],
    [2.1, "critical"],
    [4, "critical"],
    [4.3, "critical"],
    [1.2, "info"],
  ] as const) {
    line.raise(slow({ score, severity, reason: `it is ${score}.` }));
    line.tick(MINUTE);
  }
  line.tick(10 * MINUTE);
  assert.deepEqual(line.told, [
    "0:00:00 open spike shop: it is 1.3.",
    "0:02:00 ongoing spike shop: it is 2.1.",
    "0:04:00 ongoing spike shop: it is 4.3.",
    "0:10:00 resolved spike shop: it is 4.3. Resolved: it lasted 5 min, 6 anomalies.",
  ]);
  assert.deepEqual(
    line.passed.map(({ severity, episode }) => [severity, episode!.peak, episode!.count]),
    [
      ["warning", 1.3, 1],
      ["critical", 2.1, 3],
      ["critical", 4.3, 5],
      ["critical", 4.3, 6],
    ],
  );
});

test("one that goes on is told again after repeat_interval", () => {
  const line = timeline({ repeat_interval: "1h" });
  repeat(line, 130, MINUTE);
  assert.deepEqual(line.told.slice(1), [
    "1:00:00 ongoing spike shop: latency of shop is odd. Ongoing for 59 min, 60 anomalies.",
    "2:00:00 ongoing spike shop: latency of shop is odd. Ongoing for 2 h, 120 anomalies.",
  ]);
  const silent = timeline({ repeat_interval: 0 });
  repeat(silent, 1000, MINUTE);
  assert.equal(silent.passed.length, 1);
});

test("what its detector tells once stays open as long as the detector says that it goes on, also over a restart", () => {
  const line = timeline();
  line.raise(slow());
  goOn(line, 20 * MINUTE);
  line.restart();
  goOn(line, 20 * MINUTE);
  line.tick(20 * MINUTE);
  assert.deepEqual(line.told, [
    "0:00:00 open spike shop: latency of shop is odd",
    "0:45:00 resolved spike shop: latency of shop is odd. Resolved: it lasted 40 min.",
  ]);
  assert.equal(line.passed[1].episode!.count, 1);
});

test("that something goes on opens nothing: neither what nobody told, nor what is over", () => {
  const line = timeline();
  goOn(line, 10 * MINUTE);
  line.raise(slow());
  line.tick(6 * MINUTE);
  goOn(line, 20 * MINUTE);
  assert.deepEqual(
    line.passed.map(({ state }) => state),
    ["open", "resolved"],
  );
  line.raise(slow());
  assert.notEqual(line.passed[2].id, line.passed[0].id, "it was over for longer than the cooldown");
});

test("what its detector tells once is told when it has gone on for min_duration", () => {
  const line = timeline({ min_duration: "10m" });
  line.raise(slow());
  goOn(line, 9 * MINUTE);
  assert.deepEqual(line.told, []);
  goOn(line, 5 * MINUTE);
  line.tick();
  assert.deepEqual(line.told, ["0:10:00 open spike shop: latency of shop is odd"]);
});

test("of a slow series that its detector tells once, the rhythm is known by the second time", () => {
  const line = timeline();
  for (let i = 0; i < 2; i++) {
    line.raise(slow());
    goOn(line, 3600, 15 * MINUTE);
    line.tick(15 * MINUTE);
  }
  line.tick(3600);
  assert.deepEqual(
    line.told.map((each) => each.split(" ").slice(0, 2).join(" ")),
    ["0:00:00 open", "0:05:00 resolved", "1:15:00 open", "3:00:00 resolved"],
  );
});

test("what was heard of last stays when there are too many", () => {
  const line = timeline({ max_episodes: 2 });
  line.raise(slow(), about("b", "latency"));
  line.lasts(SLOW);
  line.raise(about("c", "latency"));
  assert.deepEqual(
    line.passed.map(({ state, labels }) => `${state} ${labels.resource["service.name"]}`),
    ["open shop", "open b", "resolved b", "open c"],
  );
});

test("an anomaly soon after the end opens the same episode again, a later one a new one", () => {
  const line = timeline();
  line.raise(slow());
  line.tick(14 * MINUTE);
  line.raise(slow({ reason: "it is back" }));
  line.tick(60 * MINUTE);
  line.raise(slow());
  assert.deepEqual(line.told, [
    "0:00:00 open spike shop: latency of shop is odd",
    "0:05:00 resolved spike shop: latency of shop is odd. Resolved: it was one anomaly.",
    "0:14:00 open spike shop: it is back",
    // it comes every 14 minutes, as far as is known
    "0:56:00 resolved spike shop: it is back. Resolved: it lasted 14 min, 2 anomalies.",
    "1:14:00 open spike shop: latency of shop is odd",
  ]);
  const ids = line.passed.map(({ id }) => id);
  assert.equal(new Set(ids.slice(0, 4)).size, 1);
  assert.notEqual(ids[4], ids[0]);
});

test("a series that comes every 15 minutes is one episode once its rhythm is known", () => {
  const line = timeline();
  repeat(line, 20, 15 * MINUTE);
  assert.deepEqual(
    line.passed.map(({ state }) => state),
    ["open", "resolved", "open", "ongoing"],
  );
});

test("an anomaly a minute is one episode from the first on, with four of five points missing", () => {
  const line = timeline();
  repeat(line, 100, 4 * MINUTE + 59);
  assert.deepEqual(
    line.passed.map(({ state }) => state),
    ["open", "ongoing", "ongoing"],
  );
});

test("what is too short is not told, what is critical is told at once", () => {
  const line = timeline({ min_count: 3, min_duration: "2m" });
  line.raise(slow(), slow(), slow());
  line.tick(MINUTE);
  line.raise(slow());
  line.tick(20 * MINUTE);
  assert.deepEqual(line.told, []);
  line.raise(slow({ severity: "critical" }));
  line.tick(60 * MINUTE);
  assert.deepEqual(line.told, [
    "0:21:00 open spike shop: latency of shop is odd",
    "0:26:00 resolved spike shop: latency of shop is odd. Resolved: it was one anomaly.",
  ]);
  repeat(line, 3, MINUTE);
  assert.deepEqual(line.told.slice(2), ["1:23:00 open spike shop: latency of shop is odd"]);
});

const silence = (changes: Partial<Anomaly> = {}) =>
  about("mail", "records", { type: "absence", untilResolved: true, ...changes });

test("what lasts until its finder says otherwise lasts without a word, and ends with the finder's own sentence", () => {
  const line = timeline();
  line.raise(silence());
  line.tick(5 * 3600);
  line.raise(
    silence({ untilResolved: undefined, state: "resolved", reason: "records come in again after 5 h." } as object),
  );
  line.tick(3600);
  assert.deepEqual(line.told, [
    "0:00:00 open absence mail: records of mail is odd",
    "4:00:00 ongoing absence mail: records of mail is odd. Ongoing for 4 h.",
    "5:00:00 resolved absence mail: records come in again after 5 h.",
  ]);
});

test("a silence is told after min_duration, and not at all when it was shorter", () => {
  const line = timeline({ min_duration: "10m", min_count: 5 });
  line.raise(silence());
  line.tick(9 * MINUTE);
  line.raise(silence({ state: "resolved" }));
  line.tick(30 * MINUTE);
  line.raise(silence());
  line.tick(30 * MINUTE);
  assert.deepEqual(line.told, ["0:49:00 open absence mail: records of mail is odd"]);
});

test("the episode begins when its finder says that it began", () => {
  const line = timeline();
  line.tick(3600);
  const began = BEGINNING + 3_000_000;
  const { fingerprint } = slow();
  const [open] = line.raise(slow({ id: `${fingerprint}-${began.toString(36)}` }));
  assert.deepEqual([open.id, open.episode!.start], [`${fingerprint}-${began.toString(36)}`, began]);
});

test("the end of what was told before there were episodes goes on", () => {
  const id = `${SLOW}-${(BEGINNING - 60_000).toString(36)}`;
  const [change] = timeline().raise(slow({ id, state: "resolved", reason: "it is over" }));
  assert.deepEqual([change.state, change.reason], ["resolved", "it is over"]);
});

test("the end of what never came here, since a processor before held it back, is not told", () => {
  const line = timeline();
  line.tick(MINUTE);
  const id = `${SLOW}-${(BEGINNING + 30_000).toString(36)}`;
  assert.deepEqual(line.raise(slow({ id, state: "resolved" })), []);
  line.restart();
  assert.deepEqual(line.raise(slow({ id, state: "resolved" })), []);
});

test("what is an episode already goes on untouched", () => {
  const line = anomalyTimeline([episodes], [episodes, { resolve_after: "1m" }]);
  repeat(line, 10, 2 * MINUTE);
  line.tick(20 * MINUTE);
  assert.deepEqual(
    line.passed.map(({ state }) => state),
    ["open", "resolved"],
  );
});

test("late rows count, and clocks that cannot be right are not believed", () => {
  const line = timeline();
  line.tick(3600);
  const now = BEGINNING + 3_600_000;
  for (const time of [now, now - 30_000, 0, now + 1e9, Number.NaN, 1e308, Number.NEGATIVE_INFINITY])
    line.raise(slow({ time }));
  line.raise(slow({ time: now - 60_000 }));
  line.tick(600);
  assert.equal(line.errors, 0);
  assert.deepEqual(
    line.passed.map(({ state }) => state),
    ["open", "resolved"],
  );
  const { episode } = line.passed[1];
  assert.deepEqual(episode, { start: now, lastSeen: now, peak: 1.3, count: 8, end: now });
});

test("what ended while the agent was down is resolved at the first tick", () => {
  const line = timeline();
  line.raise(slow());
  line.restart(3600);
  line.tick();
  assert.deepEqual(line.told, [
    "0:00:00 open spike shop: latency of shop is odd",
    "0:05:00 resolved spike shop: latency of shop is odd. Resolved: it was one anomaly.",
  ]);
});

test("what ended while the agent was down is resolved before what comes next", () => {
  const line = timeline();
  line.raise(slow());
  line.restart(3600);
  line.raise(slow());
  assert.deepEqual(
    line.passed.map(({ state }) => state),
    ["open", "resolved", "open"],
  );
  assert.notEqual(line.passed[2].id, line.passed[0].id);
});

test("scores that are infinite, or none, are told once", () => {
  for (const score of [Number.POSITIVE_INFINITY, Number.NaN]) {
    const line = timeline();
    repeat(line, 5, MINUTE, { score });
    assert.equal(line.passed.length, 1);
  }
});

test("what was resolved is not resolved again when its finder says so late", () => {
  const line = timeline();
  line.raise(slow());
  line.tick(6 * MINUTE);
  assert.deepEqual(line.raise(slow({ state: "resolved" })), []);
});

test("what its detector says has lasted since then is the same episode, however long ago that was told", () => {
  const line = timeline();
  const id = `${slow().fingerprint}-${BEGINNING.toString(36)}`;
  line.raise(slow());
  line.tick(18 * MINUTE);
  line.raise(slow({ id }));
  assert.deepEqual(
    line.passed.map((each) => [each.state, each.id, each.episode!.count]),
    [
      ["open", id, 1],
      ["resolved", id, 1],
      ["open", id, 2],
    ],
  );
});

test("what opens again is told once it is long enough again", () => {
  for (const options of [{ min_count: 2 }, { min_duration: "1m" }]) {
    const line = timeline(options);
    repeat(line, 2, MINUTE);
    line.tick(6 * MINUTE);
    line.raise(slow());
    assert.deepEqual(
      line.passed.map(({ state }) => state),
      ["open", "resolved"],
    );
    line.tick(MINUTE);
    line.raise(slow());
    assert.equal(line.passed.at(-1)!.state, "open");
  }
});

test("what ends at the same moment is told in the same order after a restart", () => {
  const told = (restarts: boolean) => {
    const line = timeline();
    const services = ["a", "b", "c", "d", "e", "f"];
    line.raise(...services.map((service) => about(service, "latency")));
    line.raise(...services.reverse().map((service) => about(service, "latency")));
    if (restarts) line.restart();
    line.tick(10 * MINUTE);
    return line.told;
  };
  assert.deepEqual(told(true), told(false));
});

test("there are no more episodes than max_episodes: the one seen longest ago is resolved", () => {
  const line = timeline({ max_episodes: 2 });
  for (const service of ["a", "b", "a", "c"]) line.raise(about(service, "latency"));
  assert.deepEqual(
    line.passed.map(({ state, labels }) => `${state} ${labels.resource["service.name"]}`),
    ["open a", "open b", "resolved b", "open c"],
  );
});

test("one that is over makes room before one that is open", () => {
  const line = timeline({ max_episodes: 2, min_duration: 0 });
  line.raise(silence());
  line.raise(about("a", "latency"));
  line.tick(6 * MINUTE);
  line.raise(about("b", "latency"));
  assert.deepEqual(
    line.passed.map(({ state, labels }) => `${state} ${labels.resource["service.name"]}`),
    ["open mail", "open a", "resolved a", "open b"],
  );
});

interface Step {
  readonly wait: number;
  readonly what: number;
  readonly score: number;
  readonly over: boolean;
}

const steps = fc.array(
  fc.record({
    wait: fc.oneof(fc.nat(3), fc.nat(400), fc.nat(5000)),
    what: fc.nat(3),
    score: fc.oneof(fc.double({ min: 1, max: 5, noNaN: true }), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY)),
    over: fc.boolean(),
  }),
  { maxLength: 30 },
);
const someOptions = fc.record(
  {
    resolve_after: fc.constantFrom("1m", "5m"),
    cooldown: fc.constantFrom("0s", "10m"),
    repeat_interval: fc.constantFrom("0s", "7m"),
    min_count: fc.constantFrom(1, 3),
    min_duration: fc.constantFrom("0s", "90s"),
    max_episodes: fc.constantFrom(2, 100),
  },
  { requiredKeys: [] },
);

/** The fourth lasts until it is resolved. */
function rowOf({ what, score, over }: Step): Partial<Anomaly> {
  const severity = score >= 2 ? "critical" : "info";
  if (what < 3) return about("shop", `thing ${what}`, { score, severity });
  return silence(over ? { state: "resolved" } : { score, severity });
}

function play(
  options: object,
  script: readonly Step[],
  { together = false, restarts = new Set<number>() } = {},
): Anomaly[] {
  const line = timeline(options);
  for (let i = 0; i < script.length; i++) {
    line.tick(script[i].wait);
    const rows = [rowOf(script[i])];
    while (together && script[i + 1]?.wait === 0) rows.push(rowOf(script[++i]));
    line.raise(...rows);
    if (restarts.has(i)) line.restart();
  }
  line.tick(3 * 3600);
  assert.equal(line.errors, 0);
  return line.passed;
}

test("each id is open first and resolved last, and its numbers only grow", () => {
  fc.assert(
    fc.property(steps, someOptions, (script, options) => {
      const open = new Map<string, Anomaly>();
      const before = new Map<string, Anomaly>();
      for (const change of play(options, script)) {
        const { fingerprint, state, id, severity, episode } = change;
        const is = open.get(fingerprint);
        const last = before.get(id);
        if (state === "open") assert.equal(is, undefined);
        // the end of what was never told, or given up
        else if (state === "resolved" && !is) assert.equal(change.type, "absence");
        else assert.equal(is?.id, id);
        if (is && severity !== is.severity) assert.equal(severity, "critical");
        assert.ok(episode!.start <= episode!.lastSeen);
        if (last) assert.ok(episode!.count >= last.episode!.count && episode!.lastSeen >= last.episode!.lastSeen);
        before.set(id, change);
        if (state === "resolved") open.delete(fingerprint);
        else open.set(fingerprint, change);
      }
      const left = [...open.values()].filter(({ type }) => type !== "absence");
      assert.deepEqual(left, []);
    }),
  );
});

test("how anomalies are split into lists does not matter", () => {
  fc.assert(
    fc.property(steps, someOptions, (script, options) => {
      assert.deepEqual(play(options, script, { together: true }), play(options, script));
    }),
  );
});

test("a restart anywhere changes nothing", () => {
  fc.assert(
    fc.property(steps, someOptions, fc.array(fc.nat(29)), (script, options, restarts) => {
      assert.deepEqual(play(options, script, { restarts: new Set(restarts) }), play(options, script));
    }),
  );
});

test("with a smaller max_episodes those seen last are kept, the others are resolved", () => {
  const create = (options: object) => episodes.create(episodes.config.parse(options), fakeHost());
  const before = create({});
  before.process(["a", "b", "c"].map((service) => anomalyOf(about(service, "latency"))));
  const after = create({ max_episodes: 1 });
  after.load!(before.save!());
  assert.equal(after.due, true);
  assert.deepEqual(
    after.process([])!.map(({ state, labels }) => `${state} ${labels.resource["service.name"]}`),
    ["resolved a", "resolved b"],
  );
});

test("what was saved is refused when it is damaged, and never breaks what runs", () => {
  const before = episodes.create(episodes.config.parse({}), fakeHost());
  before.process([anomalyOf(slow()), anomalyOf(silence())]);
  const saved = before.save!();
  fc.assert(
    fc.property(fc.nat(), fc.nat(5), (place, value) => {
      const part = episodes.create(episodes.config.parse({}), fakeHost());
      try {
        part.load!(damaged(saved, place, value));
      } catch (error) {
        assert.match((error as Error).message, /^is (not what episodes saves|of another version of episodes)/);
        return;
      }
      part.tick!(BEGINNING + 1e9);
      part.process([]);
      part.save!();
    }),
  );
});
