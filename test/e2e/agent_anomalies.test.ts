// What people on call rely on: three faults in three signals among quiet neighbours are told, once each, and nothing else is.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { eventually, request, startAgent } from "../agent.ts";
import { gauge, logs, type RecordOf, traces } from "../requests.ts";
import { decoded, httpSink, type Received, SIGNALS, type Sink } from "../sinks.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

const MINUTE = 60_000;
/** Minutes of history, and the minute of the faults. */
const LENGTH = 400;
const FAULT = 390;
const PER_REQUEST = 10;
const SERVICES = ["cart", "checkout", "search"];

const configuration = (sink: Sink) => `
receivers:
  otlp:
    protocols:
      http: {endpoint: "127.0.0.1:0"}
processors: {ewma: , span_duration: , log_rate: , cooldown: {escalate: 100}}
exporters:
  debug:
  otlp_http:
    endpoint: http://${sink.endpoint}
    sending_queue: {num_consumers: 1}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [otlp_http]}
    traces: {receivers: [otlp], processors: [span_duration], exporters: [otlp_http]}
    logs: {receivers: [otlp], processors: [log_rate], exporters: [otlp_http]}
    anomalies: {processors: [cooldown], exporters: [debug, otlp_http]}
`;

/** Normal deviates that repeat from run to run. */
function normal(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const hex = (bytes: number, n: number) => n.toString(16).padStart(bytes * 2, "0");
const SLOW_TRACE = "00c0ffee00c0ffee00c0ffee00c0ffee";
const BURST_TRACE = "00decade00decade00decade00decade";

/** The requests of the past hours, in order: faults in the metric of `cart`, the spans of `checkout`, the logs of `search`. */
function* history(began: number): Generator<{ signal: "metrics" | "traces" | "logs"; bytes: Buffer }> {
  const noise = normal(7);
  const at = (minute: number) => began + minute * MINUTE;
  let id = 1;
  for (let first = 0; first < LENGTH; first += PER_REQUEST) {
    const minutes = Array.from({ length: PER_REQUEST }, (_, i) => first + i);
    const each = (of: (service: string) => Buffer) => Buffer.concat(SERVICES.map(of));
    yield {
      signal: "metrics",
      bytes: each((service) => {
        const points = minutes.map((minute) => {
          const fault = service === "cart" && minute === FAULT;
          return { time: at(minute), value: fault ? 900 : 120 + 8 * noise() };
        });
        return gauge(service, "queue.depth", points);
      }),
    };
    yield {
      signal: "traces",
      bytes: each((service) => {
        const spans = minutes.map((minute) => {
          const fault = service === "checkout" && minute === FAULT;
          const duration = fault ? 4000 : 45 * Math.exp(0.2 * noise());
          const traceId = fault ? SLOW_TRACE : hex(16, id);
          return { name: "POST /orders", time: at(minute), duration, traceId, spanId: hex(8, id++) };
        });
        return traces(service, spans);
      }),
    };
    yield {
      signal: "logs",
      bytes: each((service) => {
        const records = minutes.flatMap((minute): RecordOf[] => {
          const fault = service === "search" && minute === FAULT;
          const some = (count: number, severity: number, body: string, traceId?: string) =>
            Array.from({ length: count }, (_, i) => ({
              time: at(minute) + (i * MINUTE) / (count + 1),
              severity,
              body: `${body} ${i}`,
              ...(traceId && { traceId, spanId: hex(8, 1) }),
            }));
          return [
            ...some(6 + Math.round(noise()), 9, "served"),
            ...some(Math.max(0, Math.round(2 + 1.2 * noise())), 17, "timed out"),
            ...(fault ? some(400, 17, "index unreachable", BURST_TRACE) : []),
          ];
        });
        return logs(service, records);
      }),
    };
  }
}

const attribute = (attributes: Json[], key: string) => attributes.find((one) => one.key === key)?.value;
const isOurs = (one: Json) => one.key.startsWith("anomaly.");

/** Every point, span and record of the requests, with the name of its service. */
function rowsOf(requests: readonly Received[]): { service: string; row: Json; signal: string }[] {
  return requests.flatMap(({ signal, json }) =>
    (json.resourceMetrics ?? json.resourceSpans ?? json.resourceLogs).flatMap((part: Json) => {
      const service = attribute(part.resource.attributes, "service.name").stringValue;
      const scopes = part.scopeMetrics ?? part.scopeSpans ?? part.scopeLogs;
      const rows = scopes.flatMap(
        (scope: Json) =>
          scope.metrics?.flatMap((metric: Json) => metric.gauge.dataPoints) ?? scope.spans ?? scope.logRecords,
      );
      return rows.map((row: Json) => ({ service, row, signal }));
    }),
  );
}

/** The attributes that the agent added to a row, wherever it put them. */
const marks = (row: Json): Json[] => [
  ...row.attributes.filter(isOurs),
  ...(row.exemplars ?? []).flatMap((exemplar: Json) => exemplar.filteredAttributes.filter(isOurs)),
];

function without(row: Json): Json {
  const copy: Json = { ...row, attributes: row.attributes.filter((one: Json) => !isOurs(one)) };
  if (row.exemplars) {
    copy.exemplars = row.exemplars.filter((one: Json) => !one.filteredAttributes.some(isOurs));
  }
  return copy;
}

async function run(t: TestContext) {
  const sink = await httpSink(t);
  const agent = await startAgent(t, configuration(sink));
  const began = (Math.floor(Date.now() / MINUTE) - LENGTH) * MINUTE;
  const sent: Received[] = [];
  for (const { signal, bytes } of history(began)) {
    const { status } = await request(agent.at("otlp", "http"), `/v1/${signal}`, bytes);
    assert.equal(status, 200);
    sent.push({ signal, bytes, json: decoded(signal, bytes) });
  }
  await eventually("all telemetry and three events", () => sink.received.length >= sent.length + 3);
  assert.equal(await agent.stop(), 0);
  const fromUs = ({ json }: Received) => json.resourceLogs?.[0].scopeLogs[0].scope.name === "vedette";
  const events = sink.received.filter(fromUs);
  const forwarded = sink.received.filter((one) => !fromUs(one));
  return { agent, sent, events, forwarded, fault: began + FAULT * MINUTE };
}

test("a spike, a slow span and a burst of errors among quiet series are told on the terminal, as events and in the data", async (t) => {
  const { agent, sent, events, forwarded, fault } = await run(t);

  await t.test("one readable line for each on the terminal", () => {
    const lines = agent.output.stdout.trimEnd().split("\n");
    assert.equal(lines.length, 3, agent.output.stdout);
    const of = (service: string) => lines.find((line) => line.includes(service)) ?? "";
    assert.match(
      of("cart"),
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z CRITICAL spike\s+cart queue\.depth .*is 900; usually it is \d+/,
    );
    assert.match(
      of("checkout"),
      /latency\s+POST \/orders in checkout took 4 s of its own time; 99\.9 % take less than \d+/,
    );
    assert.match(of("search"), /throughput\s+number of ERROR records in 60 s of search is \d+; usually it is \d/);
  });

  await t.test("an OTLP log event for each, with the resource, the time and the trace of its row", () => {
    const records = rowsOf(events);
    assert.deepEqual(records.map(({ service }) => service).sort(), SERVICES);
    for (const { service, row } of records) {
      assert.equal(row.eventName, "anomaly");
      assert.equal(attribute(row.attributes, "anomaly.state").stringValue, "open");
      const time = Number(BigInt(row.timeUnixNano) / 1_000_000n);
      assert.ok(time >= fault && time < fault + MINUTE, "the time of the event, not of its arrival");
      const expected = { cart: ["spike", ""], checkout: ["latency", SLOW_TRACE], search: ["throughput", BURST_TRACE] };
      const [type, traceId] = expected[service as "cart"];
      assert.equal(attribute(row.attributes, "anomaly.type").stringValue, type);
      assert.equal(row.traceId, traceId);
      assert.match(row.body.stringValue, new RegExp(service));
    }
  });

  await t.test("everything is forwarded, in order, with nothing but the marks added", () => {
    for (const signal of SIGNALS) {
      const of = (requests: readonly Received[]) => rowsOf(requests.filter((one) => one.signal === signal));
      assert.deepEqual(
        of(forwarded).map(({ service, row }) => ({ service, row: without(row) })),
        of(sent).map(({ service, row }) => ({ service, row })),
      );
    }
  });

  await t.test("the rows of the faults are marked, and no other", () => {
    const marked = rowsOf(forwarded).filter(({ row }) => marks(row).length > 0);
    for (const { row } of marked) assert.equal(attribute(marks(row), "anomaly.is_anomaly").boolValue, true);
    const of = (service: string) => marked.filter((one) => one.service === service);
    assert.deepEqual(
      of("cart").map(({ signal, row }) => [signal, row.asDouble, row.exemplars.length]),
      [["metrics", 900, 1]],
    );
    assert.deepEqual(
      of("checkout").map(({ signal, row }) => [signal, row.traceId]),
      [["traces", SLOW_TRACE]],
    );
    assert.ok(of("search").length >= 1);
    for (const { signal, row } of of("search")) {
      assert.equal(signal, "logs");
      assert.match(row.body.stringValue, /^index unreachable/);
    }
  });
});
