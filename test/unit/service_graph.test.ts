// Who calls whom, and ways between services that become slow: traces in, edges and sentences out.
import assert from "node:assert/strict";
import test from "node:test";
import type { Anomaly, Attributes, Processor } from "vedette";
import { fakeHost } from "vedette/testing";
import serviceGraph from "../../plugins/processors/service_graph/index.ts";
import { Findings } from "../../src/pipeline/detection.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import { lineOf } from "../../src/pipeline/line.ts";
import type { DetectorOptions } from "../../src/pipeline/options.ts";
import { TelemetryPipeline } from "../../src/pipeline/pipeline.ts";
import { Stage } from "../../src/pipeline/stage.ts";
import { optionsOf } from "../../src/registry.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { request, type Span } from "../spans.ts";

/** Where the clock of a fake host begins. */
const START = Date.UTC(2024, 0, 1);
const MINUTE = 60_000;
const SERVER = 2;
const CLIENT = 3;
const PRODUCER = 4;
const CONSUMER = 5;

/** The processor behind a real assembler of traces, on a clock that the test moves. */
function graph(options: object = {}) {
  const host = fakeHost("service_graph");
  const parsed = optionsOf(serviceGraph).parse(options) as DetectorOptions;
  const anomalies: Anomaly[] = [];
  let intake: Intake<"traces">;
  let assembler: ReturnType<Intake<"traces">["assemble"]>;
  const assemble = () => {
    intake = new Intake("traces", 1, 10_000);
    assembler = intake.assemble({ idle_timeout: 10_000, max_traces: 10_000, max_spans: 100_000 });
  };
  assemble();
  let part: Processor<"traces">;
  const begin = () => {
    const findings = new Findings(host, parsed, lineOf(parsed, serviceGraph), (found) => anomalies.push(found));
    part = serviceGraph.create(parsed as never, host, findings);
    assembler.onTrace = (trace) => part.trace!(trace);
  };
  begin();
  const stage = new Stage<any>({ process: (batch: never) => part.process(batch) }, host);
  const pipeline = new TelemetryPipeline("traces", "traces", { processors: [stage], queues: [], connectors: [] });
  const random = seededRandom(7);
  let ids = 0;
  const id = (digits: number) => (++ids).toString(16).padStart(digits, "0");
  return {
    host,
    anomalies,
    random,
    id,
    /** Minutes since the start, type and state, and the sentence. */
    get told() {
      return anomalies.map(
        ({ time, type, state, reason }) => `${Math.floor((time - START) / MINUTE)} ${type} ${state}: ${reason}`,
      );
    },
    calls: () => part.calls!(),
    /** "a > b", in the order of their names. */
    edges: () =>
      part.calls!()
        .map(({ from, to }) => `${from} > ${to}`)
        .sort(),
    send(spans: readonly Span[]) {
      const bytes = request(spans);
      intake.read(bytes);
      pipeline.run(bytes, host.time, intake.scan, intake.rows(host.time));
      assert.equal(stage.counts.errors, 0, JSON.stringify(host.logged));
    },
    tick(seconds: number) {
      for (let i = 0; i < seconds; i++) {
        host.time += 1000;
        assembler.tick(host.time);
        part.tick!(host.time);
      }
    },
    /** Of the processor; or of the agent, which then has forgotten which operations there are. */
    restart(whole = false) {
      const saved = part.save!();
      if (whole) assemble();
      begin();
      part.load!(saved);
    },
  };
}

type Line = ReturnType<typeof graph>;

/** A normal deviate, roughly. */
const gaussian = (random: () => number) => random() + random() + random() + random() + random() + random() - 3;

interface Call {
  readonly from: string;
  readonly to: string;
  /** Milliseconds on the way. */
  readonly gap: number;
  readonly failed?: boolean;
}

/** A trace of its own for each call: a client span, and 20 ms within it the server span. */
function callOf(line: Line, { from, to, gap, failed }: Call): Span[] {
  const trace = line.id(32);
  const id = line.id(16);
  const taking = gap * Math.exp(0.3 * gaussian(line.random));
  const began = line.host.time;
  // clocks of the two differ by a minute
  const far = began + MINUTE;
  const common = { trace, name: "GET" };
  return [
    { ...common, id, kind: CLIENT, service: from, from: began, to: began + 20 + taking, failed },
    { ...common, id: line.id(16), parent: id, kind: SERVER, service: to, from: far, to: far + 20, failed },
  ];
}

