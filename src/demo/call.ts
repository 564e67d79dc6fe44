// What happens in the made-up world, before any telemetry tells of it: calls within calls, and what they log.
import type { Process } from "./shop.ts";

export type Kind = "server" | "client" | "internal" | "producer" | "consumer";

export interface Line {
  /** Unix milliseconds. */
  readonly time: number;
  readonly severity: Severity;
  readonly body: string;
}

export type Severity = "INFO" | "WARN" | "ERROR";

/** One span to be. */
export interface Call {
  readonly process: Process;
  readonly name: string;
  readonly kind: Kind;
  /** Unix milliseconds. */
  readonly start: number;
  end: number;
  /** Why it failed; undefined where it did not. */
  failure: string | undefined;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: Call[];
  readonly lines: Line[];
}
