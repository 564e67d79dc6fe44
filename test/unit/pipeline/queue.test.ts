// What a queue took it delivers or reports as lost; what it cannot hold it refuses; every buffer goes back once.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { ExportError, type ExportRequest, z } from "../../../src/api/index.ts";
import { type SendingOptions, sendingOptions } from "../../../src/pipeline/options.ts";
import { Queue } from "../../../src/pipeline/queue.ts";
import { fakeHost } from "../../exporting.ts";

const schema = z.object(sendingOptions);
const FAST = { initial_interval: "1ms", max_interval: "4ms", max_elapsed_time: "10s", randomization_factor: 0 };

/** A request that a test knows by its name; nothing here reads its bytes. */
interface Named extends ExportRequest<"metrics"> {
  readonly name: unknown;
}
const named = (name: unknown, items = 1): Named => ({ signal: "metrics", bytes: new Uint8Array(0), items, name });

const totals = (queue: Queue) => {
  const { accepted, sent, dropped } = queue.counts.metrics;
  return { accepted, sent, failed: Object.values(dropped).reduce((sum, items) => sum + items, 0) };
};

type Send = (data: any, signal: AbortSignal) => Promise<void>;

interface Changes {
  timeout?: string;
  retry_on_failure?: object;
  sending_queue?: object;
}

function queueOf(send: Send, { timeout = "5s", retry_on_failure, sending_queue }: Changes = {}) {
  const host = fakeHost();
  const options = schema.parse({
    timeout,
    retry_on_failure: { ...FAST, ...retry_on_failure },
    sending_queue: { num_consumers: 1, ...sending_queue },
  }) as SendingOptions;
  const queue = new Queue({ export: (data, signal) => send((data as Named).name, signal) }, options, host);
  const released: unknown[] = [];
  const push = (name: unknown, items = 1, bytes = 100) =>
    queue.push(named(name, items), { items, bytes }, () => released.push(name));
  return { queue, host, released, push };
}

const retryable = (retryAfter?: number) => new ExportError("unavailable", { retryable: true, retryAfter });
const permanent = () => new ExportError("bad request", { retryable: false });
/** What somebody wants room for. */
const SOME = { items: 1, bytes: 1 };
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("socket closed"))));