/** Every 5 s until the minute, what `calls` makes of the minute. */
function play(line: Line, minute: number, calls: (minute: number) => readonly Call[]): void {
  while (line.host.time < START + minute * MINUTE) {
    line.send(calls((line.host.time - START) / MINUTE).flatMap((call) => callOf(line, call)));
    line.tick(5);
  }
}

test("calls between services are edges with rate, failures and the median of their durations", () => {
  const line = graph();
  let n = 0;
  play(line, 5, () => [{ from: "web", to: "cart", gap: 4, failed: n++ % 4 === 0 }]);
  const [edge, ...others] = line.calls();
  assert.deepEqual(others, []);
  assert.deepEqual([edge.from, edge.to, edge.anomaly], ["web", "cart", undefined]);
  assert.ok(Math.abs(edge.rate - 0.2) < 0.03, String(edge.rate));
  assert.ok(Math.abs(edge.failed - 0.25) < 0.05, String(edge.failed));
  assert.ok(edge.latency > 22 && edge.latency < 27, String(edge.latency));
});

test("what does not report is called as attributes say: the service, the database and what is in it, the destination, the host", () => {
  const line = graph();
  const peers: Attributes[] = [
    { "peer.service": "fraud", "server.address": "10.0.0.1" },
    { "db.system.name": "postgresql", "db.namespace": "orders", "server.address": "db1" },
    { "db.system": "redis", "server.address": "cache.internal" },
    { "messaging.system": "kafka", "messaging.destination.name": "paid", "server.address": "broker" },
    { "server.address": "api.example.com", "http.request.method": "GET" },
    { "http.request.method": "GET" },
  ];
  const spans = peers.map((attributes, i): Span => {
    const kind = i === 3 ? PRODUCER : CLIENT;
    const times = { from: line.host.time, to: line.host.time + 5 };
    return { trace: line.id(32), id: line.id(16), service: "cart", name: `call ${i}`, kind, attributes, ...times };
  });
  line.send(spans);
  for (let i = 0; i < 300; i++) line.send([{ ...spans[1], trace: line.id(32), id: line.id(16) }]);
  line.tick(20);
  assert.deepEqual(line.edges(), [
    "cart > api.example.com",
    "cart > fraud",
    "cart > kafka/paid",
    "cart > postgresql/orders",
    "cart > redis/cache.internal",
  ]);
  const [busiest, second] = line.calls();
  assert.deepEqual([busiest.to, Math.round(busiest.rate / second.rate)], ["postgresql/orders", 301]);
});

test("spans of one name that call many hosts make an edge each; a host behind which a service reports is that service", () => {
  const line = graph();
  for (let i = 0; i < 200; i++) {
    const trace = line.id(32);
    const id = line.id(16);
    const times = { from: line.host.time, to: line.host.time + 5 };
    const host = ["cart.internal", "a.example", "b.example"][i % 3];
    const attributes = { "server.address": host };
    const call: Span = { trace, id, service: "web", name: "GET", kind: CLIENT, attributes, ...times };
    const far: Span = { trace, id: line.id(16), parent: id, service: "cart", name: "GET /", kind: SERVER, ...times };
    // at the end the service does not answer any more
    line.send(host === "cart.internal" && i < 190 ? [call, far] : [call]);
    line.tick(1);
  }
  line.tick(15);
  assert.deepEqual(line.edges(), ["web > a.example", "web > b.example", "web > cart"]);
});

test("a message is a call of whoever takes it, a call inside of a call is one, and calls within a service are none", () => {
  const line = graph();
  const trace = line.id(32);
  const times = { from: line.host.time, to: line.host.time + 5 };
  const spans: Span[] = [
    { trace, id: "00000000000000a1", name: "work", kind: 1, ...times },
    { trace, id: "00000000000000a2", parent: "00000000000000a1", name: "send", kind: PRODUCER, ...times },
    {
      trace,
      id: "00000000000000a3",
      parent: "00000000000000a2",
      name: "take",
      kind: CONSUMER,
      service: "mail",
      ...times,
    },
    {
      trace,
      id: "00000000000000a4",
      parent: "00000000000000a2",
      name: "take",
      kind: CONSUMER,
      service: "stock",
      ...times,
    },
    {
      trace,
      id: "00000000000000a5",
      parent: "00000000000000a1",
      name: "query",
      kind: CLIENT,
      attributes: { "server.address": "db" },
      ...times,
    },
    {
      trace,
      id: "00000000000000a6",
      parent: "00000000000000a5",
      name: "tcp",
      kind: CLIENT,
      attributes: { "server.address": "db" },
      ...times,
    },
  ];
  line.send(spans);
  line.tick(20);
  assert.deepEqual(line.edges(), ["shop > db", "shop > mail", "shop > stock"]);
  assert.equal(new Set(line.calls().map(({ rate }) => rate)).size, 1);
});

