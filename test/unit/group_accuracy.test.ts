// Group accuracy, by which templates are judged, and the labelled lines that it is measured on.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { groupAccuracy, readSystems } from "../../bench/group_accuracy.ts";

test("a line counts where its group is exactly the lines of one event", () => {
  const events = ["a", "a", "b", "b", "c"];
  assert.equal(groupAccuracy([1, 1, 2, 2, 3], events), 1);
  assert.equal(groupAccuracy([1, 1, 2, 4, 3], events), 0.6);
  assert.equal(groupAccuracy([1, 1, 2, 2, 2], events), 0.4);
  assert.equal(groupAccuracy([1, 1, 1, 1, 1], events), 0);
});

const folder = mkdtempSync(join(tmpdir(), "vedette-lines-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("lines are read from CSV, packed or not, with quotes and commas in them", () => {
  const text = 'LineId,Content,EventId,EventTemplate\n1,"say ""hi"", twice",E1,x\r\n2,,E2,y\n3,plain,E3,"a\nb"\n';
  writeFileSync(join(folder, "One_2k.log_structured.csv"), text);
  writeFileSync(join(folder, "Two.csv.gz"), gzipSync(text));
  writeFileSync(join(folder, "README.txt"), "not read");
  const lines = ['say "hi", twice', "", "plain"];
  const events = ["E1", "E2", "E3"];
  assert.deepEqual(readSystems(folder), [
    { system: "One", lines, events },
    { system: "Two", lines, events },
  ]);
});

test("a file without the columns is named", () => {
  writeFileSync(join(folder, "Three.csv"), "a,b\n1,2\n");
  assert.throws(() => readSystems(folder), /Three\.csv has no columns Content and EventId/);
});
