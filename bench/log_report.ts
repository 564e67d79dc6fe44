// What trials of log detection say: tables for the report, and lists to look into.
import { type LogOutcome, logOutcomesOf, type QuietLogs, quietLogsOf } from "./log_figures.ts";
import type { LogAlarm, LogTrial } from "./log_trial.ts";
import { EXPECTED, type LogFaultKind } from "./log_world/faults.ts";
import { LOG_CANDIDATES, LOG_FAULT_KINDS } from "./log_world/plan.ts";
import { type Cell, clock, lasting, median, table } from "./markdown.ts";

/** Kinds whose size is a factor, and those where it says nothing. */
const FACTORS: readonly LogFaultKind[] = ["burst", "errors", "outlier", "shift"];
const PLAIN: readonly LogFaultKind[] = ["silence", "level_silence"];

function sizeOf(kind: LogFaultKind, size: number): string {
  if (PLAIN.includes(kind)) return "";
  if (kind === "new_error" || kind === "new_info") return size === 0 ? "once" : `${size} a minute`;
  if (kind === "deploy") return `${size} new`;
  if (kind === "drop") return `x1/${size}`;
  return FACTORS.includes(kind) ? `x${size}` : `${size * 100} %`;
}

const HEAD = [
  "fault",
  "size",
  "planted",
  "found",
  "median delay",
  "by whom it should",
  "template named",
  "alarms each",
  "found by",
];

function rowOf(kind: string, size: string, outcomes: readonly LogOutcome[]): Cell[] {
  const found = outcomes.filter((each) => each.found);
  const shown = outcomes.filter(({ named }) => named !== undefined);
  const by = Map.groupBy(
    found.flatMap((each) => each.by),
    (detector) => detector,
  );
  const told = [...by].sort((a, b) => b[1].length - a[1].length).map(([name, all]) => `${name} ${all.length}`);
  const said = found.reduce((sum, each) => sum + each.said.length, 0);
  return [
    kind,
    size,
    outcomes.length,
    found.length,
    found.length === 0 ? "" : lasting(median(found.map(({ delay }) => delay))),
    outcomes.filter(({ expected }) => expected).length,
    shown.length === 0 ? "" : shown.filter(({ named }) => named).length,
    found.length === 0 ? "" : (said / found.length).toFixed(1),
    told.join(", "),
  ];
}

/** A row for each kind and size that was planted. */
export function logFaultTable(trials: readonly LogTrial[]): string {
  const outcomes = trials.flatMap(logOutcomesOf);
  const rows = LOG_FAULT_KINDS.flatMap((kind) =>
    LOG_CANDIDATES[kind].sizes.flatMap((size) => {
      const own = outcomes.filter(({ fault }) => fault.kind === kind && fault.size === size);
      return own.length === 0 ? [] : [rowOf(kind, sizeOf(kind, size), own)];
    }),
  );
  return table(HEAD, [...rows, rowOf("all", "", outcomes)]);
}

/** False alarms by detector. */
export function quietLogTable(trials: readonly LogTrial[]): string {
  const quiets = trials.map(quietLogsOf);
  const total = (count: (quiet: QuietLogs) => number) => quiets.reduce((sum, each) => sum + count(each), 0);
  const hours = total((quiet) => quiet.hours);
  const row = (name: string, count: (quiet: QuietLogs) => number) => {
    const sum = total(count);
    return [name, sum, (sum / hours).toFixed(2), ((24 * sum) / hours).toFixed(1)];
  };
  const of = (detector: string) => (quiet: QuietLogs) =>
    quiet.alarms.filter((each) => each.detector === detector).length;
  const rows = [
    ...trials[0].options.detectors.map((detector) => row(detector, of(detector))),
    row("all", ({ alarms }) => alarms.length),
    row("all, those within 5 minutes as one", ({ incidents }) => incidents),
    row("told of what was new and no fault", ({ news }) => news.length),
  ];
  const learning = total((quiet) => quiet.learning.length);
  return `${hours.toFixed(0)} hours; ${learning} alarms before them, in the hours of learning.

${table(["", "alarms", "an hour", "a day"], rows)}`;
}

/** Every fault with what was said first, and every false alarm with its sentence; with `verbose` also what was said of a fault later, of news, and while it learnt. */
export function listOfLogs(trials: readonly LogTrial[], verbose: boolean): string {
  const told = ({ at, detector, type, score, service, reason }: LogAlarm) =>
    `${clock(at)} ${detector} ${type} ${score.toFixed(2)} ${service}: ${reason}`;
  const lines: string[] = [];
  for (const trial of trials) {
    const { options, records, seconds, alarms } = trial;
    lines.push(`seed ${options.seed}: ${records} records, ${alarms.length} alarms, ${seconds.toFixed(1)} s of CPU`);
    for (const outcome of logOutcomesOf(trial)) {
      const { fault, found, delay, by, said, expected, words } = outcome;
      const what = `${fault.kind} ${sizeOf(fault.kind, fault.size)} ${fault.service} ${fault.key ?? ""}`;
      const whose = expected ? "" : `, not by ${EXPECTED[fault.kind]}`;
      const end = found ? `found after ${lasting(delay)} by ${by.join(", ")}${whose}` : "MISSED";
      lines.push(`  ${end}: ${clock(fault.from)} ${what} ${words.length === 1 ? `"${words[0]}"` : ""}`);
      for (const alarm of verbose ? said : said.slice(0, 1)) lines.push(`    ${told(alarm)}`);
    }
    const { alarms: wrong, news, learning } = quietLogsOf(trial);
    for (const alarm of wrong) lines.push(`  false alarm ${told(alarm)}`);
    if (!verbose) continue;
    for (const alarm of news) lines.push(`  news ${told(alarm)}`);
    for (const alarm of learning) lines.push(`  while learning ${told(alarm)}`);
  }
  return lines.join("\n");
}
