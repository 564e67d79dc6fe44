// Traces put together: what each span itself took, whatever the order and the requests in which spans come.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Trace } from "../../../src/api/index.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { request, type Span } from "../../spans.ts";

const OPTIONS = { idle_timeout: 10_000, max_traces: 1000, max_spans: 10_000 };

interface Seen {
  id: string;
  whole: boolean;
  left: number;
  spans: { id: string; name: string; parent: string; self: number; service: string }[];
}

function seen(trace: Trace): Seen {
  const spans = Array.from({ length: trace.length }, (_, i) => {
    const { name, service } = trace.operations[trace.operation[i]];
    const parent = trace.parent[i] < 0 ? String(trace.parent[i]) : trace.spanId(trace.parent[i]);
    return { id: trace.spanId(i), name, parent, self: Math.round(trace.self[i] * 1000) / 1000, service: service.name };
  });
  return { id: trace.id, whole: trace.whole, left: trace.left, spans };
}

function assembling(options = OPTIONS) {
  const intake = new Intake("traces", 1, 1000);
  const assembler = intake.assemble(options);
  const traces: Seen[] = [];
  assembler.onTrace = (trace) => traces.push(seen(trace));
  const add = (spans: readonly Span[], at: number) => {
    intake.read(request(spans));
    const { self, inherited, length } = intake.rows(at);
    return { self: [...self.slice(0, length)], inherited: [...inherited.slice(0, length)] };
  };
  return { intake, assembler, traces, add };
}

const ID = "0af7651916cd43dd8448eb211c80319c";
const at = (from: number, to: number) => ({ from, to });
/** A server span with two overlapping calls to the database and work of its own. */
const ORDINARY: Span[] = [
  { trace: ID, id: "00000000000000a2", parent: "00000000000000a1", name: "SELECT a", kind: 3, ...at(10, 40) },
  { trace: ID, id: "00000000000000a3", parent: "00000000000000a1", name: "SELECT b", kind: 3, ...at(30, 60) },
  { trace: ID, id: "00000000000000a1", name: "GET /cart", kind: 2, ...at(0, 100) },
];

test("what a span itself took is known as it comes, whatever its place in the request", () => {
  assert.deepEqual(assembling().add(ORDINARY, 0).self.slice(2), [50]);
  assert.deepEqual(
    assembling()
      .add([...ORDINARY].reverse(), 0)
      .self.slice(0, 1),
    [50],
  );
});

test("children that come in earlier requests count, those that come later do not change what was said", () => {
  const { add } = assembling();
  add(ORDINARY.slice(0, 1), 0);
  assert.deepEqual(add(ORDINARY.slice(2), 1).self, [70]);
  add(ORDINARY.slice(1, 2), 2);
});

test("a call to a service that reports took itself what its far side did not, and waits for it", () => {
  const call = (i: number): Span[] => {
    const trace = ID.slice(0, 30) + i.toString(16).padStart(2, "0");
    return [
      { trace, id: "00000000000000b1", name: "GET", kind: 3, service: "cart", ...at(0, 100) },
      { trace, id: "00000000000000b2", parent: "00000000000000b1", name: "GET /stock", kind: 2, ...at(5000, 5080) },
    ];
  };
  const { add, assembler } = assembling();
  for (let i = 0; i < 10; i++) add(call(i), i);
  assembler.tick(20_000);
  assert.deepEqual(add(call(20), 20_001).self, [20, 80], "the other's clock does not matter");
  assert.deepEqual(add(call(21).slice(0, 1), 20_002).self, [Number.NaN]);
  // calls to what never reports, as a database, took all of their time themselves
  const query = (i: number): Span => ({ ...ORDINARY[0], trace: ID.slice(0, 30) + i.toString(16).padStart(2, "0") });
  for (let i = 30; i < 40; i++) add([query(i)], 30_000);
  assembler.tick(60_000);
  assert.deepEqual(add([query(50)], 60_001).self, [30]);
});

