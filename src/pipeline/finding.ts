// A row past the threshold -> an Anomaly: its names, its severity, its identity. Off the hot path.
import { createHash } from "node:crypto";
import {
  type Anomaly,
  type AnomalyState,
  type Labels,
  type Measure,
  severityOf,
  type Telemetry,
} from "../api/index.ts";
import { canonical, sentence, text } from "./sentence.ts";

/** What the detector and its calibration say of the row. */
export interface Evidence {
  readonly detector: string;
  readonly signal: Telemetry;
  readonly type: string;
  /** What was measured, where it is not the row's own value. */
  readonly measure?: Measure | undefined;
  readonly companions: boolean;
  readonly time: number;
  /** NaN where the detector claims no probability, Infinity where it cannot be chance. */
  readonly rarity: number;
  /** 1 is the line. */
  readonly score: number;
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  /** What the expectation rests on: 0 the recent past, 1 the time of day, 2 the time of the week. */
  readonly basis: number;
  readonly contributors: readonly string[];
  /** Which of several things about the same labels. */
  readonly about?: string | undefined;
  readonly state?: AnomalyState;
  /** When the episode opened, where that was not now. */
  readonly since?: number | undefined;
  /** How many rows it has been since then. */
  readonly rows?: number | undefined;
  /** The whole sentence, where the usual one would not do. */
  readonly reason?: string | undefined;
  readonly untilResolved?: true | undefined;
}

/**
 * 16 hex digits of what an anomaly is about: detector and series. Independent of the process' hash seed and of the order of
 * attributes, so that it survives a restart. Only what makes a series counts: for spans and logs that is the service and the
 * name, not the attributes of the row.
 */
export function fingerprint(detector: string, signal: Telemetry, labels: Labels, about?: string): string {
  const series =
    signal === "metrics"
      ? [canonical(labels.resource), labels.scope.name, labels.scope.version, canonical(labels.attributes)]
      : [text(labels.resource["service.namespace"] ?? ""), text(labels.resource["service.name"] ?? "")];
  const parts: unknown[] = [detector, signal, labels.name, labels.kind ?? labels.statistic, series];
  if (about !== undefined) parts.push(about);
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Without episodes yet, each anomaly opens one of its own, unless its finder says since when it lasts. */
export function describe(evidence: Evidence, labels: Labels): Anomaly {
  const mark = fingerprint(evidence.detector, evidence.signal, labels, evidence.about ?? labels.part);
  const { score } = evidence;
  return {
    id: `${mark}-${Math.max(0, Math.trunc(evidence.since ?? evidence.time)).toString(36)}`,
    fingerprint: mark,
    state: evidence.state ?? "open",
    detector: evidence.detector,
    signal: evidence.signal,
    type: evidence.type,
    severity: severityOf(score),
    labels,
    time: evidence.time,
    score,
    rarity: evidence.rarity,
    observed: evidence.observed,
    expected: evidence.expected,
    lower: evidence.lower,
    upper: evidence.upper,
    contributors: evidence.contributors,
    reason: evidence.reason ?? sentence(evidence, labels),
    companions: evidence.companions,
    ...(evidence.untilResolved && { untilResolved: true }),
  };
}
