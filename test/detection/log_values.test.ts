// What people on call rely on: numbers in messages that are far from usual, and values that never were, are told in their own words.
import assert from "node:assert/strict";
import test from "node:test";
import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import logValues from "../../plugins/processors/log_values/index.ts";
import { readNumber } from "../../plugins/processors/log_values/number.ts";
import { Order } from "../../plugins/processors/log_values/order.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { damaged } from "../damaged.ts";
import { type LogRecord, logRequest } from "../logs.ts";
import { BEGINNING, type Timeline, timeline } from "../timeline.ts";

const HOUR = 3600;
type Line = Omit<LogRecord, "time">;

const begin = (options: object = {}, more: object = {}) => timeline(logValues, options, { signal: "logs", ...more });
const random = seededRandom(7);
/** Milliseconds, of a log-normal distribution: half below 100, one in a thousand above 470. */
const took = () =>
  Math.round(100 * Math.exp(0.5 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())));

/** A record every 2 s until `end`. */
function play(line: Timeline, end: number, record: (second: number) => Line): void {
  while (line.now < end) {
    const now = line.now;
    line.send(
      logRequest(Array.from({ length: 5 }, (_, i) => ({ ...record(now + 2 * i), time: BEGINNING + now * 1000 }))),
    );
    line.tick(10);
  }
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array) => new DataView(buffer, byteOffset, length);

const within = (second: number, from: number, length: number) => second >= from && second < from + length;

test("a number that is three times as large as usual, all at once, is told within minutes", () => {
  const line = begin();
  play(line, 4 * HOUR, (second) => ({
    body: `request ${second} done took=${took() * (within(second, 3 * HOUR, 900) ? 3 : 1)}ms`,
  }));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^18[0-4]:\d\d outlier open: took in "request <\*> done took=<\*>" of shop is above \d+ ms in \d+ of \d+ records; usually it is in \d(\.\d)? %\.$/,
  );
  assert.match(line.anomalies[0].labels.example ?? "", /^request \d+ done took=\d+ms$/);
});

test("some that are ten times as large are told, and some that are tiny", () => {
  for (const [factor, told] of [
    [10, /took in .* is above/],
    [1 / 20, /took in .* is below/],
  ] as const) {
    const line = begin();
    play(line, 4 * HOUR, (second) => {
      const odd = within(second, 3 * HOUR, 900) && second % 10 === 0;
      return { body: `done took=${took() * (odd ? factor : 1)}ms` };
    });
    assert.equal(line.told.length, 1, line.told.join("\n"));
    assert.match(line.told[0], told);
  }
});

test("one number a hundred times as large is told at once, on its record", () => {
  const line = begin();
  play(line, 4 * HOUR, (second) => ({ body: `done took=${second === 3 * HOUR ? 20_000 : took()}ms` }));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^180:00 outlier open: took in "done took=<\*>" of shop is 20,000 ms; none of 5,400 before was above \d+ ms\.$/,
  );
});

test("days of numbers as they are, ids that grow and sizes with heavy tails are no news", () => {
  const line = begin();
  const pareto = () => Math.round(1000 / (1 - random()));
  play(line, 24 * HOUR, (second) => ({
    body: `order ${40_000 + second} of user ${Math.floor(random() * 1e6)} took=${took()}ms size=${pareto()}`,
  }));
  assert.deepEqual(line.told, []);
});

test("a value that a field of few values never had is told, in parameters and in attributes", () => {
  const line = begin();
  const statuses = [200, 200, 200, 201, 404];
  const regions = ["eu", "us"];
  play(line, 6 * HOUR, (second) => ({
    body: `sent status=${within(second, 4 * HOUR, 600) ? 503 : statuses[Math.floor(random() * 5)]}`,
    attributes: { region: within(second, 5.5 * HOUR, 900) ? "mars" : regions[Math.floor(random() * 2)] },
  }));
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^24\d:\d\d new_value open: status in "sent status=<\*>" of shop is "503", which none of [\d,]+ was; usual are "200", /,
  );
  assert.match(
    line.told[1],
    /^33\d:\d\d new_value open: attribute region of shop is "mars", which none of [\d,]+ was; usual are "/,
  );
});

test("of a template that comes often a value that is new in one record of fifty is found", () => {
  const line = begin();
  play(line, 5 * HOUR, (second) => ({
    body: `sent status=${second >= 4 * HOUR && second % 100 === 0 ? 503 : 200 + Math.floor(2 * random())}`,
  }));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^2[45]\d:\d\d new_value open: status in "sent status=<\*>" of shop is "503", which none of 7,\d+ was/,
  );
});

