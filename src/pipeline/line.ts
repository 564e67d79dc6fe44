// Rarity -> score: where the line of a detector lies.
import type { DetectorOptions } from "./options.ts";

/** Of one detector. 1 is the line. */
export interface Line {
  /** score[i] of rarity[i] of series[i] at time[i] (Unix milliseconds), in order; NaN stays NaN. */
  apply(series: Uint32Array, time: Float64Array, rarity: Float64Array, count: number, score: Float64Array): void;
  /** The score of a finding that stands for itself, with no series of rows behind it. */
  single(rarity: number, time: number): number;
}

/** Where the user said at which rarity it lies. */
export class FixedLine implements Line {
  readonly #threshold: number;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  apply(_series: Uint32Array, _time: Float64Array, rarity: Float64Array, count: number, score: Float64Array): void {
    for (let i = 0; i < count; i++) score[i] = rarity[i] / this.#threshold;
  }

  single(rarity: number): number {
    return rarity / this.#threshold;
  }
}

/** The line that the user's options ask for. */
export function lineOf({ threshold }: DetectorOptions): Line {
  return new FixedLine(threshold);
}
