// Templates as parts of a series: by number, and through merges and new numbers.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, Mined, Templates } from "../../../src/api/index.ts";
import { NOWHERE, TemplateParts } from "../../../src/pipeline/template_parts.ts";

const WHOLE = 0;

/** Templates whose ids are their letters; `merged` says which number became which. */
function lettered(letters: string, hidden = false) {
  const merged = new Map<number, number>();
  const of = (number: number): string => (merged.has(number) ? of(merged.get(number)!) : letters[number - 1]);
  const templates: Templates = { text: (n) => `text of ${of(n)}`, id: of, parameterName: () => undefined, hidden };
  return { templates, merged };
}

/** Statements of these templates have the numbers of the templates. */
function begin(parts: TemplateParts, templates: Templates) {
  parts.begin({ templates, numbering: { largest: 6000 } } as Mined);
}

const knows = (parts: TemplateParts, number: number, part: number, interval: number) =>
  parts.know(WHOLE, { statement: number, template: number, part, interval });

/** A record of a part in an interval. */
function record(parts: TemplateParts, part: number, interval: number, text: string) {
  const bytes = Buffer.from(text);
  const rows = { bodyKind: [1], bodyStart: [0], bodyEnd: [bytes.length] };
  parts.take({ bytes, rows } as unknown as Batch<"logs">, 0, part, interval);
}

test("a record stands for its template until its interval was judged", () => {
  const parts = new TemplateParts(3);
  begin(parts, lettered("ab").templates);
  knows(parts, 1, 7, 100);
  assert.equal(parts.of(1, 100), 7);
  assert.equal(parts.of(2, 100), undefined);
  record(parts, 7, 100, "first");
  record(parts, 7, 102, "second");
  assert.deepEqual(parts.labels(7), { template: "text of a", example: "first" });
  record(parts, 7, 103, "third");
  assert.equal(parts.labels(7).example, "third");
  assert.equal(parts.intervalOf(7), 103);
});

test("where parameters are hidden no record is kept, nor told when that was asked for later", () => {
  const parts = new TemplateParts(3);
  begin(parts, lettered("a").templates);
  knows(parts, 1, 7, 100);
  record(parts, 7, 100, "secret");
  begin(parts, lettered("a", true).templates);
  knows(parts, 1, 7, 110);
  record(parts, 7, 110, "secret too");
  assert.deepEqual(parts.labels(7), { template: "text of a" });
});

test("numbers of other templates are not mixed up with those before", () => {
  const parts = new TemplateParts(3);
  begin(parts, lettered("ab").templates);
  knows(parts, 1, 7, 100);
  begin(parts, lettered("ba").templates);
  assert.equal(parts.of(1, 100), undefined);
  assert.deepEqual(parts.labels(7), {});
  knows(parts, 2, 7, 101);
  assert.deepEqual(parts.labels(7), { template: "text of a" });
});

test("a template that was merged is not silent, nor is the other that got its records in a burst", () => {
  const parts = new TemplateParts(3);
  const { templates, merged } = lettered("abc");
  begin(parts, templates);
  for (const [number, part] of [
    [1, 7],
    [2, 8],
    [3, 9],
  ]) {
    knows(parts, number, part, 100);
    record(parts, part, 100, "one");
  }
  const all = [7, 8, 9];
  for (const part of all) assert.equal(parts.renames(part, "abc"[part - 7], all, 101), false);
  merged.set(2, 1);
  assert.equal(parts.renames(8, "b", all, 101), true, "its records are those of the other now");
  assert.equal(parts.renames(7, "a", all, 101), true, "it has got the records of another");
  assert.equal(parts.renames(7, "a", all, 500), false, "a burst long after that is one");
  assert.equal(parts.renames(9, "c", all, 101), false);
});

test("for what had no room it is looked for again, and numbers remembered are bounded", () => {
  const parts = new TemplateParts(3);
  begin(parts, lettered("a").templates);
  knows(parts, 1, NOWHERE, 100);
  assert.equal(parts.of(1, 200), NOWHERE);
  assert.equal(parts.of(1, 460), undefined);
  for (let number = 1; number <= 5000; number++) knows(parts, number, NOWHERE, 500);
  assert.equal(parts.of(1, 500), undefined);
  parts.forget(7, WHOLE);
  assert.equal(parts.of(5000, 500), undefined);
});
