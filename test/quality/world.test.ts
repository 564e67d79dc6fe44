// The generated world that trace detection is measured with: the same by seed, sound, and its faults are what they say.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { ordinary } from "../../bench/payloads.ts";
import { type Fault, newName } from "../../bench/world/faults.ts";
import { CANDIDATES, FAULT_KINDS, planOf } from "../../bench/world/plan.ts";
import { record } from "../../bench/world/record.ts";
import { arrivals, START, truthsOf, type WorldOptions } from "../../bench/world/world.ts";
import { replay } from "../../src/replay/replay.ts";

const MINUTE = 60_000;
const NOON = START + 12 * 60 * MINUTE;
const QUIET = { lostBatches: 0, lateBatches: 0, truncated: 0, skew: 0, outages: 0, lostCalls: 0 };

interface Span {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly trace: string;
  readonly id: string;
  readonly parent: string;
  readonly state: string;
  /** Milliseconds since noon. */
  readonly start: number;
  readonly end: number;
  readonly failed: boolean;
  readonly exception: string;
}

function spansOf(options: WorldOptions): Span[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const since = (nanos: { toString(): string }) => Number(BigInt(nanos.toString()) - BigInt(NOON) * 1_000_000n) / 1e6;
  const spans: Span[] = [];
  for (const { bytes } of arrivals(options)) {
    for (const { resource, scopeSpans } of ordinary.traces.decode(bytes).resourceSpans) {
      const service = resource.attributes.find(({ key }: { key: string }) => key === "service.name").value.stringValue;
      for (const span of scopeSpans[0].spans) {
        spans.push({
          service,
          name: span.name,
          kind: span.kind,
          trace: hex(span.traceId),
          id: hex(span.spanId),
          parent: hex(span.parentSpanId ?? []),
          state: span.traceState ?? "",
          start: since(span.startTimeUnixNano),
          end: since(span.endTimeUnixNano),
          failed: span.status?.code === 2,
          exception: span.events[0]?.attributes[0].value.stringValue ?? "",
        });
      }
    }
  }
  return spans;
}

const short = (seed: number): WorldOptions => ({ seed, hours: 1 / 30, start: NOON });

test("a seed gives the same requests, another seed others", () => {
  const all = (seed: number) => Buffer.concat([...arrivals(short(seed))].map(({ bytes }) => bytes));
  assert.ok(all(1).equals(all(1)));
  assert.ok(!all(1).equals(all(2)));
});

test("requests arrive in order, from every service and several instances, and hold as many spans as they say", () => {
  let last = 0;
  const senders = new Set<string>();
  for (const { at, bytes, spans } of arrivals({ ...short(3), noise: { lateBatches: 0.2 } })) {
    assert.ok(at >= last);
    last = at;
    const { resource, scopeSpans } = ordinary.traces.decode(bytes).resourceSpans[0];
    assert.equal(scopeSpans[0].spans.length, spans);
    senders.add(
      resource.attributes.find(({ key }: { key: string }) => key === "service.instance.id").value.stringValue,
    );
  }
  assert.equal(senders.size, 20);
});

test("each span has one root above it in its trace, in whose time it starts", () => {
  const spans = spansOf({ ...short(4), noise: QUIET });
  const byId = new Map(spans.map((span) => [span.id, span]));
  assert.equal(byId.size, spans.length);
  let parallel = 0;
  let after = 0;
  for (const span of spans) {
    if (span.parent === "") continue;
    const parent = byId.get(span.parent)!;
    assert.equal(parent.trace, span.trace);
    assert.ok(span.start >= parent.start && span.end >= span.start);
    if (span.end > parent.end) after++;
    const overlaps = (other: Span) => other !== span && other.start < span.end && other.end > span.start;
    if (spans.length < 20_000 && parallel === 0) {
      parallel += spans.filter((other) => other.parent === span.parent && overlaps(other)).length;
    }
  }
  const roots = spans.filter(({ parent }) => parent === "");
  assert.equal(new Set(roots.map(({ trace }) => trace)).size, roots.length);
  assert.equal(new Set(spans.map(({ trace }) => trace)).size, roots.length);
  assert.ok(parallel > 0 && after > 0);
  // a request is answered by the service that its caller meant
  assert.equal(new Set(spans.map(({ service }) => service)).size, 10);
});

