// Sends OTLP over gRPC to a collector or a backend.
import { Client, type ClientOptions, compressionAlgorithms, credentials, Metadata } from "@grpc/grpc-js";
import {
  type Anomaly,
  defineExporter,
  ExportError,
  type Exporter,
  type ExportOf,
  type Host,
  type Signal,
  type Telemetry,
} from "vedette";
import { encodeAnomalyGauges, encodeAnomalyLogs, readExportResponse } from "vedette/otlp";
import { failureOf, quoted } from "./failure.ts";
import { type Options, options, parseEndpoint } from "./options.ts";

const METHOD: Record<Telemetry, string> = {
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

const identity = (message: Buffer): Buffer => message;

function channelOptions(options: Options): ClientOptions {
  const service = { loadBalancingConfig: [{ [options.balancer_name]: {} }] };
  const channel: ClientOptions = {
    "grpc.service_config": JSON.stringify(service),
    "grpc.service_config_disable_resolution": 1,
    "grpc.max_reconnect_backoff_ms": 10_000,
    "grpc.primary_user_agent": options.user_agent,
  };
  if (options.authority !== undefined) channel["grpc.default_authority"] = options.authority;
  if (options.compression === "gzip") channel["grpc.default_compression_algorithm"] = compressionAlgorithms.gzip;
  if (options.keepalive) {
    channel["grpc.keepalive_time_ms"] = options.keepalive.time;
    channel["grpc.keepalive_timeout_ms"] = options.keepalive.timeout;
    channel["grpc.keepalive_permit_without_calls"] = options.keepalive.permit_without_stream ? 1 : 0;
  }
  return channel;
}

class OtlpGrpc implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #target: string;
  readonly #secure: boolean;
  readonly #metadata: Metadata;
  #client: Client | undefined;
  /** Anomalies whose log events are delivered and whose gauges are not yet: trying again does not repeat the events. */
  readonly #logged = new WeakSet<readonly Anomaly[]>();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    const endpoint = parseEndpoint(options.endpoint)!;
    this.#target = endpoint.target;
    this.#secure = endpoint.tls ?? !options.tls.insecure;
    this.#metadata = new Metadata({ waitForReady: options.wait_for_ready });
    for (const [name, value] of Object.entries(options.headers)) this.#metadata.set(name, value);
  }

  async start(): Promise<void> {
    const security = this.#secure ? credentials.createSsl() : credentials.createInsecure();
    this.#client = new Client(this.#target, security, channelOptions(this.#options));
  }

  async export(data: ExportOf<Signal>, signal: AbortSignal): Promise<void> {
    if ("bytes" in data) return this.#send(data.signal, data.bytes, data.items, signal);
    if (!this.#logged.has(data)) {
      await this.#send("logs", encodeAnomalyLogs(data, this.#host.now()), data.length, signal);
      this.#logged.add(data);
    }
    if (data.some((anomaly) => anomaly.companions)) {
      await this.#send("metrics", encodeAnomalyGauges(data), data.length, signal);
    }
  }

  async stop(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
  }

  async #send(kind: Telemetry, bytes: Uint8Array, items: number, signal: AbortSignal): Promise<void> {
    const { endpoint } = this.#options;
    const response = await this.#call(METHOD[kind], bytes, signal);
    let partial = { rejected: 0, message: "" };
    try {
      partial = readExportResponse(response);
    } catch {
      // The status said that it was taken; a response that cannot be read changes nothing.
    }
    const message = quoted(partial.message);
    const { rejected } = partial;
    if (rejected > 0) {
      this.#host.log.warn(`${endpoint} rejected ${rejected} of ${items} items: ${message}`, { rejected, items });
    } else if (message) {
      this.#host.log.warn(`${endpoint} took the request with a warning: ${message}`, { rejected, items });
    }
  }

  #call(method: string, bytes: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    const { endpoint } = this.#options;
    const client = this.#client;
    if (!client) return Promise.reject(new ExportError(`the exporter to ${endpoint} is stopped`, { retryable: true }));
    return new Promise((resolve, reject) => {
      const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const call = client.makeUnaryRequest(
        method,
        identity,
        identity,
        message,
        this.#metadata,
        {},
        (error, response) => {
          signal.removeEventListener("abort", cancel);
          if (error) reject(failureOf(error, endpoint, this.#secure, signal));
          else resolve(response ?? Buffer.alloc(0));
        },
      );
      const cancel = () => call.cancel();
      if (signal.aborted) cancel();
      else signal.addEventListener("abort", cancel);
    });
  }
}

export default defineExporter({
  type: "otlp_grpc",
  summary: "Sends OTLP over gRPC to a collector or a backend.",
  stability: "beta",
  signals: ["metrics", "logs", "traces", "anomalies"],
  sends: true,
  config: options,
  create: (options, host) => new OtlpGrpc(options, host),
});
