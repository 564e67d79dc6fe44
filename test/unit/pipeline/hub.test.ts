// The order of the law: read, or throw; room in every queue, or refuse; only then learn, pass on and hold the buffer.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly, Batch, Connector, ExportOf, Processor } from "../../../src/api/index.ts";
import { DecodeError } from "../../../src/otlp/index.ts";
import { emitInto, flush, type Route, Turn } from "../../../src/pipeline/hub.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { AnomalyPipeline, TelemetryPipeline } from "../../../src/pipeline/pipeline.ts";
import { Queue } from "../../../src/pipeline/queue.ts";
import { anomalyOf, fakeHost, oracle, requestOf } from "../../exporting.ts";
import { MemoryStore } from "../../memory_store.ts";
import { collector, sending, stage } from "../../wired.ts";

interface Plan {
  readonly queues?: readonly Queue[];
  readonly processors?: readonly Processor<"metrics">[];
  readonly connectors?: readonly Connector<"metrics">[];
}

/** Several pipelines of metrics behind one Emit, and pipelines of anomalies. */
function hub(plans: readonly Plan[], anomalies: readonly AnomalyPipeline[] = []) {
  const intake = new Intake("metrics", 1, 100);
  const turn = new Turn(anomalies);
  const host = fakeHost();
  const pipelines = plans.map(({ queues = [], processors = [], connectors = [] }, i) => {
    const ends = {
      queues,
      processors: processors.map((part) => stage(part, host)),
      connectors: connectors.map((part) => stage(part, host)),
    };
    return new TelemetryPipeline<"metrics">(`metrics/${i}`, "metrics", ends);
  });
  const route: Route<"metrics"> = { pipelines, counts: { accepted: 0, refused: 0, failed: 0 } };
  return { emit: emitInto(intake, route, turn, () => 42), route, turn, intake, host };
}

/** A request in a buffer that counts how often it is given back, and is overwritten then, as a pool would. */
function leased(items = 2) {
  const bytes = Buffer.from(requestOf("metrics", items).bytes);
  const lease = { bytes, original: Buffer.from(bytes), released: 0, release: () => {} };
  lease.release = () => {
    lease.released++;
    bytes.fill(0xff);
  };
  return lease;
}

/** Whether the processor was called, and with what. */
function watcher() {
  const seen: { values: number[]; receivedAt: number }[] = [];
  const processor: Processor<"metrics"> = {
    process(batch) {
      seen.push({ values: [...batch.rows.value.subarray(0, batch.rows.length)], receivedAt: batch.receivedAt });
      return batch;
    },
  };
  return { processor, seen };
}

const marking: Processor<"metrics"> = {
  process(batch) {
    batch.annotate(0, { "anomaly.is_anomaly": true });
    return batch;
  },
};

const FULL = { sending_queue: { num_consumers: 1, queue_size: 1 } };
const BLOCKING = { sending_queue: { num_consumers: 1, queue_size: 1, block_on_overflow: true } };

test("an accepted request is run at once, sent byte for byte, and its buffer given back once it is", async () => {
  const { queue, sent, open } = collector({}, true);
  const { processor, seen } = watcher();
  const { emit } = hub([{ queues: [queue], processors: [processor] }]);
  const lease = leased();
  assert.equal(emit(lease.bytes, lease.release), true);
  assert.deepEqual(seen, [{ values: [0.5, 1.5], receivedAt: 42 }]);
  assert.equal(lease.released, 0, "the queue still reads it");
  open();
  await queue.drain(1000);
  assert.equal(lease.released, 1);
  assert.deepEqual(sent, [{ signal: "metrics", bytes: lease.original, items: 2 }]);
});

test("bytes that are no request throw, are given back once, and teach nothing", () => {
  const { queue } = collector();
  const { processor, seen } = watcher();
  const { emit, intake } = hub([{ queues: [queue], processors: [processor] }]);
  const lease = leased();
  const broken = lease.bytes.subarray(0, lease.bytes.length - 3);
  assert.throws(() => emit(broken, lease.release), DecodeError);
  assert.equal(lease.released, 1);
  assert.equal(seen.length, 0);
  assert.equal(intake.table.length, 0);
  assert.equal(queue.counts.metrics.accepted, 0);
});

