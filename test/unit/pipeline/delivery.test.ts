// What became of alerts is told once an exporter is done with them: when, how often it tried, and why not.
import assert from "node:assert/strict";
import test from "node:test";
import { type Anomaly, type Delivery, ExportError, type Exporter, type Fate, z } from "../../../src/api/index.ts";
import { type SendingOptions, sendingOptions } from "../../../src/pipeline/options.ts";
import { Queue } from "../../../src/pipeline/queue.ts";
import { anomalyOf, fakeHost, now } from "../../exporting.ts";

const schema = z.object(sendingOptions);

/** A queue of an exporter, and what is told of what it sends. */
function queueOf(exporter: Exporter<any>, sending_queue: object = {}) {
  const told: Delivery[] = [];
  const retry_on_failure = { initial_interval: "1ms", max_interval: "2ms", max_elapsed_time: "5s" };
  const options = schema.parse({ timeout: "5s", retry_on_failure, sending_queue }) as SendingOptions;
  const queue = new Queue(exporter, options, { ...fakeHost(), id: "pagerduty" }, (delivery) => told.push(delivery));
  const push = (...changes: Anomaly[]) => queue.push(changes, { items: changes.length, bytes: 100 }, () => {});
  return { queue, push, told };
}

const idsOf = ({ changes, outcome, reason }: Delivery) => [outcome, changes.map(({ id }) => id).join(), reason];

test("what is taken at the second try is told once, with the tries", async () => {
  let tries = 0;
  const { queue, push, told } = queueOf({
    async export() {
      if (++tries === 1) throw new ExportError("503", { retryable: true });
    },
  });
  push(anomalyOf({ id: "a" }), anomalyOf({ id: "b" }));
  await queue.drain(5000);
  assert.deepEqual(told.map(idsOf), [["done", "a,b", ""]]);
  const [{ exporter, attempts, time, seconds }] = told;
  assert.deepEqual([exporter, attempts, time], ["pagerduty", 2, now]);
  assert.ok(seconds > 0 && seconds < 5);
});

test("what is refused, and what the queue has no room for, is told with why", async () => {
  const gate = Promise.withResolvers<void>();
  const { queue, push, told } = queueOf(
    {
      async export() {
        await gate.promise;
        throw new ExportError("no such key", { retryable: false });
      },
    },
    { sizer: "items", queue_size: 1, drop_on_overflow: true },
  );
  push(anomalyOf({ id: "a" }));
  push(anomalyOf({ id: "b" }));
  queue.refuse("anomalies", 1, [anomalyOf({ id: "c" })]);
  gate.resolve();
  await queue.drain(5000);
  assert.deepEqual(told.map(idsOf), [
    ["failed", "b", "the queue was full"],
    ["failed", "c", "the queue was full"],
    ["failed", "a", "permanent error: no such key"],
  ]);
});

test("an exporter that tells one change from another is believed: what is no news was not sent, what waits fares as the list", async () => {
  const fates: Fate[] = [
    { outcome: "sent" },
    { outcome: "skipped" },
    { outcome: "refused", reason: "too long" },
    { outcome: "waiting" },
  ];
  const list = ["sent", "skipped", "refused", "waiting"].map((id) => anomalyOf({ id }));
  const ended = async (failure?: Error) => {
    const { queue, push, told } = queueOf({
      export: () => (failure ? Promise.reject(failure) : Promise.resolve()),
      fates: (changes) => (changes.length === list.length ? fates : []),
    });
    push(...list);
    await queue.drain(5000);
    return told.map(idsOf);
  };
  assert.deepEqual(await ended(), [
    ["done", "sent,waiting", ""],
    ["failed", "refused", "too long"],
  ]);
  assert.deepEqual(await ended(new Error("gone")), [
    ["done", "sent", ""],
    ["failed", "refused", "too long"],
    ["failed", "waiting", "permanent error: gone"],
  ]);
});

test("of telemetry nothing is told", async () => {
  const { queue, told } = queueOf({ export: async () => {} });
  queue.push({ signal: "metrics", bytes: new Uint8Array(0), items: 1 }, { items: 1, bytes: 0 }, () => {});
  await queue.drain(5000);
  assert.deepEqual(told, []);
});
