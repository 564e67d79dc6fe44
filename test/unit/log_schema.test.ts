// What people on call rely on: records of a template that lack a field, have it empty or of another type, or a severity that is not theirs, are told.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import schemaDrift from "../../plugins/processors/schema_drift/index.ts";
import { recordOf, signatureOf } from "../../plugins/processors/schema_drift/record.ts";
import type { Attributes, AttributeValue, Batch } from "../../src/api/index.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import { type LogRecord, logRequest } from "../logs.ts";
import { BEGINNING, type Timeline, timeline } from "../timeline.ts";

const MINUTE = 60;
type Line = Omit<LogRecord, "time">;

/** As it runs behind a processor that mines templates. */
const begin = (options: object = {}) => timeline({ ...schemaDrift, templates: "needs" }, options, { signal: "logs" });

/** Records each 5 s until `end`. */
function play(line: Timeline, end: number, records: (second: number) => readonly Line[]): void {
  while (line.now < end) {
    const time = BEGINNING + line.now * 1000;
    line.send(logRequest(records(line.now).map((record) => ({ ...record, time }))));
    line.tick(5);
  }
}

/** A payment and a login every 5 s; payments are as `odd` makes them from the 60th to the 75th minute. */
function told(usual: Line, odd: Line, options: object = {}): string[] {
  const line = begin(options);
  const login: Line = { body: "user 7 logged in", attributes: { user: "u" } };
  play(line, 70 * MINUTE, (second) => [second >= 60 * MINUTE ? odd : usual, login]);
  return line.told;
}

const PAID: Line = { body: "payment 17 done", attributes: { provider: "visa", amount: 5n } };

for (const [what, usual, odd, expected] of [
  [
    "an attribute that one template alone lacks",
    PAID,
    { ...PAID, attributes: { amount: 5n } },
    /missing_field open: The attribute provider is missing from "payment <\*> done" records of shop: the last \d+ looked at are without it, 100 % before had it\.$/,
  ],
  [
    "an attribute that is empty",
    PAID,
    { ...PAID, attributes: { provider: "", amount: 5n } },
    /type_change open: The attribute provider of "payment <\*> done" records of shop is empty text now; it used to be text\.$/,
  ],
  [
    "an attribute of another type",
    PAID,
    { ...PAID, attributes: { provider: "visa", amount: "5" } },
    /type_change open: The attribute amount of "payment <\*> done" .* is text now; it used to be a whole number\.$/,
  ],
  [
    "a field of a JSON body",
    { body: '{"msg":"paid","amount":5,"user":{"id":[1,"}"]},"card":"x"}' },
    { body: '{"msg":"paid","user":{"id":[1,"}"]},"card":"x"}' },
    /missing_field open: The field amount of the body is missing from/,
  ],
  [
    "a field of a body of keys and values",
    { body: { msg: "paid", amount: 5n } },
    { body: { msg: "paid", amount: "five" } },
    /type_change open: The field amount of the body of INFO records of shop is text now; it used to be a whole number\.$/,
  ],
  [
    "a severity number that is not what the text says",
    { body: "ERROR no connection to 17", severity: 17, severityText: "" },
    { body: "ERROR no connection to 17", severity: 9, severityText: "" },
    /severity_mismatch open: The severity of .* is other than the text says now; it used to be what the text says\.$/,
  ],
] as const) {
  test(`${what} is told once, within minutes`, () => {
    const all = told(usual, odd);
    assert.equal(all.length, 1, all.join("\n"));
    assert.match(all[0], expected);
  });
}

test("records of one template and severity keep what was learnt of them over a restart", () => {
  const line = begin();
  play(line, 60 * MINUTE, () => [PAID]);
  line.restart(2);
  play(line, 70 * MINUTE, () => [{ ...PAID, attributes: { amount: 5n } }]);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.equal(line.anomalies[0].labels.template, "payment <*> done");
});

/** What the first record of a request has, and its signature. */
function read(record: Line) {
  const intake = new Intake("logs", 1, 100);
  const bytes = logRequest([{ ...record, time: BEGINNING }]);
  intake.read(bytes);
  const batch = { bytes, rows: intake.rows(BEGINNING), signal: "logs" } as unknown as Batch<"logs">;
  return { content: Object.fromEntries(recordOf(batch, 0)), signature: signatureOf(batch, 0) };
}

test("a record is its attributes, the top of its body, and what its severity says beside its text", () => {
  const { content } = read({
    body: '{"level":"error","a":1,"b":"","c":null,"d":[1,2],"e":{"f":1},"g":true}',
    severity: 9,
    severityText: "",
    attributes: { x: "", y: 1.5, z: true, "anomaly.score": 3 },
  });
  assert.deepEqual(content, {
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
    "\0severity": "other than the text says",
  });
});

test("levels are read where people and programs write them", () => {
  const says = (body: AttributeValue, severity: number, severityText = "") =>
    read({ body, severity, severityText }).content["\0severity"];
  for (const [body, severity, text] of [
    ["2026-11-23T10:00:00Z ERROR no connection", 17, ""],
    ["[warn] low on disk", 13, ""],
    ["10:00:00.123 [main] INFO c.a.Shop - started", 9, ""],
    [{ severity: "CRITICAL" }, 21, ""],
    ["anything", 17, "Error"],
    ["no error was found", 9, "INFO"],
  ] as const) {
    assert.equal(says(body, severity, text), "what the text says", String(body));
  }
  assert.equal(says("ERROR no connection", 9), "other than the text says");
  assert.equal(says("no error was found", 9), undefined);
  assert.equal(says("NOTICE: rotated", 13), "what the text says");
});

test("the same fields of the same types have the same signature in any order, others another one; any body is read", () => {
  const attributes = fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(fc.string({ maxLength: 3 }), fc.boolean()), {
    maxKeys: 5,
  });
  fc.assert(
    fc.property(attributes, attributes, (one, other) => {
      const a = read({ body: "x", attributes: one as Attributes });
      const b = read({ body: "x", attributes: Object.fromEntries(Object.entries(one).reverse()) as Attributes });
      assert.equal(a.signature, b.signature);
      const c = read({ body: "x", attributes: other as Attributes });
      const alike =
        JSON.stringify(Object.entries(a.content).sort()) === JSON.stringify(Object.entries(c.content).sort());
      assert.equal(a.signature === c.signature, alike);
    }),
  );
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (rest) => read({ body: `{"${rest}` }).signature !== undefined));
});
