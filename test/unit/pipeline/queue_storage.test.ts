// A queue on a storage: what it took is sent by this process or a later one, and never lost without a reason.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Anomaly, ExportError, type ExportRequest, type Telemetry } from "../../../src/api/index.ts";
import { Queue } from "../../../src/pipeline/queue.ts";
import { anomalyOf, fakeHost, oracle, requestOf } from "../../exporting.ts";
import { MemoryStore } from "../../memory_store.ts";
import { sending } from "../../wired.ts";

type Data = ExportRequest | readonly Anomaly[];
type Send = (data: Data, signal: AbortSignal) => Promise<void>;

/** One process's life of the exporter `otlp_http/east`. */
async function life(store: MemoryStore, send: Send, sending_queue: object = {}, retry: object = {}) {
  const host = { ...fakeHost(), id: "otlp_http/east", extension: () => store.extension };
  const reported: string[] = [];
  host.report = (status, reason) => void reported.push(`${status} ${reason ?? ""}`);
  const options = sending({
    sending_queue: { num_consumers: 1, storage: "file_storage", ...sending_queue },
    retry_on_failure: { initial_interval: "1ms", max_interval: "1ms", ...retry },
  });
  const queue = new Queue({ export: send }, options, host);
  await queue.start();
  const released: number[] = [];
  const push = (items: number, signal: Telemetry = "logs") => {
    const request = requestOf(signal, items);
    return queue.push(request, { items, bytes: request.bytes.length }, () => released.push(items));
  };
  return { queue, host, push, released, reported };
}

