// The laws of vedette on my_plugin, and what it is for; run with: npm test
import assert from "node:assert/strict";
import test from "node:test";
import { assertPlugin, fakeHost, generate } from "vedette/testing";
import plugin from "./index.ts";

test("my_plugin keeps every law", async () => {
  await assertPlugin(plugin, { config: ({ address }) => ({ endpoint: address }) });
});

test("what is posted is handed to the agent, and refused while the agent has no room", async (t) => {
  const taken: Uint8Array[] = [];
  let room = true;
  const host = fakeHost();
  const emit = {
    metrics(bytes: Uint8Array) {
      if (room) taken.push(bytes);
      return room;
    },
  };
  const receiver = plugin.create({ endpoint: "127.0.0.1:0" }, host, emit);
  await receiver.start?.();
  t.after(() => receiver.stop?.());
  const { endpoint } = host.logged[0].fields as { endpoint: string };
  const { bytes } = generate.metrics({ points: 10 }).next().value!;
  const post = async () => (await fetch(`http://${endpoint}`, { method: "POST", body: Buffer.from(bytes) })).status;
  assert.equal(await post(), 200);
  assert.deepEqual(taken, [Buffer.from(bytes)]);
  room = false;
  assert.equal(await post(), 503);
});
