// The batch processor touches nothing and holds nothing: it says how queues are to join, in the Collector's options.
import assert from "node:assert/strict";
import test from "node:test";
import batch from "../../plugins/processors/batch/index.ts";
import { fakeHost } from "../exporting.ts";

const create = (options: object = {}) => batch.create(batch.config.parse(options), fakeHost());

test("a Collector user's options become what the queues go by", () => {
  assert.deepEqual(create().batching, { flush_timeout: 200, min_size: 8192, max_size: 0, sizer: "items" });
  assert.deepEqual(create({ timeout: "5s", send_batch_size: 100, send_batch_max_size: 1000 }).batching, {
    flush_timeout: 5000,
    min_size: 100,
    max_size: 1000,
    sizer: "items",
  });
});

test("data passes as it came", () => {
  const data = {} as never;
  assert.equal(create().process(data), data);
});

test("what cannot be honoured is refused in words", () => {
  assert.ok(batch.config.safeParse({ metadata_keys: [], metadata_cardinality_limit: 10 }).success);
  for (const [wrong, why] of [
    [{ metadata_keys: ["tenant"] }, /remove metadata_keys/],
    [{ send_batch_max_size: 100 }, /less than send_batch_size/],
    [{ send_batch_size: -1 }, /send_batch_size/],
  ] as const) {
    const { success, error } = batch.config.safeParse(wrong);
    assert.equal(success, false);
    assert.match(JSON.stringify(error?.issues), why);
  }
});
