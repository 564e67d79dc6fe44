// Messages without content are two bytes and cost many times that in columns: a request may not consist of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Telemetry } from "vedette";
import { DecodeError } from "vedette/otlp";
import { Intake } from "../../../src/pipeline/intake.ts";

const MEGABYTE = 1024 ** 2;

function varint(value: number): number[] {
  return value > 127 ? [(value & 127) | 128, ...varint(value >>> 7)] : [value];
}
const field = (tag: number, content: Buffer) => Buffer.concat([Buffer.from([tag, ...varint(content.length)]), content]);
const inside = (tags: readonly number[], content: Buffer) =>
  tags.reduceRight((inner, tag) => field(tag, inner), content);

/** Tags of what is around the messages, and of the messages. */
const REQUESTS: [what: string, signal: Telemetry, around: number[], tag: number][] = [
  ["points of a gauge", "metrics", [0x0a, 0x12, 0x12, 0x2a], 0x0a],
  ["points of a histogram", "metrics", [0x0a, 0x12, 0x12, 0x4a], 0x0a],
  ["points of an exponential histogram", "metrics", [0x0a, 0x12, 0x12, 0x52], 0x0a],
  ["points of a summary", "metrics", [0x0a, 0x12, 0x12, 0x5a], 0x0a],
  ["gauges of one metric", "metrics", [0x0a, 0x12, 0x12], 0x2a],
  ["metrics", "metrics", [0x0a, 0x12], 0x12],
  ["scopes", "metrics", [0x0a], 0x12],
  ["resources", "metrics", [], 0x0a],
  ["log records", "logs", [0x0a, 0x12], 0x12],
  ["spans", "traces", [0x0a, 0x12], 0x12],
];

for (const [what, signal, around, tag] of REQUESTS) {
  test(`empty ${what}: a megabyte of them is refused, a hundred are not, and the next request is read as ever`, () => {
    const intake = new Intake(signal, 1, 1000);
    const of = (count: number) => inside(around, Buffer.alloc(count * 2, Buffer.from([tag, 0])));
    assert.throws(
      () => intake.read(of(MEGABYTE / 2)),
      (error: DecodeError) => {
        assert.match(error.message, /^more than \d+ points, records, spans or messages around them in one request/);
        return error instanceof DecodeError;
      },
    );
    assert.ok(intake.scan.room < MEGABYTE, `${intake.scan.room} entries of columns`);
    intake.read(of(100));
    intake.rows();
  });
}

test("the most rows that telemetry has in few bytes are taken: points of a time and a value", () => {
  const point = Buffer.concat([Buffer.of(0x0a, 18, 0x19), Buffer.alloc(8, 1), Buffer.of(0x21), Buffer.alloc(8, 1)]);
  const intake = new Intake("metrics", 1, 1000);
  intake.read(inside([0x0a, 0x12, 0x12, 0x2a], Buffer.alloc(point.length * 300_000, point)));
  assert.equal(intake.scan.items, 300_000);
});
