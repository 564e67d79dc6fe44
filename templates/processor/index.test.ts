// The laws of vedette on my_plugin, and what it is for; run with: npm test
import assert from "node:assert/strict";
import test from "node:test";
import type { Anomaly } from "vedette";
import { assertPlugin, fakeHost } from "vedette/testing";
import plugin from "./index.ts";

test("my_plugin keeps every law", async () => {
  await assertPlugin(plugin, { config: { min_score: 3 } });
});

test("only anomalies with a high score pass", () => {
  const processor = plugin.create({ min_score: 2 }, fakeHost());
  const [low, high] = [1.5, 2.5].map((score) => ({ score }) as Anomaly);
  assert.deepEqual(processor.process([low, high]), [high]);
  assert.equal(processor.process([low]), undefined);
});
