// What the agent remembers of what its detectors saw lately, for people who look at it: charts of series, traces that hold an anomaly.
import type { Labels, Telemetry } from "./signals.ts";

export interface HistoryOptions {
  /** Bytes that the points of all series may take; beyond it the series looked at least, and not anomalous of late, have none. */
  readonly maxMemory: number;
  /** Milliseconds that points reach back at most. */
  readonly span: number;
  /** Bytes that traces may take: those that an anomaly names, and the latest of all. */
  readonly maxTraceMemory: number;
}

/** A series as one detector watches it. */
export interface WatchedSeries {
  /** That of its anomalies; 16 hex digits. */
  readonly fingerprint: string;
  /** Component id, and the pipeline it stands in. */
  readonly detector: string;
  readonly pipeline: string;
  readonly signal: Telemetry;
  /** As of the row that brought it here. */
  readonly labels: Labels;
  /** Rows judged while it was kept, and those that the detector wants to have seen before it says anything. */
  readonly rows: number;
  readonly warmup: number;
  /** "warming": it says nothing yet; "over": its last row was past the line. */
  readonly state: "warming" | "quiet" | "over";
  /** Of the last row: 1 is the line; NaN where the detector abstained. */
  readonly score: number;
  /** -log10 of the probability that a normal row surprises as much; NaN where none is claimed. */
  readonly rarity: number;
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  /** Unix milliseconds of the last row. */
  readonly time: number;
  /** Unix milliseconds of the last row past the line; NaN where there was none. */
  readonly lastOver: number;
  /** Bytes that its points take. */
  readonly bytes: number;
}

/** Columns of equal length, ascending in time; NaN where there is no number. */
export interface SeriesPoints {
  /** Milliseconds that one point stands for at most, later ones for fewer: of the rows in them the one that surprised most. */
  readonly width: number;
  readonly time: readonly number[];
  readonly observed: readonly number[];
  readonly expected: readonly number[];
  readonly lower: readonly number[];
  readonly upper: readonly number[];
  readonly score: readonly number[];
}

export interface KeptSpan {
  readonly spanId: string;
  /** Index of its parent in the trace, always smaller; -1 of one without. */
  readonly parent: number;
  readonly name: string;
  readonly service: string;
  /** OTLP span kind, 0 to 5. */
  readonly kind: number;
  /** Unix milliseconds, and milliseconds. */
  readonly start: number;
  readonly duration: number;
  /** Milliseconds that it took itself: what its children do not cover. */
  readonly self: number;
  readonly failed: boolean;
}

export interface KeptTrace {
  readonly traceId: string;
  /** Depth first: a parent before its children. */
  readonly spans: readonly KeptSpan[];
}

export interface History {
  /** Every series that has points, in no order. */
  series(): readonly WatchedSeries[];
  /** Undefined where none of that fingerprint has points. */
  find(fingerprint: string): WatchedSeries | undefined;
  /** What is kept of it between two times, at most 512 points. */
  points(fingerprint: string, from?: number, until?: number): SeriesPoints | undefined;
  trace(traceId: string): KeptTrace | undefined;
  /** Bytes that are taken. */
  readonly byteLength: number;
  /** Keeps no more and lets go of everything. */
  close(): void;
}
