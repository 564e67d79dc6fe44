// Tells a channel of Slack of alerts: a message each, which changes with its alert where a bot sends it.
import { type Anomaly, defineExporter, type Exporter, type Host, packed, unpacked, z } from "vedette";
import { Deliveries, HttpClient, Told } from "vedette/http";
import { type Said, SlackRefusal, saidBy, webhookTook } from "./api.ts";
import { type Message, messageOf } from "./message.ts";
import { type Options, options } from "./options.ts";

/** Messages that can still be changed; the oldest is left as it is. */
const MOST_MESSAGES = 10_000;

/** Errors of a message that cannot be changed: another one is sent. */
const UNCHANGEABLE: ReadonlySet<string> = new Set([
  "cant_update_message",
  "edit_window_closed",
  "message_not_found",
  "thread_not_found",
]);

const place = z.object({ channel: z.string(), ts: z.string() });
const remembered = z.object({ told: z.instanceof(Uint8Array), messages: z.map(z.string(), place) });

/** Where a message is. */
type Place = z.output<typeof place>;

class Slack implements Exporter<"anomalies"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #url: URL;
  readonly #client: HttpClient;
  readonly #told: Told;
  readonly #deliveries: Deliveries;
  /** By id of the alert. */
  #messages = new Map<string, Place>();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    const { webhook_url, endpoint, token } = options;
    this.#url = new URL(webhook_url ?? endpoint);
    this.#client = new HttpClient(options, [this.#url], host, { secretPath: webhook_url !== undefined });
    this.#told = new Told({ ...options, send_ongoing: options.send_ongoing ?? token !== undefined }, host);
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
      post: async ([change]: readonly Anomaly[], abort: AbortSignal) => {
        const message = messageOf(change);
        if (this.#options.token === undefined) await this.#hook(message, abort);
        else await this.#tell(change, message, abort);
        this.#told.tell(change);
      },
    };
    return this.#deliveries.send(changes, way, signal);
  }

  fates(changes: readonly Anomaly[]) {
    return this.#deliveries.fates(changes);
  }

  save(): Uint8Array {
    return packed({ told: this.#told.save(), messages: this.#messages });
  }

  load(saved: Uint8Array): void {
    const { told, messages } = unpacked(saved, remembered, "slack");
    this.#told.load(told);
    this.#messages = messages;
  }

  async #hook(message: Message, signal: AbortSignal): Promise<void> {
    const answer = await this.#client.send(this.#url, { contentType: JSON_TYPE, body: bytesOf(message) }, signal);
    webhookTook(this.#client.nameOf(this.#url), answer, this.#host.now(), this.#client.secretsOf(this.#url));
  }

  async #tell(change: Anomaly, message: Message, signal: AbortSignal): Promise<void> {
    const place = this.#messages.get(change.id);
    if (place) {
      try {
        await this.#call("chat.update", { ...place, ...message }, signal);
        if (this.#options.thread) {
          const { channel, ts } = place;
          await this.#call("chat.postMessage", { channel, thread_ts: ts, ...message }, signal);
        }
        return;
      } catch (error) {
        if (!(error instanceof SlackRefusal) || !UNCHANGEABLE.has(error.error)) throw error;
        this.#messages.delete(change.id);
      }
    }
    const { channel = this.#options.channel, ts } = await this.#call(
      "chat.postMessage",
      { channel: this.#options.channel, ...message },
      signal,
    );
    if (typeof ts === "string" && typeof channel === "string") this.#remember(change.id, { channel, ts });
  }

  #remember(id: string, place: Place): void {
    this.#messages.set(id, place);
    if (this.#messages.size <= MOST_MESSAGES) return;
    for (const oldest of this.#messages.keys()) {
      this.#messages.delete(oldest);
      break;
    }
  }

  async #call(method: "chat.postMessage" | "chat.update", body: object, signal: AbortSignal): Promise<Said> {
    const url = new URL(this.#url);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/${method}`;
    const headers = { authorization: `Bearer ${this.#options.token}` };
    const answer = await this.#client.send(url, { contentType: JSON_TYPE, headers, body: bytesOf(body) }, signal);
    const secrets = [...this.#client.secretsOf(url), this.#options.token ?? ""];
    return saidBy(this.#client.nameOf(url), answer, this.#host.now(), secrets);
  }
}

const JSON_TYPE = "application/json; charset=utf-8";
const bytesOf = (body: object) => Buffer.from(JSON.stringify(body));

export default defineExporter({
  type: "slack",
  summary: "Tells a channel of Slack of alerts, a message each.",
  stability: "beta",
  signals: ["anomalies"],
  sends: true,
  defaults: { timeout: "30s", num_consumers: 1, max_elapsed_time: "0" },
  config: options,
  create: (options, host) => new Slack(options, host),
});
