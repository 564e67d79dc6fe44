// What people on call rely on: a message that a service never wrote is told by how severe and how rare such are, a deployment once.
import assert from "node:assert/strict";
import test from "node:test";
import { serialize } from "node:v8";
import fc from "fast-check";
import newTemplate from "../../plugins/processors/new_template/index.ts";
import { damaged } from "../damaged.ts";
import { type LogRecord, logRequest } from "../logs.ts";
import { BEGINNING, type Timeline, timeline } from "../timeline.ts";

const MINUTE = 60;
const HOUR = 3600;
const ERROR = { severity: 17, severityText: "ERROR" };
const FATAL = { severity: 21, severityText: "FATAL" };

type Line = Omit<LogRecord, "time">;
const begin = () => timeline(newTemplate, {}, { signal: "logs" });

/** Six services that write the same few messages every half minute, and what `extra` adds, until `end` in seconds. */
function play(line: Timeline, end: number, extra: (second: number) => readonly Line[] = () => []): void {
  while (line.now < end) {
    const usual = Array.from({ length: 6 }, (_, i) => `service ${i}`).flatMap((service): Line[] => [
      { service, body: `request ${line.now} done` },
      { service, body: `cache filled: ${line.now % 7}` },
    ]);
    const records = [...usual, ...extra(line.now)];
    line.send(logRequest(records.map((record) => ({ ...record, time: BEGINNING + line.now * 1000 }))));
    line.tick(30);
  }
}

const word = (n: number) => [...String(n)].map((digit) => "abcdefghij"[Number(digit)]).join("");
/** Messages that have nothing in common. */
const message = (n: number) => `${word(n + 100)} has ${word(n + 200)} for ${word(n + 300)}`;

/** The records at that second only. */
const at =
  (when: number, ...records: Line[]) =>
  (second: number) =>
    second === when ? records : [];

test("a new FATAL is told at once, on its record, with its text and template", () => {
  const line = begin();
  play(line, 49 * HOUR, at(48 * HOUR, { service: "service 1", body: "payment 17 refused", ...FATAL }));
  assert.deepEqual(line.told, [
    '2880:00 new_template open: service 1 logs what it never did before: FATAL "payment <*> refused".',
  ]);
  const [{ labels, type, severity }] = line.anomalies;
  assert.deepEqual(
    [labels.template, labels.example, labels.resource["service.name"], type],
    ["payment <*> refused", "payment 17 refused", "service 1", "new_template"],
  );
  assert.notEqual(severity, undefined);
});

for (const [after, sights] of [
  [2 * HOUR, 6],
  [24 * HOUR, 4],
  [72 * HOUR, 3],
  [240 * HOUR, 2],
  [720 * HOUR, 1],
]) {
  test(`a service alone for ${after / HOUR} hours: a new error is told when it comes for the ${sights}. time`, () => {
    const line = begin();
    const send = (body: string, more: object = {}) =>
      line.send(logRequest([{ body, service: "alone", time: BEGINNING + line.now * 1000, ...more }]));
    for (; line.now < after; line.now += 600) send(`request ${line.now} done`);
    for (let sight = 1; sight <= sights; sight++) {
      assert.deepEqual(line.told, []);
      send(`payment ${sight} refused`, ERROR);
      line.tick(60);
    }
    assert.equal(line.told.length, 1);
  });
}

test("nothing is told while a service is learnt, nor what it wrote then", () => {
  const line = begin();
  const body = (second: number) => `payment ${second} refused`;
  play(line, 4 * HOUR, (second) =>
    second % 600 === 0 ? [{ service: "service 1", body: body(second), ...ERROR }] : [],
  );
  assert.deepEqual(line.told, []);
});