test("children at the same time count once as the parent comes, however long the longest", () => {
  const child = (i: number, from: number, to: number): Span => ({
    ...ORDINARY[0],
    id: `00000000000000b${i}`,
    kind: 1,
    ...at(from, to),
  });
  const short = [child(1, 10, 20), child(2, 25, 40), child(3, 50, 60)];
  const self = (...children: Span[]) =>
    assembling()
      .add([...children, ORDINARY[2]], 0)
      .self.at(-1);
  assert.equal(self(...short), 100 - 35);
  assert.equal(self(...short.toReversed()), 100 - 35);
  assert.equal(self(...short, child(4, 5, 80)), 100 - 75);
  assert.equal(self(...short, child(4, 10, 80)), 100 - 70);
  assert.equal(self(...short, child(4, 55, 80)), 100 - 55);
  assert.equal(self(...short, child(4, 30, 80)), 100 - 65);
});

test("a call that fails without reaching a far side that usually reports has failed by itself", () => {
  const { add, assembler } = assembling();
  let next = 0;
  const call = (failed: boolean): Span[] => {
    const trace = ID.slice(0, 28) + (next++).toString(16).padStart(4, "0");
    const client = { trace, id: "00000000000000b1", name: "GET", kind: 3, service: "cart", failed, ...at(0, 100) };
    const server = { ...client, id: "00000000000000b2", parent: client.id, kind: 2, service: "stock" };
    return failed ? [client] : [client, server];
  };
  for (let i = 0; i < 50; i++) add(call(i % 3 === 0), i);
  assembler.tick(20_000);
  assert.deepEqual(add(call(true), 20_001), { self: [100], inherited: [0] });
  assert.deepEqual(add(call(false).slice(0, 1), 20_002).self, [Number.NaN], "those that do not fail wait");
});

test("ids of zeros are none", () => {
  const { add, assembler } = assembling();
  const none = "0".repeat(32);
  assert.deepEqual(
    add(
      ORDINARY.map((span) => ({ ...span, trace: none })),
      0,
    ).self,
    [30, 30, 100],
  );
  assert.deepEqual(add([{ ...ORDINARY[0], id: none.slice(16) }], 0).self, [30]);
  assert.deepEqual(assembler.open, { traces: 0, spans: 0 });
  assert.equal(assembler.counts.left, 0);
});

test("a span inherits its failure from what it called", () => {
  const failing = ORDINARY.map((span, i) => ({ ...span, failed: i !== 1 }));
  const { add, assembler } = assembling();
  for (let i = 0; i < 10; i++) add([{ ...ORDINARY[0], trace: ID.slice(0, 30) + i.toString(16).padStart(2, "0") }], 0);
  assembler.tick(20_000);
  assert.deepEqual(add(failing, 20_001).inherited, [0, 0, 1]);
});

test("a trace is handed over when nothing came for the idle timeout, with its spans in depth-first order", () => {
  const { add, assembler, traces } = assembling();
  add(ORDINARY.slice(2), 0);
  add(ORDINARY.slice(0, 2), 5000);
  assembler.tick(14_999);
  assert.equal(traces.length, 0);
  assembler.tick(15_000);
  assert.deepEqual(traces, [
    {
      id: ID,
      whole: true,
      left: 0,
      spans: [
        { id: "00000000000000a1", name: "GET /cart", parent: "-1", self: 50, service: "shop" },
        { id: "00000000000000a2", name: "SELECT a", parent: "00000000000000a1", self: 30, service: "shop" },
        { id: "00000000000000a3", name: "SELECT b", parent: "00000000000000a1", self: 30, service: "shop" },
      ],
    },
  ]);
  assert.deepEqual(assembler.open, { traces: 0, spans: 0 });
});

