// template_rate behind a miner, on records as they come: what is said of a template that bursts, falls, or stops.
import assert from "node:assert/strict";
import test from "node:test";
import templateRate from "../../plugins/processors/template_rate/index.ts";
import type { Anomaly } from "../../src/api/index.ts";
import { emitInto, Turn } from "../../src/pipeline/hub.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import { IntervalDetector } from "../../src/pipeline/interval_detector.ts";
import { TelemetryPipeline } from "../../src/pipeline/pipeline.ts";
import { optionsOf } from "../../src/registry.ts";
import { type Snapshot, SnapshotError } from "../../src/series/snapshot.ts";
import { fakeHost, seededRandom } from "../../src/testing/fake_host.ts";
import { WordMiner } from "../../src/testing/index.ts";
import { poisson } from "../../src/testing/stream.ts";
import { logRequest } from "../logs.ts";
import { stage } from "../wired.ts";

/** 08:00 UTC. */
const START = 1_700_035_200_000;
const MINUTE = 60_000;
const STEP = 5000;
const ERROR = { severity: 17, severityText: "ERROR" };

const cart = (n: number) => ({ body: `cart ${n} loaded` });
const refused = (n: number) => ({ body: `payment ${n} refused`, ...ERROR });
const timeout = (n: number) => ({ body: `no answer after ${n} ms`, ...ERROR });

/** A service that logs; rates are records a second. */
function service(written: object = {}, hidden = false) {
  const anomalies: Anomaly[] = [];
  const lasting = { at: Number.NaN };
  const options = optionsOf(templateRate).parse(written) as object;
  const random = seededRandom(3);
  let now = START;
  let id = 0;
  function begin() {
    const intake = new Intake("logs", 1, 1000);
    const { table } = intake;
    const raise = (each: Anomaly) => anomalies.push(each);
    const lasts = (_: string, at: number) => {
      lasting.at = at;
    };
    const host = fakeHost("template_rate");
    const detector = new IntervalDetector(templateRate, options, host, table, raise, undefined, undefined, lasts);
    const processors = [stage<any>(new WordMiner(hidden)), stage<any>(detector)];
    const pipelines = [new TelemetryPipeline<any>("logs", "logs", { processors, queues: [], connectors: [] })];
    const route = { pipelines, counts: { accepted: 0, refused: 0, failed: 0 } };
    return { intake, detector, emit: emitInto(intake as never, route, new Turn([]), () => now) };
  }
  let running = begin();
  /** What is found while it logs so for so many minutes. */
  function log(minutes: number, ...said: readonly (readonly [(n: number) => object, number])[]): Anomaly[] {
    const before = anomalies.length;
    for (const until = now + minutes * MINUTE; now < until; now += STEP) {
      const records = said.flatMap(([record, rate]) =>
        Array.from({ length: poisson(random, (rate * STEP) / 1000) }, () => ({
          body: "",
          ...record(++id),
          time: now - Math.floor(random() * STEP),
          trace: id.toString(16).padStart(32, "0"),
        })),
      );
      if (records.length > 0) void running.emit(logRequest(records));
    }
    return anomalies.slice(before);
  }
  /** A process that goes on from what this one has saved, once that is `changed`. */
  function restart(changed = (saved: Snapshot) => saved) {
    const snapshot = running.detector.takeSnapshot();
    running = begin();
    running.detector.restore(changed(snapshot));
  }
  return { log, restart, series: () => running.detector.series, now: () => now, lasting };
}

/** So many statements of their own, each as often. */
const statements = (count: number, rate: number) =>
  Array.from({ length: count }, (_, i) => {
    const word = [i / 676, (i / 26) % 26, i % 26].map((k) => String.fromCharCode(97 + Math.floor(k))).join("");
    return [(n: number) => ({ body: `${word}: ${n} done` }), rate] as const;
  });

test("a burst is told once, of the template, with an example, its trace and how often it usually comes", () => {
  const { log } = service();
  assert.deepEqual(log(60, [cart, 5], [refused, 0.05], [timeout, 0.05]), []);
  const [first, ...more] = log(5, [cart, 5], [refused, 3], [timeout, 0.05]);
  assert.equal(first.type, "template_rate");
  assert.equal(first.labels.template, "payment <*> refused");
  const example = /^payment (\d+) refused$/.exec(first.labels.example!);
  assert.equal(Number.parseInt(first.labels.traceId, 16), Number(example![1]), "the trace is that of the example");
  assert.match(
    first.reason,
    /^shop logged "payment <\*> refused" [\d.]+ times a (second|minute); usually [\d.]+ times a minute \(rarer .*\); since 0[89]:\d\d UTC, \d+ records\.$/,
  );
  assert.ok(
    more.length <= 1 && more.every(({ score }) => score >= 2 * first.score),
    "again only once it is much rarer",
  );
});

