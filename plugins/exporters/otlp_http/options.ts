// The options of the otlp_http exporter: names and defaults of the Collector's otlphttp.
import { type Signal, type Telemetry, z } from "vedette";
import { compressionLevel, httpClientOptions, httpUrl } from "vedette/http";

export const options = z
  .object({
    endpoint: httpUrl().optional().describe("Base URL; `/v1/metrics`, `/v1/logs` or `/v1/traces` is appended."),
    metrics_endpoint: httpUrl().optional().describe("Whole URL for metrics, instead of one under `endpoint`."),
    logs_endpoint: httpUrl().optional().describe("Whole URL for logs, and for the log events of anomalies."),
    traces_endpoint: httpUrl().optional().describe("Whole URL for traces."),
    profiles_endpoint: httpUrl().optional().describe("Accepted; no pipeline carries profiles."),
    encoding: z.enum(["proto", "json"]).default("proto").describe("OTLP as protobuf or as JSON."),
    ...httpClientOptions(),
  })
  .refine(compressionLevel.check, compressionLevel)
  .refine((o) => o.endpoint ?? o.metrics_endpoint ?? o.logs_endpoint ?? o.traces_endpoint ?? o.profiles_endpoint, {
    path: ["endpoint"],
    error: "is missing; give it, or traces_endpoint, metrics_endpoint or logs_endpoint for what it is to send",
  });

export type Options = z.output<typeof options>;

/** Where requests of one signal go, if anywhere. A path or query of `endpoint` stays; one slash at its end does not double. */
export function endpointOf(options: Options, signal: Telemetry): URL | undefined {
  const whole = options[`${signal}_endpoint`];
  if (whole !== undefined) return new URL(whole);
  if (options.endpoint === undefined) return undefined;
  const base = new URL(options.endpoint);
  base.pathname = `${base.pathname.replace(/\/+$/, "")}/v1/${signal}`;
  return base;
}

/** Anomalies go out as logs, and as metrics where they have companions. */
const CARRIERS: Readonly<Record<Signal, readonly Telemetry[]>> = {
  metrics: ["metrics"],
  logs: ["logs"],
  traces: ["traces"],
  anomalies: ["logs", "metrics"],
};

/** Why nothing of the signal can be sent. */
export function unfit(options: Options, signal: Signal): string | undefined {
  const missing = CARRIERS[signal].find((carrier) => endpointOf(options, carrier) === undefined);
  return missing && `it has no endpoint for ${signal}; give it ${missing}_endpoint, or endpoint`;
}
