// The laws of vedette on my_plugin, and what it is for; run with: npm test
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { assertPlugin, fakeHost } from "vedette/testing";
import plugin from "./index.ts";

test("my_plugin keeps every law", async () => {
  await assertPlugin(plugin, { config: ({ folder }) => ({ path: join(folder, "ready") }) });
});

test("the file is there while the agent is ready", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "my_plugin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "ready");
  const host = fakeHost();
  const extension = plugin.create({ path }, host);
  extension.ready?.(true);
  await extension.stop?.();
  assert.equal(readFileSync(path, "utf8"), `${host.agent.version}\n`);
  extension.ready?.(false);
  await extension.stop?.();
  assert.equal(existsSync(path), false);
});
