// One judged series as every measure takes it: its rows in order, and the labelled events among them.

/** Scores from here on are alarms. */
export const LINE = 1;

/** The share of a series, and of how many rows at most, that a detector is given before it counts; as NAB has it. */
const PROBATION = 0.15;
const PROBATION_ROWS = 5000;

/** Rows [first, last] that belong to one event. */
export type Span = readonly [first: number, last: number];

export interface JudgedSeries {
  readonly name: string;
  /** Unix milliseconds, by row. */
  readonly time: Float64Array;
  /** By row; 1 is the line. NaN counts as 0. */
  readonly score: Float64Array;
  /** In order and apart. */
  readonly events: readonly Span[];
}

/** The first row that counts: before it no alarm is held against the detector, and none helps it. */
export function countedFrom({ score }: JudgedSeries): number {
  return Math.floor(PROBATION * Math.min(score.length, PROBATION_ROWS));
}

/** The part of each event that counts, where there is one. */
export function countedEvents(series: JudgedSeries): Span[] {
  const from = countedFrom(series);
  return series.events.filter(([, last]) => last >= from).map(([first, last]) => [Math.max(first, from), last]);
}

/** Calls back for each row that counts and belongs to no event, in order. */
export function eachNormalRow(series: JudgedSeries, visit: (row: number) => void): void {
  let row = countedFrom(series);
  for (const [first, last] of countedEvents(series)) {
    for (; row < first; row++) visit(row);
    row = last + 1;
  }
  for (; row < series.score.length; row++) visit(row);
}

/** Runs of rows that are labelled 1, as events. */
export function eventsOfLabels(labelled: ArrayLike<number>): Span[] {
  const events: Span[] = [];
  for (let row = 0; row < labelled.length; row++) {
    if (!labelled[row]) continue;
    const first = row;
    while (row + 1 < labelled.length && labelled[row + 1]) row++;
    events.push([first, row]);
  }
  return events;
}

/** Intervals of Unix milliseconds, both ends included, as events of the rows that they hold; those that hold none are left out. */
export function eventsOfWindows(time: Float64Array, windows: readonly (readonly [number, number])[]): Span[] {
  const events: Span[] = [];
  for (const [start, end] of [...windows].sort((a, b) => a[0] - b[0])) {
    const after = (events.at(-1)?.[1] ?? -1) + 1;
    const first = time.findIndex((each, row) => row >= after && each >= start);
    const last = time.findLastIndex((each) => each <= end);
    if (first >= 0 && last >= first) events.push([first, last]);
  }
  return events;
}