test("where no processor looks at rows, requests are checked, counted and sent, and no series is remembered", async () => {
  const { queue, sent, open } = collector({}, true);
  open();
  const passing: Processor<"metrics"> = { unread: true, process: (batch) => batch };
  const { emit, intake, route } = hub([{ queues: [queue], processors: [passing] }, {}]);
  const lease = leased(3);
  assert.equal(emit(lease.bytes, lease.release), true);
  assert.throws(() => emit(lease.original.subarray(0, lease.original.length - 1)), DecodeError);
  await queue.drain(1000);
  assert.deepEqual(
    sent.map(({ bytes }) => Buffer.from(bytes)),
    [lease.original],
  );
  assert.deepEqual([intake.table.length, route.counts.accepted, lease.released], [0, 3, 1]);
});

test("one processor that looks, or a connector, is enough for all pipelines of the request to have rows", () => {
  const passing: Processor<"metrics"> = { unread: true, process: (batch) => batch };
  const { processor, seen } = watcher();
  const looking = hub([{ processors: [passing] }, { processors: [passing, processor] }]);
  looking.emit(requestOf("metrics", 2).bytes);
  assert.deepEqual([seen.length, looking.intake.table.length], [1, 2]);
  const counting = hub([{ processors: [passing], connectors: [{ consume() {} }] }]);
  counting.emit(requestOf("metrics", 2).bytes);
  assert.equal(counting.intake.table.length, 2);
});

test("what came compressed is handed on with the bytes, unless they were changed", async () => {
  const got: (string | undefined)[] = [];
  const exporter = { export: async (data: ExportOf<"metrics">) => void got.push(data.compressed?.encoding) };
  const plain = new Queue(exporter, sending({}), fakeHost());
  const marked = new Queue(exporter, sending({}), fakeHost());
  const { emit } = hub([{ queues: [plain] }]);
  const other = hub([{ queues: [marked], processors: [marking] }]);
  const compressed = { encoding: "gzip", bytes: Buffer.from("as it came") };
  emit(requestOf("metrics", 1).bytes, undefined, compressed);
  other.emit(requestOf("metrics", 1).bytes, undefined, compressed);
  await Promise.all([plain.drain(1000), marked.drain(1000)]);
  assert.deepEqual(got, ["gzip", undefined]);
});

test("when one queue is full nobody gets the request, nothing is learnt, and the buffer is given back at once", async () => {
  const full = collector(FULL, true);
  const free = collector();
  const { processor, seen } = watcher();
  const { emit, intake } = hub([
    { queues: [free.queue], processors: [processor] },
    { queues: [full.queue], processors: [processor] },
  ]);
  full.queue.push(requestOf("metrics"), { items: 1, bytes: 1 }, () => {});
  const lease = leased();
  assert.equal(emit(lease.bytes, lease.release), false);
  assert.equal(lease.released, 1);
  assert.equal(seen.length, 0);
  assert.equal(intake.table.length, 0);
  assert.equal(free.queue.counts.metrics.accepted, 0);
  full.open();
  await full.queue.roomMade({ items: 1, bytes: 1 });
  const retried = leased();
  assert.equal(emit(retried.bytes, retried.release), true);
  assert.equal(seen.length, 2);
});

test("the buffer is given back when the last of all queues is done with it", async () => {
  const first = collector({}, true);
  const second = collector({}, true);
  const third = collector();
  const { emit } = hub([{ queues: [first.queue, third.queue] }, { queues: [second.queue] }]);
  const lease = leased();
  emit(lease.bytes, lease.release);
  await third.queue.drain(1000);
  first.open();
  await first.queue.drain(1000);
  assert.equal(lease.released, 0);
  second.open();
  await second.queue.drain(1000);
  assert.equal(lease.released, 1);
  for (const { sent } of [first, second, third]) assert.deepEqual(sent[0].bytes, lease.original);
});

test("with no queue behind it the buffer is given back before emit returns", () => {
  const { emit } = hub([{}]);
  const lease = leased();
  assert.equal(emit(lease.bytes, lease.release), true);
  assert.equal(lease.released, 1);
});

