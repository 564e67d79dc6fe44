// Anomalies that are open, in Prometheus's text format 0.0.4 or OpenMetrics 1.0.0.
import type { Anomaly } from "vedette";
import { ANOMALY_GAUGES, type AnomalySample, anomalySamples, type SeriesOptions } from "vedette/otlp";

export const CONTENT_TYPE = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;

export interface TextOptions extends SeriesOptions {
  readonly format: keyof typeof CONTENT_TYPE;
  /** Whether each sample says when its anomaly was. */
  readonly timestamps: boolean;
}

/** The whole answer to a scrape; of two anomalies with the same labels the later in the list counts. */
export function anomaliesText(anomalies: readonly Anomaly[], options: TextOptions): string {
  const { format, timestamps, namespace = "" } = options;
  const families = new Map<string, Map<string, string>>();
  for (const anomaly of anomalies) {
    const milliseconds = format === "text" ? Math.round(anomaly.time) : anomaly.time / 1000;
    const when = timestamps && Number.isFinite(milliseconds) ? ` ${milliseconds}` : "";
    for (const sample of anomalySamples(anomaly, options)) {
      const series = `${sample.name}{${labelsText(sample.labels)}}`;
      const family = families.get(sample.name) ?? new Map<string, string>();
      families.set(sample.name, family.set(series, `${series} ${sample.value}${when}`));
    }
  }
  const lines = [...families].flatMap(([name, family]) => [
    `# HELP ${name} ${ANOMALY_GAUGES[namespace === "" ? name : name.slice(namespace.length + 1)]}`,
    `# TYPE ${name} gauge`,
    ...family.values(),
  ]);
  if (format === "openmetrics") lines.push("# EOF");
  return lines.map((line) => `${line}\n`).join("");
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

const labelsText = (labels: AnomalySample["labels"]): string =>
  labels.map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (found) => ESCAPES[found])}"`).join(",");
