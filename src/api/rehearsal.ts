// A rehearsal: what the running detectors would find of faults planted into a copy of what came in.
import type { Telemetry } from "./signals.ts";

export interface RehearsalOptions {
  /** Milliseconds of telemetry to copy; faults lie in its second half. */
  readonly window: number;
  /** Most bytes to hold: of requests, and of what the detectors know when it begins. */
  readonly maxMemory: number;
  /** Faults to plant at most. */
  readonly faults: number;
  /** Part of one core that it may take, from 0 to 1. */
  readonly share: number;
}

export interface RehearsedFault {
  readonly signal: Telemetry;
  /** "rise", "fall", "slow", "errors", "silence", "new_error". */
  readonly kind: string;
  /** What it was planted into: "checkout http.server.duration.p95", "GET /cart of checkout". */
  readonly about: string;
  /** Component id of the detector that found it first; undefined where none did. */
  readonly by: string | undefined;
  /** Milliseconds from its first row to the anomaly; NaN where none found it. */
  readonly delay: number;
}

export interface Rehearsal {
  /** Unix milliseconds: what was copied lies between. */
  readonly from: number;
  readonly until: number;
  readonly requests: number;
  readonly faults: readonly RehearsedFault[];
  /** Anomalies that the copy alone raises, without a fault. */
  readonly alarms: number;
  /** Those beside them, about something else than the faults, while faults are planted. */
  readonly astray: number;
  /** Of computing. */
  readonly seconds: number;
}
