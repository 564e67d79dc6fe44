// What is dropped of anomalies, and that of what somebody was told of the end is told too.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly } from "vedette";
import episodes from "../../plugins/processors/episodes/index.ts";
import filter from "../../plugins/processors/filter/index.ts";
import { about, anomalyTimeline, BEGINNING } from "../anomaly_timeline.ts";
import { damaged } from "../damaged.ts";
import { anomalyOf, fakeHost } from "../exporting.ts";

const INFO = 'severity == "info"';
const change = (id: string, state: Anomaly["state"], severity: Anomaly["severity"], lasted = 0): Anomaly =>
  anomalyOf({
    id,
    state,
    severity,
    episode: { start: BEGINNING, lastSeen: BEGINNING + lasted, peak: 2, count: 1 },
  });
const shown = (anomalies: readonly Anomaly[]) =>
  anomalies.map(({ id, state, severity }) => `${id} ${state} ${severity}`);

test("what any of the conditions holds for is dropped, the rest goes on untouched", () => {
  const line = anomalyTimeline([filter, { error_mode: "ignore", anomalies: [INFO, 'service == "cart"'] }]);
  const passed = line.raise(
    about("shop", "latency", { severity: "info" }),
    about("cart", "latency"),
    about("shop", "errors"),
  );
  assert.deepEqual(
    passed.map(({ reason }) => reason),
    ["errors of shop is odd"],
  );
});

test("without conditions everything is passed", () => {
  assert.equal(anomalyTimeline([filter]).raise({}, {}).length, 2);
});

test("the end of what was passed is passed, the end of what was dropped is not", () => {
  const line = anomalyTimeline([filter, { anomalies: ['duration > Duration("1h")', INFO] }]);
  line.raise(change("a", "open", "warning"), change("b", "open", "info"));
  line.raise(change("a", "ongoing", "warning", 7_200_000), change("b", "resolved", "info"));
  line.raise(change("a", "resolved", "warning", 7_200_000));
  assert.deepEqual(shown(line.passed), ["a open warning", "a resolved warning"]);
});

test("what was dropped as too short so far is not told when it is over", () => {
  const line = anomalyTimeline([filter, { anomalies: ['duration < Duration("10m")'] }]);
  line.raise(change("a", "open", "warning"));
  line.raise(change("a", "resolved", "warning", 7_200_000));
  assert.deepEqual(line.passed, []);
});

test("what was dropped while it opened and got worse opens when it is passed first, also after a restart", () => {
  const line = anomalyTimeline([episodes, { resolve_after: "5m" }], [filter, { anomalies: [INFO] }]);
  line.raise(about("shop", "latency", { severity: "info", score: 1 }));
  line.restart();
  line.tick(30);
  line.raise(about("shop", "latency", { severity: "critical", score: 3 }));
  line.restart();
  line.tick(30);
  line.raise(about("shop", "latency", { severity: "critical", score: 9 }));
  line.tick(600);
  assert.deepEqual(
    line.told.map((each) => each.slice(0, 16)),
    ["0:00:30 open spi", "0:01:00 ongoing ", "0:06:00 resolved"],
  );
});

test("an end of which nothing is known is judged by the conditions", () => {
  const line = anomalyTimeline([filter, { anomalies: [INFO] }]);
  line.raise(change("a", "resolved", "warning"), change("b", "resolved", "info"));
  assert.deepEqual(shown(line.passed), ["a resolved warning"]);
});

test("each id that is passed is open first and resolved last", () => {
  const steps = fc.array(
    fc.record({
      wait: fc.nat(600),
      what: fc.constantFrom("latency", "errors"),
      score: fc.double({ min: 1, max: 3, noNaN: true }),
    }),
    { maxLength: 25 },
  );
  fc.assert(
    fc.property(steps, fc.array(fc.nat(24)), (script, restarts) => {
      const line = anomalyTimeline(
        [episodes, { resolve_after: "5m" }],
        [filter, { anomalies: [INFO, "count > 3 and score < 2"] }],
      );
      for (const [i, { wait, what, score }] of script.entries()) {
        line.tick(wait);
        line.raise(about("shop", what, { score, severity: score < 2 ? "info" : "critical" }));
        if (restarts.includes(i)) line.restart();
      }
      line.tick(3600);
      const open = new Set<string>();
      for (const { id, state } of line.passed) {
        assert.equal(open.has(id), state !== "open");
        if (state === "resolved") open.delete(id);
        else open.add(id);
      }
      assert.equal(open.size, 0);
    }),
  );
});

test("more than max_open are not remembered", () => {
  const line = anomalyTimeline([filter, { max_open: 1, anomalies: [INFO] }]);
  line.raise(change("a", "open", "warning"), change("b", "open", "warning"));
  line.raise(change("a", "resolved", "info"), change("b", "resolved", "info"));
  assert.deepEqual(shown(line.passed), ["a open warning", "b open warning", "b resolved info"]);
});

test("a condition that cannot be read is refused where it stands", () => {
  const { error } = filter.config.safeParse({ anomalies: [INFO, "severity = 1"] });
  assert.deepEqual(error!.issues[0].path, ["anomalies", 1]);
});

test("what was saved is refused when it is damaged", () => {
  const create = () => filter.create(filter.config.parse({}), fakeHost());
  const before = create();
  before.process([change("a", "open", "warning"), change("b", "open", "info")]);
  const saved = before.save!();
  fc.assert(
    fc.property(fc.nat(), fc.nat(5), (place, value) => {
      try {
        create().load!(damaged(saved, place, value));
      } catch (error) {
        assert.match((error as Error).message, /^is (not what filter saves|of another version of filter)/);
      }
    }),
  );
});
