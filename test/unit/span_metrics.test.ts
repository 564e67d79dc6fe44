// span_metrics: what it tells is what a plain count of the same spans gives, whatever comes and whenever it is told.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Connector } from "vedette";
import { fakeHost } from "vedette/testing";
import plugin from "../../plugins/connectors/span_metrics/index.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import { TelemetryPipeline } from "../../src/pipeline/pipeline.ts";
import { Stage } from "../../src/pipeline/stage.ts";
import { decoded } from "../sinks.ts";
import { type Json, oracleEncode } from "./otlp/otlp_json.ts";

interface SpanOf {
  readonly instance: string;
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly status: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly route?: string | undefined;
}

const START = fakeHost().time;

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

/** One resource message for each run of spans of the same resource, every other one with its attributes the other way round. */
function requestOf(spans: readonly SpanOf[]): Uint8Array {
  const resourceSpans: Json[] = [];
  let last = "";
  for (const [i, { instance, service, name, kind, status, duration, route }] of spans.entries()) {
    if (last !== `${service} ${instance}`) {
      const attributes = [text("service.name", service), text("service.instance.id", instance)];
      if (resourceSpans.length % 2 > 0) attributes.reverse();
      resourceSpans.push({ resource: { attributes }, scopeSpans: [{ scope: { name: "test" }, spans: [] }] });
      last = `${service} ${instance}`;
    }
    resourceSpans.at(-1)!.scopeSpans[0].spans.push({
      traceId: String(i + 1).padStart(32, "0"),
      spanId: String(i + 1).padStart(16, "0"),
      name,
      kind,
      startTimeUnixNano: `${START}000000`,
      endTimeUnixNano: String(BigInt(START) * 1_000_000n + BigInt(Math.round(duration * 1e6))),
      status: { code: status },
      ...(route !== undefined && { attributes: [text("http.route", route)] }),
    });
  }
  return oracleEncode("traces", { resourceSpans });
}

const KIND = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUS = ["UNSET", "OK", "ERROR"];

/** What tells a span's series apart: the resource, then the attributes, as `pointsOf` writes them. */
function keyOf({ instance, service, name, kind, status, route }: SpanOf, dimensional: boolean): string {
  const resource = { "service.instance.id": instance, "service.name": service };
  const own = {
    ...(dimensional && { "http.route": route ?? "none" }),
    "service.name": service,
    "span.kind": `SPAN_KIND_${KIND[kind]}`,
    "span.name": name,
    "status.code": `STATUS_CODE_${STATUS[status]}`,
  };
  return JSON.stringify([resource, own]);
}

const flat = (attributes: readonly Json[]) =>
  Object.fromEntries(
    attributes
      .map(({ key, value }): [string, unknown] => [key, Object.values(value)[0]])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** The data points of a metric, by resource and attributes. */
function pointsOf(requests: readonly Json[], name: string): Map<string, Json> {
  const points = new Map<string, Json>();
  for (const { resource, scopeMetrics } of requests.flatMap(({ resourceMetrics }) => resourceMetrics)) {
    for (const metric of scopeMetrics.flatMap(({ metrics }: Json) => metrics)) {
      if (metric.name !== name) continue;
      for (const point of (metric.sum ?? metric.histogram ?? metric.exponentialHistogram).dataPoints) {
        const key = JSON.stringify([flat(resource.attributes), flat(point.attributes)]);
        assert.ok(!points.has(key), `${key} is told twice`);
        points.set(key, point);
      }
    }
  }
  return points;
}

/** The connector behind a pipeline of traces on a clock that the test moves; a small table hands ids of series on. */
function connected(options: object, maxSeries = 1000) {
  const host = fakeHost();
  const told: Json[] = [];
  const emit = (bytes: Uint8Array) => {
    new Intake("metrics", 1, 1000).read(bytes);
    told.push(decoded("metrics", bytes));
    return true;
  };
  const part = plugin.create(plugin.config.parse(options), host, { metrics: emit }) as Required<Connector<"traces">>;
  const stage = new Stage<Connector<"traces">>(part, host);
  const pipeline = new TelemetryPipeline("traces", "traces", { processors: [], queues: [], connectors: [stage] });
  const intake = new Intake("traces", 1, maxSeries);
  intake.table.own({ grow() {}, recycle: (series) => part.forget("traces", series) });
  return {
    host,
    stop: () => part.stop(),
    feed(spans: readonly SpanOf[]) {
      const bytes = requestOf(spans);
      intake.read(bytes);
      pipeline.run(bytes, host.now(), intake.scan, intake.rows(host.now()));
      assert.deepEqual(
        host.logged.filter(({ level }) => level === "error"),
        [],
      );
    },
    /** What is told since it was last asked. */
    tell(milliseconds: number): Json[] {
      part.tick(host.time);
      host.time += milliseconds;
      part.tick(host.time);
      return told.splice(0);
    },
    told: () => told.splice(0),
  };
}

const BOUNDS = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];
const CALLS = "traces.span.metrics.calls";
const DURATION = "traces.span.metrics.duration";
const MINUTE = 60_000;