test("of a sampled world whole traces are kept, which say by what threshold", () => {
  const spans = spansOf({ seed: 5, hours: 1 / 12, start: NOON, sampling: 0.1, noise: QUIET });
  const ids = new Set(spans.map(({ id }) => id));
  assert.ok(spans.every(({ parent }) => parent === "" || ids.has(parent)));
  const [, threshold] = /^ot=th:([0-9a-f]+)$/.exec(spans[0].state)!;
  assert.ok(Math.abs(Number(`0x${threshold.padEnd(14, "0")}`) / 2 ** 56 - 0.9) < 1e-6);
  assert.ok(spans.every(({ trace }) => trace.slice(18) >= threshold.padEnd(14, "0")));
  const traces = new Set(spans.map(({ trace }) => trace)).size;
  assert.ok(traces > 80 && traces < 250, `${traces}`);
});

test("nights are quieter than days, and clocks of one service are off", () => {
  const count = (hour: number) => {
    let spans = 0;
    for (const each of arrivals({ seed: 6, hours: 0.1, start: START + hour * 60 * MINUTE })) spans += each.spans;
    return spans;
  };
  assert.ok(count(4) * 3 < count(15));
  const skewed = spansOf({ ...short(6), noise: { skew: 3000 } });
  const ends = Map.groupBy(skewed, ({ service }) => service);
  const earliest = [...ends.values()].map((own) => Math.min(...own.map(({ start }) => start)));
  const latest = [...ends.values()].map((own) => Math.max(...own.map(({ start }) => start)));
  assert.ok(Math.min(...earliest) < -1500 || Math.max(...latest) > 2 * MINUTE + 1500);
});

/** Fault, what is measured of spans of the world, and the least by which it grows (or, below 1, shrinks). */
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
const took = (key: string) => (spans: Span[]) =>
  median(spans.filter((span) => `${span.service} ${span.name}` === key).map(({ start, end }) => end - start));
const count = (key: string, kind: number) => (spans: Span[]) =>
  1 + spans.filter((span) => `${span.service} ${span.name}` === key && span.kind === kind).length;
const perRun = (parent: string, name: string) => (spans: Span[]) => {
  const runs = new Set(spans.filter((s) => `${s.service} ${s.name}` === parent && s.kind !== 3).map(({ id }) => id));
  return (0.01 + spans.filter((s) => s.name === name && runs.has(s.parent)).length) / runs.size;
};
const CART = "gateway GET /cart";
const CHECKS: readonly [Omit<Fault, "from" | "to">, (spans: Span[]) => number, from: number, to: number][] = [
  [{ kind: "slow", target: "search rank", size: 10 }, took("search rank"), 7, 14],
  [{ kind: "fast", target: "gateway render page", size: 5 }, took("gateway render page"), 0.14, 0.28],
  [
    { kind: "delay", target: "gateway GET /", peer: "account GET /session", size: 30 },
    (spans) => {
      const byParent = new Map(spans.filter(({ kind }) => kind === 2).map((span) => [span.parent, span]));
      const calls = spans.filter((span) => span.name === "GET /session" && span.kind === 3);
      const roots = new Map(spans.map((span) => [span.id, span.name]));
      const gaps = calls
        .filter(({ parent }) => roots.get(parent) === "GET /")
        .map((call) => {
          const far = byParent.get(call.id);
          return far ? call.end - call.start - (far.end - far.start) : 0;
        });
      return median(gaps);
    },
    15,
    60,
  ],
  [
    { kind: "errors", target: "account GET /session", size: 0.5, exception: "PoolExhaustedError" },
    (spans) =>
      0.01 +
      spans.filter((s) => s.exception === "PoolExhaustedError").length /
        spans.filter((s) => s.name === "GET /session" && s.kind === 2).length,
    40,
    60,
  ],
  [{ kind: "traffic", target: CART, size: 10 }, count(CART, 2), 6, 16],
  [{ kind: "traffic", target: CART, size: 0 }, count(CART, 2), 0, 0.1],
  [
    { kind: "new_call", target: CART, peer: "payment GET /charges/{id}", size: 1 },
    perRun(CART, "GET /charges/{id}"),
    50,
    1e9,
  ],
  [{ kind: "missing_call", target: CART, peer: "cart GET /cart", size: 1 }, perRun(CART, "GET /cart"), 0, 0.1],
  [{ kind: "retry_storm", target: CART, peer: "cart GET /cart", size: 5 }, perRun(CART, "GET /cart"), 4.5, 5.5],
  [
    { kind: "repeated_call", target: "account GET /session", peer: "GET sessions", size: 20 },
    perRun("account GET /session", "GET sessions"),
    19,
    21,
  ],
  [
    { kind: "fan_out", target: "search GET /query", peer: "search rank", size: 3 },
    perRun("search GET /query", "rank"),
    2.6,
    3.4,
  ],
  [
    { kind: "new_operation", target: CART, peer: "cart GET /cart", size: 1 },
    perRun(CART, newName("GET /cart")),
    50,
    1e9,
  ],
  [
    { kind: "new_path", target: CART, size: 1 },
    (spans) => {
      const roots = new Map(spans.filter(({ parent }) => parent === "").map((span) => [span.id, span]));
      const calls = spans.filter(
        ({ kind, name, parent }) => kind === 3 && name === "GET /session" && roots.has(parent),
      );
      const own = calls.filter(({ parent }) => roots.get(parent)!.name === "GET /cart");
      const after = ({ parent, start }: Span) =>
        spans.some((span) => span.parent === parent && span.name === "GET /cart" && span.end <= start);
      return 0.01 + own.filter(after).length / own.length;
    },
    50,
    1e9,
  ],
];

