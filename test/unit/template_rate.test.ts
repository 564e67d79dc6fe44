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
  const options = optionsOf(templateRate).parse(written) as object;
  const random = seededRandom(3);
  let now = START;
  let id = 0;
  function begin() {
    const intake = new Intake("logs", 1, 1000);
    const detector = new IntervalDetector(templateRate, options, fakeHost("template_rate"), intake.table, (each) =>
      anomalies.push(each),
    );
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
  /** A process that goes on from what this one has saved. */
  function restart() {
    const snapshot = running.detector.takeSnapshot();
    running = begin();
    running.detector.restore(snapshot);
  }
  return { log, restart };
}

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
    /^shop logged "payment <\*> refused" [\d.]+ times a minute; usually [\d.]+ times a minute \(rarer .*\); since 0[89]:\d\d UTC, \d+ records\.$/,
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
  log(1, [cart, 5]);
  const [found] = log(6, [cart, 5]);
  assert.equal(found.labels.template, "payment <*> refused");
  const burst = log(5, [cart, 5], [refused, 20]);
  assert.equal(burst[0].labels.template, "payment <*> refused");
});