/** A shop in which everybody is called twice a second from two places; the way to and from `slow` takes `factor` times as long. */
const SHOP: readonly (readonly [from: string, to: string])[] = [
  ["web", "cart"],
  ["web", "orders"],
  ["cart", "basic"],
  ["orders", "basic"],
  ["basic", "price"],
  ["basic", "route"],
  ["cart", "price"],
  ["orders", "route"],
];

const shop = (isSlow: (from: string, to: string) => boolean, factor = 1): readonly Call[] =>
  SHOP.flatMap(([from, to]) => {
    const gap = isSlow(from, to) ? 3 * factor : 3;
    return [
      { from, to, gap },
      { from, to, gap },
    ];
  });

test("a service whose every edge is slow is one finding about it, told once, and resolved when it is over", () => {
  const line = graph();
  const during = (minute: number) => minute >= 60 && minute < 80;
  play(line, 100, (minute) => shop((from, to) => during(minute) && (from === "basic" || to === "basic"), 30));
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^6[01] latency open: Calls to and from basic take (8|9|10)\d(\.\d)? ms on the way; usually 2(\.\d)? to 4(\.\d)? ms; 4 edges, since 01:00, \d+ traces\.$/,
  );
  assert.match(
    line.told[1],
    /^8[12] latency resolved: Calls to and from basic are as quick on the way as before again, after 2\d min\.$/,
  );
  const [open, resolved] = line.anomalies;
  assert.equal(open.id, resolved.id);
  assert.deepEqual({ ...open.labels.resource }, { "service.name": "basic" });
  assert.deepEqual([...open.contributors].sort(), ["basic > price", "basic > route", "cart > basic", "orders > basic"]);
  assert.match(open.labels.traceId, /^[0-9a-f]{32}$/);
  assert.match(open.labels.spanId, /^[0-9a-f]{16}$/);
});

test("one slow edge is told as that edge, and is marked among the calls while it lasts", () => {
  const line = graph();
  play(line, 65, (minute) => shop((from, to) => minute >= 60 && from === "orders" && to === "route", 20));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^6[0-2] latency open: Calls from orders to route take \d\d(\.\d)? ms on the way; usually .*; since 01:00, \d+ traces\.$/,
  );
  const marked = line.calls().filter(({ anomaly }) => anomaly !== undefined);
  assert.deepEqual(
    marked.map(({ from, to, anomaly }) => [from, to, anomaly]),
    [["orders", "route", line.anomalies[0].id]],
  );
});

test("a slow way that lasts is taken for normal, and the same again later is news", () => {
  const line = graph({ adopt_after: "30m" });
  play(line, 140, (minute) =>
    shop((from, to) => minute >= 60 && from === "cart" && to === "basic", minute >= 120 ? 400 : 20),
  );
  assert.equal(line.told.length, 3, line.told.join("\n"));
  assert.match(
    line.told[1],
    /^\d+ latency resolved: Calls from cart to basic have taken longer on the way for 30 min: that is taken for normal from now on\.$/,
  );
  assert.match(line.told[2], /^12\d latency open: Calls from cart to basic take 1\.\d s on the way; usually /);
});

