// What holds of any lines: how they are batched, when the agent restarts and what bytes they are makes no difference.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AttributeValue } from "../../../src/api/index.ts";
import { Drains } from "./drained.ts";

const word = fc.constantFrom(
  "user",
  "alice",
  "bob",
  "carol",
  "dave",
  "failed",
  "opened",
  "to",
  "on",
  "GET",
  "null",
  "is",
);
const value = fc.oneof(
  fc.nat(99).map(String),
  fc.constantFrom("10.0.0.1", "/a/b", "12ms", "a=b", "status=ok", "level=warn", '"x y"'),
);
const line = fc.array(fc.oneof(word, word, value), { minLength: 1, maxLength: 8 }).map((words) => words.join(" "));
const map = fc.record(
  { level: fc.constantFrom("info", "warn"), msg: line, took: fc.nat(9) },
  { requiredKeys: ["msg"] },
);
const body: fc.Arbitrary<AttributeValue> = fc.oneof(
  { arbitrary: line, weight: 5 },
  map.map(({ took, ...rest }) => ({ ...rest, ...(took !== undefined && { took: BigInt(took) }) })),
  map.map((object) => JSON.stringify(object)),
  fc.constantFrom<AttributeValue>("", null, true, 5n, "boom\nx.IoError: no\n\tat a.b(C.java:1)"),
);
const bodies = fc.array(body, { minLength: 1, maxLength: 200 });

test("however records are split into requests, they get the same templates and parameters", () => {
  fc.assert(
    fc.property(bodies, fc.integer({ min: 1, max: 20 }), (all, size) => {
      const whole = new Drains().mine(...all).map(({ id, number, parameters }) => ({ id, number, parameters }));
      const parts = new Drains();
      const split = [];
      for (let i = 0; i < all.length; i += size) split.push(...parts.mine(...all.slice(i, i + size)));
      assert.deepEqual(
        split.map(({ id, number, parameters }) => ({ id, number, parameters })),
        whole,
      );
    }),
    { numRuns: 60 },
  );
});

test("a restart at any moment changes nothing that follows", () => {
  fc.assert(
    fc.property(bodies, bodies, (before, after) => {
      const going = new Drains();
      going.mine(...before);
      const restarted = new Drains({}, going.part.save!());
      assert.deepEqual(restarted.mine(...after, ...before), going.mine(...after, ...before));
    }),
    { numRuns: 60 },
  );
});

test("a restart among many templates, wildcards learnt and templates evicted changes nothing", () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, k) => {
      const i = from + k;
      const letters = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");
      return [
        `queue ${letters(i % 30)} is full now`,
        `${letters(i)} ${letters(i * 7)} went away`,
        `state=${letters(i % 9)} n=${i}`,
      ][i % 3];
    });
  const options = { max_clusters: 50 };
  const going = new Drains(options);
  for (let round = 0; round < 20; round++) going.mine(...lines(round * 100, round * 100 + 100));
  const restarted = new Drains(options, going.part.save!());
  assert.deepEqual(restarted.mine(...lines(1900, 2900)), going.mine(...lines(1900, 2900)));
});

test("what is half learnt is kept over a restart", () => {
  const queue = (words: string) => words.split(" ").map((word) => `the queue ${word} is full now`);
  const status = (words: string) => words.split(" ").map((word) => `job ended, status=${word} soon`);
  const before = new Drains();
  before.mine(...queue("ant bee cat dog eel"), ...status("ok failed lost"));
  const after = new Drains({}, before.part.save!());
  after.mine(...queue("fox gnu hen"), ...status("new late"));
  const [word, value] = after.mine("the queue owl is full now", "job ended, status=odd soon");
  assert.deepEqual([word.text, value.text], ["the queue <*> is full now", "job ended, status=<*> soon"]);
  const later = new Drains({}, after.part.save!());
  assert.deepEqual(later.mine("the queue yak is full now")[0], { ...word, parameters: ["yak"] });
});

test("no bytes whatever are refused, and what is said of them lies within them", () => {
  const bytes = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
  const marks = fc.string({ unit: fc.constantFrom(..."{}[]()\"'=:,.<>\\\n\t /a1-_"), maxLength: 200 });
  fc.assert(
    fc.property(fc.array(fc.oneof(bytes, marks, fc.string({ unit: "binary" })), { maxLength: 20 }), (all) => {
      for (const [i, { number, text, parameters }] of new Drains().mine(...all).entries()) {
        assert.ok(text.length <= 1024 + "...".length);
        assert.ok(number > 0 || all[i].trim() === "" || parameters.length === 0);
        for (const parameter of parameters) assert.ok(all[i].includes(parameter), `${parameter} of ${all[i]}`);
      }
    }),
    { numRuns: 200 },
  );
});

test("agents that met the same records first agree on the ids", () => {
  const lines = ["user 1 logged in", "disk full on /dev/sda1", "status=ok after 5 s"];
  const ids = (all: readonly string[]) => new Drains().mine(...all).map(({ id }) => id);
  assert.deepEqual(ids([...lines].reverse()), ids(lines).reverse());
});

