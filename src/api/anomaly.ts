// What a detector found, in the shape that every processor and exporter of anomalies receives.
import type { Labels, Telemetry } from "./signals.ts";

export type Severity = "info" | "warning" | "critical";
export type AnomalyState = "open" | "ongoing" | "resolved";

/** One row that surprised one detector. Created only past the threshold. */
export interface Anomaly {
  /** The episode this row belongs to: fingerprint and the time the episode opened. */
  readonly id: string;
  /** What it is about, detector and series; 16 hex digits, the same after a restart. */
  readonly fingerprint: string;
  readonly state: AnomalyState;
  /** Component id of the detector, as in the configuration: "ewma/latency". */
  readonly detector: string;
  readonly signal: Telemetry;
  /** "spike", "drop", "latency", "throughput" ... */
  readonly type: string;
  readonly severity: Severity;
  readonly labels: Labels;
  /** Unix milliseconds of the row, not of its arrival. */
  readonly time: number;
  /** rarity / threshold: 1 is the line, for every detector. */
  readonly score: number;
  /** -log10 of the probability that a normal row surprises this much. */
  readonly rarity: number;
  /** In `labels.unit`; the bounds and the expectation are NaN where the detector has none to state. */
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  /** Of several inputs those that contributed, most surprising first; empty where there is one. */
  readonly contributors: readonly string[];
  /** One plain sentence. */
  readonly reason: string;
  /** Whether the user asked for companion gauges beside the event. */
  readonly companions: boolean;
}
