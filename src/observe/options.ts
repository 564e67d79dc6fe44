// The options under `service.telemetry`: names and defaults of the Collector's.
import { duration, endpoint, parseEndpoint, z } from "../api/index.ts";
import { milliseconds, otlp } from "./otlp_options.ts";

const names = (what: string) => z.array(z.string()).optional().describe(what);

const prometheus = z
  .object({
    host: z.string().default("127.0.0.1").describe("Address to listen on."),
    port: z.int().min(0).max(65_535).default(8888).describe("Port to listen on; 0 takes a free one."),
    without_scope_info: z.boolean().default(false).describe("No `otel_scope_*` labels on each series."),
    without_type_suffix: z.boolean().default(false).describe("No `_total` after the names of counters."),
    without_units: z.boolean().default(false).describe("No unit after names, as `_seconds`."),
    with_resource_constant_labels: z
      .object({
        included: names("Resource attributes that become labels; absent or empty: all."),
        excluded: names("Resource attributes that do not."),
      })
      .optional()
      .describe("Resource attributes as labels of every series; absent: they are on target_info alone."),
  })
  .refine((options) => parseEndpoint(prometheusEndpoint(options)) !== undefined, {
    path: ["host"],
    error: 'not an address; write it as in "127.0.0.1", "localhost" or "::1"',
  });

export type PrometheusOptions = z.output<typeof prometheus>;

const reader = z
  .object({
    pull: z
      .object({
        exporter: z.object({ prometheus: prometheus.prefault({}).describe("Serves /metrics to Prometheus.") }),
      })
      .optional()
      .describe("Metrics that somebody fetches."),
    periodic: z
      .object({
        interval: milliseconds(60_000).describe("Milliseconds between two requests, or a duration."),
        timeout: milliseconds(30_000).describe("Milliseconds that collecting and sending may take, or a duration."),
        exporter: z.object({ otlp: otlp.prefault({}).describe("Sends OTLP over HTTP.") }),
      })
      .optional()
      .describe("Metrics that the agent sends."),
  })
  .refine(({ pull, periodic }) => (pull === undefined) !== (periodic === undefined), {
    error: "a reader is either pull or periodic; write one of them, and another reader for the other",
  });

const metrics = z
  .object({
    level: z
      .enum(["none", "basic", "normal", "detailed"])
      .default("normal")
      .describe(
        "How much is told: basic is receivers, exporters and the process; normal adds processors, detectors and components' own metrics; detailed is as normal.",
      ),
    readers: z
      .array(reader)
      .optional()
      .describe("Who reads them; absent: Prometheus on 127.0.0.1:8888, where that port is free."),
    address: endpoint().optional().describe("Old spelling of one Prometheus reader: host:port."),
  })
  .refine(({ readers, address }) => readers === undefined || address === undefined, {
    path: ["address"],
    error: "readers say already who reads the metrics; remove address, or write it as a reader",
  })
  .superRefine(({ readers = [] }, context) => {
    const taken = new Set<string>();
    readers.forEach(({ pull }, i) => {
      if (!pull) return;
      const at = prometheusEndpoint(pull.exporter.prometheus);
      const path = ["readers", i, "pull", "exporter", "prometheus", "port"];
      if (taken.has(at)) context.addIssue({ code: "custom", path, message: `another reader listens on ${at}` });
      taken.add(at);
    });
  });

/** host:port, where an IPv6 host may be written with brackets or without. */
export function prometheusEndpoint({ host, port }: { host: string; port: number }): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]:${port}` : `${host}:${port}`;
}

const LEVELS = ["debug", "info", "warn", "error"] as const;
const outputs = (what: string) =>
  z
    .array(
      z.enum(["stderr", "stdout"], {
        error: "only stderr and stdout are written to; redirect them to a file where the agent is started",
      }),
    )
    .min(1)
    .default(["stderr"])
    .describe(what);

const logs = z.object({
  level: z
    .enum([...LEVELS, "DEBUG", "INFO", "WARN", "ERROR"])
    .transform((level) => level.toLowerCase() as (typeof LEVELS)[number])
    .prefault("info")
    .describe("Least level that is logged."),
  encoding: z.enum(["console", "json"]).default("console").describe("How a line of the agent's log is written."),
  output_paths: outputs("Where it is written: stderr, stdout or both. A file is the job of whoever runs the agent."),
  error_output_paths: outputs("Accepted; what fails in the log itself is not logged."),
  initial_fields: z.record(z.string(), z.json()).default({}).describe("Fields of every line."),
  development: z.boolean().default(false).describe("Accepted; changes nothing here."),
  disable_caller: z.boolean().default(false).describe("Accepted; lines name the component, not a place in the code."),
  disable_stacktrace: z.boolean().default(false).describe("Accepted; lines carry no stack traces."),
  sampling: z
    .object({
      enabled: z.boolean().default(true).describe("Whether warnings and errors that repeat are held back and counted."),
      tick: duration().prefault("1m").describe("How long a message is watched for repetition."),
      initial: z.int().min(1).default(1).describe("How often it is written in that time."),
      thereafter: z.int().min(0).default(0).describe("Then every so manieth is written; 0: none."),
    })
    .prefault({})
    .describe("What happens to a warning or an error of one component that repeats."),
});

export type LogSettings = z.output<typeof logs>;

const none = (why: string) => z.array(z.unknown()).max(0, why).default([]).describe("Only empty.");

const traces = z
  .object({
    level: z.enum(["none"]).default("none").describe("The agent makes no spans about itself."),
    propagators: z.array(z.string()).default([]).describe("Accepted; without spans there is nothing to propagate."),
    processors: none("the agent makes no spans about itself; remove them"),
  })
  .prefault({})
  .describe("Accepted where it asks for nothing.");

/** The options under `service.telemetry`. */
export const telemetry = z.object({
  logs: logs.prefault({}).describe("The agent's own log."),
  metrics: metrics.prefault({}).describe("The agent's own metrics."),
  traces,
  resource: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).nullable())
    .default({})
    .describe(
      "Attributes of the agent's own metrics; null takes away one that is there by itself, as service.version.",
    ),
});

export type TelemetryOptions = z.output<typeof telemetry>;
