// What is a parameter of a line of text and what stays, what is learnt from many lines, and what parameters are called.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Drains } from "./drained.ts";

/** Words that differ in letters only. */
const words = (count: number) =>
  Array.from({ length: count }, (_, i) => `w${"abcdefghijklmnopqrstuvwxyz"[i % 26].repeat(1 + (i >> 3))}`);

const alone: readonly (readonly [line: string, template: string])[] = [
  ["user alice logged in from 10.0.0.1", "user <*> logged in from <*>"],
  ["request 17 finished in 230 ms", "request <*> finished in <*>"],
  ["GET /cart?id=7 200", "GET <*>"],
  ["reading \\\\server\\share\\a done", "reading <*> done"],
  ["mail from bob@example.com refused", "mail from <*> refused"],
  ["12 bytes (1.2 KB) sent", "<*> bytes (<*>) sent"],
  ["lifetime <1 sec", "lifetime <*>"],
  ["connection to db.example.com:5432 lost", "connection to <*> lost"],
  ["No such file or directory", "No such file or directory"],
  ["could not open config.yaml", "could not open <*>"],
  ["password for root from 10.0.0.1", "password for <*> from <*>"],
  ["waiting for lock", "waiting for lock"],
  ["moved from NEW to RUNNING", "moved from NEW to RUNNING"],
  ["peers: 10.0.0.1, 10.0.0.2, 10.0.0.3 up", "peers: <*> up"],
  ["java.io.IOException: no space", "java.io.IOException: no space"],
  ["took=12ms user=bob status=ok", "status=ok took=<*> user=<*>"],
  ["done, took=12ms user=bob status=ok", "done, took=<*> user=<*> status=ok"],
  ["mac 00:1b:44:11:3a:b7 seen", "mac <*> seen"],
  ["commit deadbeefcafe pushed", "commit <*> pushed"],
  ["\u001b[32minfo\u001b[39m: listening on 8080", "info: listening on <*>"],
  ["héllo 5 wörld", "héllo <*> wörld"],
  ['database "shop" does not exist', 'database "<*>" does not exist'],
  ["cluster 'a.b' match for URL '/'", "cluster '<*>' match for URL '<*>'"],
  ['"-" 200 17 "curl" "Mozilla (X11; Linux)"', '"-" <*>'],
  ['E0102 7 kubelet.go:9] "Starting" pod="a"', '<*>] "Starting" pod=<*>'],
  ["2024-01-02 INFO [main] com.shop.Cart - Cart 7 emptied", "<*> INFO [<*>] com.shop.Cart - Cart <*> emptied"],
  ["2024-01-02 INFO 1 --- [ worker-2] com.shop.Cart : done", "<*> INFO <*> --- [<*>] com.shop.Cart : done"],
  ["2024-01-02 INFO nova.compute.manager ready", "<*> INFO nova.compute.manager ready"],
  ["[main] INFO com.shop.Cart - Cart 7 emptied", "[<*>] INFO com.shop.Cart - Cart <*> emptied"],
  ['info started {"a": 1, "b": "c"}', 'info started {"a": <*>, "b": <*>}'],
  ["template [shop] has patterns", "template [<*>] has patterns"],
  ["2024-01-02 cart [ERROR] no stock", "<*> cart [ERROR] no stock"],
  ["connection closed [preauth]", "connection closed [preauth]"],
  ["connection from 10.0.0.1 () lost", "connection from <*> () lost"],
  ["session=<ab1> user=<bob> closed", "session=<*> user=<*> closed"],
  ["mail from <7@a.b> refused", "mail from <<*>> refused"],
  ["Stopped nginx.service.", "Stopped <*>"],
  ["user = bob : server = 10.0.0.1", "user = <*> : server = <*>"],
  ["Account Name: bob Logon Type: 3", "Account Name: <*> Logon Type: <*>"],
  ["user requested a restart", "user requested a restart"],
  ["User bob logged out", "User <*> logged out"],
  ["Not Found: /", "Not Found: <*>"],
  ["resolving 2001:abcd:feb::1 failed", "resolving <*> failed"],
  ["panicked at src/a.rs:7:5:\nindex out of bounds", "panicked at <*>: index out of bounds"],
];