const span = fc.record({
  instance: fc.constantFrom("a", "b"),
  service: fc.constantFrom("cart", "pay"),
  name: fc.constantFrom("GET /", "POST /pay", "", "Zürich"),
  kind: fc.integer({ min: 0, max: 5 }),
  status: fc.integer({ min: 0, max: 2 }),
  duration: fc.oneof(fc.constantFrom(0, ...BOUNDS), fc.double({ min: 0, max: 20_000, noNaN: true })),
  route: fc.option(fc.constantFrom("/", "/pay"), { nil: undefined }),
});
const rounds = fc.array(fc.array(fc.array(span, { maxLength: 8 }), { maxLength: 3 }), { minLength: 1, maxLength: 4 });

for (const temporality of ["CUMULATIVE", "DELTA"]) {
  for (const dimensional of [false, true]) {
    test(`${temporality.toLowerCase()} counts, ${dimensional ? "with" : "without"} dimensions, are those of a plain count`, () => {
      const options = {
        aggregation_temporality: `AGGREGATION_TEMPORALITY_${temporality}`,
        dimensions: dimensional ? [{ name: "http.route", default: "none" }] : [],
      };
      const delta = temporality === "DELTA";
      fc.assert(
        fc.property(rounds, fc.constantFrom(2, 1000), (minutes, maxSeries) => {
          const { feed, tell } = connected(options, maxSeries);
          let counted = new Map<string, number[]>();
          for (const requests of minutes) {
            for (const spans of requests) {
              // a table of two gives a span no row where it names a third series in one request
              const fed = maxSeries === 2 ? spans.slice(0, 2) : spans;
              feed(fed);
              for (const one of fed) {
                const key = keyOf(one, dimensional);
                counted.set(key, [...(counted.get(key) ?? []), Math.round(one.duration * 1e6) / 1e6]);
              }
            }
            const requested = tell(MINUTE);
            const [calls, durations] = [pointsOf(requested, CALLS), pointsOf(requested, DURATION)];
            assert.deepEqual([...calls.keys()].sort(), [...counted.keys()].sort());
            assert.deepEqual([...durations.keys()].sort(), [...counted.keys()].sort());
            for (const [key, values] of counted) {
              assert.equal(calls.get(key)!.asInt, String(values.length));
              const { count, sum, bucketCounts, explicitBounds } = durations.get(key)!;
              assert.equal(count, String(values.length));
              const total = values.reduce((all, value) => all + value, 0);
              assert.ok(Math.abs(sum - total) <= 1e-9 * total, `${sum} is not ${total}`);
              assert.deepEqual(explicitBounds, BOUNDS);
              const bounded = [Number.NEGATIVE_INFINITY, ...BOUNDS, Number.POSITIVE_INFINITY];
              const expected = bounded
                .slice(1)
                .map((bound, i) => String(values.filter((value) => value > bounded[i] && value <= bound).length));
              assert.deepEqual(bucketCounts, expected);
            }
            if (delta) counted = new Map();
          }
        }),
        { numRuns: 60 },
      );
    });
  }
}

