// `vedette create plugin`: what it writes type-checks, passes its own test, builds, and loads.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { folderWith, vedette } from "../test/agent.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A folder in which npm has installed what a new plugin asks for. */
function workshop(t: Parameters<typeof folderWith>[0]): string {
  const folder = folderWith(t);
  mkdirSync(join(folder, "node_modules"));
  for (const [name, target] of [
    ["vedette", root],
    ["typescript", join(root, "node_modules/typescript")],
    ["@types", join(root, "node_modules/@types")],
  ]) {
    symlinkSync(target, join(folder, "node_modules", name), "junction");
  }
  return folder;
}

function node(cwd: string, ...args: string[]): string {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    env,
    encoding: "utf8",
    timeout: 110_000,
  });
  assert.equal(status, 0, `node ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

const TSC = join(root, "node_modules/typescript/bin/tsc");

for (const kind of ["detector", "processor", "exporter", "receiver", "extension"]) {
  test(`a new ${kind} type-checks, passes its test, builds, and its configuration is valid`, async (t) => {
    const folder = workshop(t);
    const { code, stdout, stderr } = await vedette(t, ["create", "plugin", `new-${kind}`, "--kind", kind], folder);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, new RegExp(`^a type has underscores: new_${kind}$`, "m"));
    const at = join(folder, `new_${kind}`);
    for (const name of readdirSync(at)) {
      const text = readFileSync(join(at, name), "utf8");
      assert.doesNotMatch(text, /my.plugin|KIND|VEDETTE_/, name);
    }
    const manifest = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
    assert.equal(manifest.name, `vedette-new-${kind}`);
    assert.equal(resolve(at, manifest.devDependencies.vedette.slice("file:".length)), resolve(root));
    node(at, TSC, "--noEmit");
    assert.match(node(at, "--test", "--test-reporter=tap"), /^# pass 2$/m);
    const valid = await vedette(t, ["validate", "--config", "config.yaml"], at);
    assert.deepEqual([valid.stdout, valid.stderr], ["the configuration is valid\n", ""]);
    node(at, TSC, "-p", "tsconfig.build.json");
    assert.deepEqual(readdirSync(join(at, "dist")), ["index.js"]);
  });
}

test("a folder that holds something is left alone, and a type of ours is not taken twice", async (t) => {
  const folder = folderWith(t);
  mkdirSync(join(folder, "taken"));
  writeFileSync(join(folder, "taken", "index.ts"), "mine");
  const full = await vedette(t, ["create", "plugin", "taken", "--kind", "exporter"], folder);
  assert.equal(full.code, 1);
  assert.match(full.stderr, /taken is not empty; give another name, or another --dir/);
  assert.equal(readFileSync(join(folder, "taken", "index.ts"), "utf8"), "mine");
  const ours = await vedette(t, ["create", "plugin", "ewma", "--kind", "processor"], folder);
  assert.equal(ours.code, 2);
  assert.match(ours.stderr, /^there is a processor ewma already/);
  assert.ok(!existsSync(join(folder, "ewma")));
});
