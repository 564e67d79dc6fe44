// What people on call rely on: a message that lacks in traces where it always was is told, and messages that never came together.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import logSequence from "../../plugins/processors/log_sequence/index.ts";
import { damaged } from "../damaged.ts";
import { type LogRecord, logRequest } from "../logs.ts";
import { BEGINNING, type Timeline, timeline } from "../timeline.ts";

const HOUR = 3600;
type Line = Omit<LogRecord, "time">;
type Group = readonly string[];

const begin = (options: object = {}, more: object = {}) => timeline(logSequence, options, { signal: "logs", ...more });
const hex = (n: number, length: number) => n.toString(16).padStart(length, "0");

/** One group a second until `end`, of the messages that `messages` has for its number. */
function play(
  line: Timeline,
  end: number,
  messages: (group: number) => Group,
  record: (group: number, body: string) => Line = (group, body) => ({
    body,
    trace: `${hex(7, 16)}${hex(group + 1, 16)}`,
  }),
): void {
  while (line.now < end) {
    const now = line.now;
    const records: LogRecord[] = [];
    for (let i = 0; i < 5; i++) {
      for (const body of messages(now + i)) records.push({ ...record(now + i, body), time: BEGINNING + now * 1000 });
    }
    line.send(logRequest(records));
    line.tick(5);
  }
}

const USUAL = ["connection 1 opened", "query 2 ran", "connection 1 closed"];
const RETRIED = ["connection 1 opened", "query 2 failed", "query 2 ran", "connection 1 closed"];
const usual = (group: number): Group => (group % 50 === 0 ? RETRIED : USUAL);
const UNCLOSED = USUAL.slice(0, 2);
const between = (from: number, to: number, share: number, odd: Group) => (group: number) =>
  group >= from && group < to && group % share === 0 ? odd : usual(group);

test("a message that lacks in a twentieth of the traces where it always was is told within minutes, with a trace", () => {
  const line = begin();
  play(line, 3 * HOUR, between(2 * HOUR, 2 * HOUR + 1200, 20, UNCLOSED));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^12[0-4]:\d\d sequence open: \d+ traces of shop have "connection <\*> opened" without "connection <\*> closed", as none of [\d,]+ did before\.$/,
  );
  const [{ labels, fingerprint }] = line.anomalies;
  assert.match(labels.traceId, /^0{15}7[0-9a-f]{16}$/);
  assert.equal(labels.template, "connection <*> closed");
  assert.match(fingerprint, /^[0-9a-f]{16}$/);
});

test("what is told once is said to go on until it is over", () => {
  const line = begin();
  play(line, 3 * HOUR, between(2 * HOUR, 2 * HOUR + 2400, 5, UNCLOSED));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  const minutes = line.lasting.map(({ minute }) => minute);
  assert.ok(line.lasting.every(({ fingerprint }) => fingerprint === line.anomalies[0].fingerprint));
  assert.ok(
    minutes.every((minute, i) => minute - (minutes[i - 1] ?? 120) < 5),
    `${minutes}`,
  );
  assert.ok(minutes.at(-1)! > 159 && minutes.at(-1)! < 170, `${minutes.at(-1)}`);
});

test("a message that lacks at times is told when it lacks more often", () => {
  const line = begin();
  const fault = (group: number) => group >= 3 * HOUR && group < 3 * HOUR + 1200 && group % 10 === 0;
  play(line, 4 * HOUR, (group) => (group % 97 === 0 || fault(group) ? UNCLOSED : usual(group)));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^18\d:\d\d sequence open: \d+ of \d+ traces of shop that have "connection <\*> opened" lack "connection <\*> closed"; usually 1(\.\d)? % do\.$/,
  );
});

test("a message that lacks now and then is no news", () => {
  const line = begin();
  play(line, 4 * HOUR, (group) => (group % 97 === 0 ? UNCLOSED : usual(group)));
  assert.deepEqual(line.told, []);
});

test("what lasts becomes normal, and its end is no news", () => {
  const line = begin();
  play(line, 6 * HOUR, between(2 * HOUR, 5 * HOUR, 2, UNCLOSED));
  assert.equal(line.told.length, 1, line.told.join("\n"));
});

