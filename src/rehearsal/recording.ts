// Requests as they came in, copied, up to a bound.
import type { Telemetry } from "../api/index.ts";

export interface Recorded {
  readonly signal: Telemetry;
  readonly bytes: Uint8Array;
  /** Unix milliseconds. */
  readonly at: number;
}

/** What a recording is told by whoever takes requests in. */
export interface Recorder {
  /** Before a request is taken: its bytes may be another's afterwards. */
  came(signal: Telemetry, bytes: Uint8Array, at: number): void;
  /** The last one that came was not taken: refused, or no OTLP. */
  refused(): void;
}

export class Recording implements Recorder {
  readonly requests: Recorded[] = [];
  readonly #most: number;
  #bytes = 0;
  /** Whether there was no room for a request: from then on none is taken. */
  full = false;

  constructor(most: number) {
    this.#most = most;
  }

  came(signal: Telemetry, bytes: Uint8Array, at: number): void {
    if (this.full || this.#bytes + bytes.length > this.#most) {
      this.full = true;
      return;
    }
    this.#bytes += bytes.length;
    this.requests.push({ signal, bytes: new Uint8Array(bytes), at });
  }

  refused(): void {
    if (this.full) return;
    this.#bytes -= this.requests.pop()?.bytes.length ?? 0;
  }
}
