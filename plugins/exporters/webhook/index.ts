// Sends each change of an alert to a URL: JSON as documented or as the user wrote it, signed where there is a secret.
import { createHash, createHmac } from "node:crypto";
import { type Anomaly, defineExporter, type Exporter, type Host } from "vedette";
import { Deliveries, HttpClient, refusal, Told, wordsOf } from "vedette/http";
import { alertOf } from "./alert.ts";
import { type Options, options } from "./options.ts";
import { Template } from "./template.ts";

const REMEDIES: Readonly<Record<number, string>> = {
  404: "is the path of url right?",
  405: "try another method",
  410: "the hook is gone; make another and set url",
  413: "the receiver wants smaller bodies; write a body with less in it, or batch: false",
};

/** Alerts of one list. */
const MOST_IN_A_LIST = 100;

class Webhook implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #url: URL;
  readonly #client: HttpClient;
  readonly #template: Template | undefined;
  readonly #told: Told;
  readonly #deliveries: Deliveries;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#url = new URL(options.url);
    this.#client = new HttpClient(options, [this.#url], host, { secretPath: true });
    this.#template = options.body === undefined ? undefined : new Template(options.body);
    this.#told = new Told(options, host);
    this.#deliveries = new Deliveries(host);
  }

  start(): Promise<void> {
    return this.#client.open();
  }

  async stop(): Promise<void> {
    this.#client.close();
  }

  export(changes: readonly Anomaly[], signal: AbortSignal): Promise<void> {
    const way = {
      most: this.#options.batch ? MOST_IN_A_LIST : 1,
      wanted: (change: Anomaly) => this.#told.isNews(change),
      post: (some: readonly Anomaly[], abort: AbortSignal) => this.#post(some, abort),
    };
    return this.#deliveries.send(changes, way, signal);
  }

  fates(changes: readonly Anomaly[]) {
    return this.#deliveries.fates(changes);
  }

  save(): Uint8Array {
    return this.#told.save();
  }

  load(saved: Uint8Array): void {
    this.#told.load(saved);
  }

  async #post(changes: readonly Anomaly[], signal: AbortSignal): Promise<void> {
    const texts = changes.map((change) => this.#text(change));
    const body = Buffer.from(this.#options.batch ? `[${texts.join(",")}]` : texts[0]);
    const headers = { "idempotency-key": keyOf(changes), ...this.#signature(body) };
    const request = { method: this.#options.method, contentType: "application/json", headers, body };
    const answer = await this.#client.send(this.#url, request, signal);
    if (answer.status < 200 || answer.status > 299) {
      throw refusal(this.#client.nameOf(this.#url), answer, this.#host.now(), {
        said: { message: wordsOf(answer) },
        remedies: REMEDIES,
        patient: true,
        repairable: true,
        secrets: [...this.#client.secretsOf(this.#url), this.#options.secret ?? ""],
      });
    }
    for (const change of changes) this.#told.tell(change);
  }

  #text(change: Anomaly): string {
    const alert = alertOf(change);
    return this.#template ? this.#template.fill(alert) : JSON.stringify(alert);
  }

  /** Of "seconds.body", so that an old request cannot be sent again as a new one. */
  #signature(body: Uint8Array): Record<string, string> {
    const { secret } = this.#options;
    if (secret === undefined) return {};
    const timestamp = String(Math.floor(this.#host.now() / 1000));
    const hex = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
    return { "x-vedette-timestamp": timestamp, "x-vedette-signature": `sha256=${hex}` };
  }
}

/** The same for the same changes, as when an answer was lost and they are sent again; another for others. */
function keyOf(changes: readonly Anomaly[]): string {
  const [{ id, state, severity, time, incident }] = changes;
  const key = `${id}.${state}.${severity}.${time}`;
  if (changes.length === 1 && !incident && /^[\w.-]{1,200}$/.test(key)) return key;
  const all = changes.map(({ id, state, severity, time, reason }) => [id, state, severity, time, reason]);
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}

export default defineExporter({
  type: "webhook",
  summary: "Sends alerts to a URL as JSON, templated and signed if you like.",
  stability: "beta",
  signals: ["anomalies"],
  sends: true,
  defaults: { timeout: "30s", num_consumers: 1, max_elapsed_time: "0" },
  config: options,
  create: (options, host) => new Webhook(options, host),
});