test("messages that never came together are told when they do again", () => {
  const line = begin();
  const mixed = ["connection 1 opened", "rolled back 3", "query 2 ran", "connection 1 closed"];
  const rolled = ["connection 1 opened", "rolled back 3", "connection 1 closed"];
  play(line, 12 * HOUR, (group) => {
    if (group >= 10 * HOUR && group % 40 === 0) return mixed;
    return group % 10 === 0 ? rolled : usual(group);
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^60\d:\d\d sequence open: \d+ traces of shop have "query <\*> ran" together with "rolled back <\*>", as none of [\d,]+ did before\.$/,
  );
});

test("groups may be held together by an attribute, which is not told", () => {
  const line = begin({ group_by: "session.id" });
  const record = (group: number, body: string): Line => ({
    body,
    attributes: { user: "u", "session.id": `s-${group}` },
  });
  play(line, 3 * HOUR, between(2 * HOUR, 2 * HOUR + 1200, 5, UNCLOSED), record);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /groups of one session\.id of shop (that )?have .* (lack|without) "connection <\*> closed"/,
  );
  assert.doesNotMatch(line.told[0], /s-\d/);
});

test("records without a trace are held together by their session, whose pauses may be long", () => {
  const line = begin();
  // one session every 10 s, with 100 s between two of its records; others have a trace
  for (let second = 0; second < 3 * HOUR; second += 10) {
    const records = USUAL.flatMap((body, i): Line[] => {
      const session = second / 10 - 10 * i;
      const lacks = i === 2 && session >= 720 && session < 840 && session % 5 === 0;
      return session < 0 || lacks ? [] : [{ body, service: "cart", attributes: { "session.id": `s-${session}` } }];
    });
    const traced = USUAL.map((body) => ({ body, trace: hex(second + 1, 32) }));
    const time = BEGINNING + second * 1000;
    line.send(logRequest([...records, ...traced].map((record) => ({ ...record, time }))));
    if (second === 2 * HOUR + 300) line.restart();
    line.tick(10);
  }
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /sessions of cart (that )?have .* (lack|without) "connection <\*> closed"/);
  assert.doesNotMatch(line.told[0], /s-\d/);
  assert.equal(line.anomalies[0].labels.traceId, "");
  assert.equal(line.errors, 0);
});

test("or by the time they were written in", () => {
  const line = begin({ group_by: "window", window: "10s" });
  const record = (_: number, body: string): Line => ({ body });
  const silent = (group: number) => (group >= 2 * HOUR && group < 2 * HOUR + 1200 ? UNCLOSED : USUAL);
  play(line, 3 * HOUR, silent, record);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /windows of shop that have .* lack "connection <\*> closed"/);
});

test("records of a group may come late and in several requests", () => {
  const line = begin();
  const record = (group: number, body: string): Line => ({ body, trace: hex(group + 1, 32) });
  for (let second = 0; second < 3 * HOUR; second += 5) {
    const late = second >= 10 ? [{ ...record(second - 10, USUAL[2]), time: BEGINNING + second * 1000 }] : [];
    const first = USUAL.slice(0, 2).map((body) => ({ ...record(second, body), time: BEGINNING + second * 1000 }));
    line.send(logRequest([...late, ...first]));
    line.tick(5);
  }
  assert.deepEqual(line.told, []);
});

test("restarts change nothing, also while traces are open", () => {
  const end = 2.5 * HOUR;
  const run = (restarts: readonly number[]) => {
    const line = begin();
    const odd = between(2 * HOUR, 2 * HOUR + 1200, 20, UNCLOSED);
    for (const at of [...restarts, end]) {
      play(line, at, odd);
      if (at < end) line.restart();
    }
    assert.equal(line.errors, 0);
    return line.anomalies.map(({ id, time, rarity, reason, labels }) => [id, time, rarity, reason, labels.traceId]);
  };
  const whole = run([]);
  assert.equal(whole.length, 1);
  assert.deepEqual(run([5, 2 * HOUR]), whole);
  const moment = fc.oneof(fc.integer({ min: 1, max: 1799 }), fc.integer({ min: 1440, max: 1500 }));
  const moments = fc.array(moment, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(moments, (restarts) => {
      assert.deepEqual(run(restarts.map((each) => 5 * each).sort((a, b) => a - b)), whole);
    }),
    { numRuns: 4 },
  );
});

test("neither a restart that takes a while nor an agent that stood still makes a message lack", () => {
  const line = begin();
  for (let at = HOUR + 2; at < 3 * HOUR; at += 600) {
    // traces that go on while the agent is away
    play(line, at, usual, (group, body) => ({ body, trace: hex(Math.floor(group / 10) + 1, 32) }));
    if (at % 1200 < 600) line.restart(60);
    else line.now += 60;
  }
  assert.deepEqual(line.told, []);
});

test("in a sample of whole traces nothing lacks", () => {
  const line = begin();
  play(line, 4 * HOUR, (group) => (Math.imul(group, 0x9e3779b1) >>> 0 < 2 ** 32 / 10 ? usual(group) : []));
  assert.deepEqual(line.told, []);
});