const retryable = () => new ExportError("unavailable", { retryable: true });
const never = () => new Promise<void>(() => {});
const untilAborted: Send = (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", reject));
const collect = (sent: Data[]) => async (data: Data) => void sent.push(data);
const sizes = (sent: readonly Data[]) => sent.map((data) => ("items" in data ? data.items : data.length));
const tick = () => new Promise((resolve) => setImmediate(resolve));

test("what is delivered is forgotten by the storage, and was not read from it when a consumer was free", async () => {
  const store = new MemoryStore();
  const sent: Data[] = [];
  const { queue, push, released } = await life(store, collect(sent));
  assert.deepEqual(store.names, ["exporter otlp_http/east"]);
  assert.equal(push(2), true);
  assert.equal(await queue.flush(), true);
  await queue.drain(1000);
  assert.deepEqual([store.records.size, store.reads, store.closed], [0, 0, 1]);
  assert.deepEqual([sizes(sent), released], [[2], [2]]);
});

test("what waits is in the storage alone: its buffer goes back at once", async () => {
  const store = new MemoryStore();
  const { promise, resolve } = Promise.withResolvers<void>();
  const sent: Data[] = [];
  const { queue, push, released } = await life(store, async (data) => {
    sent.push(data);
    await promise;
  });
  for (const items of [1, 2, 3]) push(items);
  assert.deepEqual(released, [2, 3]);
  assert.equal(store.records.size, 3);
  resolve();
  await queue.drain(1000);
  assert.equal(store.reads, 2);
  for (const data of sent) {
    const { bytes, items } = data as ExportRequest;
    assert.equal(oracle.logs.request.decode(bytes).toJSON().resourceLogs[0].scopeLogs[0].logRecords.length, items);
  }
  assert.deepEqual(
    [sizes(sent), released],
    [
      [1, 2, 3],
      [2, 3, 1],
    ],
  );
});

test("after a crash the next process sends what was left, in order, as it was batched", async () => {
  const store = new MemoryStore();
  const { push, queue } = await life(store, never);
  for (const items of [1, 2, 3]) push(items);
  push(5, "metrics");
  const pipeline = { flush_timeout: Number.POSITIVE_INFINITY, min_size: 9, max_size: 4, sizer: "items" } as const;
  queue.push(requestOf("traces", 9), { items: 9, bytes: 9 }, () => {}, pipeline);
  const sent: Data[] = [];
  const next = await life(store, collect(sent));
  await next.queue.drain(1000);
  assert.deepEqual(sizes(sent), [1, 2, 3, 5, 4, 4, 1]);
  const { restored, sent: delivered, held } = next.queue.counts.logs;
  assert.deepEqual([restored, delivered, held], [6, 6, 0]);
  assert.equal(store.records.size, 0);
});

test("anomalies come back as they were", async () => {
  const store = new MemoryStore();
  const { queue } = await life(store, never);
  const found = [
    anomalyOf({ upper: Number.NaN, labels: { ...anomalyOf().labels, attributes: { a: 200n, b: Uint8Array.of(1) } } }),
  ];
  queue.push(found, { items: 1, bytes: 1024 }, () => {});
  const sent: Data[] = [];
  await (await life(store, collect(sent))).queue.drain(1000);
  assert.deepEqual(sent, [found]);
});

test("a drain keeps what cannot be sent: not lost, not waited for, and the storage is closed", async () => {
  for (const send of [async () => Promise.reject(retryable()), untilAborted] as Send[]) {
    const store = new MemoryStore();
    const { queue, push, released, host } = await life(
      store,
      send,
      {},
      { initial_interval: "1h", max_interval: "1h", max_elapsed_time: "0" },
    );
    for (const items of [1, 2, 3]) push(items);
    await tick();
    await queue.drain(send === untilAborted ? 5 : 3_600_000);
    const { held, dropped } = queue.counts.logs;
    assert.deepEqual([held, dropped.shutdown, store.records.size, store.closed], [6, 0, 3, 1]);
    assert.deepEqual(released.toSorted(), [1, 2, 3]);
    assert.match(JSON.stringify(host.logged.at(-1)), /stays in the storage.*"items":6/);
    assert.equal(push(1), false, "it takes no more");
    const sent: Data[] = [];
    await (await life(store, collect(sent))).queue.drain(1000);
    assert.deepEqual(sizes(sent), [1, 2, 3]);
  }
});

test("a drain goes on sending while that works", async () => {
  const store = new MemoryStore();
  const sent: Data[] = [];
  const { queue, push } = await life(store, collect(sent));
  for (const items of [1, 2, 3, 4]) push(items);
  await queue.drain(1000);
  assert.deepEqual([sizes(sent), store.records.size], [[1, 2, 3, 4], 0]);
});

test("what is refused for good or out of retries is forgotten, and counted", async () => {
  const store = new MemoryStore();
  const failures = [new ExportError("bad", { retryable: false }), retryable()];
  const { queue, push } = await life(store, async () => Promise.reject(failures.shift()), {}, { enabled: false });
  push(1);
  push(2);
  await tick();
  assert.equal(store.records.size, 0);
  assert.deepEqual(queue.counts.logs.dropped, { permanent: 1, retries: 2, overflow: 0, shutdown: 0, damaged: 0 });
  await queue.drain(1000);
});

test("a damaged record is counted and logged, the others are sent", async () => {
  const store = new MemoryStore();
  const { push, queue } = await life(store, never);
  for (const items of [1, 2, 3]) push(items);
  queue.push([anomalyOf()], { items: 1, bytes: 1024 }, () => {});
  store.records.delete(2);
  store.records.set(2, { value: undefined as never, note: "1 logs 2" });
  store.records.set(4, { value: Buffer.from("{}"), note: "1 anomalies 1" });
  const sent: Data[] = [];
  const read = store.extension.open!;
  const next = await life(
    Object.assign(store, {
      extension: {
        open: async (name: string) => {
          const opened = await read(name);
          const entries = () =>
            [...store.records].map(([key, { value, note }]) => ({ key, size: value?.length ?? 0, note }));
          return { ...opened, entries };
        },
      },
    }),
    collect(sent),
  );
  await next.queue.drain(1000);
  assert.deepEqual(sizes(sent), [1, 3]);
  const { logs, anomalies } = next.queue.counts;
  assert.deepEqual([logs.dropped.damaged, anomalies.dropped.damaged], [2, 1]);
  assert.match(JSON.stringify(next.host.logged), /damaged or gone/);
  assert.equal(store.records.size, 0);
});

test("a record that the storage fails to read is counted, and left for the next start", async () => {
  const store = new MemoryStore();
  const { push, queue } = await life(store, never);
  for (const items of [1, 2]) push(items);
  store.broken.add("read");
  const next = await life(store, never);
  await tick();
  assert.deepEqual([next.queue.counts.logs.dropped.damaged, next.queue.size], [3, 0]);
  store.broken.clear();
  const sent: Data[] = [];
  await (await life(store, collect(sent))).queue.drain(1000);
  assert.deepEqual(sizes(sent), [1, 2]);
  await queue.drain(0);
});

test("records of another version are left where they are, and said so", async () => {
  const store = new MemoryStore();
  store.records.set(7, { value: Buffer.from("?"), note: "2 logs 1 zstd" });
  const { queue, host } = await life(store, never);
  await queue.drain(1000);
  assert.equal(store.records.size, 1);
  assert.match(JSON.stringify(host.logged), /another version/);
});

test("a storage that cannot be opened ends the start, with its own words", async () => {
  const store = new MemoryStore();
  store.broken.add("entries");
  await assert.rejects(life(store, never), /no space left/);
  const { queue } = await life(new MemoryStore(), never);
  const nothing = new Queue({ export: never }, sending({ sending_queue: { storage: "zpages" } }), {
    ...fakeHost(),
    extension: () => ({}),
  });
  await assert.rejects(nothing.start(), /zpages stores nothing/);
  await queue.drain(1);
});

test("a storage that cannot take data refuses it, says so, and recovers", async () => {
  const store = new MemoryStore();
  const sent: Data[] = [];
  const { queue, push, reported, released, host } = await life(store, collect(sent));
  store.broken.add("append");
  assert.equal(push(2), false);
  assert.deepEqual(released, [2]);
  const { accepted, refused, held } = queue.counts.logs;
  assert.deepEqual([accepted, refused, held], [0, 2, 0]);
  assert.match(JSON.stringify(host.logged), /storage cannot take it.*no space left/);
  store.broken.delete("append");
  store.broken.add("flush");
  assert.equal(push(3), true);
  assert.equal(await queue.flush(), false);
  store.broken.clear();
  assert.equal(await queue.flush(), true);
  assert.deepEqual(
    reported.map((each) => each.split(" ")[0]),
    ["permanent_error", "permanent_error", "ok"],
  );
  store.broken.add("remove");
  push(4);
  await tick();
  store.broken.clear();
  await queue.drain(1000);
  assert.deepEqual(sizes(sent), [3, 4]);
  assert.equal(store.records.size, 1, "what could not be forgotten is sent again after a restart");
});

test("whatever fails, is batched, split, drained or crashes: each item is delivered, dropped for a reason, or still stored", async () => {
  const step = fc.record({
    items: fc.integer({ min: 1, max: 12 }),
    end: fc.constantFrom("ok", "ok", "retry", "permanent", "after", "hang"),
    wait: fc.boolean(),
    event: fc.constantFrom("", "", "", "", "drain", "crash", "reconfigure"),
  });
  const batch = fc.constantFrom(
    undefined,
    { min_size: 10, flush_timeout: "1ms" },
    { min_size: 3, max_size: 5 },
    { min_size: 0, max_size: 4 },
  );
  const consumers = fc.integer({ min: 1, max: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), batch, consumers, async (steps, batch, num_consumers) => {
      const world = new World(steps.map(({ end }) => end));
      const queueing = { storage: "file_storage", num_consumers, batch, queue_size: 1e6 };
      let current = await world.begin(queueing);
      for (const { items, wait, event } of steps) {
        world.push(current.queue, items);
        if (wait) await tick();
        if (event === "reconfigure") {
          const options = sending({ sending_queue: queueing, retry_on_failure: { initial_interval: "1ms" } });
          void current.queue.reconfigure({ export: world.sender() }, options);
        }
        if (event === "drain") await current.queue.drain(2);
        if (event === "drain" || event === "crash") {
          world.end(current.queue);
          if (event === "crash") await current.queue.drain(0);
          current = await world.begin(queueing);
        }
      }
      world.recover();
      await current.queue.drain(20);
      world.end(current.queue);
      world.judge();
    }),
    { numRuns: 100 },
  );
});