const pay: SpanOf = { instance: "a", service: "pay", name: "POST /pay", kind: 2, status: 0, duration: 7 };
const only = <T>(points: ReadonlyMap<string, T>): T => {
  assert.equal(points.size, 1);
  return [...points.values()][0];
};
const spell = ({ startTimeUnixNano, timeUnixNano, asInt }: Json) => [
  Number(BigInt(startTimeUnixNano) / 1_000_000n) - START,
  Number(BigInt(timeUnixNano) / 1_000_000n) - START,
  Number(asInt),
];

test("a cumulative series counts from its first span on, a delta one from flush to flush; a restart begins at 0", () => {
  const walk = (options: object) => {
    const { feed, tell, host } = connected(options);
    host.time += 5000;
    feed([pay]);
    const seen = [spell(only(pointsOf(tell(MINUTE), CALLS)))];
    host.time += 1000;
    feed([pay, pay]);
    seen.push(spell(only(pointsOf(tell(MINUTE - 1000), CALLS))));
    const idle = pointsOf(tell(MINUTE), CALLS);
    return [...seen, ...(idle.size > 0 ? [spell(only(idle))] : [])];
  };
  assert.deepEqual(walk({}), [
    [5000, 65_000, 1],
    [5000, 125_000, 3],
    [5000, 185_000, 3],
  ]);
  assert.deepEqual(walk({ aggregation_temporality: "AGGREGATION_TEMPORALITY_DELTA" }), [
    [5000, 65_000, 1],
    [65_000, 125_000, 2],
  ]);
  const next = connected({});
  next.host.time += 3_600_000;
  next.feed([pay]);
  assert.deepEqual(spell(only(pointsOf(next.tell(MINUTE), CALLS))), [3_600_000, 3_660_000, 1]);
});

test("what came since the last flush is told when it stops, once", async () => {
  const { feed, told, stop } = connected({});
  feed([pay]);
  await stop();
  await stop();
  assert.equal(only(pointsOf(told(), CALLS)).asInt, "1");
});

test("beyond the limit spans count in a series of their own, so that totals stay right; the log says so once", () => {
  const { feed, tell, host } = connected({ aggregation_cardinality_limit: 3 });
  const names = Array.from({ length: 10 }, (_, i) => ({ ...pay, name: `GET /item/${i}` }));
  for (let round = 0; round < 2; round++) {
    feed(names);
    const points = pointsOf(tell(MINUTE), CALLS);
    assert.equal(points.size, 4);
    const counts = [...points].map(([key, { asInt }]) => [
      key.includes('{"otel.metric.overflow":true}'),
      Number(asInt),
    ]);
    assert.deepEqual(counts, [
      [false, round + 1],
      [false, round + 1],
      [false, round + 1],
      [true, 7 * (round + 1)],
    ]);
  }
  assert.equal(host.logged.filter(({ level }) => level === "warn").length, 1);
});

test("a series without spans expires and makes room; when it is back it counts from 0 with a new start", () => {
  const { feed, tell } = connected({ series_expiration: "2m", aggregation_cardinality_limit: 1 });
  feed([pay]);
  assert.equal(pointsOf(tell(MINUTE), CALLS).size, 1);
  assert.equal(pointsOf(tell(MINUTE), CALLS).size, 1, "told once more, then no more");
  assert.equal(tell(MINUTE).length, 0);
  feed([{ ...pay, name: "other" }]);
  assert.match([...pointsOf(tell(MINUTE), CALLS).keys()][0], /"other"/);
  tell(2 * MINUTE);
  feed([pay]);
  assert.deepEqual(spell(only(pointsOf(tell(MINUTE), CALLS))), [6 * MINUTE, 7 * MINUTE, 1]);
});