test("of a trace through several services each is judged by itself", () => {
  const line = begin();
  const services = ["a", "b"];
  for (; line.now < 3 * HOUR; ) {
    const records = services.flatMap((service) =>
      USUAL.flatMap((body, i): LogRecord[] => {
        const fails = service === "b" && i === 2 && line.now > 2 * HOUR && line.now % 50 === 0;
        return fails ? [] : [{ service, body, trace: hex(line.now + 1, 32), time: BEGINNING + line.now * 1000 }];
      }),
    );
    line.send(logRequest(records));
    line.tick(5);
  }
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], / of b /);
});

test("a trace of hundreds of records is not cut: what closes it is seen", () => {
  const line = begin();
  const long = [USUAL[0], ...Array.from({ length: 600 }, (_, i) => `query ${i} ran`), USUAL[2]];
  play(line, 3 * HOUR, (group) => (group > 2 * HOUR && group % 600 < 5 ? long : usual(group)));
  assert.deepEqual(
    line.told.filter((told) => /without|lack/.test(told)),
    [],
  );
});

test("a message that comes again and again in one trace is told", () => {
  const line = begin();
  const looping = (group: number) =>
    [USUAL[0], ...Array.from({ length: 30 }, () => USUAL[1]), USUAL[2]].slice(0, 1 + group);
  play(line, 12 * HOUR, (group) => (group > 11 * HOUR && group % 40 === 0 ? looping(group) : usual(group)));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /traces of shop have "query <\*> ran" 5 times or more, as none of [\d,]+ did before\.$/);
});

test("nothing of a parameter, nor what holds a group together, is told where parameters are hidden", () => {
  const line = timeline(logSequence, { group_by: "session.id" }, { signal: "logs", hidden: true });
  const record = (group: number, body: string): Line => ({
    body: body.replace(/\d/, "4111-1111"),
    attributes: { "session.id": hex(group, 32), card: "4111" },
  });
  play(line, 3 * HOUR, between(2 * HOUR, 2 * HOUR + 1200, 5, UNCLOSED), record);
  assert.equal(line.told.length, 1);
  assert.doesNotMatch(JSON.stringify(line.anomalies), /4111|"0{20}/);
  assert.equal(line.anomalies[0].labels.traceId, "");
});

test("a clock that was ahead and is set back does not silence a service", () => {
  const line = begin();
  line.now = 400 * 24 * HOUR;
  play(line, line.now + 600, usual);
  line.now = 0;
  play(line, 3 * HOUR, between(2 * HOUR, 2 * HOUR + 1200, 5, UNCLOSED));
  assert.equal(line.told.length, 1, line.told.join("\n"));
});

test("what is damaged is refused in words, or never breaks the agent", () => {
  const line = begin();
  play(line, 2 * HOUR + 300, between(2 * HOUR, 3 * HOUR, 20, UNCLOSED));
  const saved = line.save();
  assert.throws(() => begin().load(saved.subarray(0, saved.length >> 1)), /is not what log_sequence saves/);
  fc.assert(
    fc.property(fc.nat(), fc.nat(5), (place, value) => {
      const other = begin();
      other.now = line.now;
      try {
        other.load(damaged(saved, place, value));
      } catch (error) {
        assert.match((error as Error).message, /^(is of|has) /);
      }
      play(other, other.now + 300, between(0, 9 * HOUR, 20, UNCLOSED));
      assert.equal(other.errors, 0);
    }),
    { numRuns: 40 },
  );
});

test("messages without end are bounded", () => {
  const line = begin();
  const letters = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");
  play(line, HOUR, (group) => [
    ...usual(group),
    ...Array.from({ length: 5 }, (_, i) => `${letters(5 * group + i)} came`),
  ]);
  assert.ok(line.save().length < 2_000_000, `${line.save().length} bytes`);
  assert.equal(line.errors, 0);
});

test("traces without end are bounded", () => {
  const line = begin({ max_groups: 100, idle_timeout: "10m" });
  play(line, 2 * HOUR, usual);
  assert.deepEqual(line.told, []);
  assert.ok(line.save().length < 200_000, `${line.save().length} bytes`);
});

test("what is not its own is refused in words", () => {
  const line = begin();
  assert.throws(() => line.load(Buffer.from("?")), /is not what log_sequence saves/);
  const other = begin({ group_by: "session.id" });
  play(line, 60, usual);
  assert.throws(() => other.load(line.save()), /is of groups by trace_id, not by session\.id/);
});
