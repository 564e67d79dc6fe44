// The laws of vedette on my_plugin, and what it is for; run with: npm test
import assert from "node:assert/strict";
import test from "node:test";
import { assertPlugin } from "vedette/testing";
import plugin from "./index.ts";

test("my_plugin keeps every law", async () => {
  await assertPlugin(plugin);
});

test("a point far from the mean scores higher than the usual ones", () => {
  const values = [10, 11, 9, 10, 12, 8, 10, 11, 9, 50];
  const { length } = values;
  const rows = {
    length,
    series: new Uint32Array(length),
    time: Float64Array.from({ length }, (_, i) => i * 1000),
    offset: new Uint32Array(length),
    age: Uint32Array.from({ length }, (_, i) => i),
    value: Float64Array.from(values),
  };
  const state = { mean: new Float64Array(1), distance: new Float64Array(1) };
  const blank = () => new Float64Array(length).fill(Number.NaN);
  const numbers = { score: blank(), expected: blank(), lower: blank(), upper: blank(), observed: blank() };
  const more = { finding: new Uint8Array(length), basis: new Uint8Array(length), since: blank(), rows: blank() };
  const verdicts = { ...numbers, ...more, lasts: new Uint8Array(length) };
  plugin.scoreThenLearn(rows, state, verdicts, { alpha: 0.2 });
  const [spike, ...usual] = [...verdicts.score].reverse();
  assert.ok(
    usual.every((score) => !(score >= spike)),
    `${spike} among ${usual}`,
  );
});
