// What a user of anomaly_sampling relies on: anomalous traces whole, neighbours to compare, the rest a sample that adds up.
import assert from "node:assert/strict";
import test from "node:test";
import { int, newSpanId, requestOf, type Sent, type SpanJson, sampled, spansOf, traceId } from "./sampled.ts";

const LOW = (n = 0) => traceId(0.5, n);
const HIGH = (n = 0) => traceId(0.95, n);
const span = (traceId: string, more: Partial<SpanJson> = {}): SpanJson => ({ traceId, spanId: newSpanId(), ...more });
const ALONE = { neighbours: 0 };
const priorities = (list: readonly Sent[]) =>
  list.map(
    ({ attributes = [] }) => attributes.find(({ key }: { key: string }) => key === "sampling.priority")?.value.intValue,
  );

test("by default one trace in ten is kept, and says so in its tracestate", () => {
  const world = sampled();
  world.send([span(LOW()), span(HIGH()), span(traceId(0.899)), span(traceId(0.9001))]);
  assert.deepEqual(
    world.sent.map(({ traceId, traceState }) => [traceId, traceState]),
    [
      [HIGH(), "ot=th:e666"],
      [traceId(0.9001), "ot=th:e666"],
    ],
  );
});

test("a request of which nothing is kept is not sent at all", () => {
  const world = sampled();
  world.send([span(LOW())]);
  assert.equal(world.requests.length, 0);
});

test("100 percent changes no byte", () => {
  const world = sampled({ sampling_percentage: 100 });
  const list = [span(LOW(), { traceState: "x=1" }), span(HIGH())];
  world.send(list);
  assert.deepEqual(world.requests[0].bytes, Uint8Array.from(requestOf(list)));
});

test("spans that were left out come with the next request once their trace is anomalous, as they were but for the mark", () => {
  const world = sampled(ALONE);
  const early = span(LOW(), { service: "cart", name: "early", attributes: [int("n", 7)] });
  world.send([span(LOW(1), { service: "front" }), early]);
  world.anomaly(LOW());
  world.send([span(LOW(2))]);
  const [only] = world.sent;
  assert.equal(world.requests.length, 1);
  assert.deepEqual(
    [only.service, only.scope, only.name, only.spanId],
    ["cart", "scope of cart", "early", early.spanId],
  );
  assert.deepEqual(only.attributes, [int("n", "7"), int("sampling.priority", "1")]);
  assert.deepEqual(
    world.requests.map(({ items }) => items),
    [1],
  );
});

test("they come within a second where no request comes, and wait while a queue is full", () => {
  const world = sampled(ALONE);
  world.send([span(LOW())]);
  world.anomaly(LOW());
  world.queue.full = true;
  world.tick();
  assert.equal(world.requests.length, 0);
  world.queue.full = false;
  world.tick();
  assert.equal(world.sent.length, 1);
  world.tick();
  assert.equal(world.requests.length, 1, "and once");
});

test("all that comes of an anomalous trace is kept from then on, whoever found it", () => {
  const world = sampled(ALONE);
  world.anomaly(LOW());
  world.send([span(LOW()), span(LOW(), { service: "cart" })]);
  world.send([span(LOW(1)), span(LOW())]);
  assert.equal(world.sent.length, 3);
  assert.deepEqual(priorities(world.sent), ["1", "1", "1"]);
});

test("the end of an anomaly makes no trace anomalous", () => {
  const world = sampled(ALONE);
  world.anomaly(LOW(), "resolved");
  world.anomaly("");
  world.send([span(LOW())]);
  assert.equal(world.sent.length, 0);
});

test("without set_sampling_priority anomalous spans go on as they came", () => {
  const world = sampled({ ...ALONE, set_sampling_priority: false });
  const list = [span(LOW())];
  world.anomaly(LOW());
  world.send(list);
  assert.deepEqual(world.requests[0].bytes, Uint8Array.from(requestOf(list)));
});

test("what waited for decision_wait is gone", () => {
  const world = sampled({ ...ALONE, decision_wait: "10s" });
  world.send([span(LOW())]);
  world.host.clock += 20_000;
  world.tick();
  world.anomaly(LOW());
  world.tick();
  assert.equal(world.sent.length, 0);
});

test("held spans take no more memory than max_held: those held longest go first", () => {
  const world = sampled({ ...ALONE, max_held: "64KiB" });
  const big = (n: number) => span(LOW(n), { attributes: [{ key: "text", value: { stringValue: "x".repeat(8000) } }] });
  for (let n = 0; n < 20; n++) world.send([big(n)]);
  for (let n = 0; n < 20; n++) world.anomaly(LOW(n));
  world.tick();
  const left = world.sent.map(({ traceId }) => traceId);
  assert.ok(left.length > 1 && left.length < 9, `${left.length}`);
  assert.deepEqual(
    left,
    Array.from({ length: left.length }, (_, i) => LOW(20 - left.length + i)),
  );
});

