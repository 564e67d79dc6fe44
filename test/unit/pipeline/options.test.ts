// The options that the agent adds to detectors and exporters: the defaults a user gets, and what is refused.
import assert from "node:assert/strict";
import test from "node:test";
import logRate from "../../../plugins/processors/log_rate/index.ts";
import { parseRate, z } from "../../../src/api/index.ts";
import { lineOf } from "../../../src/pipeline/line.ts";
import { detectorOptions, matchOption, sendingOptions } from "../../../src/pipeline/options.ts";

const detector = (plugin: Parameters<typeof detectorOptions>[0]) => z.strictObject(detectorOptions(plugin));
const sending = z.strictObject(sendingOptions);

test("a detector of metrics marks points by exemplars, of spans and records by attributes", () => {
  assert.equal(detector({ signal: "metrics" }).parse({}).annotate, "exemplar");
  assert.equal(detector({ signal: "traces" }).parse({}).annotate, "attributes");
  assert.equal(detector({ signal: "logs" }).safeParse({ annotate: "exemplar" }).success, false);
});

test("a detector's own defaults are the user's", () => {
  const plain = detector({ signal: "metrics" }).parse({});
  assert.deepEqual([plain.warmup, plain.detection_direction, plain.max_series, plain.match], [50, "both", 100_000, {}]);
  assert.equal(lineOf(plain, {}).threshold, 5);
  assert.equal(lineOf(plain, { defaults: { threshold: 8 } }).threshold, 8);
  assert.equal(lineOf({ threshold: 6 }, { defaults: { threshold: 8 } }).threshold, 6);
  const own = { signal: "logs", defaults: { warmup: 0, detection_direction: "above_expected" } } as const;
  const { warmup, detection_direction } = detector(own).parse({});
  assert.deepEqual([warmup, detection_direction], [0, "above_expected"]);
});

test("what makes no sense is refused", () => {
  for (const wrong of [
    { threshold: 0 },
    { threshold: -1 },
    { warmup: -1 },
    { alert_budget: "0/day" },
    { alert_budget: "-1/day" },
    { alert_budget: 1 },
    { alert_budget: "1" },
    { max_series: 0 },
    { min_dev_from_expected: -1 },
  ])
    assert.equal(detector({ signal: "metrics" }).safeParse(wrong).success, false, JSON.stringify(wrong));
  for (const wrong of [{ include: { metrics: ["a"] } }, { include: { metric: "a" } }, { only: {} }])
    assert.equal(matchOption.safeParse(wrong).success, false, JSON.stringify(wrong));
});

test("an alert budget is so many a day, however it is written", () => {
  const perDay = (alert_budget: string) => detector({ signal: "metrics" }).parse({ alert_budget }).alert_budget;
  assert.deepEqual(["1/day", "7/week", "0.5/d", "2/h", "30 / month"].map(perDay), [1, 1, 0.5, 48, 1]);
  for (const wrong of ["", "day", "1/", "1/fortnight", "1/2d", "1/day/week", "1e3/day"])
    assert.equal(parseRate(wrong), undefined, wrong);
});

test("a detector whose scores are no rarity refuses a budget, and says why", () => {
  const { error } = detector({ signal: "metrics", scores: "line" }).safeParse({ alert_budget: "1/day" });
  assert.match(error!.issues[0].message, /claims no rarity/);
});

test("sending options default to the Collector's, in milliseconds", () => {
  const { timeout, retry_on_failure, sending_queue } = sending.parse({});
  assert.equal(timeout, 5000);
  assert.deepEqual(retry_on_failure, {
    enabled: true,
    initial_interval: 5000,
    max_interval: 30_000,
    max_elapsed_time: 300_000,
    multiplier: 1.5,
    randomization_factor: 0.5,
  });
  assert.deepEqual(sending_queue, {
    enabled: true,
    num_consumers: 10,
    queue_size: 1000,
    sizer: "requests",
    block_on_overflow: false,
    drop_on_overflow: false,
    wait_for_result: false,
    storage: null,
  });
  assert.deepEqual(sending.parse({ sending_queue: { batch: {} } }).sending_queue.batch, {
    flush_timeout: 200,
    min_size: 8192,
    max_size: 0,
    sizer: "items",
  });
});

test("a queue that could never work is refused, as the Collector does; of one that is off nothing is asked", () => {
  const fits = (sending_queue: object) => sending.safeParse({ sending_queue }).success;
  assert.ok(fits({ batch: { min_size: 10, max_size: 10 }, storage: "file_storage" }));
  for (const wrong of [
    { batch: { min_size: 10, max_size: 9 } },
    { batch: { max_size: 100 } },
    { batch: { flush_timeout: "-1s" } },
    { batch: { sizer: "requests" } },
    { batch: {}, sizer: "items" },
    { storage: "file_storage", wait_for_result: true },
    { storage: "" },
  ])
    assert.equal(fits(wrong), false, JSON.stringify(wrong));
  assert.ok(fits({ enabled: false, storage: "file_storage", wait_for_result: true, sizer: "items", batch: {} }));
});

test("a queue without consumers or size, and durations without unit, are refused", () => {
  for (const wrong of [
    { sending_queue: { num_consumers: 0 } },
    { sending_queue: { queue_size: 0 } },
    { sending_queue: { size: 5 } },
    { retry_on_failure: { multiplier: 0.5 } },
    { timeout: "5 parsecs" },
  ])
    assert.equal(sending.safeParse(wrong).success, false, JSON.stringify(wrong));
});

test("an interval without length is refused before it divides anything", () => {
  assert.equal(logRate.config.safeParse({ interval: "0" }).success, false);
  assert.equal(logRate.config.parse({}).interval, 60_000);
});
