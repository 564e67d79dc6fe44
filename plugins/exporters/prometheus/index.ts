// Serves the anomalies that are open to Prometheus, as gauges.
import type { RequestListener } from "node:http";
import {
  type Anomaly,
  defineExporter,
  duration,
  type Exporter,
  endpoint,
  type Host,
  type HttpService,
  httpService,
  isLoopback,
  OpenAnomalies,
  parseEndpoint,
  serverTls,
  z,
} from "vedette";
import { anomaliesText, CONTENT_TYPE } from "./text.ts";

/** A scrape is a few bytes and quick; whatever is not is cut after this many milliseconds. */
const TIMEOUT = 5000;
/** Prometheus keeps its connection open from one scrape to the next. */
const IDLE = 120_000;
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;
/** Milliseconds that a scrape under way has once the endpoint is closed. */
const GRACE = 1000;

const options = z.object({
  endpoint: endpoint().default("127.0.0.1:8889").describe("Address and port to listen on; port 0 takes a free one."),
  tls: serverTls().optional().describe("Answers over TLS; plaintext when absent."),
  namespace: z.string().default("").describe("Put before the name of each metric, with `_` between."),
  const_labels: z.record(z.string(), z.string()).default({}).describe("Labels of every series."),
  send_timestamps: z
    .boolean()
    .default(false)
    .describe("Whether samples say when the anomaly was; without it Prometheus takes the time of the scrape."),
  metric_expiration: duration()
    .prefault("5m")
    .describe("How long a single anomaly is told; an episode or incident is until it is resolved."),
  enable_open_metrics: z
    .boolean()
    .default(false)
    .describe("Whether a scraper that asks for OpenMetrics is answered in it."),
  add_metric_suffixes: z.boolean().default(true).describe("Accepted; the gauges have no unit that could be a suffix."),
  resource_to_telemetry_conversion: z
    .object({
      enabled: z.boolean().default(false).describe("Whether all attributes of the resource are labels."),
    })
    .prefault({})
    .describe("Attributes of the resource beyond `job` and `instance`."),
  max_anomalies: z
    .int()
    .positive()
    .default(10_000)
    .describe("Anomalies that are told at the same time; beyond it the one heard of longest ago is left out."),
});

type Options = z.output<typeof options>;

class Prometheus implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #open: OpenAnomalies;
  readonly #service: HttpService;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#open = new OpenAnomalies(options.max_anomalies, options.metric_expiration);
    const { endpoint, tls } = options;
    const limits = {
      timeout: TIMEOUT,
      keepAlive: IDLE,
      maxConnections: MAX_CONNECTIONS,
      maxHeaderBytes: MAX_HEADER_BYTES,
    };
    this.#service = httpService(
      { endpoint, tls, ...limits },
      (request, response) => this.#answer(request, response),
      host,
    );
  }

  async start(): Promise<void> {
    const { endpoint } = await this.#service.start();
    this.#host.log.info("listening", { protocol: "prometheus", endpoint });
    if (isLoopback(parseEndpoint(endpoint)?.host)) return;
    this.#host.log.warn(
      "anomalies can be read by whoever reaches this address; listen on 127.0.0.1 unless that is meant",
      {
        endpoint,
      },
    );
  }

  readonly #answer: RequestListener = (request, response) => {
    const respond = (status: number, headers: Record<string, string>, body = "") =>
      response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
    if (request.url!.split("?", 1)[0] !== "/metrics") return respond(404, {});
    if (request.method !== "GET" && request.method !== "HEAD") return respond(405, { allow: "GET, HEAD" });
    const { namespace, const_labels, send_timestamps, enable_open_metrics } = this.#options;
    const asked = request.headers.accept?.includes("application/openmetrics-text") ?? false;
    const format = enable_open_metrics && asked ? "openmetrics" : "text";
    this.#open.expire(this.#host.now());
    const text = anomaliesText(this.#open.list(), {
      namespace,
      constant: const_labels,
      resourceLabels: this.#options.resource_to_telemetry_conversion.enabled,
      timestamps: send_timestamps,
      format,
    });
    respond(200, { "content-type": CONTENT_TYPE[format] }, text);
  };

  async export(anomalies: readonly Anomaly[]): Promise<void> {
    this.#open.take(anomalies, this.#host.now());
  }

  stop(): Promise<void> {
    return this.#service.stop(GRACE);
  }
}

export default defineExporter({
  type: "prometheus",
  summary: "Serves the anomalies that are open to Prometheus, as gauges.",
  stability: "beta",
  signals: ["anomalies"],
  sends: false,
  config: options,
  create: (options, host) => new Prometheus(options, host),
});
