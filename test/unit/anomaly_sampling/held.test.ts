// The log of spans that wait: what it takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Envelope, Held } from "../../../plugins/processors/anomaly_sampling/held.ts";

test("spans are kept many to a segment, however much memory there may be", () => {
  for (const limit of [2 ** 26, 2 ** 32, 2 ** 33]) {
    const held = new Held(limit, 30_000, () => {});
    const bytes = new Uint8Array(100);
    const envelope: Envelope = { resource: bytes, scope: bytes, segment: -1, at: 0 };
    let before = -1;
    for (let i = 0; i < 100; i++) before = held.hold(bytes, 0, 100, envelope, before, i);
    assert.equal(held.byteLength, 65_536, `${limit}`);
    assert.equal(held.release(before, (span) => span)!.items, 100);
  }
});