test("a template that is logged no longer is told, while its service goes on", () => {
  const { log } = service();
  log(60, [cart, 5], [refused, 0.5]);
  const [found, ...more] = log(10, [cart, 5]);
  assert.deepEqual([found.type, found.labels.template, found.observed], ["template_rate", "payment <*> refused", 0]);
  assert.match(found.reason, /^shop no longer logs "payment <\*> refused"; usually \d+ times a minute/);
  assert.deepEqual(more, [], "that its severity is silent as well is the same");
});

test("a severity of which many templates come more often is told as such", () => {
  const { log } = service();
  const many = (factor: number) =>
    Array.from(
      { length: 60 },
      (_, i) =>
        [
          (n: number) => ({
            body: `kind-${String.fromCharCode(97 + (i % 26), 97 + i / 26)}: ${n} failed`.replace(/-/, ""),
            ...ERROR,
          }),
          0.004 * factor,
        ] as const,
    );
  log(180, [cart, 5], ...many(1));
  const [found] = log(4, [cart, 5], ...many(6));
  assert.deepEqual([found.type, found.labels.name, found.labels.template], ["throughput", "ERROR", undefined]);
  assert.match(found.reason, /^shop logged ERROR records /);
});

test("what is said over and over in a moment is no burst, and what goes on is", () => {
  const { log } = service();
  assert.deepEqual(log(180, [cart, 5], [refused, 0.003]), []);
  assert.deepEqual([...log(5 / 60, [refused, 3]), ...log(30, [cart, 5], [refused, 0.003])], [], "a pile");
  assert.deepEqual(
    log(15, [cart, 5], [refused, 0.06]).map(({ labels }) => labels.template),
    ["payment <*> refused"],
    "as many within a quarter of an hour",
  );
});

test("a burst that was told is no news when a longer window ends", () => {
  const { log } = service();
  assert.deepEqual(log(240, [cart, 5], [refused, 0.005]), []);
  assert.ok(log(10, [cart, 5], [refused, 0.5]).length > 0);
  assert.deepEqual(log(240, [cart, 5], [refused, 0.005]), []);
});

test("errors that surge go on until they do not, and some minutes more, whatever comes of them then", () => {
  for (const [usual, surge, minutes] of [
    [0.001, 0.2, 10],
    [0.001, 2, 10],
    [0.005, 0.1, 30],
    [0.005, 0.5, 3],
    [0.02, 3, 30],
    [0.1, 1, 3],
  ]) {
    const { log, lasting, now } = service();
    log(300, [cart, 5], [refused, usual]);
    assert.ok(log(minutes, [cart, 5], [refused, surge]).length > 0);
    const over = now();
    log(60, [cart, 5], [refused, usual]);
    const late = (lasting.at - over) / MINUTE;
    assert.ok(late > -2 && late <= 4, `${usual}/s to ${surge}/s for ${minutes} min: until ${late} min after`);
  }
});

test("a template that is new is not told as a burst", () => {
  const { log } = service();
  log(60, [cart, 5], [refused, 1]);
  assert.deepEqual(
    log(5, [cart, 5], [refused, 1], [timeout, 2]).map(({ labels }) => labels.template),
    [],
  );
});

test("statements that fall silent at once are one event", () => {
  const { log } = service();
  const old = ["a", "b", "c", "d", "e"].map(
    (letter, i) => [(n: number) => ({ body: `old ${letter}${letter} ${n}` }), 0.1 * (i + 1)] as const,
  );
  log(120, [cart, 5], ...old);
  assert.equal(log(30, [cart, 5]).length, 1);
});

test("where parameters are hidden the template is told and no example", () => {
  const { log } = service({}, true);
  log(60, [cart, 5], [refused, 0.05]);
  const [found] = log(5, [cart, 5], [refused, 3]);
  assert.equal(found.labels.template, "payment <*> refused");
  assert.ok(!("example" in found.labels));
});

