// What somebody on call would count at the detector's own line: events found, how late, and false alarms.
import type { LabelKind } from "./judgement.ts";
import { soonestTop } from "./points.ts";
import { countedEvents, countedFrom, eachNormalRow, type JudgedSeries, LINE } from "./series.ts";

export interface EventScore {
  readonly events: number;
  /** With an alarm in any of their rows; and in the first rows, as the delay-adjusted F1 has it: undefined of windows. */
  readonly found: number;
  readonly found_in_time: number | undefined;
  /** Undefined where there are no events. */
  readonly recall: number | undefined;
  readonly recall_in_time: number | undefined;
  /** Events found, of those and the false alarms; undefined where there is neither. */
  readonly precision: number | undefined;
  readonly precision_in_time: number | undefined;
  /** From an event's first row to its first alarm, the median over those found; undefined where none was. */
  readonly delay_rows: number | undefined;
  readonly delay_seconds: number | undefined;
  /** Runs of alarms outside of events: rows in a row of one series. */
  readonly false_alarms: number;
  /** Over the time, of events, that any of the series was judged in. Undefined where that is no time. */
  readonly false_alarms_a_day: number | undefined;
  /** Over the sum of the times that each series was judged in. */
  readonly false_alarms_a_series_day: number | undefined;
}

const DAY = 86_400_000;

export function eventScore(all: readonly JudgedSeries[], labels: LabelKind = "points"): EventScore {
  let events = 0;
  let soon = 0;
  let falseAlarms = 0;
  const rows: number[] = [];
  const times: number[] = [];
  const judged: [from: number, to: number][] = [];
  for (const series of all) {
    const { score, time } = series;
    for (const event of countedEvents(series)) {
      events++;
      if (soonestTop(series, event) >= LINE) soon++;
      const [first, last] = event;
      let row = first;
      while (row <= last && !(score[row] >= LINE)) row++;
      if (row > last) continue;
      rows.push(row - first);
      times.push(time[row] - time[first]);
    }
    let before = Number.NEGATIVE_INFINITY;
    eachNormalRow(series, (row) => {
      if (!(score[row] >= LINE)) return;
      if (row !== before + 1) falseAlarms++;
      before = row;
    });
    const from = countedFrom(series);
    if (from < time.length) judged.push([time[from], time[time.length - 1]]);
  }
  const found = rows.length;
  const inTime = labels === "points" ? soon : undefined;
  const share = (part: number | undefined, whole: number) =>
    part === undefined || whole === 0 ? undefined : part / whole;
  const seconds = median(times);
  return {
    events,
    found,
    found_in_time: inTime,
    recall: share(found, events),
    recall_in_time: share(inTime, events),
    precision: share(found, found + falseAlarms),
    precision_in_time: share(inTime, soon + falseAlarms),
    delay_rows: median(rows),
    delay_seconds: seconds === undefined ? undefined : seconds / 1000,
    false_alarms: falseAlarms,
    false_alarms_a_day: share(falseAlarms, covered(judged) / DAY),
    false_alarms_a_series_day: share(
      falseAlarms,
      judged.reduce((sum, [from, to]) => sum + Math.max(0, to - from), 0) / DAY,
    ),
  };
}

function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Milliseconds that lie in at least one of the intervals. */
function covered(intervals: readonly (readonly [number, number])[]): number {
  let total = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [from, to] of [...intervals].sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return total;
}