test("a sender whose clock stands in 1970 does not make an incident as old", () => {
  const line = graph();
  const at = line.host.time;
  play(line, 70, (minute) => {
    const calls = shop((from, to) => minute >= 60 && from === "cart" && to === "basic", 30);
    const early = callOf(line, { from: "cart", to: "basic", gap: minute >= 60 ? 90 : 3 });
    line.send(early.map((span) => ({ ...span, from: span.from - at, to: span.to - at })));
    return calls;
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /since 00:5\d|since 01:0\d/);
});

test("an incident does not teach: what was slow and is as before is slow again when it comes back", () => {
  const line = graph({ adopt_after: "12h" });
  const during = (minute: number) => (minute >= 60 && minute < 180) || (minute >= 210 && minute < 215);
  play(line, 225, (minute) => shop((from, to) => during(minute) && (from === "basic" || to === "basic"), 8));
  assert.deepEqual(
    line.anomalies.map(({ state }) => state),
    ["open", "resolved", "open", "resolved"],
    line.told.join("\n"),
  );
});

test("nothing is told of an edge that is young, of a single slow trace, or of a change too small to matter", () => {
  const young = graph();
  play(young, 8, (minute) => shop(() => minute > 4, 30));
  assert.deepEqual(young.told, []);
  const single = graph();
  let n = 0;
  play(single, 120, () => shop(() => ++n % 2000 === 0, 300));
  assert.deepEqual(single.told, []);
  const small = graph({ min_increase: "20ms" });
  play(small, 70, (minute) => shop(() => minute >= 60, 4));
  assert.deepEqual(small.told, []);
});

test("half a day of normal calls whose ways are slower together now and then tells nothing", () => {
  const line = graph();
  let mood = 0;
  play(line, 12 * 60, () => {
    mood = 0.99 * mood + 0.14 * 0.2 * gaussian(line.random);
    return SHOP.map(([from, to]) => ({ from, to, gap: 10 * Math.exp(mood) }));
  });
  assert.deepEqual(line.told, []);
});

test("it goes on after a restart where it was, with an incident that is open", () => {
  const run = (restarts: boolean) => {
    const line = graph();
    play(line, 90, (minute) => {
      if (restarts && minute > 0 && minute % 7 === 0) line.restart();
      return shop((from, to) => minute >= 60 && minute < 75 && (from === "basic" || to === "basic"), 30);
    });
    return { told: line.told, calls: line.calls() };
  };
  const whole = run(false);
  assert.equal(whole.told.length, 2);
  assert.deepEqual(run(true), whole);
});

test("what is no state of it is refused by name", () => {
  const part = serviceGraph.create(optionsOf(serviceGraph).parse({}) as never, fakeHost(), undefined as never);
  assert.throws(() => part.load!(Buffer.from("{")), /is not what service_graph saves/);
  assert.throws(() => part.load!(Buffer.from('{"version":9}')), /another version of service_graph/);
});

test("ids in span names are told once for a service, and when it is over", () => {
  const line = graph();
  const name = () => `GET /user/${line.id(4)}`;
  const flood = () => {
    const times = { from: line.host.time, to: line.host.time + 5 };
    line.send(
      Array.from({ length: 100 }, () => ({
        trace: line.id(32),
        id: line.id(16),
        name: name(),
        kind: SERVER,
        ...times,
      })),
    );
    line.tick(1);
  };
  for (let i = 0; i < 15; i++) flood();
  line.tick(60);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^0 high_cardinality open: shop makes up ever new span names, as GET \/user\/[0-9a-f]+: more than 1,000 in an hour; put ids into attributes\.$/,
  );
  line.restart(true);
  for (let i = 0; i < 15; i++) flood();
  line.tick(15);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  line.tick(3700);
  assert.match(line.told[1] ?? "", / high_cardinality resolved: shop no longer makes up ever new span names\.$/);
});

test("edges are bounded: those that were called often stay while a flood of new ones passes through", () => {
  const line = graph({ max_series: 20 });
  for (let i = 0; i < 60; i++) {
    line.send(callOf(line, { from: "web", to: "cart", gap: 3 }));
    line.tick(1);
  }
  for (let i = 0; i < 200; i++) {
    line.send(callOf(line, { from: "web", to: `job-${i}`, gap: 3 }));
    line.tick(1);
  }
  line.tick(15);
  assert.ok(line.calls().length <= 20);
  assert.ok(line.edges().includes("web > cart"));
});

test("an edge that nobody calls any more is forgotten after a day, one that match leaves out is never there", () => {
  const line = graph({ match: { exclude: { service: ["probe"] } } });
  play(line, 2, () => [
    { from: "web", to: "cart", gap: 3 },
    { from: "probe", to: "cart", gap: 3 },
  ]);
  line.tick(15);
  assert.deepEqual(line.edges(), ["web > cart"]);
  line.tick(25 * 3600);
  assert.deepEqual(line.edges(), []);
});