test("an annotated copy is a buffer of its own: the received one is given back at once", async () => {
  const { queue, sent, open } = collector({}, true);
  const { emit } = hub([{ queues: [queue], processors: [marking] }]);
  const lease = leased();
  emit(lease.bytes, lease.release);
  assert.equal(lease.released, 1);
  open();
  await queue.drain(1000);
  const text = JSON.stringify(oracle.metrics.request.decode(sent[0].bytes).toJSON());
  assert.match(text, /anomaly\.is_anomaly/);
  assert.equal(sent[0].items, 2);
});

test("annotated copies take each other's buffers, but none that a queue or a storage still reads", async () => {
  const buffers: ArrayBufferLike[] = [];
  const texts: string[] = [];
  const reading = (gate: Promise<void>) => ({
    export: async ({ bytes }: ExportOf<"metrics">) => {
      buffers.push(bytes.buffer);
      await gate;
      texts.push(JSON.stringify(oracle.metrics.request.decode(bytes).toJSON()));
    },
  });
  const gate = Promise.withResolvers<void>();
  const slow = new Queue(reading(gate.promise), sending({}), fakeHost());
  const quick = new Queue(reading(Promise.resolve()), sending({}), fakeHost());
  const naming: Processor<"metrics"> = {
    process(batch) {
      batch.annotate(0, { points: `${batch.rows.length} of them` });
      return batch;
    },
  };
  const { emit } = hub([
    { queues: [slow, quick], processors: [naming] },
    { queues: [quick], processors: [naming] },
  ]);
  const written = [1, 2, 3].map((items) => emit(requestOf("metrics", items).bytes));
  assert.deepEqual(written, [true, true, true]);
  await quick.drain(1000);
  assert.equal(new Set(buffers).size, 6, "two copies of each request, one of them still with the slow queue");
  gate.resolve();
  await slow.drain(1000);
  for (const items of [1, 2, 3]) {
    const like = texts.filter((text) => text.includes(`"${items} of them"`));
    assert.deepEqual([like.length, new Set(like).size], [3, 1]);
  }
  const known = new Set(buffers);
  buffers.length = 0;
  const after = new Queue(reading(Promise.resolve()), sending({}), fakeHost());
  hub([{ queues: [after], processors: [naming] }]).emit(requestOf("metrics", 1).bytes);
  await after.drain(1000);
  assert.ok(known.has(buffers[0]));
});

test("what one pipeline marks or drops, another does not see", async () => {
  const marked = collector();
  const plain = collector();
  const dropping: Processor<"metrics"> = {
    process(batch) {
      batch.drop(0);
      return batch;
    },
  };
  const dropped = collector();
  const { processor, seen } = watcher();
  const { emit } = hub([
    { queues: [marked.queue], processors: [marking] },
    { queues: [dropped.queue], processors: [dropping, processor] },
    { queues: [plain.queue], processors: [processor] },
  ]);
  const lease = leased(3);
  emit(lease.bytes, lease.release);
  await Promise.all([marked, plain, dropped].map(({ queue }) => queue.drain(1000)));
  assert.deepEqual(
    seen.map(({ values }) => values),
    [
      [1.5, 2.5],
      [0.5, 1.5, 2.5],
    ],
  );
  assert.deepEqual(plain.sent[0].bytes, lease.original);
  assert.deepEqual(
    [marked, dropped, plain].map(({ sent }) => sent[0].items),
    [3, 2, 3],
  );
  assert.equal(lease.released, 1);
});

test("a pipeline that drops all of a request sends nothing of it; an empty request goes on", async () => {
  const { queue, sent } = collector();
  const nothing: Processor<"metrics"> = { process: () => undefined };
  const each: Processor<"metrics"> = {
    process(batch) {
      for (let i = 0; i < batch.rows.length; i++) batch.drop(i);
      return batch;
    },
  };
  for (const processor of [nothing, each]) {
    const { emit } = hub([{ queues: [queue], processors: [processor] }]);
    const lease = leased();
    assert.equal(emit(lease.bytes, lease.release), true);
    assert.equal(lease.released, 1);
  }
  const { emit } = hub([{ queues: [queue] }]);
  assert.equal(emit(new Uint8Array(0)), true);
  await queue.drain(1000);
  assert.deepEqual(
    sent.map(({ items }) => items),
    [0],
  );
});

