// Saving what components know: when it happens, and what is told of it.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fakeHost } from "vedette/testing";
import type { Graph } from "../../../src/agent/graph.ts";
import { Memory } from "../../../src/agent/memory.ts";
import { StateStore } from "../../../src/series/store.ts";
import { folderWith } from "../../agent.ts";

const { log } = fakeHost("vedette");

async function begin(t: TestContext) {
  const directory = join(folderWith(t), "state");
  const store = await StateStore.open(directory, log);
  t.after(() => store.close());
  let saves = 0;
  const part = {
    load() {},
    save: () => Buffer.from(`state ${++saves}`),
  };
  const made = { id: "cooldown", pipeline: "anomalies", plugin: { type: "cooldown" }, part };
  const graph = {
    processors: new Map([["anomalies/cooldown", made]]),
    connectors: new Map(),
    exporters: new Map(),
  } as unknown as Graph;
  return { directory, graph, memory: new Memory(store, () => 7), saves: () => saves };
}

test("the age of the last snapshot is that of one that was written", async (t) => {
  const { directory, graph, memory } = await begin(t);
  await memory.save(graph);
  assert.equal(memory.saved?.bytes, "state 1".length);
  const good = memory.saved;
  rmSync(directory, { recursive: true });
  await memory.save(graph);
  assert.equal(memory.saved, good);
});

test("reloads that come more often than the interval do not keep state from being saved", async (t) => {
  const { graph, memory, saves } = await begin(t);
  t.mock.timers.enable({ apis: ["setInterval"] });
  for (let i = 0; i < 4; i++) {
    memory.saveEvery(1000, () => graph, log);
    t.mock.timers.tick(400);
  }
  assert.equal(saves(), 1);
  memory.saveEvery(100, () => graph, log);
  await memory.save(graph);
  t.mock.timers.tick(100);
  memory.stop();
  assert.equal(saves(), 3, "a changed interval holds from the reload on");
});
