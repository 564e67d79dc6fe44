// What surprised a detector, but less than its line asks for: nobody is told of it, though it may say where something else began.
import type { Labels, Telemetry } from "./signals.ts";

export interface Suspicion {
  /** Component id. */
  readonly detector: string;
  readonly signal: Telemetry;
  /** anomaly.type that it would be told as. */
  readonly type: string;
  readonly labels: Labels;
  /** Unix milliseconds of the event. */
  readonly time: number;
  /** Decades of its rarity, times the share of the larger of `observed` and `expected` that is not in the other; of a row less what one row in a thousand has. */
  readonly strength: number;
  /** NaN where there is none. */
  readonly observed: number;
  readonly expected: number;
}
