// Sends OTLP over HTTP/1.1, in protobuf or JSON, to a collector or a backend.
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
import { HttpClient } from "vedette/http";
import { encodeAnomalyGauges, encodeAnomalyLogs, protobufToJson } from "vedette/otlp";
import { partialSuccess, refusal } from "./answer.ts";
import { endpointOf, type Options, options, unfit } from "./options.ts";

class OtlpHttp implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #client: HttpClient;
  readonly #targets: Readonly<Record<Telemetry, URL | undefined>>;
  /** Anomalies whose log events are delivered and whose gauges are not yet: trying again does not repeat the events. */
  readonly #logged = new WeakSet<readonly Anomaly[]>();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    const target = (signal: Telemetry) => endpointOf(options, signal);
    this.#targets = { metrics: target("metrics"), logs: target("logs"), traces: target("traces") };
    const urls = Object.values(this.#targets).filter((url) => url !== undefined);
    this.#client = new HttpClient(options, urls, host);
  }

  start(): Promise<void> {
    return this.#client.open();
  }

  async export(data: ExportOf<Signal>, signal: AbortSignal): Promise<void> {
    if ("bytes" in data) return this.#send(data.signal, data.bytes, data.items, signal, data.compressed);
    if (!this.#logged.has(data)) {
      await this.#send("logs", encodeAnomalyLogs(data, this.#host.now()), data.length, signal);
      this.#logged.add(data);
    }
    if (data.some((anomaly) => anomaly.companions)) {
      await this.#send("metrics", encodeAnomalyGauges(data), data.length, signal);
    }
  }

  async stop(): Promise<void> {
    this.#client.close();
  }

  async #send(
    kind: Telemetry,
    bytes: Uint8Array,
    items: number,
    signal: AbortSignal,
    asCame?: Compressed,
  ): Promise<void> {
    const target = this.#targets[kind];
    if (!target) throw new ExportError(`there is no endpoint for ${kind}`, { retryable: false });
    const json = this.#options.encoding === "json";
    const body = json ? Buffer.from(protobufToJson(kind, bytes)) : bytes;
    const contentType = json ? "application/json" : "application/x-protobuf";
    const compressed = json ? undefined : asCame;
    const answer = await this.#client.send(target, { body, contentType, compressed }, signal);
    const name = this.#client.nameOf(target);
    if (answer.status < 200 || answer.status > 299) throw refusal(name, answer, this.#host.now());
    const { rejected, message } = partialSuccess(answer);
    if (rejected > 0) {
      this.#host.log.warn(`${name} rejected ${rejected} of ${items} items: ${message}`, { rejected, items });
    } else if (message) {
      this.#host.log.warn(`${name} took the request with a warning: ${message}`, { rejected, items });
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