test("a processor that throws is named and passed over; the batch goes on to the next", async () => {
  const { queue, sent } = collector();
  const { processor, seen } = watcher();
  const bad: Processor<"metrics"> = {
    process() {
      throw new TypeError("cannot read properties of undefined");
    },
  };
  const { emit, host } = hub([{ queues: [queue], processors: [bad, processor] }]);
  const lease = leased();
  assert.equal(emit(lease.bytes, lease.release), true);
  await queue.drain(1000);
  assert.equal(seen.length, 1);
  assert.deepEqual(sent[0].bytes, lease.original);
  assert.equal(lease.released, 1);
  assert.equal(host.logged.length, 1);
  assert.equal(host.logged[0].level, "error");
  assert.match(JSON.stringify(host.logged[0].fields), /cannot read properties/);
});

test("a connector that throws is named; its pipeline's queues have the data nevertheless", async () => {
  const { queue, sent } = collector();
  const bad: Connector<"metrics"> = {
    consume() {
      throw new Error("no route");
    },
  };
  const { emit, host } = hub([{ queues: [queue], connectors: [bad] }]);
  const lease = leased();
  assert.equal(emit(lease.bytes, lease.release), true);
  await queue.drain(1000);
  assert.equal(sent.length, 1);
  assert.match(JSON.stringify(host.logged), /no route/);
});

test("a plugin that marks what cannot be marked is named; nothing of it reaches the request", async () => {
  const faults: ((batch: Batch<"metrics">) => void)[] = [
    (batch) => batch.annotate(5, { a: 1 }),
    (batch) => batch.annotate(0, { a: undefined as never }, "attributes"),
    (batch) => batch.labels(-1),
    (batch) => batch.drop(2),
  ];
  for (const fault of faults) {
    const processor: Processor<"metrics"> = {
      process(batch) {
        fault(batch);
        return batch;
      },
    };
    const { queue, sent } = collector();
    const { emit, host } = hub([{ queues: [queue], processors: [processor] }]);
    const lease = leased();
    assert.equal(emit(lease.bytes, lease.release), true);
    await queue.drain(1000);
    assert.equal(host.logged.length, 1);
    assert.deepEqual(sent[0].bytes, lease.original);
  }
});

test("when one pipeline fails as a whole, no queue has the request and the buffer is given back once", () => {
  const { queue } = collector();
  const bad: Processor<"metrics"> = {
    process() {
      throw new Error("bad");
    },
  };
  const { emit, host, turn } = hub([{ queues: [queue] }, { queues: [queue], processors: [bad] }]);
  host.log.error = () => {
    throw new Error("the log is broken too");
  };
  const lease = leased();
  assert.throws(() => emit(lease.bytes, lease.release), /broken too/);
  assert.equal(lease.released, 1);
  assert.equal(queue.counts.metrics.accepted, 0);
  let fed = 0;
  turn.feed(() => fed++);
  assert.equal(fed, 1, "the turn is over");
});

test("a full queue that drops its share stops nobody: the others get theirs, and what was dropped is counted", async () => {
  const dead = collector({ sending_queue: { num_consumers: 1, queue_size: 1, drop_on_overflow: true } }, true);
  const healthy = collector();
  const { emit, route } = hub([{ queues: [dead.queue, healthy.queue] }]);
  const leases = [leased(1), leased(2), leased(3)];
  for (const { bytes, release } of leases) assert.equal(emit(bytes, release), true);
  await healthy.queue.drain(1000);
  assert.equal(healthy.sent.length, 3);
  assert.deepEqual(route.counts, { accepted: 6, refused: 0, failed: 0 });
  const { accepted, held, dropped } = dead.queue.counts.metrics;
  assert.deepEqual([accepted, held, dropped.overflow], [6, 1, 5]);
  dead.open();
  await dead.queue.drain(1000);
  assert.equal(dead.sent.length, 1);
  assert.deepEqual(
    leases.map(({ released }) => released),
    [1, 1, 1],
  );
});

test("where a full queue lets senders wait, emit settles once the request is in", async () => {
  const { queue, sent, open } = collector(BLOCKING, true);
  const { processor, seen } = watcher();
  const { emit } = hub([{ queues: [queue], processors: [processor] }]);
  const leases = [leased(1), leased(2), leased(3)];
  const [first, second, third] = leases.map(({ bytes, release }) => emit(bytes, release));
  assert.equal(first, true);
  assert.ok(second instanceof Promise && third instanceof Promise);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(seen.length, 1, "nothing is learnt from a request that waits");
  assert.equal(leases[1].released, 0, "its buffer is still needed");
  open();
  assert.deepEqual(await Promise.all([second, third]), [true, true]);
  await queue.drain(1000);
  assert.deepEqual(
    leases.map(({ released }) => released),
    [1, 1, 1],
  );
  assert.deepEqual(
    sent.map(({ bytes }) => bytes),
    leases.map(({ original }) => original),
  );
});

