// What a person reads of an anomaly: what, how much, expected what, how rare; and an identity that outlives the process.
import assert from "node:assert/strict";
import test from "node:test";
import type { Labels } from "../../../src/api/index.ts";
import { describe, type Evidence, fingerprint, quantity, severityOf } from "../../../src/pipeline/finding.ts";

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
  describe({ ...evidence, ...changes }, { ...labels, ...of }).reason;

test("the reason is one sentence with subject, value, expectation, band and rarity", () => {
  assert.equal(
    reason({}),
    "http.server.request.duration.p99 of shop/checkout (code=200, route=/pay) is 930 ms, expected about 120 ms (90 ms to 150 ms): as rare as one normal row in 2 million.",
  );
});

test("what a detector does not know is not said", () => {
  const unknown = { expected: Number.NaN, lower: Number.NaN, upper: Number.NaN };
  assert.match(reason(unknown), /is 930 ms: as rare/);
  assert.match(reason({ lower: Number.NaN }), /expected about 120 ms: as rare/);
  assert.match(reason({}, { resource: {}, attributes: {} }), /^http\.server\.request\.duration\.p99 is 930 ms/);
});

test("a detector's own measure replaces the row's name and unit", () => {
  const measure = { name: "number of ERROR records in 60 s", unit: "" };
  const text = reason(
    { signal: "logs", measure, observed: 12, expected: 0.4, lower: 0, upper: 2.1 },
    { attributes: {} },
  );
  assert.match(text, /^number of ERROR records in 60 s of shop\/checkout is 12, expected about 0\.4 \(0 to 2\.1\)/);
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
    [40, "more than 10\\^12"],
  ] as const)
    assert.match(reason({ rarity }), new RegExp(`one normal row in ${words}\\.$`), `${rarity}`);
});

test("severity follows the score", () => {
  assert.deepEqual([1, 1.24, 1.25, 1.99, 2, 9].map(severityOf), [
    "info",
    "info",
    "warning",
    "warning",
    "critical",
    "critical",
  ]);
  assert.equal(describe({ ...evidence, score: 13 / 6 }, labels).severity, "critical");
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

test("the fingerprint is the same whatever the order of attributes, and another for another series or detector", () => {
  const reordered: Labels = {
    ...labels,
    resource: { "host.name": "a1", "service.namespace": "shop", "service.name": "checkout" },
    attributes: { code: 200n, route: "/pay" },
  };
  const mark = fingerprint("ewma", "metrics", labels);
  assert.match(mark, /^[0-9a-f]{16}$/);
  assert.equal(fingerprint("ewma", "metrics", reordered), mark);
  const others = [
    fingerprint("ewma/2", "metrics", labels),
    fingerprint("ewma", "metrics", { ...labels, statistic: "p50" }),
    fingerprint("ewma", "metrics", { ...labels, attributes: { route: "/cart", code: 200n } }),
    fingerprint("ewma", "metrics", { ...labels, resource: { ...labels.resource, "host.name": "a2" } }),
  ];
  assert.equal(new Set([mark, ...others]).size, 5);
});

test("the fingerprint is one that an earlier version gave: it must survive a restart and an upgrade", () => {
  assert.equal(fingerprint("ewma", "metrics", labels), "e298612085fc7c6e");
});

test("for spans and records the series counts, not the row's own attributes", () => {
  for (const signal of ["traces", "logs"] as const) {
    const mark = fingerprint("d", signal, labels);
    assert.equal(fingerprint("d", signal, { ...labels, attributes: { order: "77" } }), mark);
    assert.equal(fingerprint("d", signal, { ...labels, resource: { ...labels.resource, pod: "x" } }), mark);
    assert.notEqual(fingerprint("d", signal, { ...labels, name: "other" }), mark);
  }
});

test("attributes of every type have a place in fingerprint and sentence", () => {
  const attributes = { a: null, b: [1n, { c: new Uint8Array([1]) }], d: true, e: Number.NaN };
  assert.match(fingerprint("d", "metrics", { ...labels, attributes }), /^[0-9a-f]{16}$/);
  assert.match(reason({}, { attributes }), /d=true/);
});
