// What a person reads of an anomaly: what, how much, what is usual, how rare.
import assert from "node:assert/strict";
import test from "node:test";
import type { Labels } from "../../../src/api/index.ts";
import type { Evidence } from "../../../src/pipeline/finding.ts";
import { quantity, sentence } from "../../../src/pipeline/sentence.ts";

const labels: Labels = {
  resource: { "service.name": "checkout", "service.namespace": "shop", "host.name": "a1" },
  scope: { name: "http", version: "1" },
  name: "http.server.request.duration",
  statistic: "p99",
  unit: "s",
  attributes: { route: "/pay", code: 200n },
  traceId: "",
  spanId: "",
};

const evidence: Evidence = {
  detector: "ewma",
  signal: "metrics",
  type: "spike",
  companions: false,
  time: 1_714_000_000_123,
  rarity: 6.3,
  score: 1.5,
  basis: 0,
  contributors: [],
  observed: 0.93,
  expected: 0.12,
  lower: 0.09,
  upper: 0.15,
};

const reason = (changes: Partial<Evidence>, of: Partial<Labels> = {}) =>
  sentence({ ...evidence, ...changes }, { ...labels, ...of });

test("the reason is one sentence: what, how much, what is usual, how rare", () => {
  assert.equal(
    reason({}),
    "shop/checkout http.server.request.duration p99 (code=200, route=/pay) is 930 ms; usually it is 90 to 150 ms (rarer than 1 in 2 million).",
  );
});

test("it says what the expectation rests on, and what the value does", () => {
  assert.match(reason({ basis: 1 }), /is 930 ms; at this hour it is usually 90 to 150 ms/);
  assert.match(reason({ basis: 2 }), /; at this hour of the week it is usually 90 to 150 ms/);
  assert.match(reason({ type: "level_shift" }), /p99 \(.*\) has moved to 930 ms; before it was usually 90 to 150 ms/);
  assert.match(reason({ type: "drift" }), / has drifted to 930 ms; before it was usually/);
});

test("what a detector does not know is not said", () => {
  const unknown = { expected: Number.NaN, lower: Number.NaN, upper: Number.NaN };
  assert.match(reason(unknown), /is 930 ms \(rarer/);
  assert.match(reason({ lower: Number.NaN }), /; usually it is about 120 ms \(rarer/);
  assert.match(reason({ rarity: Number.NaN }), /90 to 150 ms\.$/);
  assert.match(reason({}, { resource: {}, attributes: {} }), /^http\.server\.request\.duration p99 is 930 ms/);
});

test("a band names its unit once where it can", () => {
  assert.match(reason({ lower: 0.9, upper: 1.2 }), /usually it is 900 ms to 1\.2 s/);
  assert.match(reason({ lower: 1, upper: 2 }, { unit: "" }), /usually it is 1 to 2 \(/);
  assert.match(reason({ lower: 1024, upper: 2048 }, { unit: "By" }), /usually it is 1 to 2 KiB/);
});

test("a limit is named as one", () => {
  const limits = { expected: Number.NaN, lower: Number.NaN, rarity: Number.NaN };
  assert.match(reason({ ...limits, upper: 0.5 }), /is 930 ms, above its limit of 500 ms\.$/);
  assert.match(reason({ ...limits, lower: 2, upper: Number.NaN }), /is 930 ms, below its limit of 2 s\.$/);
});

test("a detector's own measure replaces the row's name and unit", () => {
  const measure = { name: "number of ERROR records in 60 s", unit: "" };
  const text = reason(
    { signal: "logs", measure, observed: 12, expected: 0.4, lower: 0, upper: 2.1 },
    { attributes: {} },
  );
  assert.match(text, /^number of ERROR records in 60 s of shop\/checkout is 12; usually it is 0 to 2\.1 \(/);
});

test("a band is told with the digits that tell its ends apart", () => {
  assert.match(reason({ lower: 91.5521, upper: 149.23 }, { unit: "" }), /usually it is 91\.6 to 149 \(/);
  assert.match(reason({ lower: 1000.04, upper: 1003.2 }, { unit: "" }), /usually it is 1000 to 1003\.2 \(/);
});

test("rarity is told in words that do not jump", () => {
  for (const [rarity, words] of [
    [1, "10"],
    [2.9999, "1 thousand"],
    [3, "1 thousand"],
    [4.2, "16 thousand"],
    [5.99999, "1 million"],
    [8.99999, "1 billion"],
    [11.3, "200 billion"],
    [40, "a trillion"],
    [Number.POSITIVE_INFINITY, "a trillion"],
  ] as const)
    assert.match(reason({ rarity }), new RegExp(`\\(rarer than 1 in ${words}\\)\\.$`), `${rarity}`);
});

test("quantities are short and in the unit a person would use", () => {
  for (const [value, unit, text] of [
    [0.93, "s", "930 ms"],
    [1.2, "s", "1.2 s"],
    [0, "s", "0 s"],
    [1234.5, "ms", "1.234 s"],
    [12, "ms", "12 ms"],
    [-2500, "ms", "-2.5 s"],
    [1536, "By", "1.5 KiB"],
    [512, "By", "512 B"],
    [0, "By", "0 B"],
    [3 * 1024 ** 3, "By/s", "3 GiB/s"],
    [5e18, "By", "4,547,474 TiB"],
    [31.5, "1", "31.5"],
    [31.25, "", "31.25"],
    [123456.7, "", "123,457"],
    [0.00001234, "", "1.23e-5"],
    [1e20, "", "1.00e+20"],
    [7, "{request}/s", "7 request/s"],
    [7, "1/s", "7/s"],
    [Number.POSITIVE_INFINITY, "s", "Infinity"],
  ] as const)
    assert.equal(quantity(value, unit), text, `${value} ${unit}`);
});
