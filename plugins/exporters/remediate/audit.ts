// The record of every attempt and what became of it: in the log, in a counter, and in the anomaly store where there is one.
import type { Host } from "vedette";
import { shortText } from "vedette/http";

export type Verdict =
  | "dry_run"
  | "refused"
  | "waiting"
  | "approved"
  | "denied"
  | "expired"
  | "withdrawn"
  | "started"
  | "done"
  | "failed";

/** Characters of what is kept of one attempt. */
const MOST_DETAIL = 9000;

export class Audit {
  readonly #host: Host;
  readonly #store: string | undefined;
  readonly #counter;

  /** `store` is the id of an anomaly store. */
  constructor(host: Host, store: string | undefined) {
    this.#host = host;
    this.#store = store;
    this.#counter = host.meter.createCounter("vedette_remediate_attempts", {
      unit: "{attempt}",
      description: "Attempts of remedies, by action and what became of them.",
    });
  }

  /** `about` is the id of the episode or incident. Never throws. */
  tell(action: string, about: string, outcome: Verdict, text: string): void {
    const detail = shortText(text, MOST_DETAIL, true);
    const failed = outcome === "failed" || outcome === "refused";
    this.#host.log[failed ? "warn" : "info"](`remedy ${action}: ${outcome}`, { about, detail });
    this.#counter.add(1, { action, outcome });
    if (this.#store === undefined) return;
    try {
      const record = { at: this.#host.now(), by: this.#host.id, about, action, outcome, detail };
      this.#host.extension(this.#store).anomalies!.audit(record);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#host.log.error("the audit of a remedy cannot be kept; it is in the log", { error: why });
    }
  }
}