test("numbers that take turns as often as records are learnt are no news", () => {
  const line = begin();
  play(line, 12 * HOUR, (second) => ({ body: `done took=${took() * (second % 32 === 0 ? 50 : 1)}ms` }));
  assert.deepEqual(line.told, []);
});

test("fields of many values have new ones all the time", () => {
  const line = begin();
  play(line, 6 * HOUR, (second) => ({
    body: `user u${second} came`,
    attributes: { request: `r${second}`, page: `p${Math.floor(second / 300)}` },
  }));
  assert.deepEqual(line.told, []);
});

test("versions and names of instances, which change now and then, are told at first, and no more", () => {
  const line = begin();
  play(line, 48 * HOUR, (second) => {
    const deployment = Math.floor(second / (8 * HOUR));
    return {
      body: `order ${second} done`,
      attributes: { version: `v${deployment}`, pod: `pod-${deployment}-${second % 3}` },
    };
  });
  assert.ok(line.told.length <= 2, line.told.join("\n"));
});

test("numbers around zero are not compared by the logarithm of their size", () => {
  const line = begin();
  const gauss = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  play(line, 24 * HOUR, (second) => ({
    body: `sensor temperature=${(4 * Math.sin(second / 13_000) + gauss() - 3).toFixed(1)} level=-${60 + Math.round(9 * random())}.${second % 10}`,
  }));
  assert.deepEqual(line.told, []);
});

test("where parameters are hidden no value is told, nor kept", () => {
  const record = (second: number): Line => {
    const odd = within(second, 3 * HOUR, 900);
    const card = within(second, 5 * HOUR, 900) ? "4111111" : "cafe17";
    return { body: `pin ${(odd ? 777_700 : 1000) + Math.floor(random() * 99)}`, attributes: { card } };
  };
  const open = begin();
  play(open, 2 * HOUR, record);
  // hidden from the first record on, or later
  const [always, later] = [begin({}, { hidden: true }), begin({}, { hidden: true })];
  play(always, 2 * HOUR, record);
  later.now = 2 * HOUR;
  later.load(open.save());
  for (const line of [always, later]) {
    play(line, 6 * HOUR, record);
    assert.equal(line.told.length, 2, line.told.join("\n"));
    assert.doesNotMatch(JSON.stringify(line.anomalies), /7777|4111111|cafe17/);
    for (const secret of ["4111111", "cafe17"]) assert.ok(!Buffer.from(line.save()).includes(secret));
  }
});

test("a record of 1970, and a clock that is set back, neither shorten the learning nor fail", () => {
  const line = begin();
  const at = (time: number, body: string) => line.send(logRequest([{ time, body }]));
  at(5, "user 1 of plan=a came");
  at(0, "user 2 of plan=a came");
  play(line, 0.9 * HOUR, (second) => ({ body: `user ${second} of plan=${second > 0.8 * HOUR ? "b" : "a"}1 came` }));
  line.now = 0.5 * HOUR;
  play(line, 0.7 * HOUR, (second) => ({ body: `user ${second} of plan=c1 came` }));
  at(BEGINNING + 1e12, "user 3 of plan=d1 came");
  assert.deepEqual([line.told, line.errors], [[], 0]);
});

test("a restart changes nothing", () => {
  const run = (restarts: readonly number[]) => {
    const line = begin();
    const chance = seededRandom(3);
    for (const at of [...restarts, 4 * HOUR]) {
      play(line, at, (second) => {
        const odd = within(second, 3 * HOUR, 900);
        return { body: `done took=${Math.round(100 + 80 * chance()) * (odd ? 3 : 1)}ms code=${odd ? 9 : 1}` };
      });
      if (at < 4 * HOUR) line.restart();
    }
    return line.told;
  };
  const whole = run([]);
  assert.ok(whole.length > 0);
  assert.deepEqual(run([HOUR, 3 * HOUR, 3 * HOUR + 20, 3 * HOUR + 40]), whole);
});

