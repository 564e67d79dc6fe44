// Every script of this folder: what it expects is told, and nothing else is.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";
import { differences, play, readCases } from "./script.ts";

const folder = new URL(".", import.meta.url);

for (const file of readdirSync(folder).filter((name) => name.endsWith(".cases"))) {
  for (const script of readCases(new URL(file, folder))) {
    test(`${file}:${script.line} ${script.name}`, async () => {
      assert.deepEqual(differences(script, await play(script)), []);
    });
  }
}

test("a script that expects something else fails", async () => {
  const [script] = readCases(new URL("ewma.cases", folder)).filter(({ expected }) => expected.length === 1);
  const told = await play(script);
  assert.equal(differences({ ...script, expected: [] }, told).length, told.length);
  const [{ from, ...expected }] = script.expected;
  assert.ok(differences({ ...script, expected: [{ ...expected, from: from + 1, to: from + 1 }] }, told).length > 1);
});
