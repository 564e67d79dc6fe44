// One row of an input with what was said of it.

/** A line of a CSV file, a cell of a wide one, or a data point, log record or span. A fresh object each: keep it if you like. */
export interface ReplayedRow {
  /** The input's path below the directory that was given, or its file name; without ".gz". */
  readonly input: string;
  /** Which of several in the input: the column of a wide CSV file, the series of an OTLP row; empty in a plain CSV file. */
  readonly series: string;
  /** Unix milliseconds. */
  readonly time: number;
  /** As written in a CSV file; ISO 8601 of an OTLP row. */
  readonly timestamp: string;
  /** NaN where the row has none. Of an OTLP row what was judged: the rate of a sum, the milliseconds of a span. */
  value: number;
  /** The value as written in a CSV file. */
  readonly text: string;
  /** Whether the input says it is anomalous; undefined where it says nothing. */
  readonly label: boolean | undefined;
  /** The highest score of all detectors, 1 is the line; NaN where none judged the row. With it what that detector said. */
  score: number;
  expected: number;
  lower: number;
  upper: number;
  /** Component id; empty where none judged the row. */
  detector: string;
  /** anomaly.type where the score is at least 1; else empty. */
  type: string;
}

/** A row that was not judged yet. */
export function unjudged(
  row: Pick<ReplayedRow, "input" | "series" | "time" | "timestamp" | "value" | "text" | "label">,
): ReplayedRow {
  return {
    input: row.input,
    series: row.series,
    time: row.time,
    timestamp: row.timestamp,
    value: row.value,
    text: row.text,
    label: row.label,
    score: Number.NaN,
    expected: Number.NaN,
    lower: Number.NaN,
    upper: Number.NaN,
    detector: "",
    type: "",
  };
}
