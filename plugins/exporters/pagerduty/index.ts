// Triggers and resolves alerts in PagerDuty, by its Events API v2.
import { type Anomaly, defineExporter, type Exporter, type Host } from "vedette";
import { type Answer, Deliveries, HttpClient, Refusal, refusal, Told, wordsOf } from "vedette/http";
import { eventOf } from "./event.ts";
import { type Options, options } from "./options.ts";

const REMEDIES: Readonly<Record<number, string>> = {
  400: "is routing_key that of an Events API v2 integration?",
  403: "is routing_key that of an Events API v2 integration?",
  404: "is endpoint right? It ends in /v2/enqueue",
};

class PagerDuty implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #url: URL;
  readonly #client: HttpClient;
  readonly #told: Told;
  readonly #deliveries: Deliveries;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#url = new URL(options.endpoint);
    this.#client = new HttpClient(options, [this.#url], host);
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
    const event = eventOf(change, this.#options, this.#told.knows(change));
    const request = { contentType: "application/json", body: Buffer.from(JSON.stringify(event)) };
    const answer = await this.#client.send(this.#url, request, signal);
    if (!accepted(answer)) throw this.#failure(answer);
    this.#told.tell(change);
  }

  #failure(answer: Answer): Refusal {
    const name = this.#client.nameOf(this.#url);
    const { status } = answer;
    if (status >= 200 && status <= 299) {
      const message = `${name} answered ${status} as PagerDuty never does; what is it that answers there?`;
      return new Refusal(message, { retryable: true });
    }
    return refusal(name, answer, this.#host.now(), {
      said: { message: wordsOf(answer) },
      remedies: REMEDIES,
      patient: true,
      repairable: true,
      secrets: [...this.#client.secretsOf(this.#url), this.#options.routing_key],
    });
  }
}

/** 202, or what says of itself that all went well. */
function accepted({ status, body }: Answer): boolean {
  if (status === 202) return true;
  if (status < 200 || status > 299) return false;
  try {
    return (JSON.parse(body.toString()) as { status?: unknown } | null)?.status === "success";
  } catch {
    return false;
  }
}

export default defineExporter({
  type: "pagerduty",
  summary: "Triggers and resolves alerts in PagerDuty.",
  stability: "beta",
  signals: ["anomalies"],
  sends: true,
  defaults: { timeout: "30s", num_consumers: 1, max_elapsed_time: "0" },
  config: options,
  create: (options, host) => new PagerDuty(options, host),
});
