// What cooldown has passed is not told again after a restart; how it holds back is told by test/cases/cooldown.cases.
import assert from "node:assert/strict";
import test from "node:test";
import cooldown from "../../plugins/processors/cooldown/index.ts";
import type { Anomaly } from "../../src/api/index.ts";
import { fakeHost } from "../exporting.ts";

const T = 1_700_000_000_000;

const create = (options: object = {}) => cooldown.create(cooldown.config.parse(options), fakeHost());
const anomaly = (fingerprint: string, minute: number, score = 2) =>
  ({ fingerprint, time: T + minute * 60_000, score }) as Anomaly;
const passed = (part: ReturnType<typeof create>, ...anomalies: Anomaly[]) =>
  part.process(anomalies)?.map(({ fingerprint }) => fingerprint) ?? [];

function restarted(part: ReturnType<typeof create>, options: object = {}) {
  const next = create(options);
  next.load!(part.save!());
  return next;
}

test("after a restart a repetition is held back, a worse one and a later one are passed", () => {
  const before = create();
  assert.deepEqual(passed(before, anomaly("a", 0), anomaly("b", 0), anomaly("c", 0)), ["a", "b", "c"]);
  const after = restarted(before);
  assert.deepEqual(passed(after, anomaly("a", 4), anomaly("b", 4, 4), anomaly("c", 5), anomaly("d", 5)), [
    "b",
    "c",
    "d",
  ]);
});

test("with a smaller max_series the latest passed are kept", () => {
  const before = create();
  passed(before, anomaly("a", 0), anomaly("b", 0), anomaly("c", 0));
  assert.deepEqual(passed(restarted(before, { max_series: 2 }), anomaly("c", 1), anomaly("b", 1), anomaly("a", 1)), [
    "a",
  ]);
});

test("an anomaly without a finite score or time does not spoil what is saved", () => {
  const before = create();
  passed(before, anomaly("a", 0), anomaly("b", 0, Number.POSITIVE_INFINITY), anomaly("c", Number.NaN));
  assert.deepEqual(passed(restarted(before), anomaly("a", 1), anomaly("b", 1)), ["b"]);
});

test("bytes that are not its own are refused", () => {
  for (const bytes of ["", "{}", '{"passed": [["a", 1]]}', "[]"]) {
    assert.throws(() => create().load!(Buffer.from(bytes)), bytes);
  }
});
