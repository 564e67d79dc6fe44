// Structured bodies: their message and keys are the template, in whatever order and notation they come.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Drains } from "./drained.ts";

test("JSON, logfmt and maps of the same keys have one template, in any order", () => {
  const mined = new Drains().mine(
    '{"level":"info","msg":"order 7 done","took":12.5,"user":"bob"}',
    ' { "user": "eve", "took": 3, "msg": "order 8 done", "level": "info" } ',
    'level=info msg="order 9 done" user=kim took=1ms',
    { user: "ann", level: "info", took: 1.5, msg: "order 10 done" },
  );
  assert.deepEqual([...new Set(mined.map(({ text }) => text))], ["order <*> done level=info took=<*> user=<*>"]);
  assert.equal(new Set(mined.map(({ number }) => number)).size, 1);
  assert.deepEqual(mined[0].names, ["order", "took", "user"]);
  assert.deepEqual(
    mined.slice(0, 3).map(({ parameters }) => parameters),
    [
      ["7", "12.5", "bob"],
      ["8", "3", "eve"],
      ["9", "1ms", "kim"],
    ],
  );
});

test("numbers of a map are no text: their place is known, and nothing of them", () => {
  const [{ names, parameters }] = new Drains().mine({ msg: "done", took: 5n, user: "ann" });
  assert.deepEqual(
    [names, parameters],
    [
      ["took", "user"],
      ["", "ann"],
    ],
  );
});

test("another set of keys, another level or another message is another template", () => {
  const mined = new Drains().mine(
    '{"level":"info","msg":"done"}',
    '{"level":"warn","msg":"done"}',
    '{"level":"info","msg":"begun"}',
    '{"level":"info","msg":"done","extra":1}',
  );
  assert.equal(new Set(mined.map(({ number }) => number)).size, 4);
});

test("nested objects are keys of keys; lists are one value", () => {
  const body = '{"a":{"b":{"c":1},"d":[1,{"e":2}]},"msg":"hi"}';
  assert.deepEqual(new Drains().texts(body, { a: { b: { c: 1n }, d: [1n] }, msg: "hi" }), [
    "hi a.b.c=<*> a.d=<*>",
    "hi a.b.c=<*> a.d=<*>",
  ]);
});

test("without a message the keys are the template", () => {
  assert.deepEqual(new Drains().texts('{"method":"GET","path":"/a","took":5}'), ["method=GET path=<*> took=<*>"]);
});

test("objects without values have a template too", () => {
  assert.deepEqual(new Drains().texts('{"a":{}}', { a: {} }, {}), ['{"a":{}}', "<*>", "<*>"]);
});

test("keys that are ids are alike", () => {
  const mined = new Drains().mine('{"msg":"hi","by":{"u4711":1}}', '{"msg":"hi","by":{"u9123":1}}');
  assert.deepEqual(
    mined.map(({ text }) => text),
    ["hi by.<*>=<*>", "hi by.<*>=<*>"],
  );
  assert.equal(mined[0].number, mined[1].number);
});

test("the type of an exception in a field is part of the template", () => {
  const line = (type: string) => `{"msg":"failed","stack":"${type}: no\\n  at a.b (c.js:1:2)"}`;
  assert.deepEqual(new Drains().texts(line("TypeError"), line("RangeError")), [
    "failed stack=TypeError",
    "failed stack=RangeError",
  ]);
});

test("text behind an escaped line feed is left out", () => {
  assert.deepEqual(new Drains().texts('{"log":"started worker 5\\n","stream":"stdout"}'), [
    "started worker <*> stream=<*>",
  ]);
});

for (const body of [
  '{"a":1',
  '{"a":1} tail',
  "{a:1}",
  '{"a" 1}',
  "{}",
  '{"a":}',
  '{"a":1,}',
  "a=1",
  "a=1 b",
  "a=1, b=2",
  'a="x b=2',
]) {
  test(`${body} is read as a line of text`, () => {
    const [{ number, text }] = new Drains().mine(body);
    assert.ok(number > 0);
    assert.match(text, /^[{a]/);
  });
}

test("of a stack trace the exceptions and the top three frames are the template, without line numbers", () => {
  const trace = (line: number, cause: string) =>
    `order ${line} failed\njava.lang.IllegalStateException: no\n\tat a.B.c(B.java:${line})\n\tat a.B.d(B.java:${line})\n\tat a.B.e(B.java:1)\n\tat a.B.f${line}(B.java:1)\nCaused by: ${cause}: gone`;
  const [one, two, other] = new Drains().mine(
    trace(7, "java.io.IOException"),
    trace(19, "java.io.IOException"),
    trace(7, "a.OtherException"),
  );
  assert.equal(
    one.text,
    "order <*> failed java.lang.IllegalStateException a.B.c a.B.d a.B.e Caused by java.io.IOException",
  );
  assert.equal(one.number, two.number);
  assert.notEqual(one.number, other.number);
});

test("of a Python traceback the last frames are those at the top", () => {
  const frames = ["main", "serve", "handle", "pay", "charge"].map(
    (name, i) => `  File "/a.py", line ${i}, in ${name}\n    x()`,
  );
  const body = `boom\nTraceback (most recent call last):\n${frames.join("\n")}\napp.DeclinedError: no`;
  assert.deepEqual(new Drains().texts(body), ["boom handle pay charge app.DeclinedError"]);
});
