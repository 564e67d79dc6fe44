// Thresholds and tracestates as OpenTelemetry and W3C specify them.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  digitsOf,
  fractionOf,
  NEVER,
  randomnessOf,
  thresholdOf,
} from "../../../plugins/processors/anomaly_sampling/threshold.ts";
import { parseTraceState, writeTraceState } from "../../../plugins/processors/anomaly_sampling/tracestate.ts";

/** From the specification: one in n, at precision 3, 4 and 5. */
const SPECIFIED: readonly [number, string, string, string][] = [
  [1, "0", "0", "0"],
  [2, "8", "8", "8"],
  [3, "aab", "aaab", "aaaab"],
  [5, "ccd", "cccd", "ccccd"],
  [10, "e66", "e666", "e6666"],
  [16, "f", "f", "f"],
  [100, "fd71", "fd70a", "fd70a4"],
  [1000, "ffbe7", "ffbe77", "ffbe76d"],
  [10_000, "fff972", "fff9724", "fff97247"],
  [100_000, "ffff584", "ffff583a", "ffff583a5"],
  [1_000_000, "ffffef4", "ffffef39", "ffffef391"],
];

test("thresholds are those of the specification's table", () => {
  for (const [n, ...digits] of SPECIFIED) {
    assert.deepEqual(
      [3, 4, 5].map((precision) => digitsOf(thresholdOf(1 / n, precision))),
      digits,
      `1 in ${n}`,
    );
  }
  assert.equal(thresholdOf(0, 4), NEVER);
  assert.equal(thresholdOf(7, 4), 0);
});

test("a threshold reads back as it was written, and a randomness is at or above it as the 56-bit numbers are", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-9, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 14 }),
      fc.bigInt({ min: 0n, max: 2n ** 56n - 1n }),
      (probability, precision, random) => {
        const threshold = thresholdOf(probability, precision);
        const digits = digitsOf(threshold);
        assert.match(digits, /^[0-9a-f]{1,14}$/);
        assert.equal(fractionOf(digits), threshold);
        const id = Buffer.from((random + (0xabn << 56n)).toString(16).padStart(32, "1"), "hex");
        const exact = BigInt(`0x${digits.padEnd(14, "0")}`);
        assert.equal(randomnessOf(id, 0) >= threshold, random >= exact);
      },
    ),
  );
});

test("the threshold is set in the member ot, which moves to the front; all others stay as they are", () => {
  const written = (text: string, threshold?: number) => writeTraceState(parseTraceState(text), threshold);
  assert.equal(written("", 0.75), "ot=th:c");
  assert.equal(written("a=1,b@c=2", 0.75), "ot=th:c,a=1,b@c=2");
  assert.equal(written(" a=1 ,, ot=p:8;th:8;r:62,b=2", 0.75), "ot=th:c;p:8;r:62,a=1,b=2");
  assert.equal(written("ot=th:8"), "");
  assert.equal(written("ot=th:8;rv:9b8233f7e3a151,a=1"), "ot=rv:9b8233f7e3a151,a=1");
});

test("what is no threshold and no randomness is none", () => {
  for (const text of ["ot=th:", "ot=th:123456789012345", "ot=th:xyz", "th:8", "x=th:8", "ot=rv:123;th:g"]) {
    const { threshold, randomness } = parseTraceState(text);
    assert.ok(Number.isNaN(threshold) && Number.isNaN(randomness), text);
  }
  assert.equal(parseTraceState("ot=th:C").threshold, 0.75);
});

test("a list that has no room for one more sheds what W3C says: long members first, then the last", () => {
  const members = Array.from({ length: 32 }, (_, i) => `m${i}=1`);
  assert.deepEqual(
    parseTraceState(writeTraceState(parseTraceState(members.join(",")), 0.5)).others,
    members.slice(0, 31),
  );
  const long = `l=${"x".repeat(200)}`;
  const full = ["a=1", long, `b=${"x".repeat(120)}`, `c=${"x".repeat(120)}`, `d=${"x".repeat(55)}`];
  assert.ok(full.join(",").length <= 512);
  assert.deepEqual(
    parseTraceState(writeTraceState(parseTraceState(full.join(",")), 0.5)).others,
    full.filter((member) => member !== long),
  );
  const crowded = `ot=${"k:v;".repeat(70)}rv:9b8233f7e3a151`;
  assert.equal(writeTraceState(parseTraceState(crowded), 0.5), "ot=th:8;rv:9b8233f7e3a151");
});
