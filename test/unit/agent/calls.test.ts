// Who calls whom, from all processors of a graph.
import assert from "node:assert/strict";
import test from "node:test";
import type { ServiceCall } from "vedette";
import { fakeHost } from "vedette/testing";
import { callsOf } from "../../../src/agent/calls.ts";
import { Stage } from "../../../src/pipeline/stage.ts";

const call = (from: string, to: string, rate: number): ServiceCall => ({ from, to, rate, failed: 0, latency: 1 });

test("each call is there once though two pipelines saw it, and a processor that fails is left out and counted", () => {
  const staged = (calls?: () => readonly ServiceCall[]) => {
    const part = { process: (data: never) => data, ...(calls && { calls }) };
    return { stage: new Stage<any>(part, fakeHost()) };
  };
  const fails = staged(() => {
    throw new Error("not today");
  });
  const all = [
    staged(() => [call("web", "cart", 3)]),
    fails,
    staged(),
    staged(() => [call("web", "cart", 2), call("cart", "db", 1)]),
  ];
  const processors = new Map(all.map((one, i) => [String(i), one])) as never;
  assert.deepEqual(callsOf({ processors }), [call("web", "cart", 3), call("cart", "db", 1)]);
  assert.equal(fails.stage.counts.errors, 1);
});