test("of many that wait only those are read again for whom there is room", async () => {
  const { queue, open } = collector(BLOCKING, true);
  const { emit, intake } = hub([{ queues: [queue] }]);
  let reads = 0;
  const read = intake.read.bind(intake);
  intake.read = (bytes) => {
    reads++;
    read(bytes);
  };
  const many = Array.from({ length: 50 }, () => emit(leased().bytes));
  open();
  assert.ok((await Promise.all(many)).every(Boolean));
  assert.ok(reads <= 100, `${reads} reads of 50 requests`);
  await queue.drain(1000);
});

test("who was woken and refused elsewhere leaves the room to who waits next", async () => {
  const blocking = collector(BLOCKING, true);
  const refusing = collector(FULL, true);
  const { emit } = hub([{ queues: [blocking.queue, refusing.queue] }]);
  blocking.queue.push(requestOf("metrics"), { items: 1, bytes: 1 }, () => {});
  const waiting = [1, 2, 3].map(() => emit(leased().bytes));
  refusing.queue.push(requestOf("metrics"), { items: 1, bytes: 1 }, () => {});
  blocking.open();
  assert.deepEqual(await Promise.all(waiting), [false, false, false]);
  refusing.open();
});

test("who waits for room when a stop runs out of time is refused, and so is who comes then", async () => {
  const { queue, open } = collector(BLOCKING, true);
  const { emit, route } = hub([{ queues: [queue] }]);
  assert.equal(emit(leased().bytes), true);
  const lease = leased();
  const waiting = emit(lease.bytes, lease.release);
  const drained = queue.drain(0);
  assert.equal(await waiting, false);
  assert.equal(lease.released, 1);
  assert.equal(emit(leased().bytes), false);
  open();
  await drained;
  assert.equal(emit(leased().bytes), false);
  assert.deepEqual(route.counts, { accepted: 2, refused: 6, failed: 0 });
});

test("a request that waited for one queue is refused when another, that lets nobody wait, is full by then", async () => {
  const blocking = collector(BLOCKING, true);
  const refusing = collector(FULL, true);
  const { emit } = hub([{ queues: [blocking.queue, refusing.queue] }]);
  blocking.queue.push(requestOf("metrics"), { items: 1, bytes: 1 }, () => {});
  const lease = leased();
  const waiting = emit(lease.bytes, lease.release);
  assert.ok(waiting instanceof Promise);
  refusing.queue.push(requestOf("metrics"), { items: 1, bytes: 1 }, () => {});
  blocking.open();
  assert.equal(await waiting, false);
  assert.equal(lease.released, 1);
  assert.equal(blocking.queue.counts.metrics.accepted, 1);
  refusing.open();
});

test("what a processor does not admit is refused unread, its items counted", () => {
  const { queue } = collector();
  const { processor, seen } = watcher();
  let open = false;
  const gate: Processor<"metrics"> = { process: (batch) => batch, admit: () => open };
  const { emit, route, intake } = hub([{ queues: [queue], processors: [processor] }, { processors: [gate] }]);
  const lease = leased(3);
  assert.equal(emit(lease.bytes, lease.release), false);
  assert.equal(emit(Uint8Array.of(0xff)), false, "not even looked at");
  assert.equal(lease.released, 1);
  assert.deepEqual([seen.length, intake.table.length, queue.counts.metrics.accepted], [0, 0, 0]);
  assert.deepEqual(route.counts, { accepted: 0, refused: 3, failed: 0 });
  open = true;
  assert.equal(emit(leased(2).bytes), true);
  assert.deepEqual(route.counts, { accepted: 2, refused: 3, failed: 0 });
});

