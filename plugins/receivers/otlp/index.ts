// Receives OTLP over gRPC and HTTP.
import { defineReceiver, type Host, isLoopback, parseEndpoint, z } from "vedette";
import { grpcListener } from "./grpc.ts";
import { grpcOptions } from "./grpc_options.ts";
import { httpListener } from "./http.ts";
import { httpOptions } from "./http_options.ts";
import { Intake } from "./intake.ts";
import type { Listener } from "./listener.ts";

const protocols = z
  .object({
    grpc: grpcOptions.nullable().optional().describe("OTLP over gRPC; absent: not served, empty: with its defaults."),
    http: httpOptions.nullable().optional().describe("OTLP over HTTP; absent: not served, empty: with its defaults."),
  })
  .refine(({ grpc, http }) => grpc !== undefined || http !== undefined, {
    error: "must specify at least one protocol: grpc or http",
  });

const MIB = 1024 ** 2;
/** However little may be received at once, it is this many of the largest requests allowed: one grows through several buffers. */
const LARGEST_AT_ONCE = 4;

export default defineReceiver({
  type: "otlp",
  signals: ["metrics", "logs", "traces"],
  stability: "beta",
  summary: "Receives OTLP over gRPC and HTTP, in protobuf and JSON.",
  config: z.object({
    protocols: protocols.prefault({}).describe("What is served; at least one of the two."),
    admission: z
      .object({
        request_limit_mib: z
          .number()
          .positive()
          .default(128)
          .describe("MiB of all requests that are not taken yet; beyond it senders are told to try again."),
      })
      .prefault({})
      .describe("How much may be received at once."),
  }),
  create(config, host, outputs) {
    const grpc = config.protocols.grpc === null ? grpcOptions.parse({}) : config.protocols.grpc;
    const http = config.protocols.http === null ? httpOptions.parse({}) : config.protocols.http;
    const largest = Math.max((grpc?.max_recv_msg_size_mib ?? 0) * MIB, http?.max_request_body_size ?? 0);
    const intake = new Intake(
      host,
      outputs,
      Math.max(config.admission.request_limit_mib * MIB, LARGEST_AT_ONCE * largest),
    );
    const listeners = [grpc && grpcListener(grpc, intake, host), http && httpListener(http, intake, host)].filter(
      (listener) => listener !== undefined,
    );
    const stop = async () => {
      await Promise.all(listeners.map((listener) => listener.close()));
    };
    return {
      async start() {
        try {
          for (const listener of listeners) {
            const endpoint = await listener.listen();
            const { protocol } = listener;
            host.log.info("listening", { protocol, endpoint, exporters_set: environment(listener, endpoint) });
            warnOfStrangers(listener, endpoint, host);
          }
        } catch (error) {
          await stop();
          throw error;
        }
      },
      stop,
    };
  },
});

/** What an SDK's exporter is told, to send here. */
function environment({ protocol, plaintext }: Listener, endpoint: string): string {
  const spoken = protocol === "grpc" ? "grpc" : "http/protobuf";
  const scheme = plaintext ? "http" : "https";
  return `OTEL_EXPORTER_OTLP_ENDPOINT=${scheme}://${endpoint} OTEL_EXPORTER_OTLP_PROTOCOL=${spoken}`;
}

/** Says what stands open on an address that others can reach. */
function warnOfStrangers({ protocol, plaintext, anonymous }: Listener, endpoint: string, host: Host): void {
  if (isLoopback(parseEndpoint(endpoint)?.host) || !(plaintext || anonymous)) return;
  const open = [plaintext && "without encryption", anonymous && "without authentication"].filter(Boolean).join(" and ");
  const missing = [plaintext && "tls", anonymous && "auth"].filter(Boolean).join(" and ");
  const remedy = `set ${missing} below protocols.${protocol}, or an endpoint on 127.0.0.1`;
  host.log.warn(`listens beyond this machine ${open}`, { protocol, endpoint, remedy });
}