test("numbers are never given to another template", () => {
  const drains = new Drains({ max_clusters: 8 });
  const ids = new Map<number, string>();
  const words = ["alpha", "beta", "gamma", "delta", "epsilon"];
  for (let i = 0; i < 400; i++) {
    const [{ number, id }] = drains.mine(`${words[i % 5]} ${words[(i >> 2) % 5]} ${"x".repeat((i % 40) + 1)} done`);
    assert.equal(ids.get(number) ?? id, id);
    ids.set(number, id);
  }
});

test("of a record of any size only its start is looked at", () => {
  const lines = ["some words 5 ", "x", "a=(", 'k="a ', "7 a ", '{"a":'].map((part) =>
    part.repeat(2 ** 20 / part.length),
  );
  for (const { text, parameters } of new Drains().mine(...lines)) {
    assert.ok(text.length <= 1024 + "...".length);
    assert.ok(parameters.join("").length <= 65_536);
    assert.ok(parameters.length <= 192);
  }
});

test("what is kept of lines that are all different is bounded", () => {
  const drains = new Drains();
  const letters = (i: number) => [...String(i * 7919)].map((digit) => "qwertyuiop"[Number(digit)]).join("");
  const line = (i: number) =>
    `${letters(i)} ${letters(i * 3)} status=${letters(i * 5)} {"${letters(i * 7)}":1} ${letters(i * 11)}`;
  const kept: number[] = [];
  for (let request = 0; request < 60; request++) {
    drains.send(Array.from({ length: 1000 }, (_, i) => line(request * 1000 + i)));
    if (request % 20 === 19) kept.push(drains.part.save!().length);
  }
  assert.ok(kept[2] < 1.5 * kept[1] && kept[2] < 16 * 2 ** 20, `${kept}`);
});

test("what was saved by another version, or is no state, is refused in words", () => {
  const saved = JSON.parse(Buffer.from(new Drains().part.save!()).toString());
  const load = (value: string) => () => new Drains({}, Buffer.from(value));
  assert.throws(load("nonsense"), /is not what drain saves/);
  assert.throws(load(JSON.stringify({ ...saved, version: 0 })), /is of another version of drain, or damaged/);
  assert.throws(load(JSON.stringify({ ...saved, tables: {} })), /has no table/);
});

test("of a state that is refused nothing is left", () => {
  const before = new Drains();
  const [known] = before.mine("one line of it", "another one of it").slice(-1);
  const saved = JSON.parse(Buffer.from(before.part.save!()).toString());
  saved.tables.novel.young = "AAAA";
  const drains = new Drains();
  assert.throws(() => drains.part.load!(Buffer.from(JSON.stringify(saved))), /is damaged/);
  const [other, again] = drains.mine("something else here", "another one of it");
  assert.equal(again.text, known.text);
  assert.notEqual(other.number, again.number);
  assert.equal(drains.mine("one line of it")[0].text, "one line of it");
});

test("templates that became one leave all others as they are", () => {
  const drains = new Drains();
  const queues = "ant bee cat dog eel fox gnu hen".split(" ").map((word) => `the queue ${word} is full now`);
  const others = [..."abcdefghijklmnopqrst"].map((letter) => `${letter.repeat(4)} saw ${letter.repeat(5)}`);
  const [first] = drains.mine(...queues).slice(-1);
  const numbers = drains.mine(...others).map(({ number }) => number);
  assert.deepEqual(
    drains.mine(...others).map(({ number }) => number),
    numbers,
  );
  assert.equal(drains.mine(queues[0])[0].number, first.number);
});

test("of templates that were forgotten, text and id are still told; of one that is made again the id is the same", () => {
  const drains = new Drains({ max_clusters: 8 });
  const [first] = drains.mine("the first line of all");
  drains.mine(..."abcdefghijklmnopqrst".split("").map((letter) => `${letter.repeat(4)} saw ${letter.repeat(5)}`));
  const { templates } = drains;
  assert.deepEqual([templates!.text(first.number), templates!.id(first.number)], [first.text, first.id]);
  const [again] = drains.mine("the first line of all");
  assert.notEqual(again.number, first.number);
  assert.equal(again.id, first.id);
});

test("the parameters of a record follow each other and never overlap", () => {
  const marks = fc.string({ unit: fc.constantFrom(..."{}[]()\"'=:,.<>\\\n\t /a1-_b"), maxLength: 120 });
  fc.assert(
    fc.property(fc.array(fc.oneof(marks, line), { maxLength: 20 }), (all) => {
      for (const [i, { parameters, names }] of new Drains().mine(...all, ...all).entries()) {
        assert.equal(names.length, parameters.length);
        let from = 0;
        for (const parameter of parameters) {
          const at = all[i % all.length].indexOf(parameter, from);
          assert.ok(at >= from, `${parameter} of ${all[i % all.length]}`);
          from = at + parameter.length;
        }
      }
    }),
    { numRuns: 200 },
  );
});