test("what came of a request is counted: accepted and refused in items, failed in requests", async () => {
  const { queue, open } = collector(FULL, true);
  const { emit, route } = hub([{ queues: [queue] }]);
  emit(leased(4).bytes);
  emit(leased(3).bytes);
  assert.throws(() => emit(Uint8Array.of(0xff)), DecodeError);
  assert.deepEqual(route.counts, { accepted: 4, refused: 3, failed: 1 });
  assert.equal(queue.counts.metrics.refused, 3);
  open();
  await queue.drain(1000);
});

test("a reload reroutes what comes next and what waits for room; where nothing takes it any more it is refused", async () => {
  const full = collector(BLOCKING, true);
  const next = collector();
  const { emit, route } = hub([{ queues: [full.queue] }]);
  full.queue.push(requestOf("metrics"), { items: 1, bytes: 1 }, () => {});
  const lease = leased();
  const waiting = emit(lease.bytes, lease.release);
  route.pipelines = hub([{ queues: [next.queue] }]).route.pipelines;
  full.open();
  assert.equal(await waiting, true);
  await Promise.all([full.queue.drain(1000), next.queue.drain(1000)]);
  assert.deepEqual([full.sent.length, next.sent.length, lease.released], [1, 1, 1]);
  route.pipelines = [];
  const late = leased();
  assert.equal(emit(late.bytes, late.release), false);
  assert.equal(late.released, 1);
});

/** A queue on a storage, and the storage. */
async function stored(send: () => Promise<void> = async () => {}) {
  const store = new MemoryStore();
  const host = { ...fakeHost(), extension: () => store.extension };
  const queue = new Queue({ export: send }, sending({ sending_queue: { storage: "file_storage" } }), host);
  await queue.start();
  return { queue, store, host };
}

test("a request is accepted once every storage that took it has flushed, and its buffer is kept till then", async () => {
  const first = await stored();
  const second = await stored();
  const memory = collector();
  const { emit, route } = hub([{ queues: [memory.queue, first.queue] }, { queues: [second.queue] }]);
  const lease = leased();
  const answer = emit(lease.bytes, lease.release);
  assert.ok(answer instanceof Promise);
  assert.deepEqual([lease.released, route.counts.accepted], [0, 0]);
  assert.equal(await answer, true);
  assert.deepEqual([first.store.flushes, second.store.flushes, route.counts.accepted], [1, 1, 2]);
  await Promise.all([memory, first, second].map(({ queue }) => queue.drain(1000)));
  assert.equal(lease.released, 1);
  assert.deepEqual(memory.sent[0].bytes, lease.original);
});

test("a storage that fails refuses the request; queues in memory do not have it, or send it as ever", async () => {
  const { queue, store } = await stored();
  const memory = collector();
  const { emit, route } = hub([{ queues: [memory.queue, queue] }]);
  store.broken.add("append");
  const unstored = leased();
  assert.equal(await emit(unstored.bytes, unstored.release), false);
  assert.deepEqual([unstored.released, memory.queue.counts.metrics.accepted], [1, 0]);
  store.broken.clear();
  store.broken.add("flush");
  const unflushed = leased();
  assert.equal(await emit(unflushed.bytes, unflushed.release), false);
  store.broken.clear();
  await Promise.all([queue.drain(1000), memory.queue.drain(1000)]);
  assert.deepEqual([unflushed.released, memory.queue.counts.metrics.sent], [1, 2]);
  assert.deepEqual(route.counts, { accepted: 0, refused: 4, failed: 0 });
});

test("without a queue, or with wait_for_result, emit says whether the request was delivered", async () => {
  for (const sending_queue of [{ enabled: false }, { wait_for_result: true }]) {
    const slow = collector({ sending_queue }, true);
    const bad = new Queue({ export: () => Promise.reject(new Error("bad")) }, sending({ sending_queue }), fakeHost());
    const { emit } = hub([{ queues: [slow.queue] }]);
    const lease = leased();
    const answer = emit(lease.bytes, lease.release);
    assert.ok(answer instanceof Promise);
    slow.open();
    assert.equal(await answer, true);
    assert.equal(lease.released, 1);
    assert.equal(await hub([{ queues: [slow.queue, bad] }]).emit(leased().bytes), false);
  }
});