test("a new message of INFO is told when it comes again and none were new for long, not when it comes once", () => {
  const line = begin();
  play(line, 40 * HOUR, (second) => {
    if (second === 10 * HOUR) return [{ service: "service 1", body: "once only" }];
    const often = second >= 38 * HOUR && second < 39 * HOUR;
    return often ? [{ service: "service 2", body: `fallback used for ${second}` }] : [];
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^22\d\d:\d\d new_template open: service 2 logs .*INFO "fallback used for <\*>", \d times by now\.$/,
  );
});

test("a word that stands in a known message for the first time is told when it keeps coming, another one in its place is the same news", () => {
  const line = begin();
  const moved = (region: string) => `order moved to region ${region}`;
  play(line, 20 * HOUR, (second) => {
    const fault = second >= 12 * HOUR && second % 120 === 0;
    return [
      { service: "service 1", body: moved(second % 90 === 0 ? "north" : "south") },
      ...(fault && second < 12.25 * HOUR ? [{ service: "service 1", body: moved("quarantined") }] : []),
      ...(fault && second >= 15 * HOUR ? [{ service: "service 1", body: moved("unknown") }] : []),
    ];
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^72\d:\d\d .* INFO "order moved to region quarantined", \d times by now\.$/);
});

test("a known message whose template grows more general is no news", () => {
  const line = begin();
  play(line, 20 * HOUR, (second) => [
    { service: "service 1", body: `price of the ${second < 15 * HOUR ? "order" : second} is set` },
  ]);
  assert.deepEqual(line.told, []);
});

/** Forty new messages of a version from ten hours on, of which ten are new every minute, and what `extra` adds. */
const deployed = (second: number, extra: (minute: number) => readonly Line[] = () => []): Line[] => {
  const minute = (second - 10 * HOUR) / MINUTE;
  if (minute < 0) return [{ service: "service 7", body: "request 1 done", version: "1.1" }];
  const own = Array.from({ length: 40 }, (_, i) => i)
    .filter((i) => minute >= i / 10)
    .map((i) => ({ service: "service 7", body: message(i), version: "1.2" }));
  return [...own, ...extra(minute)];
};

test("a deployment with many new messages is one event, which names the version", () => {
  const line = begin();
  play(line, 12 * HOUR, deployed);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^60[0-2]:\d\d new_template open: service 7 logs .* and \d+ other new messages, since its version is 1\.2\.$/,
  );
  assert.ok(line.anomalies[0].contributors.length > 0);
});

test("warnings and an error once are part of the deployment that brought them, also when it is over", () => {
  const line = begin();
  const severe = (minute: number): Line[] => [
    ...(minute > 2 ? [{ service: "service 7", body: `queue ${minute} is nearly full`, severity: 13 }] : []),
    ...(minute === 3 ? [{ service: "service 7", body: "cannot bind port 17", ...ERROR }] : []),
  ];
  play(line, 12 * HOUR, (second) => deployed(second, severe));
  assert.equal(line.told.length, 1, line.told.join("\n"));
});

test("an error that a deployment brought and that keeps coming is told although the deployment was", () => {
  const line = begin();
  const failing = (minute: number): Line[] =>
    minute >= 5 ? [{ service: "service 7", body: `cannot reach the queue after ${minute} ms`, ...ERROR }] : [];
  play(line, 12 * HOUR, (second) => deployed(second, failing));
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(line.told[1], /^60[67]:\d\d .* ERROR "cannot reach the queue after <\*> ms", \d times by now/);
});

test("a version that some instances had for a day is no news beside what is told", () => {
  const line = begin();
  const version = (second: number) => (second > 10 * HOUR && second % 60 === 0 ? "1.2" : "1.1");
  play(line, 49 * HOUR, (second) => [
    { service: "service 7", body: "request 3 done", version: version(second) },
    ...at(48 * HOUR, { service: "service 7", body: "payment 17 refused", version: "1.1", ...FATAL })(second),
  ]);
  assert.deepEqual(line.told, [
    '2880:00 new_template open: service 7 logs what it never did before: FATAL "payment <*> refused".',
  ]);
});

test("where errors are new all the time, one more is no news", () => {
  const line = begin();
  play(line, 12 * HOUR, (second) =>
    second % 300 === 0
      ? [{ service: "service 4", body: `${word(second)} went wrong in the ${word(second + 7)}`, ...ERROR }]
      : [],
  );
  assert.deepEqual(line.told, []);
});

/** Errors, warnings, new messages in number, now and then; the same for the same seed. */
function trouble(seed: number): (second: number) => readonly Line[] {
  const chance = (n: number) => ((Math.imul(n + 1, 0x9e3779b1) ^ Math.imul(seed + 7, 0x85ebca6b)) >>> 8) / 2 ** 24;
  return (second) => {
    const hour = Math.floor(second / HOUR);
    const kind = Math.floor(8 * chance(hour));
    const service = `service ${hour % 3}`;
    const often = second % (30 * (1 + Math.floor(4 * chance(hour + 1000)))) === 0;
    if (hour < 6 || !often) return [];
    if (kind < 2) return [{ service, body: `${word(hour)} has failed`, ...ERROR }];
    if (kind < 4) return [{ service, body: `${word(hour)} is late`, severity: 13 }];
    if (kind < 6) return Array.from({ length: 20 }, (_, i) => ({ service, body: message(1000 * hour + i) }));
    return [];
  };
}

test("restarts change nothing, also while something waits to be told", () => {
  const run = (seed: number, restarts: readonly number[]) => {
    const line = begin();
    const extra = trouble(seed);
    play(line, 20 * HOUR, (second) => {
      if (restarts.includes(second)) line.restart();
      return extra(second);
    });
    assert.equal(line.errors, 0);
    return line.anomalies.map(({ id, time, rarity, reason, contributors }) => [id, time, rarity, reason, contributors]);
  };
  const moment = fc.integer({ min: 0, max: 20 * 120 }).map((step) => 30 * step);
  const soon = fc.tuple(fc.integer({ min: 6, max: 19 }), fc.integer({ min: 0, max: 8 }));
  const early = soon.map(([hour, step]) => hour * HOUR + 30 * step);
  let told = 0;
  fc.assert(
    fc.property(fc.nat(20), fc.array(fc.oneof(moment, early), { minLength: 1, maxLength: 12 }), (seed, restarts) => {
      const whole = run(seed, []);
      told += whole.length;
      assert.deepEqual(run(seed, restarts), whole);
    }),
    { numRuns: 4 },
  );
  assert.ok(told > 0);
});

test("attributes of every kind wait and are saved", () => {
  const line = begin();
  play(line, 10 * HOUR);
  const attributes = { count: 3n, raw: Uint8Array.of(1), none: null, list: [1.5, { deep: true }] };
  line.send(logRequest([{ service: "service 1", body: "something new", time: BEGINNING, attributes }]));
  line.restart();
  line.tick(60);
  assert.equal(line.errors, 0);
});

test("what is no state of its own is refused in words, and what is damaged never breaks the agent", () => {
  const line = begin();
  play(line, 49 * HOUR, trouble(1));
  line.send(logRequest([{ service: "service 1", body: "something new", time: BEGINNING }]));
  const saved = line.save();
  assert.throws(() => begin().load(Buffer.from("?")), /is not what new_template saves/);
  assert.throws(() => begin().load(saved.subarray(0, saved.length >> 1)), /is not what new_template saves/);
  assert.throws(() => begin().load(serialize({ version: 9 })), /is of another version of new_template, or damaged/);
  fc.assert(
    fc.property(fc.nat(), fc.nat(5), (place, value) => {
      const other = begin();
      try {
        other.load(damaged(saved, place, value));
      } catch (error) {
        assert.match((error as Error).message, /^is of another version of new_template, or damaged/);
        return;
      }
      other.now = line.now;
      play(other, other.now + HOUR, (second) => [
        ...trouble(1)(second),
        { service: "service 1", body: `payment ${second} refused`, ...ERROR },
      ]);
      assert.equal(other.errors, 0);
    }),
    { numRuns: 60 },
  );
});

test("nothing of a parameter is told where these are hidden", () => {
  const line = timeline(newTemplate, {}, { signal: "logs", hidden: true });
  play(line, 49 * HOUR, at(48 * HOUR, { service: "service 1", body: "card 4111-1111 refused", ...FATAL }));
  assert.equal(line.told.length, 1);
  assert.doesNotMatch(JSON.stringify(line.anomalies), /4111/);
});

test("records without a time, or with one far away, are judged by when they come", () => {
  const line = begin();
  play(line, 48 * HOUR);
  for (const [i, time] of [0, BEGINNING - 9e9, BEGINNING + 9e11].entries()) {
    line.send(logRequest([{ service: `service ${i}`, body: `payment ${i} refused`, ...FATAL, time }]));
    line.tick();
  }
  assert.equal(line.told.length, 3);
  for (const told of line.told) assert.match(told, /^2880:0\d new_template open/);
});

test("a clock that was ahead and is set back neither silences a service nor makes all of it new", () => {
  const line = begin();
  line.now = 400 * 24 * HOUR;
  play(line, 400 * 24 * HOUR + 2 * HOUR, (second) => [
    { service: "service 1", body: `payment ${second} accepted`, ...ERROR },
  ]);
  line.now = 0;
  play(line, 41 * HOUR, (second) => [
    { service: "service 1", body: `payment ${second} accepted`, ...ERROR },
    ...(second >= 40 * HOUR ? [{ service: "service 1", body: `payment refused: ${second}`, ...ERROR }] : []),
  ]);
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^240\d:.*"payment refused: <\*>"/);
});