test("after a restart a template is known as before, though numbers are others", () => {
  const { log, restart } = service();
  log(60, [cart, 5], [refused, 0.5]);
  restart();
  const [found] = log(7, [cart, 5]);
  assert.equal(found.labels.template, "payment <*> refused");
  const burst = log(5, [cart, 5], [refused, 20]);
  assert.equal(burst[0].labels.template, "payment <*> refused");
});

test("restarts are no news, and what is told has the same fingerprint after them", () => {
  const { log, restart } = service();
  log(60, [cart, 5], [refused, 0.5]);
  const [before] = log(5, [cart, 5], [refused, 20]);
  for (let i = 0; i < 12; i++) {
    assert.deepEqual(
      log(7, [cart, 5], [refused, i < 2 ? 20 : 0.5]).filter(({ score }) => score < 2 * before.score),
      [],
    );
    restart();
  }
  log(60, [cart, 5], [refused, 0.5]);
  const [after] = log(5, [cart, 5], [refused, 20]);
  assert.equal(after.fingerprint, before.fingerprint);
});

test("a service that is silent as a whole for a while logs everything no longer, and none of it is told", () => {
  const { log } = service();
  log(60, [cart, 5], [refused, 0.5], ...statements(10, 0.2));
  for (const minutes of [0.5, 1, 5]) {
    log(minutes);
    assert.deepEqual(log(15, [cart, 5], [refused, 0.5], ...statements(10, 0.2)), [], `${minutes}`);
  }
});

test("what a service logs first after it was not heard does not make the rest silent", () => {
  const { log } = service();
  assert.deepEqual(log(240, [cart, 0.4], [refused, 0.02]), []);
  assert.deepEqual([...log(100 / 60), ...log(5 / 60, [refused, 2]), ...log(10, [cart, 0.4], [refused, 0.02])], []);
});

test("a service with one statement that pauses is not told either", () => {
  const { log } = service();
  log(60, [cart, 5]);
  log(0.75);
  assert.deepEqual(log(15, [cart, 5]), []);
});

test("of more templates than there is room for the first are judged, and all count in their severity", () => {
  const { log, series } = service();
  const many = statements(700, 0.02);
  assert.deepEqual(log(40, ...many, [refused, 0.5]), []);
  assert.ok(series() <= 2 + 512 + 1, `${series()}`);
  const [found] = log(5, ...many, [refused, 20]);
  assert.equal(found.labels.template, "payment <*> refused");
});

test("where series make room for each other nothing is told of what comes as ever", () => {
  const { log, series } = service({ max_series: 20 });
  assert.deepEqual(log(90, [cart, 5], ...statements(60, 0.1)), []);
  assert.ok(series() <= 20);
});

test("a new version that replaces all statements is one event at most", () => {
  const { log } = service();
  const all = statements(40, 0.2);
  log(120, ...all.slice(0, 20));
  assert.ok(log(40, ...all.slice(20)).length <= 1);
});

test("records without a severity are judged as others", () => {
  const { log } = service();
  const bare = (n: number) => ({ body: `bare ${n}`, severity: 0 });
  log(60, [cart, 5], [bare, 0.5]);
  const [found] = log(5, [cart, 5], [bare, 20]);
  assert.equal(found.labels.template, "bare <*>");
});

test("what another version saved, or what lacks a part, is refused in words, and all is learnt anew", () => {
  const lacks = (name: string) => (saved: Snapshot) => ({
    ...saved,
    columns: saved.columns.filter((column) => column.name !== name),
  });
  const cases: readonly (readonly [(saved: Snapshot) => Snapshot, RegExp])[] = [
    [(saved) => ({ ...saved, stateVersion: 9 }), /has version 9, this template_rate has version \d/],
    [(saved) => ({ ...saved, type: "log_rate" }), /is that of log_rate on logs, not of template_rate/],
    [lacks("members"), /lacks its members/],
    [lacks("state.burstSize"), /burstSize/],
  ];
  for (const [changed, words] of cases) {
    const { log, restart } = service();
    log(60, [cart, 5], [refused, 0.05]);
    assert.throws(
      () => restart(changed),
      (error) => error instanceof SnapshotError && words.test(error.message),
    );
    log(60, [cart, 5], [refused, 0.05]);
    assert.equal(log(5, [cart, 5], [refused, 3])[0]?.labels.template, "payment <*> refused");
  }
});
