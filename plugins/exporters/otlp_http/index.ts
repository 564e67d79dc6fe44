// Sends OTLP over HTTP/1.1, in protobuf or JSON, to a collector or a backend.
import type * as http from "node:http";
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
import { encodeAnomalyGauges, encodeAnomalyLogs, protobufToJson } from "vedette/otlp";
import { partialSuccess, refusal } from "./answer.ts";
import { compressorOf } from "./body.ts";
import { Connections } from "./connections.ts";
import { endpointOf, type Options, options, unfit } from "./options.ts";
import { post, type Target, targetOf } from "./post.ts";

class OtlpHttp implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #connections: Connections;
  readonly #headers: http.OutgoingHttpHeaders;
  readonly #compress: ReturnType<typeof compressorOf>;
  readonly #targets: Readonly<Record<Telemetry, Target | undefined>>;
  /** Anomalies whose log events are delivered and whose gauges are not yet: trying again does not repeat the events. */
  readonly #logged = new WeakSet<readonly Anomaly[]>();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    const headers: http.OutgoingHttpHeaders = { "user-agent": "vedette" };
    for (const [name, value] of Object.entries(options.headers)) headers[name.toLowerCase()] = value;
    headers["content-type"] = options.encoding === "json" ? "application/json" : "application/x-protobuf";
    this.#compress = compressorOf(options);
    if (this.#compress) headers["content-encoding"] = options.compression;
    this.#headers = headers;
    const target = (signal: Telemetry) => {
      const url = endpointOf(options, signal);
      return url && targetOf(url);
    };
    this.#targets = { metrics: target("metrics"), logs: target("logs"), traces: target("traces") };
    const secure = Object.values(this.#targets).some((target) => target?.secure);
    this.#connections = new Connections(options, secure, host);
  }

  start(): Promise<void> {
    return this.#connections.open();
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
    this.#connections.close();
  }

  async #send(kind: Telemetry, bytes: Uint8Array, items: number, signal: AbortSignal): Promise<void> {
    const target = this.#targets[kind];
    if (!target) throw new ExportError(`there is no endpoint for ${kind}`, { retryable: false });
    const body = await this.#body(kind, bytes);
    const headers = { ...this.#headers, ...this.#credentials() };
    const answer = await post(target, { headers, body, agent: this.#connections.of(target.secure) }, signal);
    if (answer.status < 200 || answer.status > 299) throw refusal(target.name, answer, this.#host.now());
    const { rejected, message } = partialSuccess(answer);
    if (rejected > 0) {
      this.#host.log.warn(`${target.name} rejected ${rejected} of ${items} items: ${message}`, { rejected, items });
    } else if (message) {
      this.#host.log.warn(`${target.name} took the request with a warning: ${message}`, { rejected, items });
    }
  }

  async #body(kind: Telemetry, bytes: Uint8Array): Promise<Uint8Array> {
    const body = this.#options.encoding === "json" ? Buffer.from(protobufToJson(kind, bytes)) : bytes;
    return this.#compress ? this.#compress(body) : body;
  }

  #credentials(): Readonly<Record<string, string>> {
    const id = this.#options.auth?.authenticator;
    if (id === undefined) return {};
    try {
      return this.#host.extension(id).credentials!();
    } catch (error) {
      const message = `${id} gives no credentials: ${(error as Error).message}`;
      throw new ExportError(message, { retryable: true, cause: error });
    }
  }
}

export default defineExporter({
  type: "otlp_http",
  summary: "Sends OTLP over HTTP to a collector or a backend.",
  stability: "beta",
  signals: ["metrics", "logs", "traces", "anomalies"],
  sends: true,
  config: options,
  unfit,
  create: (options, host) => new OtlpHttp(options, host),
});
