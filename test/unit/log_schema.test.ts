// What people on call rely on: records of a template that lack a field, have it empty or of another type, or a severity that is not theirs, are told.
import assert from "node:assert/strict";
import test from "node:test";
import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import schemaDrift from "../../plugins/processors/schema_drift/index.ts";
import type { AttributeValue } from "../../src/api/index.ts";
import { damaged } from "../damaged.ts";
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
    /type_change open: The attribute amount of "payment <\*> done" .* is text now; it used to be a number\.$/,
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
    /type_change open: The field amount of the body of INFO records of shop is text now; it used to be a number\.$/,
  ],
  [
    "a severity number that is not what the text says",
    { body: "ERROR no connection to 17", severity: 17, severityText: "" },
    { body: "ERROR no connection to 17", severity: 9, severityText: "" },
    /severity_mismatch open: The severity of records of shop that say ERROR is INFO now; it used to be ERROR\.$/,
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

/** Bodies of twenty statements that all have `env`, some fields of their own, and one that only half of them have. */
const bodies = (
  write: (fields: Readonly<Record<string, string | number>>) => AttributeValue,
  second: number,
  lost: boolean,
) =>
  Array.from({ length: 20 }, (_, i): Line => {
    const own = { [`own_${String.fromCharCode(97 + i)}`]: second, ...((second / 5 + i) % 2 < 1 && { cached: second }) };
    return { body: write({ msg: `did ${"abcdefghijklmnopqrst"[i]} 7`, ...own, ...(!lost && { env: "production" }) }) };
  });
const written: Readonly<Record<string, (fields: Readonly<Record<string, string | number>>) => AttributeValue>> = {
  JSON: (fields) => JSON.stringify(fields).replace("}", " }"),
  logfmt: (fields) =>
    Object.entries(fields)
      .map(([key, value]) => `${key}=${key === "msg" ? `"${value}"` : value}`)
      .join(" "),
  "lists of keys and values": (fields) => fields,
};

for (const [how, write] of Object.entries(written)) {
  test(`a field that all statements lack is told once, of bodies written as ${how}, though templates differ by their fields`, () => {
    const line = begin();
    play(line, 75 * MINUTE, (second) => bodies(write, second, second >= 60 * MINUTE));
    assert.equal(line.told.length, 1, line.told.join("\n"));
    assert.match(
      line.told[0],
      /^6[1-3]:\d\d missing_field open: The field env of the body is missing from .*records of shop: the last/,
    );
  });
}

test("half of the records without a field are told within minutes, though each statement is rare", () => {
  const line = begin();
  play(line, 75 * MINUTE, (second) => {
    const i = (second / 5) % 10;
    const lost = second >= 60 * MINUTE && (second / 5) % 3 > 0;
    return [bodies(written.JSON, second, lost)[i], bodies(written.logfmt, second, lost)[(i + 5) % 10]];
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^6[1-4]:.* The field env of the body is missing from records of shop: .*100 % before had it/,
  );
});

test("a mix of records that changes is no news: what one statement has others never had", () => {
  const line = begin();
  play(line, 90 * MINUTE, (second) => {
    const busy = second >= 60 * MINUTE;
    const some = (body: AttributeValue, count: number) =>
      Array.from({ length: count }, (): Line => ({ body, attributes: {} }));
    return [
      ...some({ message: "paid", amount: 5n, card: "x" }, busy ? 0 : 20),
      ...some({ message: "logged in", user: "u" }, busy ? 20 : 1),
      ...some("msg=paid amount=5 card=x", busy ? 0 : 20),
      ...some('msg="logged in" user=u', busy ? 20 : 1),
      ...some("panic: words of another library", busy ? 20 : 0),
    ];
  });
  // lists of keys and values have no template here: their mix is one kind
  assert.deepEqual(
    line.told.filter((each) => !each.includes("INFO records")),
    [],
  );
});

test("fields that half or nine in ten of the records have may be missing", () => {
  const line = begin();
  let n = 0;
  play(line, 180 * MINUTE, () => {
    n = (n * 1_103_515_245 + 12_345) % 2 ** 31;
    const luck = n / 2 ** 31;
    const fields = { ...(luck < 0.5 && { half: 1 }), ...(luck < 0.9 && { most: 1 }), all: 1 };
    return [
      {
        body: `msg=done ${Object.keys(fields)
          .map((key) => `${key}=1`)
          .join(" ")}`,
        attributes: fields,
      },
    ];
  });
  assert.deepEqual(line.told, []);
});

test("bodies that are cut off, or too long, lack nothing", () => {
  const line = begin();
  play(line, 80 * MINUTE, (second) => {
    const odd = second >= 60 * MINUTE;
    const long = JSON.stringify({ msg: "done", stack: "at x ".repeat(odd ? 5000 : 10), env: "production" });
    return [{ body: long }, { body: odd ? long.slice(0, 30) : long }];
  });
  assert.deepEqual(line.told, []);
});

test("levels flattened to one severity are told, whatever the severity text says; a mix that was always there is not", () => {
  const line = begin();
  play(line, 75 * MINUTE, (second) => {
    const flat = second >= 60 * MINUTE;
    const record = (severity: number, level: string, body: string): Line => {
      return { body, severity: flat ? 9 : severity, severityText: flat ? "INFO" : level };
    };
    return [
      record(9, "INFO", "2026-01-05 10:00:00 INFO all is well"),
      ...(second % 30 === 0 ? [record(13, "WARN", "2026-01-05 10:00:00 WARN low on disk")] : []),
      { body: "NOTICE: sometimes so", severity: second % 10 === 0 ? 9 : 13 },
    ];
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^6\d:\d\d severity_mismatch open: The severity of records of shop that say WARN is INFO now; it used to be WARN\.$/,
  );
});

test("a deployment that renames fields of many templates is one anomaly, and after a while normal", () => {
  const line = begin({ adopt_after: "30m" });
  play(line, 150 * MINUTE, (second) => {
    const name = second < 60 * MINUTE ? "user" : "user_id";
    return Array.from({ length: 20 }, (_, i) => {
      const key = "abcdefghijklmnopqrst"[i];
      return { body: `msg="did ${key} 7" ${name}=7 n=1`, attributes: { [`${name}.name`]: "u", n: 1n } };
    });
  });
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^61:\d\d missing_field open: What shop sends has changed in 2 ways: user.* missing from records; user/,
  );
  assert.match(line.told[1], /^91:.* resolved: .* taken for normal from now on\.$/);
});

test("a field that came later and stayed is missed when it goes", () => {
  const line = begin();
  play(line, 150 * MINUTE, (second) => {
    const there = second > 60 * MINUTE && second < 130 * MINUTE;
    return [{ body: "payment 17 done", attributes: { n: 1n, ...(there && { late: "x" }) } }];
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^131:.*The attribute late is missing from "payment/);
});

test("a restart at any moment changes nothing", () => {
  const run = (restarts: readonly number[]) => {
    const line = begin();
    for (const until of [...restarts, 90]) {
      play(line, until * MINUTE, (second) => {
        const lost = second >= 60 * MINUTE && second < 75 * MINUTE;
        const failed = { body: "ERROR no connection to 17", severity: lost ? 9 : 17, severityText: "" };
        return [...bodies(written.logfmt, second, lost), ...bodies(written.JSON, second, lost), failed];
      });
      if (until < 90) line.restart();
    }
    return line.told;
  };
  const whole = run([]);
  assert.equal(whole.length, 2, whole.join("\n"));
  assert.deepEqual(run([10, 35, 60.25, 61, 70, 75.5]), whole);
});

test("no value of a record is told", () => {
  const secret = "s3cret";
  const line = begin();
  play(line, 80 * MINUTE, (second) => {
    const lost = second >= 60 * MINUTE;
    return [
      {
        body: `{"msg":"a ${secret}", "b":"${secret}" ${lost ? "" : ', "c":1'} }`,
        attributes: { d: lost ? secret : 1 },
      },
      { body: { e: lost ? secret : 5n } },
      { body: `f=${lost ? secret : 1} g=${secret} msg="x ${secret} y"` },
      { body: `"key=${secret} ${secret}=1` },
    ];
  });
  assert.ok(line.anomalies.length > 0);
  assert.ok(
    !JSON.stringify(line.anomalies, (_, value) => (typeof value === "bigint" ? `${value}` : value)).includes(secret),
  );
});

test("what is of another version or damaged is refused in words, or never breaks the agent", () => {
  const records = (second: number): readonly Line[] => [
    { body: `{"level":"info","msg":"order ${second} taken","took":${second}}`, attributes: { "user.tier": "gold" } },
  ];
  const line = begin();
  play(line, 3600, records);
  const saved = JSON.parse(Buffer.from(line.save()).toString());
  const bytesOf = (state: unknown) => Buffer.from(JSON.stringify(state) ?? "");
  assert.throws(
    () => begin().load(bytesOf({ ...saved, version: saved.version - 1 })),
    /^Error: is of another version of schema_drift, or damaged$/,
  );
  let refused = 0;
  fc.assert(
    fc.property(fc.nat(), fc.nat(5), (place, value) => {
      const other = begin();
      other.now = line.now;
      try {
        other.load(bytesOf(deserialize(damaged(serialize(saved), place, value))));
      } catch (error) {
        refused++;
        assert.match(
          (error as Error).message,
          /^is (not what schema_drift saves|of another version of schema_drift, or damaged)$/,
        );
      }
      play(other, other.now + 600, records);
      assert.equal(other.errors, 0);
    }),
    { numRuns: 60 },
  );
  assert.ok(refused > 10, `${refused}`);
});
