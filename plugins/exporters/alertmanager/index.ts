// Fires and resolves alerts in Alertmanager, and keeps open ones alive there.
import { type Anomaly, defineExporter, type Exporter, type Host } from "vedette";
import { Deliveries, HttpClient, Refusal, refusal, wordsOf } from "vedette/http";
import { foundIn, searchOf } from "./found.ts";
import { OpenAlerts, type PostableAlert } from "./open_alerts.ts";
import { alertsUrl, type Options, options } from "./options.ts";

const REMEDIES: Readonly<Record<number, string>> = {
  404: "is it an Alertmanager? A --web.route-prefix of it belongs into endpoint",
  410: "is it an Alertmanager that still has API v2?",
};

/** Changes of one request, as Prometheus has it. */
const MOST_AT_ONCE = 64;
/** Longest that alerts are sent again for, in milliseconds. */
const PATIENCE = 30_000;

class Alertmanager implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #url: URL;
  readonly #client: HttpClient;
  readonly #deliveries: Deliveries;
  readonly #open: OpenAlerts;
  #timer: NodeJS.Timeout | undefined;
  /** Sends open alerts again: changes go before it. */
  #resending: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  #exporting = 0;
  #quiet = false;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#url = alertsUrl(options);
    this.#client = new HttpClient(options, [this.#url], host);
    this.#deliveries = new Deliveries(host);
    this.#open = new OpenAlerts(options);
  }

  async start(): Promise<void> {
    await this.#client.open();
    const ms = Math.min(this.#options.resend_delay, 2 ** 31 - 1);
    this.#timer = setInterval(() => this.#resend(), ms).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#endResending();
    this.#client.close();
  }

  async export(changes: readonly Anomaly[], signal: AbortSignal): Promise<void> {
    this.#exporting++;
    try {
      await this.#endResending();
      await this.#deliveries.send(
        changes,
        { most: MOST_AT_ONCE, post: (some, abort) => this.#post(some, abort) },
        signal,
      );
    } finally {
      this.#exporting--;
    }
  }

  fates(changes: readonly Anomaly[]) {
    return this.#deliveries.fates(changes);
  }

  save(): Uint8Array {
    return this.#open.save();
  }

  load(saved: Uint8Array): void {
    this.#open.load(saved, this.#host.now());
  }

  async #post(changes: readonly Anomaly[], signal: AbortSignal): Promise<void> {
    for (const change of changes) if (this.#open.isUnknown(change)) await this.#lookUp(change, signal);
    const now = this.#host.now();
    const told = this.#open.of(changes, now);
    if (told.length === 0) return;
    await this.#send(
      told.map((one) => this.#open.postable(one, now)),
      signal,
    );
    this.#open.accept(told);
  }

  /** An answer that says nothing of it is as good as none: it is told by the labels that it has now. */
  async #lookUp(change: Anomaly, signal: AbortSignal): Promise<void> {
    const url = new URL(this.#url);
    url.search = searchOf(change);
    const request = { method: "GET", contentType: "application/json", body: new Uint8Array() };
    const { status, body } = await this.#client.send(url, request, signal);
    const found = status === 200 ? foundIn(body, change.id) : undefined;
    if (found) this.#open.adopt(change, found, this.#host.now());
  }

  async #send(alerts: readonly PostableAlert[], signal: AbortSignal): Promise<void> {
    const request = { contentType: "application/json", body: Buffer.from(JSON.stringify(alerts)) };
    const answer = await this.#client.send(this.#url, request, signal);
    const name = this.#client.nameOf(this.#url);
    if (answer.status >= 200 && answer.status <= 299) {
      if (!/^text\/html\b/i.test(answer.headers["content-type"] ?? "")) return;
      const message = `${name} answered with a web page; is it an Alertmanager, and nothing that wants a login before it?`;
      throw new Refusal(message, { retryable: true });
    }
    throw refusal(name, answer, this.#host.now(), {
      said: { message: wordsOf(answer) },
      remedies: REMEDIES,
      patient: true,
      repairable: true,
      secrets: this.#client.secretsOf(this.#url),
    });
  }

  #resend(): void {
    if (this.#resending || this.#exporting > 0) return;
    const abort = new AbortController();
    const done = this.#sendAgain(AbortSignal.any([abort.signal, AbortSignal.timeout(PATIENCE)])).then(
      () => {
        this.#quiet = false;
      },
      (error: Error) => {
        // an Alertmanager that is down is the queue's to report; the next round comes
        if (!abort.signal.aborted && !this.#quiet) {
          this.#host.log.warn("open alerts cannot be sent again, will be tried again", { error: error.message });
          this.#quiet = true;
        }
      },
    );
    this.#resending = { abort, done: done.finally(() => (this.#resending = undefined)) };
  }

  async #sendAgain(signal: AbortSignal): Promise<void> {
    const now = this.#host.now();
    const told = this.#open.again(now);
    for (let from = 0; from < told.length; from += MOST_AT_ONCE) {
      const some = told.slice(from, from + MOST_AT_ONCE);
      await this.#send(
        some.map((one) => this.#open.postable(one, now)),
        signal,
      );
    }
  }

  async #endResending(): Promise<void> {
    this.#resending?.abort.abort();
    await this.#resending?.done;
  }
}

export default defineExporter({
  type: "alertmanager",
  summary: "Fires and resolves alerts in Prometheus Alertmanager.",
  stability: "beta",
  signals: ["anomalies"],
  sends: true,
  defaults: { timeout: "30s", num_consumers: 1, max_elapsed_time: "0" },
  config: options,
  create: (options, host) => new Alertmanager(options, host),
});