test("requests are joined as the last processor of the pipeline that asks for it says", async () => {
  const { queue, sent } = collector();
  const batching = { flush_timeout: 3_600_000, min_size: 4, max_size: 0, sizer: "items" } as const;
  const batch: Processor<"metrics"> = { process: (data) => data, batching };
  const { emit } = hub([{ queues: [queue], processors: [batch] }]);
  for (let i = 0; i < 3; i++) assert.equal(emit(leased(2).bytes), true);
  await queue.drain(1000);
  assert.deepEqual(
    sent.map(({ items }) => items),
    [4, 2],
  );
});

/** An anomaly pipeline that remembers in which order things happened. */
function anomalyPipeline(order: string[], name: string, take: (anomalies: readonly Anomaly[]) => void = () => {}) {
  const processor: Processor<"anomalies"> = {
    process(anomalies) {
      order.push(`${name}: ${anomalies.length}`);
      take(anomalies);
      return anomalies;
    },
  };
  return new AnomalyPipeline(name, { processors: [stage(processor)], queues: [], connectors: [] }, fakeHost().log);
}

test("what detectors raise goes to every anomaly pipeline, once the telemetry is in its queues", () => {
  const order: string[] = [];
  const { queue } = collector();
  const pipelines = ["anomalies/a", "anomalies/b"].map((name) =>
    anomalyPipeline(order, name, () => order.push(`queued: ${queue.counts.metrics.accepted}`)),
  );
  let raise = (_: Anomaly): void => {};
  const raising: Processor<"metrics"> = {
    process(batch) {
      raise(anomalyOf());
      raise(anomalyOf());
      return batch;
    },
  };
  const { emit, turn } = hub([{ queues: [queue], processors: [raising] }], pipelines);
  raise = turn.raise;
  emit(leased().bytes);
  assert.deepEqual(order, ["anomalies/a: 2", "queued: 2", "anomalies/b: 2", "queued: 2"]);
  emit(new Uint8Array(0));
  assert.equal(order.length, 8, "and are not told again");
});

test("anomalies that a full queue cannot take are dropped, counted and logged", async () => {
  const { queue, open } = collector(FULL, true);
  const host = fakeHost();
  const pipeline = new AnomalyPipeline("anomalies", { processors: [], queues: [queue], connectors: [] }, host.log);
  pipeline.run([anomalyOf()]);
  pipeline.run([anomalyOf(), anomalyOf()]);
  assert.equal(pipeline.counts.dropped, 2);
  assert.equal(host.logged.length, 1);
  open();
  await queue.drain(1000);
  assert.equal(queue.counts.anomalies.sent, 1);
});

test("what a connector feeds runs after the request that caused it", async () => {
  const order: string[] = [];
  const { queue, sent } = collector();
  const inner = collector();
  const fed = hub([{ queues: [inner.queue] }]);
  let feed = (_: () => void): void => {};
  const connector: Connector<"metrics"> = {
    consume() {
      order.push("consumed");
      feed(() => {
        order.push("fed");
        fed.emit(requestOf("metrics", 1).bytes);
      });
      order.push("still in the turn");
    },
  };
  const { emit, turn } = hub([{ queues: [queue], connectors: [connector] }]);
  feed = (task) => turn.feed(task);
  const lease = leased();
  assert.equal(emit(lease.bytes, lease.release), true);
  assert.deepEqual(order, ["consumed", "still in the turn", "fed"]);
  await Promise.all([queue.drain(1000), inner.queue.drain(1000)]);
  assert.deepEqual(sent[0].bytes, lease.original);
  assert.equal(lease.released, 1);
  assert.equal(inner.sent.length, 1);
});

test("whatever is sent, received and refused: every buffer goes back once, every accepted point is sent", async () => {
  const step = fc.record({
    items: fc.integer({ min: 0, max: 5 }),
    broken: fc.boolean(),
    marked: fc.boolean(),
    wait: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), async (steps, queue_size) => {
      const queues = [1, 2].map((consumers) => collector({ sending_queue: { num_consumers: consumers, queue_size } }));
      let mark = false;
      const sometimes: Processor<"metrics"> = {
        process: (batch) => (mark && batch.rows.length > 0 ? marking.process(batch) : batch),
      };
      const { emit } = hub([
        { queues: queues.map(({ queue }) => queue), processors: [sometimes] },
        { queues: [queues[0].queue] },
      ]);
      const leases = [];
      let accepted = 0;
      for (const { items, broken, marked, wait } of steps) {
        const lease = leased(items);
        leases.push(lease);
        mark = marked;
        const bytes = broken ? lease.bytes.subarray(0, -1) : lease.bytes;
        if (broken) assert.throws(() => emit(bytes, lease.release), DecodeError);
        else if (emit(bytes, lease.release)) accepted += items;
        if (wait) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(queues.map(({ queue }) => queue.drain(1000)));
      assert.ok(leases.every(({ released }) => released === 1));
      assert.deepEqual(
        queues.map(({ queue }) => [queue.counts.metrics.accepted, queue.counts.metrics.sent]),
        [2, 1].map((times) => [times * accepted, times * accepted]),
      );
      for (const { sent } of queues) {
        for (const { bytes } of sent) oracle.metrics.request.decode(bytes);
      }
    }),
    { numRuns: 60 },
  );
});

