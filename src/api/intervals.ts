// What each series did in an interval of event time: what a detector of counts is handed.
import type { LineOptions, StateOf, StateShape, Verdicts } from "./detector.ts";
import type { Batch } from "./signals.ts";

/** The agent's options that such a detector may read beside its own. */
export interface IntervalOptions extends LineOptions {
  /** Milliseconds of event time that one row spans. */
  readonly interval: number;
}

/**
 * Row i is what one series did in one interval, also when it did nothing. While nothing at all comes from a service, its rows wait; when it
 * is heard again after longer than it is usually silent, there are none for the time between: silence of a service is for `absence`.
 */
export interface Intervals {
  readonly length: number;
  /** Dense id of the series: the index into every state column. */
  readonly series: Uint32Array;
  /** How many rows of this series came before this one; 0 marks its first, whose state is all zero. */
  readonly age: Uint32Array;
  /** Unix milliseconds of the end of the interval, a multiple of its length. */
  readonly time: Float64Array;
  /** Spans that ended, or log records, in the interval. Of a part: those of the whole. */
  readonly count: Float64Array;
  /**
   * Of these the ones that failed: spans with status ERROR that did not inherit it (`Spans.inherited`), records from severity ERROR. Of a
   * part: its own; of a template: all of its records.
   */
  readonly failed: Float64Array;
  /** Spans or records of all other series of its service and span kind in the interval; of a part: of those other than the whole. */
  readonly others: Float64Array;
  /** 1 where it is of a part, 0 of a whole. */
  readonly part: Uint8Array;
}

/** As `ScoreThenLearn`, of intervals. */
export type ScoreThenLearnIntervals<Shape extends StateShape, Config> = (
  rows: Intervals,
  state: StateOf<Shape>,
  verdicts: Verdicts,
  config: Config & IntervalOptions,
) => void;

/** The part of its series that a row also counts in, which has a row of its own in each interval; told as `labels.part`. */
export type PartOf = (batch: Batch, row: number) => string | undefined;
