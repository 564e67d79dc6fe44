// What the judge of log detection says of alarms: found, by whom, named, and what was for nothing.
import assert from "node:assert/strict";
import test from "node:test";
import { logOutcomesOf, quietLogsOf } from "../../bench/log_figures.ts";
import { logFaultTable, quietLogTable } from "../../bench/log_report.ts";
import type { LogAlarm, LogTrial } from "../../bench/log_trial.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const alarm = (at: number, detector: string, service: string, shown = "", fingerprint = `${at}`): LogAlarm => {
  return { at, detector, service, shown, fingerprint, type: "new_template", reason: "", score: 1 };
};

function trial(alarms: readonly LogAlarm[]): LogTrial {
  const fault = { kind: "new_error", size: 1, service: "cart", from: 9 * HOUR, to: 9 * HOUR + 15 * MINUTE } as const;
  return {
    options: { seed: 1, faults: ["new_error"], detectors: ["new_template", "log_values"], budget: "" },
    planted: [{ fault, words: ["Disk of has no space left for orders"] }],
    alarms,
    news: [{ service: "search", words: ["Index of has grown"], at: 12 * HOUR }],
    start: 0,
    learnt: 8 * HOUR,
    end: 20 * HOUR,
    records: 0,
    seconds: 0,
  };
}

test("a fault is found by what is said of its service while it lasts, and named by the words of its statement", () => {
  const [outcome] = logOutcomesOf(
    trial([
      alarm(9 * HOUR - MINUTE, "log_values", "cart"),
      alarm(9 * HOUR + MINUTE, "new_template", "search", "Disk of has no space left for orders"),
      alarm(9 * HOUR + 2 * MINUTE, "log_values", "cart"),
      alarm(9 * HOUR + 3 * MINUTE, "new_template", "cart", "Disk of node-1 has no space left for orders"),
    ]),
  );
  assert.equal(outcome.delay, 2 * MINUTE);
  assert.equal(outcome.expected?.at, 9 * HOUR + 3 * MINUTE);
  assert.deepEqual(outcome.by, ["log_values", "new_template"]);
  assert.equal(outcome.named, true);
});

test("nothing is found by what was said just before, or is said of other services; other words do not name", () => {
  const about = "cart disk";
  const [missed] = logOutcomesOf(
    trial([
      alarm(9 * HOUR - MINUTE, "new_template", "cart", "", about),
      alarm(9 * HOUR + MINUTE, "new_template", "cart", "", about),
      alarm(9 * HOUR + MINUTE, "new_template", "search"),
      alarm(9 * HOUR + 20 * MINUTE, "new_template", "cart"),
    ]),
  );
  assert.equal(missed.found, undefined);
  const [unnamed] = logOutcomesOf(trial([alarm(9 * HOUR + MINUTE, "new_template", "cart", "orders are late")]));
  assert.equal(unnamed.named, false);
});

test("false is what is said without a fault of the service; of what is new the first alarm is not", () => {
  const alarms = [
    alarm(HOUR, "new_template", "cart"),
    alarm(9 * HOUR + MINUTE, "new_template", "cart"),
    alarm(9 * HOUR + MINUTE, "log_values", "search", "", "again"),
    alarm(9 * HOUR + 2 * MINUTE, "log_values", "search", "", "again"),
    alarm(12 * HOUR + MINUTE, "log_values", "search"),
    alarm(12 * HOUR + 2 * MINUTE, "new_template", "search", "Index of 7 has grown"),
    alarm(12 * HOUR + 3 * MINUTE, "new_template", "search", "Index of 8 has grown"),
  ];
  const quiet = quietLogsOf(trial(alarms));
  assert.deepEqual(quiet.alarms, [alarms[2], alarms[4], alarms[6]]);
  assert.deepEqual(quiet.news, [alarms[5]]);
  assert.deepEqual(quiet.learning, [alarms[0]]);
  assert.equal(quiet.incidents, 2);
  assert.match(quietLogTable([trial(alarms)]), /\| log_values \| 2 \| 0\.17 \| 4\.0 \|/);
  assert.match(
    logFaultTable([trial(alarms)]),
    /\| new_error \| 1 a minute \| 1 \| 1 \| 60 s \| 1 \| 0 \| 1\.0 \| new_template 1 \|/,
  );
});
