// Sends OTLP over gRPC to a collector or a backend.
import { type Client, Metadata } from "@grpc/grpc-js";
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
import { Channel } from "./channel.ts";
import { failureOf, quoted } from "./failure.ts";
import { type Options, options } from "./options.ts";

const METHOD: Record<Telemetry, string> = {
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

const identity = (message: Buffer): Buffer => message;

class OtlpGrpc implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #metadata: Metadata;
  readonly #channel: Channel;
  /** Anomalies whose log events are delivered and whose gauges are not yet: trying again does not repeat the events. */
  readonly #logged = new WeakSet<readonly Anomaly[]>();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#metadata = new Metadata({ waitForReady: options.wait_for_ready });
    for (const [name, value] of Object.entries(options.headers)) this.#metadata.set(name, value);
    this.#channel = new Channel(options, host);
  }

  start(): Promise<void> {
    return this.#channel.open();
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
    this.#channel.close();
  }

  async #send(kind: Telemetry, bytes: Uint8Array, items: number, signal: AbortSignal): Promise<void> {
    const { endpoint } = this.#options;
    const { client } = this.#channel;
    if (!client) throw new ExportError(`the exporter to ${endpoint} is stopped`, { retryable: true });
    const response = await this.#call(client, METHOD[kind], bytes, signal);
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

  #call(client: Client, method: string, bytes: Uint8Array, signal: AbortSignal): Promise<Buffer> {
    const { endpoint } = this.#options;
    const metadata = this.#withCredentials();
    return new Promise((resolve, reject) => {
      const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const call = client.makeUnaryRequest(method, identity, identity, message, metadata, {}, (error, response) => {
        signal.removeEventListener("abort", cancel);
        if (error) reject(failureOf(error, endpoint, this.#channel.secure, signal));
        else resolve(response ?? Buffer.alloc(0));
      });
      const cancel = () => call.cancel();
      if (signal.aborted) cancel();
      else signal.addEventListener("abort", cancel);
    });
  }

  #withCredentials(): Metadata {
    const id = this.#options.auth?.authenticator;
    if (id === undefined) return this.#metadata;
    try {
      const metadata = this.#metadata.clone();
      const credentials = this.#host.extension(id).credentials!();
      for (const [name, value] of Object.entries(credentials)) metadata.set(name, value);
      return metadata;
    } catch (error) {
      const message = `${id} gives no credentials: ${(error as Error).message}`;
      throw new ExportError(message, { retryable: true, cause: error });
    }
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