test("spans whose parent did not come, or that are their own ancestors, are handed over all the same", () => {
  const { add, assembler, traces } = assembling();
  const orphan: Span = { ...ORDINARY[0], parent: "00000000000000ff" };
  const circle: Span[] = [
    { ...ORDINARY[0], id: "00000000000000c1", parent: "00000000000000c2" },
    { ...ORDINARY[0], id: "00000000000000c2", parent: "00000000000000c1" },
    { ...ORDINARY[0], id: "00000000000000c3", parent: "00000000000000c3" },
  ];
  add([orphan, ...circle], 0);
  assembler.tick(10_000);
  assert.equal(traces[0].spans.length, 4);
  assert.equal(traces[0].whole, false);
  assert.ok(
    traces[0].spans.every(
      ({ parent }, i) => parent === "-2" || traces[0].spans.findIndex(({ id }) => id === parent) < i,
    ),
  );
});

test("a span that is sent twice counts once", () => {
  const { add, assembler, traces } = assembling();
  add(ORDINARY, 0);
  assert.deepEqual(add(ORDINARY, 1).self.slice(2), [50]);
  assembler.tick(20_000);
  assert.equal(traces[0].spans.length, 3);
});

test("memory is bounded: traces and spans beyond it are handed over early, and all spans once", () => {
  const { add, assembler, traces } = assembling({ idle_timeout: 10_000, max_traces: 10, max_spans: 40 });
  for (let i = 0; i < 100; i++) {
    const trace = i.toString(16).padStart(32, "0").replace(/^0/, "1");
    add(
      ORDINARY.map((span) => ({ ...span, trace })),
      i,
    );
    const { traces: open, spans } = assembler.open;
    assert.ok(open <= 10 && spans <= 40);
  }
  assembler.tick(100_000);
  assert.equal(traces.length, 100);
  assert.ok(traces.every(({ spans, whole }) => spans.length === 3 && whole));
  assert.ok(assembler.counts.early > 80);
  add(
    Array.from({ length: 100 }, (_, i) => ({ ...ORDINARY[2], id: (i + 1).toString(16).padStart(16, "0") })),
    200_000,
  );
  assembler.tick(300_000);
  const last = traces.at(-1)!;
  assert.equal(last.spans.length + last.left, 100);
});

test("of a giant trace a part is handed over, and each span that is left out counts once", () => {
  const { add, assembler, traces } = assembling({ ...OPTIONS, max_spans: 100_000 });
  const id = (i: number) => i.toString(16).padStart(16, "0");
  add(
    Array.from({ length: 6000 }, (_, i) => ({ ...ORDINARY[0], id: id(i + 1), parent: id(i + 2) })),
    0,
  );
  assembler.tick(20_000);
  const [{ spans, left, whole }] = traces;
  assert.deepEqual([spans.length, left, whole], [5000, 1000, false]);
  assert.equal(spans[0].parent, "-2");
  assert.equal(assembler.counts.left, 1000);
});

test("large traces with the same span ids are told apart, also while others come and go", () => {
  const { add, assembler, traces } = assembling();
  const id = (i: number) => (i + 1).toString(16).padStart(16, "0");
  const spans = (trace: string, count: number): Span[] =>
    Array.from({ length: count }, (_, i) => ({
      trace: trace.padStart(32, "0"),
      id: id(i),
      ...(i > 0 && { parent: id(Math.floor((i - 1) / 2)) }),
      name: trace,
      kind: 1,
      ...at(i, i + 1),
    }));
  const sizes = { a: 40, b: 33, c: 32, d: 500, e: 500, f: 500, 1: 500 };
  const sent = Object.entries(sizes).map(([trace, count]) => spans(trace, count));
  for (let now = 0; now < 100_000; now += 20_000) {
    for (let i = 0; i < 500; i += 20) {
      add(
        sent.flatMap((trace) => trace.slice(i, i + 20)),
        now + i,
      );
    }
    assembler.tick(now + 15_000);
    const names = traces.map((trace) => new Set(trace.spans.map(({ name }) => name)));
    assert.ok(names.every(({ size }) => size === 1) && traces.every(({ whole }) => whole));
    assert.deepEqual(
      Object.fromEntries(traces.splice(0).map((trace, i) => [[...names[i]][0], trace.spans.length])),
      sizes,
    );
  }
});