test("every processor that wants to is told of an anomaly at once, one that fails is no matter for the others, and there is no echo", () => {
  const turn = new Turn();
  const host = fakeHost();
  const told: string[] = [];
  const listener = (name: string, found: (anomaly: Anomaly) => void): Processor<"metrics"> => ({
    process: (batch) => batch,
    found(anomaly) {
      told.push(`${name} ${anomaly.type}`);
      found(anomaly);
    },
  });
  const failing = stage(
    listener("first", () => {
      throw new Error("broken");
    }),
    host,
  );
  const echoing = listener("second", () => turn.raise(anomalyOf({ type: "echo" })));
  turn.listeners = [failing, stage(echoing, host)];
  turn.raise(anomalyOf({ type: "spike" }));
  assert.deepEqual(told, ["first spike", "second spike"]);
  assert.equal(failing.counts.errors, 1);
});

test("what goes on is told to every processor that wants to know, and one that fails again and again no more", () => {
  const turn = new Turn();
  const host = fakeHost();
  const told: string[] = [];
  const keeper = (name: string, fails = false): Processor<"anomalies"> => ({
    process: (list) => list,
    lasts(fingerprint, time) {
      told.push(`${name} ${fingerprint} ${time}`);
      if (fails) throw new Error("broken");
    },
  });
  const failing = stage(keeper("first", true), host);
  turn.keepers = [failing, stage(keeper("second"), host)];
  turn.lasts("a", 1);
  assert.deepEqual(told, ["first a 1", "second a 1"]);
  for (let i = 0; i < 20; i++) turn.lasts("a", i);
  assert.equal(failing.counts.errors, 10);
  assert.equal(told.filter((each) => each.startsWith("second")).length, 21);
});

test("a processor that has something to add is given an empty batch, once every queue has room", async () => {
  const kept = collector();
  const full = collector(FULL, true);
  const extra = requestOf("metrics", 3);
  const adding = {
    due: true,
    process(batch: Batch<"metrics">) {
      if (this.due) batch.append(extra.bytes, extra.items);
      this.due = false;
      return batch;
    },
  };
  const { route, intake } = hub([{ queues: [kept.queue, full.queue], processors: [adding] }]);
  const [pipeline] = route.pipelines;
  full.queue.push(requestOf("metrics"), { items: 1, bytes: 1 }, () => {});
  assert.equal(flush(intake, pipeline, 42), false);
  full.open();
  await full.queue.roomMade({ items: 1, bytes: 1 });
  assert.equal(flush(intake, pipeline, 42), true);
  assert.equal(flush(intake, pipeline, 42), false, "nothing is due any more");
  await kept.queue.drain(1000);
  assert.deepEqual(kept.sent, [{ signal: "metrics", bytes: Buffer.from(extra.bytes), items: 3 }]);
});

test("what is added to a request follows it, and is counted; the received buffer is given back at once", async () => {
  const { queue, sent, open } = collector({}, true);
  const extra = requestOf("metrics", 3);
  const adding: Processor<"metrics"> = {
    process(batch) {
      batch.append(extra.bytes, extra.items);
      return batch;
    },
  };
  const { emit } = hub([{ queues: [queue], processors: [adding] }]);
  const lease = leased();
  emit(lease.bytes, lease.release);
  assert.equal(lease.released, 1, "what waits is a copy");
  open();
  await queue.drain(1000);
  assert.deepEqual(sent, [{ signal: "metrics", bytes: Buffer.concat([lease.original, extra.bytes]), items: 5 }]);
});
