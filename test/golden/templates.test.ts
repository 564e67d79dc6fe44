// Log lines of formats that many systems write, and the templates that a person would expect of them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Drains } from "../unit/drain/drained.ts";

const folder = new URL("templates/", import.meta.url);

interface Block {
  readonly records: string[];
  template: string;
}

function blocksOf(file: string): Block[] {
  const blocks: Block[] = [{ records: [], template: "" }];
  for (const line of readFileSync(new URL(file, folder), "utf8").split("\n")) {
    const block = blocks.at(-1)!;
    if (line === "" || line.startsWith("# ")) continue;
    if (line.startsWith("| ")) block.records.push(`${block.records.pop()}\n${line.slice(2)}`);
    else if (line.startsWith("= ")) {
      block.template = line.slice(2);
      blocks.push({ records: [], template: "" });
    } else block.records.push(line);
  }
  return blocks.slice(0, -1);
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt"))) {
  const blocks = blocksOf(file);
  const drains = new Drains();
  for (const { records } of blocks) drains.mine(...records);
  const mined = blocks.map(({ records }) => drains.mine(...records));

  for (const [i, { template, records }] of blocks.entries()) {
    test(`${file}: ${template}`, () => {
      for (const [k, { text }] of mined[i].entries()) assert.equal(text, template, records[k]);
      assert.deepEqual([...new Set(mined[i].map(({ number }) => number))], [mined[i][0].number]);
    });
  }

  test(`${file}: records of different blocks have different templates`, () => {
    assert.equal(new Set(mined.map(([{ number }]) => number)).size, blocks.length);
  });
}