for (const [line, template] of alone) {
  test(`${line} -> ${template}`, () => assert.deepEqual(new Drains().texts(line), [template]));
}

test("lists of different length are one parameter", () => {
  const [{ number }, longer] = new Drains().mine("peers 1, 2 up", "peers 1, 2, 3, 4 up");
  assert.equal(number, longer.number);
  assert.deepEqual(longer.parameters, ["1, 2, 3, 4"]);
});

test("a word becomes a parameter when eight others have stood in its place", () => {
  const drains = new Drains();
  const texts = words(8).flatMap((word) => drains.texts(`the queue ${word} is full`));
  assert.deepEqual(texts, [...words(7).map((word) => `the queue ${word} is full`), "the queue <*> is full"]);
  const [later] = drains.mine(`the queue ${words(1)[0]} is full`);
  assert.deepEqual([later.text, later.parameters], ["the queue <*> is full", words(1)]);
});

test("what a merged template was called before leads to what it is now", () => {
  const drains = new Drains();
  const before = drains.mine(...words(7).map((word) => `the queue ${word} is full`));
  const [after] = drains.mine("the queue other is full");
  assert.deepEqual([...new Set(before.map(({ number }) => drains.templates!.id(number)))], [after.id]);
});

test("values of a key have templates of their own until there are many", () => {
  const drains = new Drains();
  const line = (status: string) => `job ended, status=${status} soon`;
  const two = drains.mine(line("ok"), line("failed"));
  assert.notEqual(two[0].number, two[1].number);
  drains.mine(...words(5).map(line));
  const many = drains.mine(...["ok", "failed", "new"].map(line));
  assert.deepEqual([...new Set(many.map(({ text }) => text))], ["job ended, status=<*> soon"]);
  assert.equal(new Set(many.map(({ number }) => number)).size, 1);
});

/** Line i of many that have nothing in common behind their first words. */
const written = (first: string, i: number) =>
  `${first} ${Array.from({ length: 6 + (i % 3) }, (_, k) => words(400)[(i * 7 + k * 61) % 400]).join(" ")}`;

test("text that people wrote is one parameter", () => {
  const drains = new Drains();
  const comments = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => written("comment of user 5: I", from + i));
  drains.mine(...comments(0, 150));
  for (let i = 0; i < 4; i++) drains.mine(...Array.from({ length: 500 }, () => "another line"));
  drains.mine(...comments(150, 300));
  const [{ text, parameters }] = drains.mine("comment of user 7: I do not agree with any of this");
  assert.equal(text, "comment of user <*>: <*>");
  assert.deepEqual(parameters, ["7", "I do not agree with any of this"]);
});

test("what programs say as they start is no such text", () => {
  const said = Array.from({ length: 150 }, (_, i) => written("shop worker info ready", i));
  assert.deepEqual(new Drains().texts(...said), said);
});

test("more templates than the budget allows are coarse, and known ones stay", () => {
  const drains = new Drains();
  const [{ id }] = drains.mine("a line that is known");
  const letters = (i: number) => [...String(i * 7919)].map((digit) => "qwertyuiop"[Number(digit)]).join("");
  const flood = Array.from({ length: 4000 }, (_, i) => `${letters(i)} ${letters(i + 1)} ${letters(i + 2)} here`);
  assert.match(drains.texts(...flood).at(-1)!, /^<overflow 4 tokens>$/);
  assert.equal(drains.mine("a line that is known")[0].id, id);
});

test("a parameter has the name of the key or word before it", () => {
  const names = (line: string) => new Drains().mine(line)[0].names;
  assert.deepEqual(names("done, took=12ms and size: 5 for id [7]"), ["took", "size", "id"]);
  assert.deepEqual(names("request took 12 ms"), ["took"]);
  assert.deepEqual(names("5 rows"), [undefined]);
  assert.deepEqual(names('{"took":5,"msg":"order 7 done","user":{"id":3}}'), ["order", "user.id", "took"]);
});

test("quotes around a parameter are no part of it", () => {
  assert.deepEqual(new Drains().mine('done tag="a b" n=1')[0].parameters, ["a b", "1"]);
});
