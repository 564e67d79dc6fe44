// Several metrics of one resource as one vector: what a detector of vectors is handed, and what it fills.
import type { StateOf, StateShape } from "./detector.ts";

/** The agent's options that such a detector may read beside its own. */
export interface VectorOptions {
  /** Entries of each vector. */
  readonly dimensions: number;
  /** Milliseconds of event time that one vector spans. */
  readonly interval: number;
}

/**
 * Row i is what one resource reported in one interval of event time. A metric keeps its dimension while it reports; those
 * of dimensions that no metric has (yet) are NaN. A matrix has entry k of row i at i * width + k.
 */
export interface Vectors {
  readonly length: number;
  /** The option `dimensions`. */
  readonly width: number;
  /** Dense id of the resource: the index into every state column. */
  readonly series: Uint32Array;
  /** How many vectors of this resource came before this one; 0 marks its first, whose state is all zero. */
  readonly age: Uint32Array;
  /** Unix milliseconds of the last point in it. */
  readonly time: Float64Array;
  /** length x width. The mean of the interval, or of one of the two before it; NaN where the metric was silent. Otherwise finite, below 1e150. */
  readonly values: Float64Array;
  /**
   * length x width. How far each value is from where the resource's other metrics say it is (a running linear
   * regression), in standard deviations, below 1e6: a load that moves all of them is in none. NaN where the metric was silent, or too little is known of it.
   */
  readonly deviations: Float64Array;
  /** length x width. Vectors since this metric has this dimension; 0: what is remembered of the dimension was another's. */
  readonly held: Uint32Array;
}

/** Columns that the detector fills. All numbers are NaN when it is called. */
export interface VectorVerdicts {
  /** As in `Verdicts`. */
  readonly score: Float64Array;
  /** length x width. How much each dimension has to do with the score, in any unit; NaN or 0: nothing. */
  readonly contributions: Float64Array;
  /** As in `Verdicts`. */
  readonly finding: Uint8Array;
}

/** As `ScoreThenLearn`, of vectors. */
export type ScoreThenLearnVectors<Shape extends StateShape, Config> = (
  rows: Vectors,
  state: StateOf<Shape>,
  verdicts: VectorVerdicts,
  config: Config & VectorOptions,
) => void;
