// Receives OTLP over gRPC and HTTP.
import { defineReceiver, z } from "vedette";
import { grpcListener, grpcOptions } from "./grpc.ts";
import { httpListener, httpOptions } from "./http.ts";
import { Intake } from "./intake.ts";

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
            const { protocol } = listener;
            const endpoint = await listener.listen();
            host.log.info("listening", { protocol, endpoint, exporters_set: environment(protocol, endpoint) });
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
function environment(protocol: "grpc" | "http", endpoint: string): string {
  const spoken = protocol === "grpc" ? "grpc" : "http/protobuf";
  return `OTEL_EXPORTER_OTLP_ENDPOINT=http://${endpoint} OTEL_EXPORTER_OTLP_PROTOCOL=${spoken}`;
}
