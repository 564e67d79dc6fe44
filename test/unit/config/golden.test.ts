// Runs test/golden/config/*.yaml: a comment below a line says which problem is expected there, its caret at which column.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { readDraft } from "../../../src/config/file.ts";
import { formatProblem } from "../../../src/config/problems.ts";
import { checkConfig } from "../../../src/config/shape.ts";
import { environment, known, schemaOf } from "./plugins.ts";

const folder = new URL("../../golden/config/", import.meta.url);

for (const name of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
  test(`every problem of ${name} is reported where its comment says, and no other`, async () => {
    const path = fileURLToPath(new URL(name, folder));
    const draft = await readDraft({ config: [path], set: [] }, environment);
    const { config, problems } = checkConfig(draft, schemaOf, known);
    const found = problems.map((problem) => formatProblem(problem).slice(path.length + 1));
    assert.deepEqual(found, expected(readFileSync(path, "utf8")));
    assert.equal(
      config === undefined,
      problems.some(({ severity }) => severity !== "warning"),
    );
    for (const line of found) assert.ok(!line.includes(environment.TOKEN), line);
  });
}

/** "#   ^ code path: message" is about the line above it; "#< code ..." is about that line's first column. */
function expected(text: string): string[] {
  const problems: string[] = [];
  let line = 1;
  for (const [i, content] of text.split("\n").entries()) {
    const comment = /^#(?: *\^|<) (.*)$/.exec(content);
    if (!comment) {
      line = i + 1;
      continue;
    }
    const column = content[1] === "<" ? 1 : content.indexOf("^") + 1;
    problems.push(`${line}:${column} ${comment[1]}`);
  }
  return problems;
}
