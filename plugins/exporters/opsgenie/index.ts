// Opens and closes alerts in Opsgenie, or in Jira Service Management, by the Alert API v2.
import { type Anomaly, defineExporter, type Exporter, type Host } from "vedette";
import { type Answer, Deliveries, HttpClient, Refusal, refusal, Told, wordsOf } from "vedette/http";
import { alertOf, aliasOf } from "./alert.ts";
import { type Options, options } from "./options.ts";

const REMEDIES: Readonly<Record<number, string>> = {
  401: "is api_key that of an API integration, and endpoint that of its region?",
  403: "is api_key that of an API integration, and endpoint that of its region?",
  404: "is endpoint right? It ends before /v2/alerts",
  422: "is api_key that of an API integration that may create alerts?",
};

/** What Opsgenie says alerts come from. */
const SOURCE = "vedette";

class Opsgenie implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #client: HttpClient;
  readonly #told: Told;
  readonly #deliveries: Deliveries;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#client = new HttpClient(options, [new URL(options.endpoint)], host);
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
      wanted: (change: Anomaly) => this.#told.isNews(change),
      post: ([change]: readonly Anomaly[], abort: AbortSignal) => this.#post(change, abort),
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

  async #post(change: Anomaly, signal: AbortSignal): Promise<void> {
    const alias = `/v2/alerts/${encodeURIComponent(aliasOf(change))}`;
    if (change.state === "resolved") {
      await this.#send("POST", `${alias}/close`, { source: SOURCE, note: "It is over." }, signal);
    } else {
      const before = this.#told.severityOf(change.id);
      const { severity } = change;
      const alert = alertOf(change, SOURCE, this.#options);
      await this.#send("POST", "/v2/alerts", alert, signal);
      // an alert that is open keeps what it came with
      if (before !== undefined && before !== "resolved") {
        const { message, description } = alert;
        if (before !== severity) await this.#amend(alias, { priority: this.#options.priorities[severity] }, signal);
        await this.#amend(alias, { message }, signal);
        await this.#amend(alias, { description }, signal);
      }
    }
    this.#told.tell(change);
  }

  /** Changes one field of an open alert. */
  async #amend(alias: string, field: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const [name] = Object.keys(field);
    try {
      await this.#send("PUT", `${alias}/${name}`, field, signal);
    } catch (error) {
      // Jira Service Management has no such call
      if (!(error instanceof Refusal) || error.retryable) throw error;
      this.#host.log.debug(`the ${name} of an open alert cannot be changed`, { error: error.message });
    }
  }

  async #send(method: "POST" | "PUT", path: string, body: object, signal: AbortSignal): Promise<void> {
    const url = new URL(this.#options.endpoint);
    url.pathname = url.pathname.replace(/\/+$/, "") + path;
    if (path !== "/v2/alerts") url.search = "identifierType=alias";
    const headers = { authorization: `GenieKey ${this.#options.api_key}` };
    const request = { method, contentType: "application/json", headers, body: Buffer.from(JSON.stringify(body)) };
    const answer = await this.#client.send(url, request, signal);
    if (!accepted(answer)) throw this.#failure(url, answer, method === "POST");
  }

  #failure(url: URL, answer: Answer, repairable: boolean): Refusal {
    const name = this.#client.nameOf(url);
    const { status } = answer;
    if (status >= 200 && status <= 299) {
      const message = `${name} answered ${status} as Opsgenie never does; what is it that answers there?`;
      return new Refusal(message, { retryable: true });
    }
    return refusal(name, answer, this.#host.now(), {
      said: { message: wordsOf(answer) },
      remedies: REMEDIES,
      patient: true,
      repairable,
      secrets: [...this.#client.secretsOf(url), this.#options.api_key],
    });
  }
}

/** 202, or what has the number of a request as all answers of Opsgenie do. */
function accepted({ status, body }: Answer): boolean {
  if (status === 202) return true;
  if (status < 200 || status > 299) return false;
  try {
    return typeof (JSON.parse(body.toString()) as { requestId?: unknown } | null)?.requestId === "string";
  } catch {
    return false;
  }
}

export default defineExporter({
  type: "opsgenie",
  summary: "Opens and closes alerts in Opsgenie and Jira Service Management.",
  stability: "beta",
  signals: ["anomalies"],
  sends: true,
  defaults: { timeout: "30s", num_consumers: 1, max_elapsed_time: "0" },
  config: options,
  create: (options, host) => new Opsgenie(options, host),
});
