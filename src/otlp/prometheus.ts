// Anomalies as Prometheus series: which gauges each has, under which names and labels (OpenTelemetry's "Prometheus compatibility").
import type { Anomaly } from "../api/anomaly.ts";
import { serviceName } from "../api/services.ts";
import type { AttributeValue } from "../api/signals.ts";
import { subject } from "./encode.ts";

/** One sample of a gauge. */
export interface AnomalySample {
  /** "anomaly_score". */
  readonly name: string;
  /** Ascending by name; the same for all samples of what the anomaly is about. */
  readonly labels: readonly (readonly [name: string, value: string])[];
  /** Finite. */
  readonly value: number;
}

export interface SeriesOptions {
  /** Before every name, with "_" between. */
  readonly namespace?: string;
  /** Labels of every series, which win over others. */
  readonly constant?: Readonly<Record<string, string>>;
  /** Whether every attribute of the resource is a label of every series. */
  readonly resourceLabels?: boolean;
}

const GAUGES = ["score", "observed", "expected", "lower", "upper"] as const;

/** What each gauge is, for HELP lines. */
export const ANOMALY_GAUGES: Readonly<Record<string, string>> = {
  anomaly_score: "How surprising it is: 1 is the line, for every detector.",
  anomaly_observed: "The value that surprised, in its own unit.",
  anomaly_expected: "The value that was expected, in its own unit.",
  anomaly_lower: "The least value that would have been usual, in its own unit.",
  anomaly_upper: "The largest value that would have been usual, in its own unit.",
  anomaly_incident: "The highest score in an incident that is open.",
};

/** Characters of a label's value; the rest is cut off. */
const LONGEST = 1024;

/** A legal label name; characters that may not be in one become "_". */
export const labelName = (key: string): string => key.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d|$)/, "_");

/**
 * The gauges of one anomaly: score, observed, expected, lower and upper as far as it has them, or that of an incident. Labels are what makes the
 * series (`job`, `instance`, attributes of a data point), what was judged and by which detector; never what changes while it lasts.
 */
export function anomalySamples(anomaly: Anomaly, options: SeriesOptions = {}): AnomalySample[] {
  const { namespace = "" } = options;
  const prefix = namespace === "" ? "" : `${namespace.replace(/[^a-zA-Z0-9_:]/g, "_")}_`;
  const labels = labelsOf(anomaly, options);
  const sample = (name: string, value: number) => ({ name: prefix + name, labels, value });
  if (anomaly.incident)
    return [sample("anomaly_incident", anomaly.score)].filter(({ value }) => Number.isFinite(value));
  return GAUGES.filter((gauge) => Number.isFinite(anomaly[gauge])).map((gauge) =>
    sample(`anomaly_${gauge}`, anomaly[gauge]),
  );
}

function labelsOf(anomaly: Anomaly, { constant = {}, resourceLabels = false }: SeriesOptions) {
  const { resource, attributes, kind, part } = anomaly.labels;
  const labels = new Map<string, string>();
  const add = (key: string, value: AttributeValue | undefined) => {
    const text = value === undefined || value === null ? "" : textOf(value);
    if (text === "") return;
    const name = labelName(key);
    labels.set(name, labels.has(name) ? `${labels.get(name)};${text}` : text);
  };
  if (!anomaly.incident) {
    if (resourceLabels) for (const key of Object.keys(resource).sort()) add(key, resource[key]);
    // attributes of a span or record are its own: each would start a series
    if (anomaly.signal === "metrics") for (const key of Object.keys(attributes).sort()) add(key, attributes[key]);
  }
  const own: Record<string, AttributeValue | undefined> = anomaly.incident
    ? { anomaly_id: anomaly.id }
    : {
        job: serviceName(anomaly.labels),
        instance: resource["service.instance.id"],
        ...subject(anomaly),
        "anomaly.kind": kind,
        "anomaly.part": part,
      };
  own["anomaly.detector"] = anomaly.detector;
  own["anomaly.signal"] = anomaly.incident ? undefined : anomaly.signal;
  own["anomaly.fingerprint"] = anomaly.fingerprint;
  for (const [key, value] of [...Object.entries(own), ...Object.entries(constant)]) {
    labels.delete(labelName(key));
    add(key, value);
  }
  return [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
}

const textOf = (value: AttributeValue): string =>
  (typeof value === "object"
    ? JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}` : inner))
    : String(value)
  )
    .slice(0, LONGEST)
    .toWellFormed();
