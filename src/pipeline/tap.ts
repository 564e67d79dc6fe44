// Where every verdict of a detector can be read, row by row: for replays, and for what people are shown of the past.
import type { Anomaly, Batch, Finding, Labels, Telemetry, Verdicts } from "../api/index.ts";

/** A detector as whoever reads its verdicts sees it. */
export interface Judge {
  readonly signal: Telemetry;
  /** Judgements of a series that it wants before it raises an anomaly, and those that it has had, by its own row. */
  readonly warmup: number;
  judged(own: number): number;
}

/** What a detector said of `count` rows: row i of it is row source[i] of the batch. Valid during the call only. */
export interface Judgement {
  /** Component id. */
  readonly detector: string;
  readonly by: Judge;
  readonly count: number;
  readonly source: Uint32Array;
  /** The detector's own row of each: a series as long as it is not told to be forgotten. */
  readonly series: Uint32Array;
  /** Unix milliseconds. */
  readonly time: Float64Array;
  /** 1 is the line; NaN where it abstained. */
  readonly score: Float64Array;
  readonly rarity: Float64Array;
  readonly verdicts: Verdicts;
  /** anomaly.type that row i is, or would be, told as. */
  typeOf(i: number): string;
  /** What was judged of row i; and what it is about, decoded. */
  observed(i: number): number;
  labels(i: number): Labels;
}

/** Of one detector in one pipeline. */
export interface Tap {
  /** Whether it is to be told at present; always, where that is not said. */
  readonly wanted?: boolean;
  judged(batch: Batch<Telemetry>, judgement: Judgement): void;
  /** What a processor found by itself and was not past the line. */
  missed?(finding: Finding): void;
  /** What a processor found by itself, in a row of the batch where it is in one. */
  found?(anomaly: Anomaly, batch?: Batch<Telemetry>, row?: number): void;
  /** Its own row is another series' from now on. */
  forgot?(own: number): void;
}