/** Trees of spans in one process: children lie anywhere, also beyond their parents. */
const trees = fc
  .array(fc.record({ above: fc.nat(), from: fc.nat(200), lasts: fc.nat(100) }), { minLength: 1, maxLength: 40 })
  .map((drawn) =>
    drawn.map(({ above, from, lasts }, i): Span => {
      const parent = i === 0 ? undefined : ((above % i) + 1).toString(16).padStart(16, "0");
      const id = (i + 1).toString(16).padStart(16, "0");
      return { trace: ID, id, ...(parent && { parent }), name: `op${i % 5}`, kind: 1, from, to: from + lasts };
    }),
  );

/** Milliseconds of a span that none of its children covers, tick by tick. */
function selfOf(span: Span, all: readonly Span[]): number {
  const children = all.filter(({ parent }) => parent === span.id);
  let self = 0;
  for (let t = span.from; t < span.to; t++) if (!children.some(({ from, to }) => t >= from && t < to)) self++;
  return self;
}

test("a complete trace says of each span what no child covers, however it was split and shuffled", () => {
  fc.assert(
    fc.property(trees, fc.infiniteStream(fc.nat()), fc.nat(20), (spans, dice, size) => {
      const next = () => dice.next().value as number;
      const shuffled = spans.map((span) => ({ span, key: next() })).sort((a, b) => a.key - b.key);
      const { add, assembler, traces } = assembling();
      for (let i = 0; i < shuffled.length; i += size + 1) {
        add(
          shuffled.slice(i, i + size + 1).map(({ span }) => span),
          i,
        );
      }
      assembler.tick(1e6);
      assert.equal(traces.length, 1);
      assert.equal(traces[0].spans.length, spans.length);
      assert.equal(traces[0].whole, true);
      for (const { id, self, parent } of traces[0].spans) {
        const span = spans.find((each) => each.id === id)!;
        assert.equal(parent, span.parent ?? "-1");
        assert.equal(self, selfOf(span, spans), `${id} of ${JSON.stringify(spans)}`);
      }
    }),
    { numRuns: 300 },
  );
});

test("every span is handed over once or counted as left out, whatever the limits, the parents and the clock", () => {
  const hostile = fc.record({
    limits: fc.record({ max_traces: fc.integer({ min: 1, max: 4 }), max_spans: fc.integer({ min: 1, max: 30 }) }),
    requests: fc.array(
      fc.record({
        now: fc.constantFrom(0, 1, 5000, 20_000, 4e6, 1e15),
        ticks: fc.boolean(),
        spans: fc.array(fc.record({ trace: fc.nat(5), above: fc.nat(30), from: fc.nat(50), kind: fc.nat(5) }), {
          maxLength: 12,
        }),
      }),
      { maxLength: 12 },
    ),
  });
  fc.assert(
    fc.property(hostile, ({ limits, requests }) => {
      const { add, assembler, traces } = assembling({ idle_timeout: 10_000, ...limits });
      const id = (i: number) => i.toString(16).padStart(16, "0");
      let sent = 0;
      for (const { now, ticks, spans } of requests) {
        const { self } = add(
          spans.map(({ trace, above, from, kind }) => {
            const own = { trace: id(7) + id(trace + 1), id: id(++sent), name: `op${kind}`, kind };
            return { ...own, parent: id(above), from, to: 2 * from };
          }),
          now,
        );
        assert.ok(self.every((each) => Number.isNaN(each) || (each >= 0 && each <= 50)));
        const open = assembler.open;
        assert.ok(open.traces <= limits.max_traces && open.spans <= limits.max_spans);
        if (ticks) assembler.tick(now);
      }
      assembler.tick(1e16);
      assert.deepEqual(assembler.open, { traces: 0, spans: 0 });
      const handed = traces.flatMap(({ spans }) => spans.map((span) => span.id));
      assert.equal(new Set(handed).size, handed.length);
      assert.equal(handed.length + assembler.counts.left, sent);
      assert.equal(traces.reduce((sum, { left }) => sum + left, 0) <= assembler.counts.left, true);
    }),
    { numRuns: 500 },
  );
});
