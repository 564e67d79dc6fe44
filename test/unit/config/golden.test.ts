// Runs test/golden/config/*.yaml: a comment below a line says which problem is expected there, its caret at which column.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { readDraft } from "../../../src/config/file.ts";
import { formatProblem } from "../../../src/config/problems.ts";
import { checkConfig } from "../../../src/config/shape.ts";
import { wiringProblems } from "../../../src/wiring.ts";
import { expectedProblems } from "../../expected_problems.ts";
import { environment, known, registry, schemaOf } from "./plugins.ts";

const folder = new URL("../../golden/config/", import.meta.url);

for (const name of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
  test(`every problem of ${name} is reported where its comment says, and no other`, async () => {
    const path = fileURLToPath(new URL(name, folder));
    const draft = await readDraft({ config: [path], set: [] }, environment);
    const { config, problems } = checkConfig(draft, schemaOf, known);
    const wiring = config ? wiringProblems(config, registry) : [];
    const all = [...problems, ...wiring].sort((a, b) => a.line - b.line || a.column - b.column);
    const found = all.map((problem) => formatProblem(problem).slice(path.length + 1));
    assert.deepEqual(found, expectedProblems(readFileSync(path, "utf8")));
    assert.equal(
      config === undefined,
      problems.some(({ severity }) => severity !== "warning"),
    );
    for (const line of found) assert.ok(!line.includes(environment.TOKEN), line);
  });
}
