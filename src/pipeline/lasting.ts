// That what a detector told goes on, though it is no news: said by the fingerprint that it was told under.
import type { Anomaly, Labels, Telemetry } from "../api/index.ts";
import { fingerprint } from "./finding.ts";

/** What was told under this fingerprint goes on at `time`, in Unix milliseconds. */
export type Lasts = (fingerprint: string, time: number) => void;

/** Of one detector. It knows the fingerprints of those of its rows that something was told of. */
export class Lasting {
  readonly #detector: string;
  readonly #signal: Telemetry;
  readonly #tell: Lasts | undefined;
  readonly #known = new Map<number, string>();

  /** Without `tell` nobody wants to hear of it. */
  constructor(detector: string, signal: Telemetry, tell: Lasts | undefined) {
    this.#detector = detector;
    this.#signal = signal;
    this.#tell = tell;
  }

  found(row: number, anomaly: Anomaly): void {
    if (this.#tell) this.#known.set(row, anomaly.fingerprint);
  }

  /** `labels` are asked for where it was told before a restart. */
  lasts(row: number, time: number, labels: () => Labels): void {
    if (!this.#tell) return;
    let known = this.#known.get(row);
    if (known === undefined) {
      const named = labels();
      known = fingerprint(this.#detector, this.#signal, named, named.part);
      this.#known.set(row, known);
    }
    this.#tell(known, time);
  }

  /** The row is another series' from now on. */
  forget(row: number): void {
    this.#known.delete(row);
  }
}
