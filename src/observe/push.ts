// Sends the agent's metrics as OTLP over HTTP, again and again, and once more at the end.
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Logger } from "../api/index.ts";
import { OtlpSender } from "./otlp.ts";
import type { OtlpOptions } from "./otlp_options.ts";
import type { Reader } from "./scrape.ts";

export interface PushOptions {
  /** Milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly otlp: OtlpOptions;
}

/** A push that fails is logged and forgotten: the next one tells the same totals and more. Throws as OtlpSender does. */
export class Push implements Reader {
  readonly #collect: () => Promise<ResourceMetrics>;
  readonly #log: Logger;
  readonly #sender: OtlpSender;
  /** Milliseconds. */
  readonly #limit: number;
  readonly #timer: NodeJS.Timeout;
  readonly #hurry = new AbortController();
  readonly #cut = new AbortController();
  #current: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor({ interval, timeout, otlp }: PushOptions, collect: () => Promise<ResourceMetrics>, log: Logger) {
    this.#collect = collect;
    this.#log = log;
    this.#sender = new OtlpSender(otlp);
    this.#limit = Math.min(timeout, otlp.timeout);
    this.#timer = setInterval(() => {
      this.#current ??= this.#push().finally(() => {
        this.#current = undefined;
      });
    }, interval);
    this.#timer.unref();
  }

  stop(last: number): Promise<void> {
    this.#stopping ??= this.#stop(last);
    return this.#stopping;
  }

  async #stop(last: number): Promise<void> {
    clearInterval(this.#timer);
    this.#hurry.abort();
    const timer = setTimeout(() => this.#cut.abort(new Error("the agent stops")), last);
    await this.#current;
    if (last > 0) await this.#push();
    clearTimeout(timer);
  }

  /** Never rejects. */
  async #push(): Promise<void> {
    const last = this.#hurry.signal.aborted;
    try {
      const metrics = await this.#collect();
      await this.#sender.send(metrics, { limit: this.#limit, hurry: this.#hurry.signal, cut: this.#cut.signal });
    } catch (error) {
      const told = { endpoint: this.#sender.endpoint, error: textOf(error as Failure) };
      // who is sent to may well stop with the agent, or be the agent itself
      if (last) this.#log.info("own metrics could not be sent a last time", told);
      else if (!this.#hurry.signal.aborted) this.#log.warn("own metrics could not be sent", told);
    }
  }
}

/** The exporters put an HTTP status into `code`, Node the name of an error. */
type Failure = Error & { readonly code?: number | string };

function textOf({ message, code }: Failure): string {
  if (typeof code === "number") return `it answered ${code} ${message}`.trimEnd();
  return message || String(code);
}
