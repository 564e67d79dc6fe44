// The options of the otlp_http exporter: names and defaults of the Collector's otlphttp.
import { validateHeaderName, validateHeaderValue } from "node:http";
import { byteSize, clientTls, duration, extensionId, type Signal, type Telemetry, z } from "vedette";

/** Headers that say how a body is written, which only this exporter knows. */
const OURS = new Set(["connection", "content-encoding", "content-length", "content-type", "transfer-encoding"]);

function headerProblem(name: string, value: string): string | undefined {
  if (OURS.has(name.toLowerCase())) return "this header is set by the exporter; remove it";
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    return "not a legal HTTP header: the name or the value holds a forbidden character";
  }
  return undefined;
}

const secret = () => z.string().meta({ secret: true });
const pair = z.object({ name: z.string().describe("Its name."), value: secret().describe("Its value.") });
const pairs = z.array(pair).transform((list) => Object.fromEntries(list.map(({ name, value }) => [name, value])));
const headers = z.union([z.record(z.string(), secret()), pairs]).superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    const message = headerProblem(name, value);
    if (message) context.addIssue({ code: "custom", path: [name], message });
  }
});

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

const url = () =>
  z
    .string()
    .refine((text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? ""), {
      error: "not an HTTP URL; write it as in http://collector:4318",
      abort: true,
    })
    .refine((text) => isDecodable(new URL(text)), {
      error: "its user or password cannot be decoded; write a % in it as %25",
    });

export const options = z
  .object({
    endpoint: url().optional().describe("Base URL; `/v1/metrics`, `/v1/logs` or `/v1/traces` is appended."),
    metrics_endpoint: url().optional().describe("Whole URL for metrics, instead of one under `endpoint`."),
    logs_endpoint: url().optional().describe("Whole URL for logs, and for the log events of anomalies."),
    traces_endpoint: url().optional().describe("Whole URL for traces."),
    profiles_endpoint: url().optional().describe("Accepted; no pipeline carries profiles."),
    compression: z
      .enum(["gzip", "zstd", "zlib", "deflate", "none", ""])
      .default("gzip")
      .describe("How request bodies are compressed; empty is none."),
    compression_params: z
      .object({
        level: z
          .int()
          .min(-1)
          .max(11)
          .optional()
          .describe("How hard to try: 1 to 9, of zstd to 11; -1 is the compression's own default. Absent: quick."),
      })
      .prefault({})
      .describe("How bodies are compressed, beyond the name."),
    encoding: z.enum(["proto", "json"]).default("proto").describe("OTLP as protobuf or as JSON."),
    headers: headers.default({}).describe("Headers of every request, for instance an API key."),
    auth: z
      .object({ authenticator: extensionId("client_auth").describe("Extension that says who sends.") })
      .optional()
      .describe("Headers that prove who sends, such as those of `bearertokenauth` and `basicauth`."),
    tls: clientTls().prefault({}).describe("Transport security of https:// endpoints."),
    proxy_url: url()
      .meta({ secret: true })
      .optional()
      .describe("Proxy to send through; absent: none, whatever the environment says."),
    max_conns_per_host: z.int().nonnegative().default(0).describe("Most connections at once; 0 is no limit."),
    max_idle_conns: z.int().nonnegative().default(100).describe("Most unused connections kept open; 0 is no limit."),
    max_idle_conns_per_host: z.int().nonnegative().default(0).describe("The same for each host."),
    idle_conn_timeout: duration().prefault("90s").describe("How long an unused connection is kept open; 0 is forever."),
    disable_keep_alives: z.boolean().default(false).describe("Whether each request gets a connection of its own."),
    cookies: z
      .object({ enabled: z.literal(false).default(false).describe("Cookies are not kept: only false is accepted.") })
      .prefault({})
      .describe("Cookies that the receiver sets."),
    read_buffer_size: byteSize().optional().describe("Accepted; Node chooses its buffers."),
    write_buffer_size: byteSize().optional().describe("Accepted; Node chooses its buffers."),
    force_attempt_http2: z
      .boolean()
      .optional()
      .describe("Accepted; HTTP/1.1 is spoken, which servers of HTTP/2 take too."),
    http2_read_idle_timeout: duration().optional().describe("Accepted; HTTP/1.1 is spoken."),
    http2_ping_timeout: duration().optional().describe("Accepted; HTTP/1.1 is spoken."),
  })
  .refine(({ compression, compression_params: { level = 0 } }) => level <= 9 || compression === "zstd", {
    path: ["compression_params", "level"],
    error: "only zstd has levels above 9",
  })
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
