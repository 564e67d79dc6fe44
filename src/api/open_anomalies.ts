// What is open at present, for exporters that must go on telling it: the latest change of each, until it is resolved.
import type { Anomaly } from "./anomaly.ts";

export class OpenAnomalies {
  readonly #most: number;
  readonly #expireAfter: number;
  readonly #open = new Map<string, { readonly anomaly: Anomaly; readonly at: number }>();

  /** At most so many, the one heard of longest ago goes first. One that is no episode or incident ends so many milliseconds after it was told. */
  constructor(most: number, expireAfter: number) {
    this.#most = most;
    this.#expireAfter = expireAfter;
  }

  /** Takes changes in, at `now` in Unix milliseconds; those that ended by it are returned. */
  take(changes: readonly Anomaly[], now: number): Anomaly[] {
    const ended: Anomaly[] = [];
    for (const anomaly of changes) {
      const { fingerprint, state } = anomaly;
      this.#open.delete(fingerprint);
      if (state === "resolved") ended.push(anomaly);
      else this.#open.set(fingerprint, { anomaly, at: now });
    }
    for (const [fingerprint, { anomaly }] of this.#open) {
      if (this.#open.size <= this.#most) break;
      this.#open.delete(fingerprint);
      ended.push(anomaly);
    }
    return ended;
  }

  /** Lets go of those that have ended by themselves at `now`. */
  expire(now: number): Anomaly[] {
    const ended: Anomaly[] = [];
    for (const [fingerprint, { anomaly, at }] of this.#open) {
      if (anomaly.episode || now - at < this.#expireAfter) continue;
      this.#open.delete(fingerprint);
      ended.push(anomaly);
    }
    return ended;
  }

  /** The latest change of each, the one heard of longest ago first. */
  list(): Anomaly[] {
    return Array.from(this.#open.values(), ({ anomaly }) => anomaly);
  }
}
