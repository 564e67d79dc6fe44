// A row past the threshold -> an Anomaly: its names, its severity and its sentence. Off the hot path.
import { createHash } from "node:crypto";
import type { Anomaly, AnomalyState, Attributes, AttributeValue, Labels, Severity, Telemetry } from "../api/index.ts";
import { seriesName } from "./match.ts";

/** What the detector and its calibration say of the row. */
export interface Evidence {
  readonly detector: string;
  readonly signal: Telemetry;
  readonly type: string;
  /** What was measured, where it is not the row's own value. */
  readonly measure?: { readonly name: string; readonly unit: string } | undefined;
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
  /** The whole sentence, where the usual one would not do. */
  readonly reason?: string | undefined;
}

/** score from which an anomaly is a warning, and from which it is critical. */
const WARNING = 1.25;
const CRITICAL = 2;

export function severityOf(score: number): Severity {
  if (score >= CRITICAL) return "critical";
  return score >= WARNING ? "warning" : "info";
}

function canonical(attributes: Attributes): [string, string][] {
  return Object.keys(attributes)
    .sort()
    .map((key) => [key, text(attributes[key])]);
}

function text(value: AttributeValue): string {
  if (typeof value === "bigint") return `${value}`;
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}` : inner));
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

/** At most four significant digits and a unit a person reads: "1.2 s", "930 ms", "31.5", "12.4k". */
export function quantity(value: number, unit: string): string {
  if (!Number.isFinite(value)) return String(value);
  if (unit === "ms" && Math.abs(value) >= 1000) return `${digits(value / 1000)} s`;
  if (unit === "s" && value !== 0 && Math.abs(value) < 1) return `${digits(value * 1000)} ms`;
  if (unit === "By" || unit === "By/s") {
    const step = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, Math.abs(value))) / 10)));
    return `${digits(value / 1024 ** step)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}${unit.slice(2)}`;
  }
  const shown = unit === "1" || unit === "" ? "" : unit.replace(/^1\//, "/").replace(/^\{(.*?)\}/, "$1");
  return shown === "" ? digits(value) : shown.startsWith("/") ? digits(value) + shown : `${digits(value)} ${shown}`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(2);
  if (size >= 1e4) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(4)));
}

/** "checkout" or "payments/checkout": the service a row belongs to; empty when it names none. */
export function serviceOf(labels: Labels): string {
  const name = labels.resource["service.name"];
  const namespace = labels.resource["service.namespace"];
  if (name === undefined) return "";
  return namespace === undefined ? String(name) : `${namespace}/${name}`;
}

function subject(evidence: Evidence, labels: Labels): string {
  const service = serviceOf(labels);
  const name = evidence.measure?.name ?? seriesName(labels);
  const of = service === "" ? "" : ` of ${service}`;
  if (evidence.signal !== "metrics") return name + of;
  const attributes = canonical(labels.attributes).slice(0, 4);
  const which = attributes.map(([key, value]) => `${key}=${value.replace(/^"|"$/g, "")}`).join(", ");
  return `${name}${of}${which === "" ? "" : ` (${which})`}`;
}

/** "http.server.request.duration.p99 of checkout is 930 ms, expected about 120 ms: as rare as one normal row in 2 million." */
function sentence(evidence: Evidence, labels: Labels): string {
  const unit = evidence.measure?.unit ?? labels.unit;
  const { observed, expected, lower, upper, rarity } = evidence;
  const band = Number.isFinite(lower) && Number.isFinite(upper);
  const about = Number.isFinite(expected)
    ? `, expected about ${quantity(expected, unit)}${band ? ` (${quantity(lower, unit)} to ${quantity(upper, unit)})` : ""}`
    : "";
  return `${subject(evidence, labels)} is ${quantity(observed, unit)}${about}: as rare as one normal row in ${chances(rarity)}.`;
}

function chances(rarity: number): string {
  const rows = 10 ** rarity;
  if (rows < 999.5) return String(Math.round(rows));
  if (rows < 999.5e3) return `${Math.round(rows / 1e3)} thousand`;
  if (rows < 999.5e6) return `${Math.round(rows / 1e6)} million`;
  if (rows < 999.5e9) return `${Math.round(rows / 1e9)} billion`;
  return "more than 10^12";
}

/** Without episodes yet, each anomaly opens one of its own, unless its finder says since when it lasts. */
export function describe(evidence: Evidence, labels: Labels): Anomaly {
  const mark = fingerprint(evidence.detector, evidence.signal, labels, evidence.about);
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
  };
}
