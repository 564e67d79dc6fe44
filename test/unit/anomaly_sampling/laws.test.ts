// The laws of sampling: however spans are ordered and split into requests, a trace is kept or it is not, and all agents agree.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { thresholdOf } from "../../../plugins/processors/anomaly_sampling/threshold.ts";
import { type Sent, type SpanJson, sampled, traceId } from "./sampled.ts";

const id = (n: number) => (n + 1).toString(16).padStart(16, "0");

interface World {
  readonly traces: readonly { readonly share: number; readonly spans: number; readonly anomalous: boolean }[];
  /** Shuffles the spans; sizes of the requests; after how many of a trace's spans its anomaly is found. */
  readonly order: readonly number[];
  readonly sizes: readonly number[];
  readonly found: number;
}

const worlds: fc.Arbitrary<World> = fc.record({
  traces: fc.array(
    fc.record({
      share: fc.double({ min: 0, max: 0.999, noNaN: true }),
      spans: fc.integer({ min: 1, max: 5 }),
      anomalous: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  order: fc.array(fc.nat(1000), { minLength: 60, maxLength: 60 }),
  sizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 60, maxLength: 60 }),
  found: fc.integer({ min: 0, max: 5 }),
});

function shuffled<T>(list: readonly T[], keys: readonly number[]): T[] {
  return list
    .map((value, i) => ({ value, key: keys[i % keys.length] }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}

function run({ traces, order, sizes, found }: World, options: object) {
  let next = 0;
  const spans = traces.flatMap(({ share, spans }, t): SpanJson[] =>
    Array.from({ length: spans }, (_, i) => ({
      traceId: traceId(share, t + 1),
      spanId: id(next++),
      service: `service ${i % 3}`,
      ...(i > 0 && { parentSpanId: id(0), kind: 1 }),
    })),
  );
  const world = sampled(options);
  const left = shuffled(spans, order);
  const seen = new Map<string, number>();
  const tell = () => {
    for (const [t, { share, anomalous, spans }] of traces.entries()) {
      const trace = traceId(share, t + 1);
      const count = seen.get(trace) ?? 0;
      if (anomalous && count >= Math.min(found, spans)) world.anomaly(trace);
    }
  };
  for (let i = 0; left.length > 0; i++) {
    const request = left.splice(0, sizes[i]);
    for (const { traceId } of request) seen.set(traceId, (seen.get(traceId) ?? 0) + 1);
    if (found === 0) tell();
    world.send(request);
    tell();
  }
  world.tick();
  return { spans, world };
}

const key = ({ traceId, spanId, service }: SpanJson | Sent) => `${traceId} ${spanId} ${service}`;

test("all spans of a kept trace are sent exactly once, those of anomalous traces are all there, and no others", () => {
  fc.assert(
    fc.property(worlds, fc.constantFrom(0, 10, 50, 100), (plan, sampling_percentage) => {
      const { spans, world } = run(plan, { sampling_percentage, neighbours: 0 });
      const kept = new Map(
        plan.traces.map(({ share, anomalous }, t) => [
          traceId(share, t + 1),
          { anomalous, sampled: share >= thresholdOf(sampling_percentage / 100, 4) },
        ]),
      );
      const expected = spans.filter(({ traceId }) => kept.get(traceId)!.anomalous || kept.get(traceId)!.sampled);
      const { sent } = world;
      assert.deepEqual(sent.map(key).sort(), expected.map(key).sort());
      // what carries a threshold is the probability sample, whole
      if (sampling_percentage === 100 || sampling_percentage === 0) return;
      for (const { traceId, traceState } of sent) assert.equal(traceState !== undefined, kept.get(traceId)!.sampled);
    }),
  );
});

test("with neighbours no span is sent twice, and each kept trace is whole", () => {
  fc.assert(
    fc.property(worlds, fc.integer({ min: 1, max: 3 }), (plan, neighbours) => {
      const { spans, world } = run(plan, { neighbours });
      const sent = world.sent.map(key);
      assert.equal(new Set(sent).size, sent.length);
      const traces = new Set(world.sent.map(({ traceId }) => traceId));
      assert.deepEqual(
        sent.sort(),
        spans
          .filter(({ traceId }) => traces.has(traceId))
          .map(key)
          .sort(),
      );
    }),
  );
});

/** Trace ids as SDKs make them. */
function randomIds(count: number): string[] {
  let state = 0x2545f491;
  const word = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0).toString(16).padStart(8, "0");
  };
  return Array.from({ length: count }, () => word() + word() + word() + word());
}

function kept(ids: readonly string[], options: object): Set<string> {
  const world = sampled(options);
  for (let i = 0; i < ids.length; i += 500) {
    world.send(ids.slice(i, i + 500).map((traceId, n) => ({ traceId, spanId: id(i + n) })));
  }
  return new Set(world.sent.map(({ traceId }) => traceId));
}

test("the share of traces kept is the percentage, and whatever a stricter agent keeps a more generous one keeps", () => {
  const ids = randomIds(20_000);
  const few = kept(ids, { sampling_percentage: 5 });
  const many = kept(ids, { sampling_percentage: 20 });
  // four standard deviations of a binomial
  for (const [set, share] of [
    [few, 0.05],
    [many, 0.2],
  ] as const) {
    const off = Math.abs(set.size - share * ids.length);
    assert.ok(off < 4 * Math.sqrt(ids.length * share * (1 - share)), `${set.size} for ${share}`);
  }
  for (const each of few) assert.ok(many.has(each));
  assert.deepEqual(kept(ids, { sampling_percentage: 5 }), few);
});

/** Sends so many spans a second for so long, two to a trace; how many were sent on a second in each period of `each` seconds. */
function paced(
  world: ReturnType<typeof sampled>,
  ids: string[],
  rate: number,
  seconds: number,
  each: number,
): number[] {
  const result: number[] = [];
  let before = world.sent.length;
  for (let second = 1; second <= seconds; second++) {
    const traces = ids.splice(0, rate / 2);
    for (const half of [0, 1]) {
      world.send(traces.map((traceId, n) => ({ traceId, spanId: id(2 * n + half) })));
    }
    world.host.clock += 1000;
    world.tick();
    if (second % each !== 0) continue;
    const now = world.sent.length;
    result.push((now - before) / each);
    before = now;
  }
  return result;
}

test("a budget is kept within a few seconds of a load, and traces stay whole while the percentage moves", () => {
  const ids = randomIds(40_000);
  const world = sampled({ spans_per_second: 50 });
  const steady = paced(world, ids, 1000, 20, 10);
  assert.ok(Math.abs(steady[1] - 50) < 15, `${steady}`);
  const surge = paced(world, ids, 2000, 20, 10);
  assert.ok(Math.abs(surge[1] - 50) < 15, `${surge}`);
  const calm = paced(world, ids, 40, 200, 50);
  assert.equal(calm[3], 40, `below the budget all is kept: ${calm}`);
  const count = new Map<string, number>();
  for (const { traceId } of world.sent) count.set(traceId, (count.get(traceId) ?? 0) + 1);
  assert.deepEqual([...new Set(count.values())], [2]);
});

test("wanted traces are paid from the budget, of which a tenth is left to the others", () => {
  const ids = randomIds(20_000);
  const world = sampled({ spans_per_second: 100, neighbours: 0 });
  for (const [i, each] of ids.entries()) if (i % 2 === 0) world.anomaly(each);
  paced(world, ids, 1000, 20, 20);
  const before = world.sent.length;
  const rest = ids.slice(0, 5000).filter((_, i) => i % 2 === 1).length;
  paced(world, ids, 1000, 10, 10);
  const ordinary = world.sent.slice(before).filter(({ traceState }) => traceState !== undefined).length;
  assert.ok(ordinary > 0 && ordinary < 400 + rest * 0.1, `${ordinary}`);
});
