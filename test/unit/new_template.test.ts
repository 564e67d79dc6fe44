// What people on call rely on: a message that a service never wrote is told by how severe and how rare such are, a deployment once.
import assert from "node:assert/strict";
import test from "node:test";
import newTemplate from "../../plugins/processors/new_template/index.ts";
import { type LogRecord, logRequest } from "../logs.ts";
import { BEGINNING, type Timeline, timeline } from "../timeline.ts";

const MINUTE = 60;
const HOUR = 3600;
const ERROR = { severity: 17, severityText: "ERROR" };

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

test("a new error is told at once, on its record, with its text and template", () => {
  const line = begin();
  play(line, 9 * HOUR, at(8 * HOUR, { service: "service 1", body: "payment 17 refused", ...ERROR }));
  assert.deepEqual(line.told, [
    '480:00 new_template open: service 1 logs what it never did before: ERROR "payment <*> refused".',
  ]);
  const [{ labels, type, severity }] = line.anomalies;
  assert.deepEqual(
    [labels.template, labels.example, labels.resource["service.name"], type],
    ["payment <*> refused", "payment 17 refused", "service 1", "new_template"],
  );
  assert.notEqual(severity, undefined);
});

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

test("a deployment with many new messages is one event, which names the version", () => {
  const line = begin();
  play(line, 12 * HOUR, (second) => {
    if (second < 10 * HOUR) return [];
    const step = (second - 10 * HOUR) / 30;
    // forty new messages, of which ten are new every minute
    return Array.from({ length: 40 }, (_, i) => i)
      .filter((i) => step >= i / 5)
      .map((i) => ({ service: "service 3", body: message(i) }));
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /^60[0-2]:\d\d new_template open: service 3 logs .* and \d+ other new messages\.$/);
  assert.ok(line.anomalies[0].contributors.length > 0);
});

test("an error among what a deployment brought is told although the deployment was", () => {
  const line = begin();
  play(line, 12 * HOUR, (second) => {
    const since = (second - 10 * HOUR) / MINUTE;
    if (since < 0) return [];
    const steps = Array.from({ length: 40 }, (_, i) => ({
      service: "service 3",
      body: message(i),
    }));
    const failing = { service: "service 3", body: `cannot reach the queue after ${second} ms`, ...ERROR };
    return since >= 5 ? [...steps, failing] : steps;
  });
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(line.told[1], /ERROR "cannot reach the queue after <\*> ms"/);
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

test("a restart changes nothing, also while something waits to be told", () => {
  const run = (restarts: readonly number[]) => {
    const line = begin();
    play(line, 12 * HOUR, (second) => {
      if (restarts.includes(second)) line.restart();
      const late = second >= 10 * HOUR && second < 11 * HOUR;
      return late ? [{ service: "service 1", body: `payment ${second} refused`, ...ERROR }] : [];
    });
    return line.told;
  };
  const whole = run([]);
  assert.equal(whole.length, 1);
  assert.deepEqual(run([3 * HOUR, 10 * HOUR, 10 * HOUR + 30, 10 * HOUR + 60]), whole);
});

test("what is no state of its own is refused in words", () => {
  const line = begin();
  assert.throws(() => line.load(Buffer.from("{}")), /another version of new_template, or damaged/);
  assert.throws(() => line.load(Buffer.from("?")), /not what new_template saves/);
});

test("messages without end are bounded and leave the others known", () => {
  const line = timeline(newTemplate, { max_series: 200 }, { signal: "logs" });
  let n = 0;
  play(line, 10 * HOUR, () =>
    Array.from({ length: 5 }, () => ({ service: "flood", body: `${word(++n)} happened ${word(n * 7)}` })),
  );
  assert.deepEqual(line.told, []);
  assert.ok(line.save().length < 100_000, `${line.save().length} bytes`);
});
