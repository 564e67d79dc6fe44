// What log_schema reads of a record: fields and their types in whatever the body is written, levels, severities.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { LEVELS, RANGES } from "../../plugins/processors/schema_drift/level.ts";
import { LogRecordReader } from "../../plugins/processors/schema_drift/record.ts";
import type { Attributes, AttributeValue, Batch } from "../../src/api/index.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import { type LogRecord, logRequest } from "../logs.ts";
import { BEGINNING } from "../timeline.ts";

type Line = Omit<LogRecord, "time">;

const reader = new LogRecordReader();

/** What the first record of a request has, and whether all of its body was read; the level that it names and its severity. */
function read(record: Line) {
  const intake = new Intake("logs", 1, 100);
  const bytes = logRequest([{ ...record, time: BEGINNING }]);
  intake.read(bytes);
  const batch = { bytes, rows: intake.rows(BEGINNING), signal: "logs" } as unknown as Batch<"logs">;
  const { fields, wholeBody } = reader.read(batch, 0)!;
  const has = Object.fromEntries([...fields].map(([name, type]) => [name.replace("\0", ""), type]));
  return { has, wholeBody, says: LEVELS[reader.level].word, sent: RANGES[reader.range] };
}

test("a record is its attributes and the top of its body", () => {
  const { has, says, sent, wholeBody } = read({
    body: '{"level":"error","a":1,"b":"","c":null,"d":[1,2],"e":{"f":1},"g":true}',
    severityText: "",
    attributes: { x: "", y: 1.5, z: true, "anomaly.score": 3 },
  });
  assert.deepEqual(has, {
    x: "empty text",
    y: "a number",
    z: "true or false",
    "body.level": "text",
    "body.a": "a number",
    "body.b": "empty text",
    "body.c": "nothing",
    "body.d": "a list",
    "body.e": "a map",
    "body.g": "true or false",
  });
  assert.deepEqual({ says, sent, wholeBody }, { says: "error", sent: "INFO", wholeBody: true });
});

test("fields of a body are read from JSON, logfmt and lists of keys and values, and only a whole body lacks what is not in it", () => {
  const [text, number, empty] = ["text", "a number", "empty text"];
  for (const [body, fields, whole] of [
    ['  {"a" : "x\\"}{" , "b":-1}\n', { a: text, b: number }, true],
    ['{"a":1,"a":"x"}', { a: text }, true],
    [
      '{"a":{"b":[{"c":"]}"}]},"\\u00e4\\"":1,"":2,"名":3}',
      { a: "a map", '\\u00e4\\"': number, "": number, 名: number },
      true,
    ],
    ["{}", {}, true],
    ['{"a":1,"b', { a: number }, false],
    ['{"a":1,"b":"never ends', { a: number }, false],
    ['{"a":1,"b":wrong}', { a: number }, false],
    ['{"a":1} and more', { a: number }, false],
    ['{"a":1}{"b":2}', { a: number }, false],
    ["{braces} are no JSON", {}, false],
    ['{"a":1,"b":"\\', { a: number }, false],
    [`{"a":1,"b":"${"x".repeat(1e6)}","c":1}`, { a: number }, false],
    [
      'a=1 b="x y" c= d=-2.5 e=1.2.3 f=12ms g=""',
      { a: number, b: text, c: empty, d: number, e: text, f: text, g: empty },
      true,
    ],
    ['a=1 b="never ends', {}, false],
    ["a=1 and words", {}, false],
    ["took=12ms", {}, false],
    [
      { a: 1, b: { c: [1n, { d: "x" }] }, "": "", e: null, f: [[]] },
      { a: number, b: "a map", "": empty, e: "nothing", f: "a list" },
      true,
    ],
    [{}, {}, true],
    [[{ a: 1 }], {}, false],
    [Uint8Array.of(1), {}, false],
    ["only words", {}, false],
    ["", {}, false],
  ] as [AttributeValue, Record<string, string>, boolean][]) {
    const { has, wholeBody } = read({ body });
    const expected = Object.fromEntries(Object.entries(fields).map(([name, type]) => [`body.${name}`, type]));
    assert.deepEqual(
      [has, wholeBody],
      [expected, whole],
      String(JSON.stringify(body, (_, v) => String(v))).slice(0, 80),
    );
  }
});

