// What an exporter's status says of its queue: whether sending works, and whether the storage does.
import type { Host } from "../api/index.ts";

/** Reports changes only; what works from the start is reported by the agent. */
export class Health {
  readonly #report: Host["report"];
  #sending: string | undefined;
  #storage: string | undefined;

  constructor(report: Host["report"]) {
    this.#report = report;
  }

  /** Why the last attempt failed or data was dropped; undefined when the last attempt succeeded. */
  sending(reason: string | undefined): void {
    if (reason === this.#sending) return;
    this.#sending = reason;
    this.#tell();
  }

  /** Why the storage cannot take or forget data; undefined when it did. */
  storage(reason: string | undefined): void {
    if (reason === this.#storage) return;
    this.#storage = reason;
    this.#tell();
  }

  /** Another exporter sends from now on: how that fares is not known yet. */
  begin(): void {
    this.#sending = undefined;
    if (this.#storage !== undefined) this.#tell();
  }

  #tell(): void {
    if (this.#storage !== undefined) this.#report("permanent_error", this.#storage);
    else if (this.#sending !== undefined) this.#report("recoverable_error", this.#sending);
    else this.#report("ok");
  }
}
