// Requests joined and split before they are sent: by size, by time, and never across signals or batchings.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import {
  type Anomaly,
  type Batching,
  ExportError,
  type ExportRequest,
  type Telemetry,
} from "../../../src/api/index.ts";
import { Queue } from "../../../src/pipeline/queue.ts";
import { anomalyOf, fakeHost, oracle, requestOf } from "../../exporting.ts";
import { sending } from "../../wired.ts";

const HOUR = 3_600_000;
/** Of tests that wait for a batch: one that never comes is a failure. */
const PATIENT = { timeout: 20_000 };

/** Emptied when the test ends, or a batch that waits for an hour would keep a test that failed from saying so. */
function queueOf(t: TestContext, sending_queue: object, fail: () => Error | undefined = () => undefined) {
  const sent: { signal: string; items: number; data: any }[] = [];
  const listeners: (() => void)[] = [];
  const exporter = {
    export: async (data: ExportRequest | readonly Anomaly[]) => {
      const failure = fail();
      if (failure) throw failure;
      const telemetry = "bytes" in data;
      const signal = telemetry ? data.signal : "anomalies";
      sent.push({ signal, items: telemetry ? data.items : data.length, data });
      for (const heard of listeners.splice(0)) heard();
    },
  };
  const retry_on_failure = { initial_interval: "1ms" };
  const host = fakeHost();
  const queue = new Queue(
    exporter,
    sending({ sending_queue: { num_consumers: 1, ...sending_queue }, retry_on_failure }),
    host,
  );
  t.after(() => queue.drain(0));
  /** Settles with the next batch that is sent. */
  const next = () => new Promise<void>((resolve) => listeners.push(resolve));
  const released: string[] = [];
  const push = (signal: Telemetry, items: number, batching?: Batching) => {
    const request = requestOf(signal, items);
    const weight = { items, bytes: request.bytes.length };
    return queue.push(request, weight, () => released.push(signal), batching);
  };
  return { queue, host, sent, next, push, released };
}

const sizes = (sent: readonly { items: number }[]) => sent.map(({ items }) => items);
const tick = () => new Promise((resolve) => setImmediate(resolve));

/** Data points, records or spans as the oracle finds them. */
function itemsIn(signal: Telemetry, bytes: Uint8Array): any[] {
  const decoded = oracle[signal].request.decode(bytes).toJSON();
  const scopes = [decoded.resourceMetrics ?? decoded.resourceLogs ?? decoded.resourceSpans]
    .flat()
    .flatMap((each: any) => {
      assert.equal(each.resource.attributes[0].value.stringValue, "checkout");
      return each.scopeMetrics ?? each.scopeLogs ?? each.scopeSpans;
    });
  return scopes.flatMap(
    (scope: any) => scope.logRecords ?? scope.spans ?? scope.metrics.flatMap(({ gauge }: any) => gauge.dataPoints),
  );
}

test("requests wait until min_size is reached, and are sent as one that reads as all of them", async (t) => {
  for (const signal of ["metrics", "logs", "traces"] as const) {
    const { queue, sent, push, released } = queueOf(t, { batch: { flush_timeout: "1h", min_size: 10 } });
    for (const items of [4, 3]) push(signal, items);
    await tick();
    assert.equal(sent.length, 0);
    assert.equal(queue.counts[signal].held, 7);
    push(signal, 5);
    await tick();
    assert.deepEqual(sizes(sent), [12]);
    assert.equal(itemsIn(signal, sent[0].data.bytes).length, 12);
    assert.equal(released.length, 3);
    await queue.drain(1000);
    assert.equal(queue.counts[signal].sent, 12);
  }
});

test("what does not reach min_size is sent after flush_timeout", PATIENT, async (t) => {
  const { sent, next, push } = queueOf(t, { batch: { flush_timeout: "5ms" } });
  push("logs", 1);
  push("logs", 2);
  await next();
  assert.deepEqual(sizes(sent), [3]);
});

test("a full queue does not wait for more: what it holds is sent, so that there is room", async (t) => {
  const { queue, sent, push } = queueOf(t, {
    queue_size: 10,
    sizer: "items",
    batch: { flush_timeout: "1h", min_size: 10 },
  });
  push("logs", 6);
  assert.equal(queue.room({ items: 5, bytes: 1 }), false);
  queue.refuse("logs", 5);
  await tick();
  assert.deepEqual(sizes(sent), [6]);
  const tiny = queueOf(t, { queue_size: 2, batch: { flush_timeout: "1h" } });
  for (let i = 0; i < 2; i++) tiny.push("logs", 1);
  await tick();
  assert.deepEqual(sizes(tiny.sent), [2]);
});

test(
  "one that fills up while it sends does not wait for more either, nor does a drain for what comes meanwhile",
  PATIENT,
  async (t) => {
    const { queue, sent, next, push } = queueOf(t, { queue_size: 2, batch: { flush_timeout: "1h" } });
    for (const items of [1, 2, 3, 4]) push("logs", items);
    while (sent.length < 2) await next();
    assert.deepEqual(sizes(sent), [3, 7]);
    const other = queueOf(t, { queue_size: 10, batch: { flush_timeout: "1h" } });
    other.push("logs", 1);
    void other.next().then(() => other.push("logs", 2));
    await other.queue.drain(1000);
    assert.deepEqual(sizes(other.sent), [1, 2]);
    assert.equal(queue.size + other.queue.size, 0);
  },
);

