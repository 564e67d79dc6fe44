// What trials of trace detection say: tables for the report, and lists to look into.
import { type Cell, clock, lasting, median, table } from "./markdown.ts";
import { type Blamed, type Outcome, outcomesOf, type Quiet, quietOf } from "./trace_figures.ts";
import type { Alarm, Trial } from "./trace_trial.ts";
import type { FaultKind } from "./world/faults.ts";
import { CANDIDATES, FAULT_KINDS } from "./world/plan.ts";

/** Kinds whose size is a factor; of the others it is a share. */
const FACTORS: readonly FaultKind[] = ["slow", "delay", "fan_out", "repeated_call", "retry_storm"];

function sizeOf(kind: FaultKind, size: number): string {
  if (kind === "fast") return `x1/${size}`;
  if (kind === "traffic" && size === 0) return "silence";
  if (kind === "traffic") return size < 1 ? `x1/${Math.round(1 / size)}` : `x${size}`;
  return FACTORS.includes(kind) ? `x${size}` : `${size * 100} %`;
}

const HEAD = [
  "fault",
  "size",
  "planted",
  "found",
  "median delay",
  "first blamed: target",
  "an ancestor",
  "another",
  "operation named",
  "found by",
];

function rowOf(kind: string, size: string, outcomes: readonly Outcome[]): Cell[] {
  const found = outcomes.filter((each) => each.found);
  const first = (...whom: Blamed[]) => outcomes.filter((each) => each.blamed && whom.includes(each.blamed)).length;
  const by = Map.groupBy(
    found.flatMap((each) => each.by),
    (detector) => detector,
  );
  const told = [...by].sort((a, b) => b[1].length - a[1].length).map(([name, all]) => `${name} ${all.length}`);
  return [
    kind,
    size,
    outcomes.length,
    found.length,
    found.length === 0 ? "" : lasting(median(found.map(({ delay }) => delay))),
    first("target"),
    first("ancestor"),
    first("descendant", "elsewhere"),
    found.filter(({ named }) => named).length,
    told.join(", "),
  ];
}

/** A row for each kind and size that was planted. */
export function faultTable(trials: readonly Trial[]): string {
  const outcomes = trials.flatMap(outcomesOf);
  const rows = FAULT_KINDS.flatMap((kind) =>
    CANDIDATES[kind].sizes.flatMap((size) => {
      const own = outcomes.filter(({ fault }) => fault.kind === kind && fault.size === size);
      return own.length === 0 ? [] : [rowOf(kind, sizeOf(kind, size), own)];
    }),
  );
  return table(HEAD, [...rows, rowOf("all", "", outcomes)]);
}

/** False alarms by detector. */
export function quietTable(trials: readonly Trial[]): string {
  const quiets = trials.map(quietOf);
  const total = (count: (quiet: Quiet) => number) => quiets.reduce((sum, each) => sum + count(each), 0);
  const hours = total((quiet) => quiet.hours);
  const row = (name: string, count: (quiet: Quiet) => number) => {
    const sum = total(count);
    return [name, sum, (sum / hours).toFixed(2), ((24 * sum) / hours).toFixed(1)];
  };
  const of = (detector: string) => (quiet: Quiet) => quiet.alarms.filter((each) => each.detector === detector).length;
  const rows = [
    ...trials[0].detectors.map((detector) => row(detector, of(detector))),
    row("all", ({ alarms }) => alarms.length),
    row("all, those within 5 minutes as one", ({ incidents }) => incidents),
  ];
  return `${hours.toFixed(0)} hours; ${total(({ learning }) => learning)} alarms before them, in the hours of learning.

${table(["", "alarms", "an hour", "a day"], rows)}`;
}

/** Every fault with what was said first, and every false alarm. */
export function listOf(trials: readonly Trial[]): string {
  const said = ({ detector, type, score, service, name, kind, reason }: Alarm) =>
    `${detector} ${type} ${score.toFixed(2)} ${service} ${name} ${kind}: ${reason}`;
  const lines: string[] = [];
  for (const trial of trials) {
    lines.push(`seed ${trial.options.seed}: ${trial.spans} spans, ${trial.alarms.length} alarms`);
    for (const { fault, found, first, blamed, delay, by } of outcomesOf(trial)) {
      const { kind, size, target, peer, from } = fault;
      const where = peer === undefined ? target : `${target} > ${peer}`;
      const outcome = found ? `found after ${lasting(delay)} by ${by.join(", ")}` : "MISSED";
      lines.push(`  ${outcome}: ${clock(from)} ${kind} ${sizeOf(kind, size)} ${where}`);
      if (first && blamed !== "target") lines.push(`    first blamed, ${blamed}: ${said(first)}`);
      if (found) lines.push(`    ${said(found)}`);
    }
    for (const alarm of quietOf(trial).alarms) lines.push(`  false alarm ${clock(alarm.at)} ${said(alarm)}`);
  }
  return lines.join("\n");
}