test("what is held of a request takes no room for what is kept of it", () => {
  const world = sampled({ ...ALONE, max_held: "128KiB" });
  const large = { attributes: [{ key: "text", value: { stringValue: "x".repeat(20_000) } }] };
  for (let n = 0; n < 100; n++) world.send([span(LOW(n)), span(HIGH(n), large), span(LOW(n)), span(HIGH(n), large)]);
  assert.equal(world.sampler.counts.errors, 0);
  for (let n = 0; n < 100; n++) world.anomaly(LOW(n));
  world.tick();
  assert.equal(
    world.sent.filter(({ attributes }) => attributes.length === 1 && attributes[0].key === "text").length,
    200,
  );
  assert.equal(new Set(world.sent.map(({ spanId }) => spanId)).size, 400);
});

test("a span larger than all that may be held is left out, and the others are not displaced", () => {
  const world = sampled({ ...ALONE, max_held: "64KiB" });
  const huge = { attributes: [{ key: "text", value: { stringValue: "x".repeat(100_000) } }] };
  world.send([span(LOW())]);
  world.send([span(LOW(), huge)]);
  world.anomaly(LOW());
  world.tick();
  assert.equal(world.sent.length, 1);
});

test("the traces of the same operation before and after an anomalous one are kept whole", () => {
  const world = sampled({ neighbours: 2 });
  for (let n = 0; n < 5; n++) world.send([span(LOW(n)), span(LOW(n), { kind: 1, parentSpanId: "00000000000000aa" })]);
  world.send([span(LOW(50), { name: "POST /pay" })]);
  world.send([span(LOW(5))]);
  world.anomaly(LOW(5));
  for (let n = 6; n < 10; n++) world.send([span(LOW(n))]);
  world.send([span(LOW(6), { kind: 1, parentSpanId: "00000000000000aa" })]);
  world.tick();
  const count: Record<string, number> = {};
  for (const { traceId } of world.sent) count[traceId] = (count[traceId] ?? 0) + 1;
  assert.deepEqual(count, { [LOW(3)]: 2, [LOW(4)]: 2, [LOW(5)]: 1, [LOW(6)]: 2, [LOW(7)]: 1 });
});

test("neighbours are those of the time of the trace, however late it is found", () => {
  const world = sampled({ neighbours: 1 });
  for (let n = 0; n < 100; n++) world.send([span(LOW(n))]);
  world.anomaly(LOW(50));
  world.send([span(LOW(100))]);
  assert.deepEqual(world.sent.map(({ traceId }) => traceId).sort(), [LOW(49), LOW(50), LOW(51)]);
});

test("an operation whose id is given to another has no neighbours there", () => {
  const world = sampled({ neighbours: 3 });
  world.send([span(LOW(1))]);
  world.anomaly(LOW(1));
  world.part.forget!("traces", 0);
  world.send([span(LOW(2))]);
  assert.deepEqual(
    world.sent.map(({ traceId }) => traceId),
    [LOW(1)],
  );
});

test("sampling.priority of the sender decides, as in the Collector: above 0 keeps, 0 drops even what is anomalous", () => {
  const world = sampled(ALONE);
  world.anomaly(LOW(9));
  const wishes = [int("sampling.priority", 1), { key: "sampling.priority", value: { doubleValue: 0.5 } }];
  const text = (stringValue: string) => ({ key: "sampling.priority", value: { stringValue } });
  world.send([
    span(LOW(1), { attributes: [int("a", 1), wishes[0]], name: "int" }),
    span(LOW(2), { attributes: [wishes[1]], name: "double" }),
    span(LOW(3), { attributes: [text("2")], name: "text" }),
    span(LOW(4), { attributes: [text("no")], name: "says nothing" }),
    span(LOW(5), { attributes: [int("sampling.priority", -1)], name: "negative" }),
    span(HIGH(6), { attributes: [int("sampling.priority", 0)], name: "unwanted" }),
    span(LOW(9), { attributes: [text("0")], name: "unwanted" }),
  ]);
  assert.deepEqual(
    world.sent.map(({ name, traceState }) => [name, traceState]),
    [
      ["int", undefined],
      ["double", undefined],
      ["text", undefined],
    ],
  );
});

test("spans without a trace id are kept", () => {
  const world = sampled();
  world.send([span(""), span("00".repeat(16)), span("ab")]);
  assert.equal(world.sent.length, 3);
});

