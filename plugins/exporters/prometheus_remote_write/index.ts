// Writes the gauges of anomalies to Prometheus and what speaks its remote write: when they change, and again while they last.
import {
  type Anomaly,
  defineExporter,
  duration,
  ExportError,
  type Exporter,
  type Host,
  OpenAnomalies,
  z,
} from "vedette";
import { HttpClient, httpClientOptions, httpUrl, quotedText, refusal } from "vedette/http";
import { anomalySamples } from "vedette/otlp";
import { snappyBlock, type Written, writeRequest } from "./request.ts";

/** Receivers refuse samples older than what they hold: what came later than this is written as of now. */
const LATEST = 120_000;

/** Remote write is compressed by snappy, and in no other way. */
const { compression, compression_params, ...http } = httpClientOptions("none");

const options = z.object({
  endpoint: httpUrl("http://prometheus:9090/api/v1/write").describe("Whole URL that takes remote write 1.0."),
  ...http,
  namespace: z.string().default("").describe("Put before the name of each metric, with `_` between."),
  external_labels: z.record(z.string(), z.string()).default({}).describe("Labels of every series."),
  resource_to_telemetry_conversion: z
    .object({
      enabled: z.boolean().default(false).describe("Whether all attributes of the resource are labels."),
    })
    .prefault({})
    .describe("Attributes of the resource beyond `job` and `instance`."),
  add_metric_suffixes: z.boolean().default(true).describe("Accepted; the gauges have no unit that could be a suffix."),
  resend_interval: duration()
    .refine((milliseconds) => milliseconds >= 1000, { error: "less than a second; write 1s or more" })
    .prefault("30s")
    .describe("How often what is open is written again; Prometheus takes a series for ended after 5 minutes."),
  metric_expiration: duration()
    .prefault("5m")
    .describe("How long a single anomaly is told; an episode or incident is until it is resolved."),
  max_anomalies: z
    .int()
    .positive()
    .default(10_000)
    .describe("Anomalies that are told at the same time; beyond it the one heard of longest ago is left out."),
});

type Options = z.output<typeof options>;

class PrometheusRemoteWrite implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #url: URL;
  readonly #client: HttpClient;
  readonly #open: OpenAnomalies;
  /** Unix milliseconds of the last sample of each fingerprint that was sent: the next must be later. */
  readonly #last = new Map<string, number>();
  /** One request after the other: a series' samples must come in order. */
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  readonly #ending = new AbortController();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#url = new URL(options.endpoint);
    const plain = { ...options, compression: "none", compression_params: {} } as const;
    this.#client = new HttpClient(plain, [this.#url], host);
    this.#open = new OpenAnomalies(options.max_anomalies, options.metric_expiration);
  }

  async start(): Promise<void> {
    await this.#client.open();
    const { resend_interval } = this.#options;
    this.#timer = setInterval(() => void this.#again(), resend_interval).unref();
  }

  async export(anomalies: readonly Anomaly[], signal: AbortSignal): Promise<void> {
    const now = this.#host.now();
    const ended = this.#open.take(anomalies, now);
    const told = anomalies.filter(({ state }) => state !== "resolved");
    await this.#write(
      told.map((anomaly) => [anomaly, recent(anomaly.time, now)]),
      ended,
      signal,
    );
  }

  async #again(): Promise<void> {
    const now = this.#host.now();
    const ended = this.#open.expire(now);
    try {
      await this.#write(
        this.#open.list().map((anomaly) => [anomaly, now]),
        ended,
        this.#ending.signal,
      );
    } catch (error) {
      if (!this.#ending.signal.aborted)
        this.#host.log.warn("open anomalies could not be written again", { error: (error as Error).message });
    }
  }

  #write(told: readonly (readonly [Anomaly, number])[], ended: readonly Anomaly[], signal: AbortSignal): Promise<void> {
    const task = async () => {
      if (told.length + ended.length === 0) return;
      signal.throwIfAborted();
      await this.#send([...told.flatMap(([anomaly, at]) => this.#samples(anomaly, at)), ...this.#ends(ended)], signal);
    };
    const done = this.#turn.then(task, task);
    this.#turn = done.catch(() => {});
    return done;
  }

  #series(anomaly: Anomaly) {
    const { namespace, external_labels, resource_to_telemetry_conversion } = this.#options;
    const resourceLabels = resource_to_telemetry_conversion.enabled;
    return anomalySamples(anomaly, { namespace, constant: external_labels, resourceLabels });
  }

  #samples(anomaly: Anomaly, at: number): Written[] {
    const time = this.#after(anomaly, at);
    return this.#series(anomaly).map((sample) => ({ ...sample, time }));
  }

  #ends(anomalies: readonly Anomaly[]): Written[] {
    const now = this.#host.now();
    return anomalies.flatMap((anomaly) => {
      if (!this.#last.has(anomaly.fingerprint)) return [];
      const time = this.#after(anomaly, now);
      this.#last.delete(anomaly.fingerprint);
      return this.#series(anomaly).map((sample) => ({ ...sample, value: undefined, time }));
    });
  }

  #after({ fingerprint }: Anomaly, at: number): number {
    const time = Math.max(Math.trunc(at), (this.#last.get(fingerprint) ?? 0) + 1);
    this.#last.delete(fingerprint);
    this.#last.set(fingerprint, time);
    if (this.#last.size > 2 * this.#options.max_anomalies) this.#last.delete(this.#last.keys().next().value as string);
    return time;
  }

  async #send(samples: readonly Written[], signal: AbortSignal): Promise<void> {
    const body = snappyBlock(writeRequest(samples));
    const headers = { "content-encoding": "snappy", "x-prometheus-remote-write-version": "0.1.0" };
    const request = { body, contentType: "application/x-protobuf", headers };
    const answer = await this.#client.send(this.#url, request, signal);
    if (answer.status >= 200 && answer.status <= 299) return;
    const said = { message: quotedText(answer.body.toString()) };
    const remedies = {
      404: "does it take remote write? Prometheus does with --web.enable-remote-write-receiver, at /api/v1/write",
    };
    throw refusal(this.#client.nameOf(this.#url), answer, this.#host.now(), { said, remedies, patient: true });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#ending.abort(new ExportError("the exporter is stopping", { retryable: false }));
    await this.#turn;
    this.#client.close();
  }
}

/** A time as the receiver will take it. */
const recent = (time: number, now: number): number => (time >= now - LATEST && time <= now ? time : now);

export default defineExporter({
  type: "prometheus_remote_write",
  summary: "Writes the gauges of anomalies to Prometheus, or to what speaks its remote write.",
  stability: "beta",
  signals: ["anomalies"],
  sends: true,
  defaults: { num_consumers: 1 },
  config: options,
  create: (options, host) => new PrometheusRemoteWrite(options, host),
});
