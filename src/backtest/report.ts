// A judgement as a table that a person reads.
import type { Judgement } from "./judgement.ts";
import type { NabScore } from "./nab.ts";
import type { PointScore } from "./points.ts";

const count = (value: number) => value.toLocaleString("en-US");
const percent = (share: number | undefined) => (share === undefined ? "-" : `${(100 * share).toFixed(1)} %`);
const amount = (value: number | undefined) => (value === undefined ? "-" : String(Number(value.toPrecision(3))));

/** "45 s", "30 min", "3 h", "2 days". */
function span(seconds: number): string {
  if (seconds < 60) return `${amount(seconds)} s`;
  if (seconds < 3600) return `${amount(seconds / 60)} min`;
  return seconds < 172_800 ? `${amount(seconds / 3600)} h` : `${amount(seconds / 86_400)} days`;
}

const of = (value: number, whole: string) => `${count(value)} ${whole}${value === 1 ? "" : "s"}`;

function line(name: string, atLine: string, best = "", threshold = ""): string {
  return `${name.padEnd(26)}${atLine.padStart(10)}${best.padStart(10)}${threshold.padStart(12)}`.trimEnd();
}

function nabLine(name: string, { default: atLine, best, threshold }: NabScore): string {
  return line(name, atLine.toFixed(1), best.toFixed(1), amount(threshold));
}

function pointLines(name: string, { f1, precision, recall, best_f1, best_threshold }: PointScore): string[] {
  return [
    line(name, f1.toFixed(3), best_f1.toFixed(3), amount(best_threshold)),
    line("  precision", precision.toFixed(3)),
    line("  recall", recall.toFixed(3)),
  ];
}

/** Ends with a line break. */
export function reportOf({ labels, series, rows, nab, delay_adjusted, points, events }: Judgement): string {
  const { false_alarms, false_alarms_a_day, false_alarms_a_series_day, delay_rows, delay_seconds } = events;
  const lines = [
    `${count(series)} series, ${of(rows, "row")}, ${of(events.events, "event")} labelled by ${labels}`,
    "the first 15 % of each series, 750 rows at most, are not counted",
    "",
  ];
  if (nab || delay_adjusted) lines.push(line("", "default", "best", "at score"));
  if (nab) {
    lines.push(
      nabLine("NAB standard", nab.standard),
      nabLine("NAB, few false positives", nab.reward_low_fp),
      nabLine("NAB, few false negatives", nab.reward_low_fn),
    );
  }
  if (delay_adjusted) lines.push(...pointLines("delay-adjusted F1", delay_adjusted));
  if (points) lines.push(...pointLines("F1 of points", points));
  if (nab || delay_adjusted) lines.push("");
  if (events.events > 0) {
    const inTime = events.found_in_time === undefined ? "" : `, ${count(events.found_in_time)} in time`;
    lines.push(
      `${line("events found", percent(events.recall))} (${count(events.found)} of ${count(events.events)}${inTime})`,
      line("event precision", percent(events.precision)),
    );
    if (delay_rows !== undefined) {
      lines.push(`${line("median delay", span(delay_seconds ?? 0))} (${of(delay_rows, "row")})`);
    }
  }
  lines.push(
    line("false alarms", count(false_alarms)) +
      ` (${amount(false_alarms_a_day)} a day, ${amount(false_alarms_a_series_day)} a day of one series)`,
  );
  return `${lines.join("\n")}\n`;
}