test("signals are not mixed, and each is flushed when its own time is up", PATIENT, async (t) => {
  const { sent, next, push } = queueOf(t, { batch: { flush_timeout: "5ms" } });
  push("logs", 1);
  push("traces", 2);
  push("logs", 3);
  while (sent.length < 2) await next();
  assert.deepEqual(
    sent.map(({ signal, items }) => [signal, items]),
    [
      ["logs", 4],
      ["traces", 2],
    ],
  );
});

test("a drain does not wait for more", async (t) => {
  const { queue, sent, push } = queueOf(t, { batch: { flush_timeout: "1h" } });
  push("metrics", 1);
  push("metrics", 2);
  await queue.drain(1000);
  assert.deepEqual(sizes(sent), [3]);
});

test("no batch passes max_size: whole requests while they fit, a larger one in parts", async (t) => {
  const { queue, sent, push } = queueOf(t, { batch: { flush_timeout: "1h", min_size: 10, max_size: 10 } });
  for (const items of [4, 4, 4, 25, 1]) push("traces", items);
  await queue.drain(1000);
  assert.deepEqual(sizes(sent), [8, 4, 10, 10, 5, 1]);
  for (const { data, items } of sent) assert.equal(itemsIn("traces", data.bytes).length, items);
  assert.deepEqual([queue.counts.traces.sent, queue.counts.traces.held, queue.size], [38, 0, 0]);
});

test("sizes may be bytes", async (t) => {
  const max_size = 1000;
  const { queue, sent, push } = queueOf(t, { batch: { flush_timeout: "1h", min_size: 500, max_size, sizer: "bytes" } });
  push("metrics", 100);
  push("metrics", 2);
  await queue.drain(1000);
  assert.ok(sent.length > 3);
  for (const { data } of sent) assert.ok(data.bytes.length <= max_size);
  assert.equal(sent.flatMap(({ data }) => itemsIn("metrics", data.bytes)).length, 102);
});

test("anomalies are joined and split as lists", async (t) => {
  const { queue, sent } = queueOf(t, { batch: { flush_timeout: "1h", min_size: 3, max_size: 3 } });
  const found = Array.from({ length: 9 }, (_, i) => anomalyOf({ id: `${i}` }));
  for (const [from, to] of [
    [0, 1],
    [1, 3],
    [3, 9],
  ]) {
    const some = found.slice(from, to);
    queue.push(some, { items: some.length, bytes: some.length * 1024 }, () => {});
  }
  await queue.drain(1000);
  assert.deepEqual(sizes(sent), [3, 3, 3]);
  assert.deepEqual(
    sent.flatMap(({ data }) => data.map(({ id }: Anomaly) => id)),
    found.map(({ id }) => id),
  );
});

test("a pipeline's batching counts where the queue's options do not say, and only equal ones are joined", async (t) => {
  const small: Batching = { flush_timeout: HOUR, min_size: 4, max_size: 0, sizer: "items" };
  const large: Batching = { ...small, min_size: 8 };
  const { queue, sent, push } = queueOf(t, {});
  for (let i = 0; i < 4; i++) {
    push("logs", 2, { ...small });
    push("logs", 2, large);
    push("logs", 1);
  }
  await queue.drain(1000);
  assert.deepEqual(sizes(sent).toSorted(), [1, 1, 1, 1, 4, 4, 8]);
  const own = queueOf(t, { batch: { flush_timeout: "1h", min_size: 6 } });
  for (let i = 0; i < 3; i++) own.push("logs", 2, i === 0 ? small : large);
  await own.queue.drain(1000);
  assert.deepEqual(sizes(own.sent), [6]);
});

test("a batch that fails is tried again as a whole; one that is refused is dropped, counted and logged", async (t) => {
  const failures = [
    new ExportError("unavailable", { retryable: true }),
    undefined,
    new ExportError("too large", { retryable: false }),
  ];
  const { queue, sent, push, host } = queueOf(t, { batch: { flush_timeout: "1h", min_size: 4 } }, () =>
    failures.shift(),
  );
  for (let i = 0; i < 4; i++) push("metrics", 2);
  await queue.drain(1000);
  assert.deepEqual(sizes(sent), [4]);
  const { sent: delivered, send_failed, dropped } = queue.counts.metrics;
  assert.deepEqual([delivered, send_failed, dropped.permanent], [4, 8, 4]);
  assert.deepEqual(host.logged.at(-1), {
    level: "error",
    message: "data dropped",
    fields: { signal: "metrics", items: 4, why: "permanent error", error: "too large" },
  });
});

test("senders that wait for the result wait for that of their batch", async (t) => {
  const { queue, push } = queueOf(t, { wait_for_result: true, batch: { flush_timeout: "1h", min_size: 4 } });
  const answers = [push("logs", 2), push("logs", 2)];
  assert.deepEqual(await Promise.all(answers), [true, true]);
  await queue.drain(1000);
});