/** A send that stays pending until `open` is called. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { send: () => promise, open: resolve };
}

test("what is pushed is sent in order, and its buffer goes back once it is", async () => {
  const sent: number[] = [];
  const { queue, push, released } = queueOf(async (data) => {
    await sleep(data % 3);
    assert.ok(!released.includes(data), "released while it was being sent");
    sent.push(data);
  });
  for (let i = 0; i < 20; i++) push(i, 3);
  await queue.drain(5000);
  assert.deepEqual(sent, [...Array(20).keys()]);
  assert.deepEqual(released, sent);
  assert.deepEqual(totals(queue), { accepted: 60, sent: 60, failed: 0 });
  assert.equal(queue.size, 0);
});

test("num_consumers requests are in flight, never more", async () => {
  let active = 0;
  let most = 0;
  const { queue, push } = queueOf(
    async () => {
      most = Math.max(most, ++active);
      await sleep(1);
      active--;
    },
    { sending_queue: { num_consumers: 20 } },
  );
  for (let i = 0; i < 100; i++) push(i);
  await queue.drain(5000);
  assert.equal(most, 20);
});

test("a queue counts requests, items or bytes, what is being sent included", async () => {
  const weight = { items: 10, bytes: 1000 };
  for (const [sizer, size, fits] of [
    ["requests", 3, 3],
    ["items", 35, 3],
    ["bytes", 2500, 2],
  ] as const) {
    const { send, open } = gate();
    const { queue, push } = queueOf(send, { sending_queue: { sizer, queue_size: size } });
    let taken = 0;
    for (; queue.room(weight) && taken < 10; taken++) push(taken, weight.items, weight.bytes);
    assert.equal(taken, fits, sizer);
    assert.equal(queue.capacity, size);
    open();
    await queue.roomMade(weight);
    assert.ok(queue.room(weight));
    await queue.drain(5000);
    assert.ok(!queue.room(weight), "drained, it takes no more");
  }
});

test("an empty queue takes any one request, however large", async () => {
  const { send, open } = gate();
  const { queue, push } = queueOf(send, { sending_queue: { sizer: "bytes", queue_size: 10 } });
  assert.ok(queue.room({ items: 1, bytes: 1e9 }));
  push("large", 1, 1e9);
  assert.ok(!queue.room({ items: 1, bytes: 1 }));
  open();
  await queue.drain(5000);
});

test("requests that weigh nothing still fill the queue", async () => {
  const { send, open } = gate();
  const { queue, push } = queueOf(send, { sending_queue: { sizer: "items", queue_size: 5 } });
  let taken = 0;
  for (; queue.room({ items: 0, bytes: 0 }) && taken < 100; taken++) push(taken, 0, 0);
  assert.equal(taken, 5);
  open();
  await queue.drain(5000);
});

test("without a queue every request is sent at once, and its sender answered when that has succeeded or failed", async () => {
  const { send, open } = gate();
  const { queue, push } = queueOf((name) => (name === "bad" ? Promise.reject(permanent()) : send()), {
    sending_queue: { enabled: false, num_consumers: 1, queue_size: 3, sizer: "items", batch: {} },
  });
  const answers = [push("a", 10), push("b", 10), push("bad", 10)];
  assert.equal(await answers[2], false);
  assert.ok(queue.room({ items: 10, bytes: 1 }));
  answers.push(push("c"));
  assert.ok(!queue.room({ items: 1, bytes: 1 }), "queue_size requests are being sent");
  open();
  assert.deepEqual(await Promise.all(answers), [true, true, false, true]);
  await queue.drain(5000);
});

test("with wait_for_result the sender's answer is whether it was delivered", async () => {
  const { queue, push } = queueOf(
    async (name) => {
      if (name === "bad") throw permanent();
    },
    { sending_queue: { wait_for_result: true } },
  );
  assert.deepEqual(await Promise.all([push("good"), push("bad"), push("fine")]), [true, false, true]);
  await queue.drain(5000);
});

test("a failure that may pass is tried again until it passes", async () => {
  let attempts = 0;
  const { queue, push, released, host } = queueOf(async () => {
    if (++attempts < 4) throw retryable();
  });
  push("data", 7);
  await queue.drain(5000);
  assert.equal(attempts, 4);
  assert.deepEqual(totals(queue), { accepted: 7, sent: 7, failed: 0 });
  assert.deepEqual(released, ["data"]);
  assert.equal(host.logged.filter(({ level }) => level === "warn").length, 3);
});

test("a permanent failure, and one of unknown kind, is not tried again; the loss is counted and logged", async () => {
  const failures: unknown[] = [permanent(), new TypeError("bug"), "a string", undefined, Object.create(null)];
  let attempts = 0;
  const { queue, push, released, host } = queueOf(async () => {
    throw failures[attempts++];
  });
  for (const i of failures.keys()) push(i, 2);
  await queue.drain(5000);
  assert.equal(attempts, 5);
  assert.deepEqual(totals(queue), { accepted: 10, sent: 0, failed: 10 });
  assert.deepEqual(released, [0, 1, 2, 3, 4]);
  const lost = host.logged.filter(({ level }) => level === "error");
  assert.equal(lost.length, 5);
  assert.match(JSON.stringify(lost[0]), /bad request/);
});

test("with retries off one failure is the end", async () => {
  let attempts = 0;
  const { queue, push } = queueOf(
    async () => {
      attempts++;
      throw retryable();
    },
    { retry_on_failure: { enabled: false } },
  );
  push("data");
  await queue.drain(5000);
  assert.equal(attempts, 1);
  assert.equal(totals(queue).failed, 1);
});

test("waits grow by the multiplier up to max_interval, the first one included", async () => {
  let attempts = 0;
  const { queue, push, host } = queueOf(
    async () => {
      if (++attempts < 6) throw retryable();
    },
    { retry_on_failure: { initial_interval: "2ms", max_interval: "10ms", multiplier: 2 } },
  );
  push("data");
  await queue.drain(5000);
  const waits = host.logged.map(({ fields }) => (fields as any).in_ms);
  assert.deepEqual(waits, [2, 4, 8, 10, 10]);
  attempts = 4;
  const other = queueOf(
    async () => {
      if (++attempts < 6) throw retryable();
    },
    { retry_on_failure: { initial_interval: "1h", max_interval: "3ms" } },
  );
  other.push("data");
  await other.queue.drain(5000);
  assert.equal((other.host.logged[0].fields as any).in_ms, 3);
});

test("the receiving side's Retry-After is waited for, where it is longer than ours", async () => {
  const asked = [40, 0.5, Number.NaN];
  let attempts = 0;
  const { queue, push, host } = queueOf(
    async () => {
      if (attempts < asked.length) throw retryable(asked[attempts++]);
    },
    { retry_on_failure: { initial_interval: "4ms" } },
  );
  push("data");
  await queue.drain(5000);
  assert.deepEqual(
    host.logged.map(({ fields }) => (fields as any).in_ms),
    [40, 4, 4],
  );
  assert.equal(totals(queue).sent, 1);
});

test("a Retry-After longer than a timer can wait is no invitation to try at once", async () => {
  let attempts = 0;
  const { queue, push } = queueOf(
    async () => {
      attempts++;
      throw retryable(1e12);
    },
    { retry_on_failure: { max_elapsed_time: "0" } },
  );
  push("data");
  await sleep(30);
  assert.equal(attempts, 1);
  await queue.drain(1);
  assert.equal(totals(queue).failed, 1);
});

test("after max_elapsed_time it gives up, the time spent in attempts included", async () => {
  let attempts = 0;
  const { queue, push, host } = queueOf(
    async () => {
      attempts++;
      await sleep(20);
      throw retryable();
    },
    { retry_on_failure: { max_elapsed_time: "50ms" } },
  );
  push("data");
  await queue.drain(5000);
  assert.ok(attempts >= 1 && attempts <= 3, `${attempts} attempts of 20 ms in 50 ms`);
  assert.deepEqual(totals(queue), { accepted: 1, sent: 0, failed: 1 });
  assert.match(JSON.stringify(host.logged.at(-1)), /max_elapsed_time/);
});

test("max_elapsed_time 0 never gives up", async () => {
  let attempts = 0;
  const { queue, push } = queueOf(
    async () => {
      if (++attempts < 30) throw retryable();
    },
    { retry_on_failure: { max_elapsed_time: "0", max_interval: "1ms" } },
  );
  push("data");
  await queue.drain(5000);
  assert.equal(totals(queue).sent, 1);
});

test("an attempt that outlasts the timeout is aborted and tried again, whatever it then rejects with", async () => {
  let attempts = 0;
  const { queue, push } = queueOf(
    async (_, signal) => {
      if (++attempts < 3) await untilAborted(signal);
    },
    { timeout: "5ms" },
  );
  push("data");
  await queue.drain(5000);
  assert.equal(attempts, 3);
  assert.equal(totals(queue).sent, 1);
});

test("timeout 0 is no limit", async () => {
  const { send, open } = gate();
  const { queue, push } = queueOf(send, { timeout: "0" });
  push("data");
  await sleep(20);
  assert.equal(queue.size, 1);
  open();
  await queue.drain(5000);
  assert.equal(totals(queue).sent, 1);
});

test("draining an idle queue is immediate", async () => {
  await queueOf(async () => {}).queue.drain(60_000);
});

test("a drain gives up at its deadline: attempts and waits end, all that is left is counted as lost", async () => {
  for (const send of [
    (_: unknown, signal: AbortSignal) => untilAborted(signal),
    async () => {
      throw retryable(5000);
    },
  ]) {
    const { queue, push, released, host } = queueOf(send, { sending_queue: { num_consumers: 2 } });
    for (let i = 0; i < 10; i++) push(i);
    await queue.drain(10);
    assert.deepEqual(totals(queue), { accepted: 10, sent: 0, failed: 10 });
    assert.deepEqual(
      released.toSorted((a: any, b: any) => a - b),
      [...Array(10).keys()],
    );
    assert.equal(queue.size, 0);
    assert.match(JSON.stringify(host.logged.at(-1)), /stopped/);
  }
});

test("an exporter that ignores its signal does not keep the agent from stopping", async () => {
  const { queue, push, released } = queueOf(() => new Promise(() => {}), { timeout: "1ms" });
  push("held");
  push("waiting");
  await queue.drain(1);
  assert.deepEqual(totals(queue), { accepted: 2, sent: 0, failed: 2 });
  assert.deepEqual(released.toSorted(), ["held", "waiting"]);
});

test("an exporter that ignores its signal after a timeout is named, and does not hold its consumer until a stop", async () => {
  let attempts = 0;
  const stuck = Promise.withResolvers<void>();
  const { queue, push, released, host } = queueOf(() => (++attempts === 1 ? stuck.promise : Promise.resolve()), {
    timeout: "1ms",
  });
  push("data");
  push("next");
  await sleep(0);
  while (queue.size > 0) await queue.roomMade(SOME);
  assert.equal(attempts, 3);
  assert.deepEqual(totals(queue), { accepted: 2, sent: 2, failed: 0 });
  assert.equal(queue.counts.metrics.send_failed, 1);
  assert.match(JSON.stringify(host.logged), /exporter is at fault: its export went on/);
  assert.deepEqual(released, ["next"], "the first may still read its buffer");
  stuck.resolve();
  await sleep(0);
  assert.deepEqual(released, ["next", "data"]);
});

test("an exporter that throws or returns no promise is named; its batch is dropped, the next is sent", async () => {
  for (const [fault, named] of [
    [() => undefined, /returned undefined, not a promise/],
    [() => null, /returned null, not a promise/],
    [() => 7, /returned number, not a promise/],
    [
      () => {
        throw new TypeError("no such thing");
      },
      /threw instead of rejecting.*no such thing/,
    ],
  ] as const) {
    let first = true;
    const { queue, push, host, released } = queueOf(() => {
      if (!first) return Promise.resolve();
      first = false;
      return fault() as never;
    });
    push("bad", 3);
    push("good", 2);
    await queue.drain(5000);
    assert.deepEqual(totals(queue), { accepted: 5, sent: 2, failed: 3 });
    assert.equal(queue.counts.metrics.dropped.permanent, 3);
    assert.match(JSON.stringify(host.logged), named);
    assert.deepEqual(released, ["bad", "good"]);
  }
});

test("status follows sending: recoverable while it fails, ok again once it succeeds, nothing said in between", async () => {
  let attempts = 0;
  const { queue, push, host } = queueOf(async (name) => {
    if (name === "bad") throw permanent();
    if (++attempts % 4 !== 0) throw retryable();
  });
  const reported: string[] = [];
  host.report = (status, reason) => void reported.push(`${status} ${reason ?? ""}`);
  push("a");
  push("b");
  push("bad");
  push("c");
  await queue.drain(5000);
  const failing = "recoverable_error export failed: unavailable";
  const dropped = "recoverable_error data dropped: permanent error: bad request";
  assert.deepEqual(reported, [failing, "ok ", failing, "ok ", dropped, failing, "ok "]);
});

test("what was dropped is counted by its reason, what failed by its attempts, what is held until it is done", async () => {
  const { queue, push } = queueOf(async (name) => {
    if (name === "permanent") throw permanent();
    if (name === "retries") throw retryable(1e9);
    if (name === "shutdown") await new Promise(() => {});
  });
  for (const name of ["good", "permanent", "retries", "shutdown"]) push(name, 2);
  assert.equal(queue.counts.metrics.held, 8);
  await queue.drain(100);
  queue.refuse("metrics", 5);
  assert.deepEqual(queue.counts.metrics, {
    accepted: 8,
    restored: 0,
    sent: 2,
    send_failed: 6,
    refused: 5,
    held: 0,
    dropped: { permanent: 2, retries: 2, overflow: 0, shutdown: 2, damaged: 0 },
  });
  assert.equal(queue.counts.logs.accepted, 0);
});

test("from a reconfigure on attempts use the new exporter and options; who waits for a retry moves there at once", async () => {
  const order: string[] = [];
  const { send, open } = gate();
  const { queue, push } = queueOf(
    async (name) => {
      order.push(`old ${name}`);
      if (name === "pausing") throw retryable(1e8);
      await send();
    },
    { sending_queue: { num_consumers: 2 }, retry_on_failure: { max_elapsed_time: "0" } },
  );
  push("pausing");
  push("running");
  push("waiting");
  await sleep(0);
  const exporter = { export: async (data: Named) => void order.push(`new ${data.name}`) };
  const options = schema.parse({ sending_queue: { queue_size: 7 } }) as SendingOptions;
  let moved = false;
  const done = queue.reconfigure(exporter as never, options).then(() => {
    moved = true;
  });
  await sleep(0);
  assert.equal(queue.capacity, 7);
  assert.deepEqual(order.toSorted(), ["new pausing", "new waiting", "old pausing", "old running"]);
  assert.equal(moved, false, "an attempt runs on the old exporter");
  open();
  await done;
  await queue.drain(5000);
  assert.deepEqual(totals(queue), { accepted: 3, sent: 3, failed: 0 });
});

test("a reconfigure without attempts under way is done at once; what the old exporter refuses the new one may take", async () => {
  const refused = Promise.withResolvers<void>();
  const { queue, push } = queueOf(() => refused.promise);
  const options = schema.parse({}) as SendingOptions;
  const sent: unknown[] = [];
  const next = { export: async (data: Named) => void sent.push(data.name) };
  await queueOf(async () => {}).queue.reconfigure(next as never, options);
  push("data");
  const moved = queue.reconfigure(next as never, options);
  refused.reject(permanent());
  await moved;
  await queue.drain(5000);
  assert.deepEqual(sent, ["data"]);
});

test("what was delivered in spite of the abort counts as sent", async () => {
  const { queue, push } = queueOf((_, signal) => new Promise((done) => signal.addEventListener("abort", () => done())));
  push("data");
  await queue.drain(1);
  assert.deepEqual(totals(queue), { accepted: 1, sent: 1, failed: 0 });
});

test("a buffer's owner that fails to take it back does not stop the queue", async () => {
  const { queue, push, host } = queueOf(async () => {});
  queue.push(named("bad"), { items: 1, bytes: 1 }, () => {
    throw new Error("pool closed");
  });
  push("good");
  await queue.drain(5000);
  assert.deepEqual(totals(queue), { accepted: 2, sent: 2, failed: 0 });
  assert.match(JSON.stringify(host.logged), /pool closed/);
});

test("whoever waits for room is woken when something has left", async () => {
  const { send, open } = gate();
  const { queue, push } = queueOf(send, { sending_queue: { queue_size: 1, block_on_overflow: true } });
  assert.ok(queue.blocks);
  push("first");
  let woken = 0;
  const waiting = [1, 2].map(() => queue.roomMade(SOME).then(() => void woken++));
  await sleep(5);
  assert.equal(woken, 0);
  open();
  await Promise.all(waiting);
  assert.ok(queue.room({ items: 1, bytes: 1 }));
});

test("a drain waits for what is pushed as the last request leaves", async () => {
  let sent = 0;
  const send = async () => {
    await sleep(2);
    sent++;
  };
  const { queue, push } = queueOf(send, { sending_queue: { queue_size: 1, block_on_overflow: true } });
  push("first");
  void queue.roomMade(SOME).then(() => push("second"));
  await queue.drain(5000);
  assert.equal(sent, 2);
});

test("whatever happens: accepted = sent + failed, and every buffer goes back once", async () => {
  const outcome = fc.constantFrom("ok", "slow", "retry", "permanent", "throw", "hang");
  const pushes = fc.array(fc.record({ outcome, items: fc.nat(5), wait: fc.boolean() }), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(pushes, fc.integer({ min: 1, max: 4 }), async (all, num_consumers) => {
      const tried = new Set<number>();
      const { queue, push, released } = queueOf(
        (i: number, signal) => {
          const kind = all[i].outcome;
          if (kind === "throw") throw new Error("sync");
          if (kind === "hang") return untilAborted(signal);
          if (kind === "permanent") return Promise.reject(permanent());
          if (kind === "slow") return sleep(1);
          if (kind === "ok" || tried.has(i)) return Promise.resolve();
          tried.add(i);
          return Promise.reject(retryable());
        },
        { sending_queue: { num_consumers } },
      );
      for (const [i, { items, wait }] of all.entries()) {
        push(i, items);
        if (wait) await sleep(0);
      }
      await queue.drain(20);
      const { accepted, sent, failed } = totals(queue);
      assert.equal(
        accepted,
        all.reduce((sum, { items }) => sum + items, 0),
      );
      assert.equal(sent + failed, accepted);
      assert.deepEqual(
        released.toSorted((a: any, b: any) => a - b),
        [...all.keys()],
      );
      assert.equal(queue.size, 0);
    }),
    { numRuns: 40 },
  );
});