test("a resource without spans expires with all its series", () => {
  const { feed, tell } = connected({ metrics_expiration: "2m" });
  feed([pay, { ...pay, instance: "b" }]);
  tell(MINUTE);
  feed([pay]);
  assert.equal(pointsOf(tell(MINUTE), CALLS).size, 2);
  assert.equal(only(pointsOf(tell(MINUTE), CALLS)).asInt, "2");
});

test("one resource too many: the one without spans for longest is told a last time", () => {
  for (const temporality of ["CUMULATIVE", "DELTA"]) {
    const aggregation_temporality = `AGGREGATION_TEMPORALITY_${temporality}`;
    const { feed, tell, told } = connected({ resource_metrics_cache_size: 2, aggregation_temporality });
    feed([pay, { ...pay, instance: "b" }, pay, { ...pay, instance: "c" }]);
    const all = [...told(), ...tell(MINUTE)];
    const counts = [...pointsOf(all, CALLS)].map(
      ([key, { asInt }]) => `${JSON.parse(key)[0]["service.instance.id"]}${asInt}`,
    );
    assert.deepEqual(counts.sort(), ["a2", "b1", "c1"]);
  }
});

test("without resource attributes instances count together; key attributes say which resources are one", () => {
  const both = [pay, { ...pay, instance: "b" }];
  const resourceOf = (options: object) => {
    const { feed, tell } = connected(options);
    feed(both);
    const [[key, { asInt }]] = pointsOf(tell(MINUTE), CALLS);
    return [JSON.parse(key)[0], asInt];
  };
  assert.deepEqual(resourceOf({ add_resource_attributes: false }), [{ "service.name": "pay" }, "2"]);
  const apart = connected({ add_resource_attributes: false, dimensions: [{ name: "service.instance.id" }] });
  apart.feed(both);
  assert.equal(pointsOf(apart.tell(MINUTE), CALLS).size, 2, "a dimension may be of the resource");
  const first = { "service.name": "pay", "service.instance.id": "a" };
  assert.deepEqual(resourceOf({ resource_metrics_key_attributes: ["service.name"] }), [first, "2"]);
});

test("exemplars name the first spans of each interval", () => {
  const { feed, tell } = connected({ exemplars: { enabled: true, max_per_data_point: 2 } });
  for (let round = 0; round < 2; round++) {
    feed([pay, { ...pay, duration: 9 }, pay]);
    const requests = tell(MINUTE);
    for (const name of [CALLS, DURATION]) {
      const { exemplars } = only(pointsOf(requests, name));
      assert.deepEqual(
        exemplars.map(({ traceId, spanId, asDouble }: Json) => [traceId, spanId, asDouble]),
        [
          ["1".padStart(32, "0"), "1".padStart(16, "0"), 7],
          ["2".padStart(32, "0"), "2".padStart(16, "0"), 9],
        ],
      );
      assert.equal(exemplars[0].timeUnixNano, `${START + 7}000000`);
    }
  }
  assert.deepEqual(only(pointsOf(tell(MINUTE), CALLS)).exemplars, []);
});

test("names, units, bounds and dimensions are those that the options say", () => {
  const options = {
    namespace: "",
    histogram: { unit: "s", explicit: { buckets: ["100us", "1s"] }, dimensions: [{ name: "http.route" }] },
    exclude_dimensions: ["span.kind", "status.code"],
    include_instrumentation_scope: ["test"],
  };
  const { feed, tell } = connected(options);
  feed([{ ...pay, duration: 1500, route: "/pay" }]);
  const requests = tell(MINUTE);
  const units = requests[0].resourceMetrics[0].scopeMetrics[0].metrics.map(({ name, unit }: Json) => [name, unit]);
  assert.deepEqual(units, [
    ["calls", ""],
    ["duration", "s"],
  ]);
  const own = { "service.name": "pay", "span.instrumentation.scope.name": "test", "span.name": "POST /pay" };
  const [[calls]] = pointsOf(requests, "calls");
  assert.deepEqual(JSON.parse(calls)[1], own);
  const [[duration, { sum, explicitBounds, bucketCounts }]] = pointsOf(requests, "duration");
  assert.deepEqual(JSON.parse(duration)[1], { "http.route": "/pay", ...own });
  assert.deepEqual([sum, explicitBounds, bucketCounts], [1.5, [0.0001, 1], ["0", "0", "1"]]);
  assert.equal(pointsOf(connectedOnce({ histogram: { disable: true } }), DURATION).size, 0);
});

