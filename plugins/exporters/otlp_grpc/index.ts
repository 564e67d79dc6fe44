// Sends OTLP over gRPC to a collector or a backend.
import type { OutgoingHttpHeaders } from "node:http2";
import {
  type Anomaly,
  type Compressed,
  defineExporter,
  ExportError,
  type Exporter,
  type ExportOf,
  type Host,
  type Signal,
  type Telemetry,
} from "vedette";
import { compressorOf } from "vedette/http";
import { encodeAnomalyGauges, encodeAnomalyLogs, readExportResponse } from "vedette/otlp";
import type { CallError } from "./call.ts";
import { Channel } from "./channel.ts";
import { failureOf, quoted } from "./failure.ts";
import { type Options, options } from "./options.ts";

interface Message {
  readonly bytes: Uint8Array;
  /** The same bytes as somebody else compressed them. */
  readonly compressed?: Compressed | undefined;
}

const METHOD: Record<Telemetry, string> = {
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

class OtlpGrpc implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #headers: OutgoingHttpHeaders;
  readonly #compress: ReturnType<typeof compressorOf>;
  readonly #channel: Channel;
  /** Anomalies whose log events are delivered and whose gauges are not yet: trying again does not repeat the events. */
  readonly #logged = new WeakSet<readonly Anomaly[]>();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#channel = new Channel(options, host);
    this.#compress = compressorOf({ compression: options.compression, compression_params: {} });
    this.#headers = { ...lowered(options.headers), ...this.#head() };
  }

  start(): Promise<void> {
    return this.#channel.open();
  }

  async export(data: ExportOf<Signal>, signal: AbortSignal): Promise<void> {
    if ("bytes" in data) return this.#send(data.signal, data, data.items, signal);
    if (!this.#logged.has(data)) {
      await this.#send("logs", { bytes: encodeAnomalyLogs(data, this.#host.now()) }, data.length, signal);
      this.#logged.add(data);
    }
    if (data.some((anomaly) => anomaly.companions)) {
      await this.#send("metrics", { bytes: encodeAnomalyGauges(data) }, data.length, signal);
    }
  }

  async stop(): Promise<void> {
    this.#channel.close();
  }

  async #send(kind: Telemetry, message: Message, items: number, signal: AbortSignal): Promise<void> {
    const { endpoint } = this.#options;
    const response = await this.#call(METHOD[kind], message, signal);
    let partial = { rejected: 0, message: "" };
    try {
      partial = readExportResponse(response);
    } catch {
      // The status said that it was taken; a response that cannot be read changes nothing.
    }
    const why = quoted(partial.message);
    const { rejected } = partial;
    if (rejected > 0) {
      this.#host.log.warn(`${endpoint} rejected ${rejected} of ${items} items: ${why}`, { rejected, items });
    } else if (why) {
      this.#host.log.warn(`${endpoint} took the request with a warning: ${why}`, { rejected, items });
    }
  }

  /** Tries once, or twice where the server did not look at the first: its connection was about to end. */
  async #call(path: string, { bytes, compressed }: Message, signal: AbortSignal): Promise<Uint8Array> {
    const { compression, endpoint } = this.#options;
    const asCame = compressed?.encoding === compression ? compressed.bytes : undefined;
    const body = asCame ?? (await this.#compress?.(bytes)) ?? bytes;
    const headers = { ...this.#headers, ...this.#credentials(), ":path": path };
    const attempt = async () =>
      (await this.#channel.connection(signal)).call(headers, body, this.#compress !== undefined, signal);
    try {
      return await attempt().catch((error: CallError) => {
        if (!error.untouched || signal.aborted) throw error;
        return attempt();
      });
    } catch (error) {
      throw failureOf(error as CallError, endpoint, this.#channel.secure, signal);
    }
  }

  #head(): OutgoingHttpHeaders {
    const { authority = this.#channel.target.authority, compression, user_agent } = this.#options;
    return {
      ":method": "POST",
      ":scheme": this.#channel.secure ? "https" : "http",
      ":authority": authority,
      te: "trailers",
      "content-type": "application/grpc",
      "user-agent": `${user_agent} grpc-node-http2/${process.versions.node}`,
      "grpc-accept-encoding": "identity",
      ...(this.#compress ? { "grpc-encoding": compression } : {}),
    };
  }

  #credentials(): OutgoingHttpHeaders {
    const id = this.#options.auth?.authenticator;
    if (id === undefined) return {};
    try {
      return lowered(this.#host.extension(id).credentials!());
    } catch (error) {
      const message = `${id} gives no credentials: ${(error as Error).message}`;
      throw new ExportError(message, { retryable: true, cause: error });
    }
  }
}

const lowered = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

export default defineExporter({
  type: "otlp_grpc",
  summary: "Sends OTLP over gRPC to a collector or a backend.",
  stability: "beta",
  signals: ["metrics", "logs", "traces", "anomalies"],
  sends: true,
  config: options,
  create: (options, host) => new OtlpGrpc(options, host),
});
