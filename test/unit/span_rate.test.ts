// span_rate on spans as they come: what is said of an operation that is called more, less, or no longer.
import assert from "node:assert/strict";
import test from "node:test";
import spanRate from "../../plugins/processors/span_rate/index.ts";
import type { Anomaly, Spans } from "../../src/api/index.ts";
import { labelsOf } from "../../src/otlp/labels.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import { IntervalDetector } from "../../src/pipeline/interval_detector.ts";
import { optionsOf } from "../../src/registry.ts";
import { fakeHost, seededRandom } from "../../src/testing/fake_host.ts";
import { poisson } from "../../src/testing/stream.ts";
import { request } from "../spans.ts";

/** 08:00 UTC. */
const START = 1_700_035_200_000;
const MINUTE = 60_000;
const STEP = 5000;

/** A service with two operations, called about so many times a second. */
function service(written: object = {}) {
  const intake = new Intake("traces", 1, 1000);
  intake.assemble({ idle_timeout: 10_000, max_traces: 100, max_spans: 100 });
  const anomalies: Anomaly[] = [];
  const options = optionsOf(spanRate).parse(written) as object;
  const detector = new IntervalDetector(spanRate, options, fakeHost("span_rate"), intake.table, (each) =>
    anomalies.push(each),
  );
  const random = seededRandom(3);
  let now = START;
  let id = 0;
  const hex = (length: number) => (++id).toString(16).padStart(length, "0");
  function call(minutes: number, perSecond: Readonly<Record<string, number>>): Anomaly[] {
    const before = anomalies.length;
    for (const until = now + minutes * MINUTE; now < until; now += STEP) {
      const spans = Object.entries(perSecond).flatMap(([name, rate]) =>
        Array.from({ length: poisson(random, (rate * STEP) / 1000) }, () => {
          const to = now - Math.floor(random() * STEP);
          return { trace: hex(32), id: hex(16), name, kind: 2, from: to - 20, to };
        }),
      );
      if (spans.length === 0) continue;
      const bytes = request(spans);
      intake.read(bytes);
      const rows = intake.rows(now) as Spans;
      const labels = (row: number) => labelsOf("traces", bytes, intake.scan, row);
      const nothing = () => {};
      const batch = { signal: "traces" as const, bytes, receivedAt: now, rows, labels };
      detector.process({
        ...batch,
        annotate: nothing,
        drop: nothing,
        replace: nothing,
        append: nothing,
        extend: nothing,
        mine: nothing,
        mined: undefined,
      });
    }
    return anomalies.slice(before);
  }
  return { call };
}

test("a surge is one anomaly that names operation, rates and since when", () => {
  const { call } = service();
  assert.deepEqual(call(60, { "GET /cart": 2, "POST /pay": 1 }), []);
  const found = call(10, { "GET /cart": 12, "POST /pay": 1 });
  assert.deepEqual(
    found.slice(0, 1).map(({ type, labels }) => [type, labels.name]),
    [["throughput", "GET /cart"]],
  );
  assert.ok(found.length <= 2, `${found.length} times`);
  assert.match(
    found[0].reason,
    /^rate of GET \/cart of shop is [\d.]+\/s; usually it is [\d.]+\/s to [\d.]+\/s \(rarer .*\); since (08:59|09:0\d) UTC, \d+ spans\.$/,
  );
});

test("an operation that is called no longer is absent, while its service goes on", () => {
  const { call } = service();
  call(60, { "GET /cart": 2, "POST /pay": 1 });
  const [first] = call(5, { "GET /cart": 2 });
  assert.deepEqual([first.type, first.labels.name, first.observed], ["absence", "POST /pay", 0]);
  assert.match(first.reason, /since (08:59|09:00) UTC\.$/);
});

test("a drop is told unless only what is above is asked for", () => {
  const both = service();
  const above = service({ detection_direction: "above_expected" });
  for (const { call } of [both, above]) call(60, { "GET /cart": 20 });
  const [first] = both.call(10, { "GET /cart": 5 });
  assert.ok(first.type === "throughput" && first.observed < first.expected);
  assert.deepEqual(above.call(10, { "GET /cart": 5 }), []);
});

test("a surge that is too small to matter does not hide a larger one", () => {
  const { call } = service({ min_rel_dev_from_expected: 3 });
  call(60, { "GET /cart": 20 });
  assert.deepEqual(call(5, { "GET /cart": 50 }), []);
  assert.equal(call(5, { "GET /cart": 200 }).length, 1);
});

test("with an alert budget an incident is told once as well", () => {
  const { call } = service({ alert_budget: "1/day" });
  call(120, { "GET /cart": 5 });
  const found = call(30, { "GET /cart": 40 });
  assert.ok(found.length === 1 || found.length === 2, `${found.length} times`);
});
