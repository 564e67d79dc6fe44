// The agent's books as Prometheus would read them, at one moment.
import { request } from "../agent.ts";

export interface Scrape {
  /** Items of metrics, logs and traces, over all exporters. */
  readonly totals: { accepted: number; sent: number; queued: number; dropped: number; refused: number };
  /** Anomalies that exporters delivered, as log records. */
  readonly anomalies: number;
  /** Dropped items by reason. */
  readonly reasons: Record<string, number>;
}

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

export async function scrape(endpoint: string): Promise<Scrape> {
  const totals = { accepted: 0, sent: 0, queued: 0, dropped: 0, refused: 0 };
  const reasons: Record<string, number> = {};
  let anomalies = 0;
  for (const line of (await request(endpoint, "/metrics")).body.toString().split("\n")) {
    const [, name, text = "", number] = SAMPLE.exec(line) ?? [];
    if (!name) continue;
    const labels = Object.fromEntries([...text.matchAll(LABEL)].map(([, key, value]) => [key, value]));
    const value = Number(number);
    if (name.startsWith("otelcol_receiver_accepted_")) totals.accepted += value;
    else if (name.startsWith("otelcol_receiver_refused_")) totals.refused += value;
    else if (name.startsWith("otelcol_exporter_sent_")) totals.sent += value;
    else if (name === "vedette_exporter_sent_anomalies") anomalies += value;
    else if (labels.otel_signal === "anomalies") continue;
    else if (name === "vedette_exporter_queued_items") totals.queued += value;
    else if (name === "vedette_exporter_dropped_items") {
      totals.dropped += value;
      if (value > 0) reasons[labels.reason] = (reasons[labels.reason] ?? 0) + value;
    }
  }
  return { totals, anomalies, reasons };
}
