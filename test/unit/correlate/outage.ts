// A shop that pays: who calls whom in it, and anomalies of its services as detectors would tell them.
import type { Anomaly, ServiceCall } from "vedette";
import correlate from "../../../plugins/processors/correlate/index.ts";
import { type AnomalyTimeline, about, anomalyTimeline } from "../../anomaly_timeline.ts";
import { anomalyOf } from "../../exporting.ts";

const CALLS =
  "frontend>checkout checkout>payments payments>payments-db frontend>search search>search-index mailer>smtp";

export const calls = (edges = CALLS): ServiceCall[] =>
  edges.split(" ").map((edge) => {
    const [from, to] = edge.split(">");
    return { from, to, rate: 1, failed: 0, latency: 10 };
  });

/** An incident processor that knows who calls whom. */
export function correlated(options: object = {}, edges = CALLS): AnomalyTimeline {
  const timeline = anomalyTimeline([correlate, options]);
  timeline.host.agent = { ...timeline.host.agent, calls: () => (edges === "" ? [] : calls(edges)) };
  return timeline;
}

interface Odd extends Partial<Anomaly> {
  readonly detector: string;
}

const of = (service: string, what: string, changes: Odd): Partial<Anomaly> => {
  const anomaly = about(service, what, changes);
  const fingerprint = `${service} ${what}`.replaceAll("-", "_");
  return { ...anomaly, fingerprint, id: fingerprint, severity: "warning", ...changes };
};

export const slow = (service: string, changes: Partial<Anomaly> = {}): Partial<Anomaly> =>
  of(service, "POST /charge", {
    detector: "span_duration",
    signal: "traces",
    type: "latency",
    reason: `POST /charge of ${service} takes 2.3 s itself; usually 180 to 240 ms.`,
    ...changes,
  });

export const failing = (service: string, changes: Partial<Anomaly> = {}): Partial<Anomaly> =>
  of(service, "GET /pay", { detector: "span_errors", signal: "traces", type: "error_rate", ...changes });

export const busy = (service: string, changes: Partial<Anomaly> = {}): Partial<Anomaly> =>
  of(service, "rate", { detector: "span_rate", signal: "traces", type: "throughput", ...changes });

export const logging = (service: string, changes: Partial<Anomaly> = {}): Partial<Anomaly> => {
  const labels = { ...anomalyOf().labels, name: "ERROR", resource: { "service.name": service }, template: "lost <*>" };
  return of(service, "ERROR", { detector: "new_template", signal: "logs", type: "new_template", labels, ...changes });
};

export const metric = (service: string, name: string, changes: Partial<Anomaly> = {}): Partial<Anomaly> =>
  of(service, name, { detector: "auto", signal: "metrics", type: "spike", ...changes });

export const incidents = (told: readonly Anomaly[]) => told.filter(({ type }) => type === "incident");

/** "open a,b from b" of each. */
export const brief = (told: readonly Anomaly[]) =>
  told.map(({ state, incident }) => `${state} ${incident!.services.join(",")} from ${incident!.origins[0].service}`);