/** A backend that fails as it is told, and what it and the storage have come to know of each item by its name. */
class World {
  readonly delivered = new Map<string, number>();
  readonly refused = new Set<string>();
  /** May be delivered again: an attempt failed after sending, or the process ended before the storage forgot it. */
  readonly excused = new Set<string>();
  store = new MemoryStore();
  #pushed = 0;
  #attempts = 0;
  #process = 0;
  #ends: string[];

  constructor(ends: string[]) {
    this.#ends = ends;
  }

  sender(): Send {
    const born = this.#process;
    return async (data, signal) => {
      const names = namesIn((data as ExportRequest).bytes);
      const end = this.#ends[this.#attempts++ % (this.#ends.length + 1)] ?? "ok";
      if (end === "hang") await untilAborted(data, signal);
      // a process that is gone sends nothing any more
      if (end === "retry" || born !== this.#process) throw retryable();
      if (end === "permanent") {
        for (const name of names) this.refused.add(name);
        throw new ExportError("bad", { retryable: false });
      }
      for (const name of names) this.delivered.set(name, (this.delivered.get(name) ?? 0) + 1);
      if (end !== "after") return;
      for (const name of names) this.excused.add(name);
      throw retryable();
    };
  }

  begin(sending_queue: object) {
    return life(this.store, this.sender(), sending_queue);
  }

  push(queue: Queue, items: number): void {
    const bodies = Array.from({ length: items }, () => ({ body: { stringValue: `${this.#pushed++}` } }));
    const bytes = oracle.logs.request.encode({ resourceLogs: [{ scopeLogs: [{ logRecords: bodies }] }] }).finish();
    assert.equal(
      queue.push({ signal: "logs", bytes, items }, { items, bytes: bytes.length }, () => {}),
      true,
    );
  }

  /** The process ends now; the next one finds what the storage holds at this moment. */
  end(queue: Queue): void {
    const { dropped, held, restored, sent, accepted } = queue.counts.logs;
    const lost = Object.values(dropped).reduce((sum, items) => sum + items, 0);
    assert.equal(accepted + restored, sent + lost + held);
    this.#process++;
    const left = new MemoryStore();
    for (const [key, record] of this.store.records) left.records.set(key, record);
    this.store = left;
    for (const name of this.#stored()) this.excused.add(name);
  }

  recover(): void {
    this.#ends = [];
  }

  #stored(): Set<string> {
    return new Set([...this.store.records.values()].flatMap(({ value }) => namesIn(value)));
  }

  judge(): void {
    const stored = this.#stored();
    for (let i = 0; i < this.#pushed; i++) {
      const name = `${i}`;
      const times = this.delivered.get(name) ?? 0;
      assert.ok(times > 0 || this.refused.has(name) || stored.has(name), `${name} is lost`);
      assert.ok(times <= 1 || this.excused.has(name), `${name} was delivered ${times} times`);
    }
  }
}

const namesIn = (bytes: Uint8Array): string[] =>
  oracle.logs.request
    .decode(bytes)
    .toJSON()
    .resourceLogs.flatMap(({ scopeLogs }: any) => scopeLogs)
    .flatMap(({ logRecords }: any) => logRecords)
    .map(({ body }: any) => body.stringValue);