for (const [fault, measure, least, most] of CHECKS) {
  test(`${fault.kind} of ${fault.size} is in the spans from its begin to its end, and nowhere else`, () => {
    const [from, to] = [NOON + 2 * MINUTE, NOON + 4 * MINUTE];
    const planted = { ...fault, from, to };
    const options: WorldOptions = { seed: 7, hours: 0.1, start: NOON, faults: [planted], noise: QUIET };
    const begins = new Map<string, number>();
    const spans = spansOf(options);
    for (const { trace, start, parent } of spans) if (parent === "") begins.set(trace, start);
    const part = (first: number) =>
      spans.filter(({ trace }) => begins.get(trace)! >= first * MINUTE && begins.get(trace)! < (first + 2) * MINUTE);
    const [before, during, after] = [part(0), part(2), part(4)].map(measure);
    assert.ok(during / before >= least && during / before <= most, `${before} became ${during}`);
    assert.ok(after / before > 0.4 && after / before < 2.5, `${before} was ${after} afterwards`);
    const [{ truth }] = truthsOf(options);
    assert.ok(truth.services.includes(fault.target.split(" ")[0]));
    assert.ok(truth.ancestors.every((service) => !truth.services.includes(service)));
  });
}

test("who calls the target, also from afar, is an ancestor and not at fault", () => {
  const fault = { kind: "slow", target: "inventory GET /stock/{sku}", size: 3, from: NOON, to: NOON } as const;
  const [{ truth }] = truthsOf({ ...short(1), faults: [fault] });
  assert.deepEqual(truth.services, ["inventory"]);
  assert.deepEqual([...truth.ancestors].sort(), ["cart", "gateway"]);
});

test("a plan has every kind and size, at places that the world has", () => {
  const faults = [0, 1, 2, 3].flatMap((seed) =>
    planOf({ seed, first: NOON, lasts: 10 * MINUTE, every: 30 * MINUTE, count: FAULT_KINDS.length }),
  );
  for (const kind of FAULT_KINDS) {
    const sizes = new Set(faults.filter((fault) => fault.kind === kind).map(({ size }) => size));
    assert.deepEqual([...sizes].sort(), [...CANDIDATES[kind].sizes].sort());
  }
  const all = FAULT_KINDS.flatMap((kind) =>
    CANDIDATES[kind].at.map(
      ([target, peer]): Fault => ({ kind, target, peer, size: 2, from: NOON, to: NOON + MINUTE }),
    ),
  );
  assert.equal(truthsOf({ ...short(1), faults: all }).length, all.length);
  for (const fault of all) [...arrivals({ seed: 1, hours: 1 / 3600, start: NOON, faults: [fault] })];
});

test("a recorded world is read by a replay", async () => {
  const directory = mkdtempSync(join(tmpdir(), "world-"));
  try {
    const path = join(directory, "world.otlp");
    const spans = record(path, short(8));
    const { rows } = await replay({ inputs: [path] });
    assert.ok(spans > 1000);
    assert.equal(rows, spans);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