test("an explicit randomness in the tracestate counts for that of the trace id", () => {
  const world = sampled(ALONE);
  world.send([
    span(LOW(), { traceState: "ot=rv:ff000000000000,x=1" }),
    span(HIGH(), { traceState: "x=1,ot=rv:10000000000000" }),
  ]);
  assert.deepEqual(
    world.sent.map(({ traceState }) => traceState),
    ["ot=th:e666;rv:ff000000000000,x=1"],
  );
});

test("what was sampled before is sampled further: proportional of what arrives, equalizing of what there was", () => {
  for (const [mode, expected] of [
    ["proportional", ["ot=th:e", "ot=th:8,x=1"]],
    ["equalizing", ["ot=th:c", "ot=th:8,x=1", "ot=th:8"]],
  ] as const) {
    const world = sampled({ ...ALONE, mode, sampling_percentage: 50 });
    world.send([
      span(traceId(0.95, 1), { traceState: "ot=th:c" }),
      span(traceId(0.6, 2), { traceState: "x=1" }),
      span(traceId(0.7, 3), { traceState: "ot=th:0" }),
    ]);
    const states = world.sent.map(({ traceState }) => traceState);
    assert.deepEqual(states.slice(0, 2), expected.slice(0, 2), mode);
    assert.equal(states[2], "ot=th:8", mode);
  }
});

test("what probability did not keep claims none: th is erased from spans kept since their trace is anomalous", () => {
  const world = sampled(ALONE);
  const traceState = "x=1,ot=rv:80000000000000;th:4;k:v";
  world.send([span(LOW(), { traceState, name: "held" })]);
  world.anomaly(LOW());
  world.send([span(LOW(), { traceState, name: "after" }), span(LOW(), { traceState: "ot=th:4", name: "alone" })]);
  assert.deepEqual(
    world.sent.map(({ name, traceState }) => [name, traceState]),
    [
      ["after", "ot=rv:80000000000000;k:v,x=1"],
      ["alone", undefined],
      ["held", "ot=rv:80000000000000;k:v,x=1"],
    ],
  );
});

test("of an anomalous trace that probability keeps too, the threshold is told", () => {
  const world = sampled(ALONE);
  world.anomaly(HIGH());
  world.send([span(HIGH())]);
  assert.deepEqual(
    world.sent.map(({ traceState }) => traceState),
    ["ot=th:e666"],
  );
  assert.deepEqual(priorities(world.sent), ["1"]);
});

test("a threshold that cannot be true is erased", () => {
  const world = sampled(ALONE);
  world.send([span(HIGH(), { traceState: "ot=th:fff" }), span(HIGH(), { traceState: "ot=th:what,x=1" })]);
  assert.deepEqual(
    world.sent.map(({ traceState }) => traceState),
    [undefined, "x=1"],
  );
});

test("what is added to a request reaches the exporter when a processor behind drops all the rest, or all there was is dropped", () => {
  const world = sampled(ALONE, [{ process: (batch) => (batch.rows.length > 0 ? undefined : batch) }]);
  world.send([span(LOW())]);
  world.anomaly(LOW());
  world.send([span(HIGH())]);
  assert.deepEqual(
    world.sent.map(({ traceId }) => traceId),
    [LOW()],
  );
});

test("many spans that turn out wanted go out in requests of about a megabyte", () => {
  const world = sampled(ALONE);
  const attributes = [{ key: "text", value: { stringValue: "x".repeat(100_000) } }];
  for (let n = 0; n < 30; n++) world.send([span(LOW(n), { attributes })]);
  for (let n = 0; n < 30; n++) world.anomaly(LOW(n));
  world.tick();
  assert.equal(world.sent.length, 30);
  assert.ok(world.requests.length >= 3);
  for (const { bytes } of world.requests) assert.ok(bytes.length <= 2 ** 20 + 200);
});

test("traces that are forgotten for lack of room are decided anew, and nothing breaks", () => {
  const world = sampled({ neighbours: 2, max_traces: 3 });
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 10; n++) {
      world.send([span(LOW(n)), span(LOW(n))]);
      if (n % 3 === 0) world.anomaly(LOW(n));
    }
  }
  world.tick();
  const ids = world.sent.map(({ spanId }) => spanId);
  assert.equal(new Set(ids).size, ids.length, "no span twice");
  assert.ok(ids.length > 0);
});

test("what waits at a stop and was wanted is told when it could not be sent", async () => {
  const world = sampled(ALONE);
  world.send([span(LOW())]);
  world.anomaly(LOW());
  await world.part.stop!();
  assert.deepEqual(
    world.host.logged.map(({ level, fields }) => [level, fields]),
    [["warn", { spans: 1 }]],
  );
});

test("spansOf reads what requestOf writes", () => {
  assert.equal(spansOf(requestOf([span(LOW()), span(HIGH(), { service: "cart" })])).length, 2);
});
