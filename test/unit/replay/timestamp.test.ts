// Timestamps: every form that people write, and none that is no time.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parseTimestamp } from "../../../src/replay/timestamp.ts";

const AT = Date.UTC(2026, 10, 22, 18, 40, 5, 250);

test("ISO 8601 with or without zone, with a space or a T, and a date alone", () => {
  for (const text of [
    "2026-11-22T18:40:05.250Z",
    "2026-11-22 18:40:05.25",
    "2026-11-22T19:40:05,250+01:00",
    "2026-11-22 13:10:05.250-0530",
    " 2026-11-22t18:40:05.250000000z ",
    "2026-11-22 18:40:05.250 UTC",
  ]) {
    assert.equal(parseTimestamp(text), AT, text);
  }
  assert.equal(parseTimestamp("2026-11-22T18:40"), AT - 5250);
  assert.equal(parseTimestamp("2024-02-29"), Date.UTC(2024, 1, 29));
});

test("a Unix time in seconds, milliseconds, microseconds or nanoseconds", () => {
  for (const [text, time] of [
    [`${AT / 1000}`, AT],
    [`${AT}`, AT],
    [`${AT}000`, AT],
    [`${AT}000000`, AT],
    ["0", 0],
    ["1.7e9", 1.7e12],
  ] as const) {
    assert.equal(parseTimestamp(text), time, text);
  }
});

test("what is no time is none", () => {
  for (const text of [
    "",
    "timestamp",
    "22/11/2026",
    "2026-13-01",
    "2025-02-29",
    "2026-11-22T25:00",
    "NaN",
    "12:30",
    "2025-02-29 00:00:00",
    "2026-11-22 18:60:00",
    "2026-11-22 1a:00:00",
    "2026-11-22T18-40-05Z",
  ]) {
    assert.ok(Number.isNaN(parseTimestamp(text)), text);
  }
});

test("every moment is read back from its ISO form and from each of its Unix forms", () => {
  fc.assert(
    fc.property(fc.date({ min: new Date("1990-01-01"), max: new Date("2100-01-01"), noInvalidDate: true }), (date) => {
      const time = date.getTime();
      assert.equal(parseTimestamp(date.toISOString()), time);
      assert.equal(parseTimestamp(date.toISOString().replace("T", " ").slice(0, -1)), time);
      const second = Math.floor(time / 1000) * 1000;
      assert.equal(parseTimestamp(date.toISOString().slice(0, 19)), second);
      assert.equal(parseTimestamp(`${date.toISOString().slice(0, 19)}Z`), second);
      assert.equal(parseTimestamp(String(time)), time);
      assert.equal(parseTimestamp(`${time}000`), time);
    }),
  );
});