test("a series that the agent forgets leaves its service known", () => {
  // room for two series, of six services and two severities
  const line = timeline(newTemplate, {}, { signal: "logs", limit: 2 });
  play(line, 49 * HOUR, (second) => (second % 300 === 0 ? [{ service: "service 1", body: "usual", ...ERROR }] : []));
  assert.deepEqual(line.told, []);
  assert.equal(line.errors, 0);
});

test("services that match leaves out are not told", () => {
  const match = { exclude: { service: ["service 1"] } };
  const line = timeline(newTemplate, { match }, { signal: "logs" });
  play(line, 49 * HOUR, at(48 * HOUR, { service: "service 1", body: "payment 17 refused", ...FATAL }));
  assert.deepEqual(line.told, []);
});

test("messages without end are bounded and leave what is usual known, in the same service and in others", () => {
  const line = timeline(newTemplate, { max_series: 200 }, { signal: "logs" });
  let n = 0;
  const usual = (second: number): Line[] =>
    second % 3600 === 0 ? ["flood", "service 1"].map((service) => ({ service, body: "backup failed", ...ERROR })) : [];
  play(line, 10 * HOUR, usual);
  play(line, 36 * HOUR, (second) => [
    ...usual(second),
    ...Array.from({ length: 5 }, () => ({ service: "flood", body: `${word(++n)} happened ${word(n * 7)}` })),
  ]);
  // that it floods is told once
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^60\d:\d\d .* flood logs .* INFO /);
  assert.ok(line.save().length < 200_000, `${line.save().length} bytes`);
});
