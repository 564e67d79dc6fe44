// An anomaly's severity, and its identity, which outlives the process.
import assert from "node:assert/strict";
import test from "node:test";
import { type Labels, severityOf } from "../../../src/api/index.ts";
import { describe, type Evidence, fingerprint } from "../../../src/pipeline/finding.ts";

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
  assert.match(describe(evidence, { ...labels, attributes }).reason, /d=true/);
});