function connectedOnce(options: object): Json[] {
  const { feed, tell } = connected(options);
  feed([pay]);
  return tell(MINUTE);
}

test("an exponential histogram holds every duration in a bucket that contains it, in no more buckets than allowed", () => {
  const durations = fc.array(
    fc.oneof(fc.constantFrom(0, 1, 2, 1024), fc.double({ min: 1e-6, max: 1e7, noNaN: true })),
    {
      minLength: 1,
      maxLength: 40,
    },
  );
  fc.assert(
    fc.property(durations, fc.constantFrom(2, 5, 160), (values, max_size) => {
      const { feed, tell } = connected({ histogram: { exponential: { max_size } } });
      feed(values.map((duration) => ({ ...pay, duration })));
      const { scale, positive, zeroCount, count, min, max } = only(pointsOf(tell(MINUTE), DURATION));
      const rounded = values.map((value) => Math.round(value * 1e6) / 1e6).sort((a, b) => a - b);
      assert.deepEqual([count, min, max], [String(values.length), rounded[0], rounded.at(-1)]);
      assert.ok(positive.bucketCounts.length <= max_size);
      const above = rounded.filter((value) => value > 0);
      assert.equal(Number(zeroCount), rounded.length - above.length);
      const base = 2 ** (2 ** -scale);
      let at = 0;
      for (const [i, inBucket] of positive.bucketCounts.entries()) {
        const [lower, upper] = [base ** (positive.offset + i), base ** (positive.offset + i + 1)];
        for (let n = 0; n < Number(inBucket); n++, at++) {
          assert.ok(
            above[at] > lower * (1 - 1e-9) && above[at] <= upper * (1 + 1e-9),
            `${above[at]} in ${lower} ${upper}`,
          );
        }
      }
      assert.equal(at, above.length);
    }),
  );
});

test("a large flush goes out in requests that receivers take", () => {
  const { feed, tell } = connected({}, 10_000);
  feed(Array.from({ length: 4000 }, (_, i) => ({ ...pay, name: `operation ${i}` })));
  const requests = tell(MINUTE);
  assert.ok(requests.length > 1);
  assert.deepEqual([pointsOf(requests, CALLS).size, pointsOf(requests, DURATION).size], [4000, 4000]);
  for (const request of requests) assert.ok(oracleEncode("metrics", request).length < 4 * 2 ** 20);
});

test("options that are not taken are refused with a reason", () => {
  const reason = (options: object) => plugin.config.safeParse(options).error?.issues[0].message;
  assert.match(reason({ events: { enabled: true } })!, /events of spans are not counted here/);
  assert.match(reason({ enable_metrics_sampling_method: true })!, /counted as they come/);
  assert.match(reason({ histogram: { explicit: {}, exponential: {} } })!, /remove one of the two/);
  assert.match(reason({ histogram: { explicit: { buckets: ["2ms", "1ms"] } } })!, /ascend/);
  assert.match(reason({ dimensions: [{ name: "span.name" }] })!, /exclude_dimensions/);
  assert.match(reason({ dimensions: [{ name: "a" }, { name: "a" }] })!, /twice/);
  assert.match(reason({ metrics_flush_interval: "0" })!, /longer than 0/);
});
