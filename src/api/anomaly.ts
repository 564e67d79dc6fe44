// What a detector found, in the shape that every processor and exporter of anomalies receives.
import type { Labels, Telemetry } from "./signals.ts";

export type Severity = "info" | "warning" | "critical";
export type AnomalyState = "open" | "ongoing" | "resolved";

/** A row that surprised a detector; or, once a processor has made episodes or incidents of them, what has become of one. Created only past the threshold. */
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
  /** Whether it lasts until its finder says that it is resolved, however long nothing is heard of it: a silence. */
  readonly untilResolved?: true;
  /** Of a change of an episode, what it is by now. */
  readonly episode?: Episode;
  /** Of an incident: what was joined. `labels` are then those of its most probable origin. */
  readonly incident?: Incident;
}

/** Anomalies of one fingerprint that followed each other. Unix milliseconds of the events. */
export interface Episode {
  readonly start: number;
  readonly lastSeen: number;
  /** The highest score so far. */
  readonly peak: number;
  /** Anomalies so far. */
  readonly count: number;
  /** When it was over: there once it is resolved. */
  readonly end?: number;
}

/** Episodes that have one cause. Its anomaly's `episode` spans all of them. */
export interface Incident {
  /** The latest change of each episode, the highest peak first; those beyond a bound are only counted. */
  readonly members: readonly Anomaly[];
  readonly episodes: number;
  /** Where it may have begun, the most probable first. */
  readonly origins: readonly Origin[];
  /** Every service in it, as `Origin` names them. */
  readonly services: readonly string[];
  /** Examples: trace ids in hex, templates of log records. */
  readonly traces: readonly string[];
  readonly templates: readonly string[];
}

export interface Origin {
  /** "payments/checkout"; of what names no service what it is instead: "host.name node-3". */
  readonly service: string;
  /** Of all blame, from 0 to 1. */
  readonly share: number;
  /** Whole sentences, the weightiest first. */
  readonly reasons: readonly string[];
}

/** When the episode of that id opened, in Unix milliseconds; NaN where the id does not say. */
export const openedAt = (id: string | undefined): number => Number.parseInt(id?.split("-")[1] ?? "", 36);