test("templates and fields without end are bounded, and what stays is still watched", () => {
  const line = begin({ max_series: 200 });
  const word = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  play(line, 4 * HOUR, (second) => {
    if (second % 4 === 0) return { body: `done took=${took() * (second >= 3.5 * HOUR ? 20 : 1)}ms` };
    const body = second % 3 === 0 ? `${word(second)} happened` : `${word(second)} happened ${second} times`;
    return { body, attributes: { [word(second)]: 1n } };
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^210:\d\d outlier open: took in "done took=<\*>" of shop/);
  assert.ok(line.save().length < 500_000, `${line.save().length} bytes`);
});

test("numbers are read with their units, and nothing else is a number", () => {
  const read = (text: string) => {
    const bytes = Buffer.from(`x${text}y`);
    return readNumber(bytes, viewOf(bytes), 1, bytes.length - 1);
  };
  const cases: [string, number][] = [
    ["0", 0],
    ["-3.5", -3.5],
    ["1,024", 1024],
    ["12ms", 12],
    ["1.5s", 1500],
    ["3 KB", 3000],
    ["2KiB", 2048],
    ["5µs", 0.005],
    ["50%", 50],
    ["007", 7],
    ["1,234,567", 1_234_567],
    ["2e-5", 0.00002],
    ["1m30.5s", 90_500],
    ["2h45m0s", 9_900_000],
    ["50 %", 50],
    ["12 K", 12_000],
  ];
  for (const [text, value] of cases) assert.ok(Math.abs(read(text) - value) < 1e-9, `${text}: ${read(text)}`);
  for (const text of [
    "",
    "-",
    "1.2.3",
    "10.0.0.1",
    "12:30",
    "0x1f",
    "abc",
    "3 apples",
    "1e",
    "2026-11-23",
    "1234567890123456789",
    "3,14",
    "1,2,345",
    "1234,567",
    "1,0244",
    "1s2",
    "1e999",
  ]) {
    assert.ok(Number.isNaN(read(text)), text);
  }
  fc.assert(fc.property(fc.integer({ min: -1e9, max: 1e9 }), (n) => read(String(n)) === n));
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 30 }),
      (bytes) => typeof readNumber(bytes, viewOf(bytes), 0, bytes.length) === "number",
    ),
  );
});

test("what is told once is said to go on until it is over", () => {
  const line = begin();
  play(line, 4 * HOUR, (second) => ({
    body: `request ${second} done took=${took() * (within(second, 3 * HOUR, 2400) ? 3 : 1)}ms`,
  }));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  const minutes = line.lasting.map(({ minute }) => minute);
  assert.ok(line.lasting.every(({ fingerprint }) => fingerprint === line.anomalies[0].fingerprint));
  assert.ok(
    minutes.every((minute, i) => minute - (minutes[i - 1] ?? 184) < 5),
    `${minutes}`,
  );
  assert.ok(minutes.at(-1)! > 219 && minutes.at(-1)! < 230, `${minutes.at(-1)}`);
});

test("what is of another version or damaged is refused in words, or never breaks the agent", () => {
  const words = (second: number) => ({
    body: `request ${second} done took=${took() * (second % 1000 < 10 ? 30 : 1)}ms for ${second % 7 === 0 ? "gold" : "basic"}`,
    attributes: { "http.route": second % 3 === 0 ? "/cart" : "/items", retry: second % 50 === 0 },
  });
  const line = begin();
  play(line, HOUR, words);
  const saved = line.save();
  assert.throws(() => begin().load(saved.subarray(0, saved.length >> 1)), /^Error: is not what log_values saves/);
  const older = { ...deserialize(saved), version: 3 };
  assert.throws(
    () => begin().load(serialize(older)),
    /^Error: is of another version of log_values, or damaged \(version/,
  );
  let refused = 0;
  fc.assert(
    fc.property(fc.nat(), fc.nat(5), (place, value) => {
      const other = begin();
      other.now = line.now;
      try {
        other.load(damaged(saved, place, value));
      } catch (error) {
        refused++;
        assert.match((error as Error).message, /^(is of another version of log_values, or damaged|has )/);
      }
      play(other, other.now + 300, words);
      assert.equal(other.errors, 0);
      assert.ok(other.save().length > 1000, "it learns anew");
    }),
    { numRuns: 60 },
  );
  assert.ok(refused > 10, `${refused}`);
});

test("numbers whose sum is larger than any number are remembered over a restart", () => {
  const line = begin();
  play(line, HOUR, (second) => ({ body: `request ${second} done took=${took()}ms` }));
  const state = deserialize(line.save());
  const [[, { fields }]] = state.services[0].statements[0].parameters;
  const { order } = fields[fields.length - 1];
  for (let i = 0; i < 20; i++) Order.prototype.add.call(order, Number.MAX_VALUE);
  assert.equal(order.sum, Number.POSITIVE_INFINITY);
  begin().load(serialize(state));
});