test("levels are read where people and programs write them", () => {
  for (const [body, level, text = ""] of [
    ["2026-11-23T10:00:00Z ERROR no connection", "error"],
    ["2026-01-05 12:00:00.123  WARN 1 --- [nio-8080-exec-3] c.shop.cart.Cart : low", "warn"],
    ["2026-01-05 12:00:00,123 - cart.CartWorker - WARNING - low", "warning"],
    ["[2026-01-05T12:00:00Z][INFO ][o.e.n.Node] started", "info"],
    ["[2026-01-05 12:00:00: INFO/MainProcess] celery ready", "info"],
    ["[12:00:00] [main/WARN]: can not keep up", "warn"],
    ["10:00:00.123 [main] INFO c.a.Shop - started", "info"],
    ["E0105 12:00:00.123000       1 cart.go:71] failed", "error"],
    ["W0105 12:00:00.123000       1 cart.go:71] INFO is not it", "warn"],
    ["fail: Microsoft.AspNetCore.Server[0]", "fail"],
    ["info: started", "info"],
    ["[12:00:00 ERR] no connection", "err"],
    ["2026/01/05 12:00:00 [error] 31#31: *7 upstream", "error"],
    ["2026-01-05 12:00:00 [Warning] Aborted connection", "warning"],
    ["2026-01-05 12:00:00.000 UTC [123] FATAL:  too many", "fatal"],
    ["<131>1 2026-01-05T12:00:00Z node-1 cart 101 - - ERROR: failed", "error"],
    ["<131>Jan  5 12:00:00 node-1 cart[101]: failed", "err"],
    ['level=warn msg="low on disk" n=1', "warn"],
    ["lvl=eror msg=failed", "eror"],
    ['time=x severity="Critical" msg=y', "critical"],
    ['{"level":30,"msg":"pino"}', "info"],
    ['{"level":3,"short_message":"gelf"}', "err"],
    ['{"@l":"Warning","@mt":"serilog"}', "warning"],
    ['{"log.level":"error"}', "error"],
    ['{"L":"DEBUG"}', "debug"],
    [{ severity: "CRITICAL" }, "critical"],
    [{ level: 50n }, ""],
    ["anything", "error", "Error"],
    ["ERROR in the text", "error", "INFO"],
    ["no error was found", "info", "INFO"],
    ["no error was found", ""],
    ["ERROR_CODE=5 of NOERROR and INFO2 and x.WARN", ""],
    ['10.0.0.1 - - [05/Jan/2026:12:00:00 +0000] "GET /errors HTTP/1.1" 200', ""],
    ["{ERROR} thing", "error"],
    ["<999>ERR", "err"],
    ["<9999>x", ""],
    ["first line\nERROR below", ""],
    ['{"message":"ERROR of another service"}', ""],
  ] as [AttributeValue, string, string?][]) {
    assert.equal(
      read({ body, severityText: text }).says,
      level,
      JSON.stringify(body, (_, v) => String(v)),
    );
  }
});

test("a severity is what was sent as a number, or else the text beside the body", () => {
  const sent = (severity: number, severityText: string, body = "ERROR x") =>
    read({ body, severity, severityText }).sent;
  assert.equal(sent(17, "INFO"), "ERROR");
  assert.equal(sent(1, ""), "TRACE");
  assert.equal(sent(24, ""), "FATAL");
  for (const odd of [25, 255, 2 ** 31 - 1]) assert.equal(sent(odd, ""), "", String(odd));
  assert.equal(sent(0, "wArN"), "WARN");
  assert.equal(sent(0, "WARN", "says nothing"), "", "a text beside nothing contradicts nothing");
});

test("the same fields of the same types are the same in any order, and any body is read", () => {
  const attributes = fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(fc.string({ maxLength: 3 }), fc.boolean()), {
    maxKeys: 5,
  });
  fc.assert(
    fc.property(attributes, (one) => {
      const a = read({ body: "x", attributes: one as Attributes });
      const b = read({ body: "x", attributes: Object.fromEntries(Object.entries(one).reverse()) as Attributes });
      assert.deepEqual(a.has, b.has);
      for (const [key, value] of Object.entries(one)) {
        if (!key.startsWith("anomaly."))
          assert.equal(a.has[key], value === "" ? "empty text" : typeof value === "string" ? "text" : "true or false");
      }
    }),
  );
  const start = fc.constantFrom('{"', '{"a":', "a=1 b=", "<1", "E1123 ", "[", "");
  const rest = fc.string({ maxLength: 60, unit: fc.constantFrom(...'{}[]",:\\= \n<>aE1-.é\0') });
  fc.assert(fc.property(start, rest, (some, more) => void read({ body: some + more })));
});

test("bytes that are no UTF-8 are read as well", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (wild) => {
      const bytes = logRequest([
        { body: `{"${"#".repeat(wild.length)}":1}`, time: BEGINNING, attributes: { "#####": "x" } },
      ]);
      for (let i = bytes.indexOf(35), k = 0; k < wild.length; k++) bytes[i + k] = wild[k];
      const intake = new Intake("logs", 1, 100);
      intake.read(bytes);
      const batch = { bytes, rows: intake.rows(BEGINNING), signal: "logs" } as unknown as Batch<"logs">;
      assert.ok(reader.read(batch, 0)!.fields.size <= 31);
    }),
  );
});

test("hundreds of fields are read, and of a record with more attributes than can be looked at nothing is", () => {
  const some = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]));
  assert.equal(Object.keys(read({ body: JSON.stringify(some(400)) }).has).length, 400);
  assert.equal(read({ body: JSON.stringify(some(600)) }).wholeBody, false);
  assert.equal(read({ body: some(600) }).wholeBody, false);
  assert.throws(() => read({ body: "x", attributes: some(600) }), TypeError);
});
