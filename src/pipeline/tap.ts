// Where every verdict of a graph's detectors can be read, row by row: for replays.
import type { Anomaly, Batch, Telemetry, Verdicts } from "../api/index.ts";

/** What a detector said of `count` rows: row i of it is row source[i] of the batch. Valid during the call only. */
export interface Judgement {
  /** Component id. */
  readonly detector: string;
  readonly count: number;
  readonly source: Uint32Array;
  /** 1 is the line; NaN where it abstained. */
  readonly score: Float64Array;
  readonly rarity: Float64Array;
  readonly verdicts: Verdicts;
  /** anomaly.type that row i is, or would be, told as. */
  typeOf(i: number): string;
}

export interface Tap {
  judged(batch: Batch<Telemetry>, judgement: Judgement): void;
  /** What a processor found by itself, in a row of the batch where it is in one. */
  found(anomaly: Anomaly, batch?: Batch<Telemetry>, row?: number): void;
}
