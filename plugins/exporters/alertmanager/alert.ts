// An alert as Alertmanager knows it: labels that say which one it is, annotations that tell people of it.
import { type Anomaly, serviceName } from "vedette";
import { factsOf, shortText } from "vedette/http";
import type { Options } from "./options.ts";

export type LabelSet = Readonly<Record<string, string>>;

/** Of a label's value, and of an annotation. */
const LONGEST = { label: 1024, annotation: 4096 };

/** What stays the same as long as the alert lasts; `severity` is beside it. */
export function labelsOf(anomaly: Anomaly, { event_labels }: Options): LabelSet {
  const { labels } = anomaly;
  const own: Record<string, string> = {};
  for (const key of event_labels)
    own[key.replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_")] = attribute(anomaly, key);
  Object.assign(own, {
    alertname: `Anomaly${camelCase(anomaly.type)}`,
    type: anomaly.type,
    detector: anomaly.detector,
    service: serviceName(labels),
    fingerprint: anomaly.fingerprint,
    ...(anomaly.incident === undefined && { signal: anomaly.signal, name: labels.name }),
  });
  const short = Object.entries(own).map(([key, value]) => [key, shortText(value, LONGEST.label)]);
  return Object.fromEntries(short.filter(([, value]) => value !== ""));
}

export function severityOf(anomaly: Anomaly, { severity, severity_attribute }: Options): string {
  const named = severity_attribute === "" ? "" : attribute(anomaly, severity_attribute);
  return shortText(named, LONGEST.label) || (severity ?? anomaly.severity);
}

export function annotationsOf(anomaly: Anomaly): LabelSet {
  const { id, ...facts } = factsOf(anomaly);
  const lines = Object.entries(facts).map(([name, text]) => `${name}: ${text}`);
  return {
    summary: shortText(anomaly.reason, LONGEST.annotation),
    description: shortText(lines.join("\n"), LONGEST.annotation, true),
    ...(id !== undefined && { id }),
  };
}

/** "" where neither the row nor its resource has it. */
function attribute({ labels }: Anomaly, key: string): string {
  const value = labels.attributes[key] ?? labels.resource[key];
  return value === undefined || value === null || typeof value === "object" ? "" : String(value);
}

/** "ErrorRate" of "error_rate". */
const camelCase = (text: string): string =>
  text.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
