// Sends OTLP over HTTP/1.1, in protobuf or JSON, to a collector or a backend.
import * as http from "node:http";
import * as https from "node:https";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import {
  type Anomaly,
  defineExporter,
  type Exporter,
  type ExportOf,
  type Host,
  type Signal,
  type Telemetry,
} from "vedette";
import { encodeAnomalyGauges, encodeAnomalyLogs, protobufToJson } from "vedette/otlp";
import { partialSuccess, refusal } from "./answer.ts";
import { endpointOf, type Options, options } from "./options.ts";
import { post, type Target, targetOf } from "./post.ts";

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);
const zstd = promisify<Uint8Array, Buffer>(zlib.zstdCompress);

/** A third of the CPU of zlib's own default, for bodies a few percent larger. */
const GZIP = { level: 4 };

class OtlpHttp implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #agents: { http: http.Agent; https: https.Agent };
  readonly #targets: Record<Telemetry, Target>;
  /** Anomalies whose log events are delivered and whose gauges are not yet: trying again does not repeat the events. */
  readonly #logged = new WeakSet<readonly Anomaly[]>();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    const pool = {
      keepAlive: true,
      maxSockets: options.max_conns_per_host || Number.POSITIVE_INFINITY,
      timeout: options.idle_conn_timeout || undefined,
    };
    this.#agents = { http: new http.Agent(pool), https: new https.Agent(pool) };
    const headers: http.OutgoingHttpHeaders = { "user-agent": "vedette" };
    for (const [name, value] of Object.entries(options.headers)) headers[name.toLowerCase()] = value;
    headers["content-type"] = options.encoding === "json" ? "application/json" : "application/x-protobuf";
    if (options.compression !== "none") headers["content-encoding"] = options.compression;
    const target = (signal: Telemetry) => targetOf(endpointOf(options, signal), headers, this.#agents);
    this.#targets = { metrics: target("metrics"), logs: target("logs"), traces: target("traces") };
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
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #send(kind: Telemetry, bytes: Uint8Array, items: number, signal: AbortSignal): Promise<void> {
    const target = this.#targets[kind];
    const answer = await post(target, await this.#body(kind, bytes), signal);
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
    if (this.#options.compression === "gzip") return gzip(body, GZIP);
    if (this.#options.compression === "zstd") return zstd(body);
    return body;
  }
}

export default defineExporter({
  type: "otlp_http",
  summary: "Sends OTLP over HTTP to a collector or a backend.",
  stability: "beta",
  signals: ["metrics", "logs", "traces", "anomalies"],
  sends: true,
  config: options,
  create: (options, host) => new OtlpHttp(options, host),
});
