// What a processor that finds anomalies by itself is lent, and what it hands over: for what cannot be a function over columns.
import type { Batch, Labels, Telemetry } from "./signals.ts";

/** Something that surprised a processor. */
export interface Finding {
  /** One of the plugin's `finds`. */
  readonly type: string;
  readonly signal: Telemetry;
  /** What it is about. */
  readonly labels: Labels;
  /** Which of several things about the same labels: a field's name. Part of the fingerprint. */
  readonly about?: string;
  /** Unix milliseconds of the event. */
  readonly time: number;
  /** -log10 of the probability that normal telemetry surprises this much; Infinity where it cannot be chance. */
  readonly rarity: number;
  /** The rarity with which the same was handed over before and not raised: a silence that goes on is one surprise. */
  readonly tried?: number;
  readonly observed?: number;
  readonly expected?: number;
  readonly lower?: number;
  readonly upper?: number;
  /** A whole sentence, instead of the usual one. */
  readonly reason?: string;
  /** Most surprising first. */
  readonly contributors?: readonly string[];
  /** "open" unless said otherwise. A resolved one is told whatever its rarity: resolve only what `find` has raised. */
  readonly state?: "open" | "resolved";
  /** Of an open one: it lasts until it is handed over as resolved, however long nothing is said of it. */
  readonly untilResolved?: true;
  /** When the episode opened, where that was earlier: it names the episode. Unix milliseconds. */
  readonly since?: number;
}

export interface Detection {
  /** Whether the user's `match` lets a series through; ask once a series. */
  allows(labels: Labels): boolean;
  /** 16 hex digits of detector, series and `about`: the same after a restart. */
  fingerprint(signal: Telemetry, labels: Labels, about?: string): string;
  /**
   * Within `process` or `tick`: raises the finding if its rarity is past the user's line, and then annotates the row of the batch
   * that it was found in. Whether it was raised.
   */
  find(finding: Finding, batch?: Batch, row?: number): boolean;
  /** What was raised of these goes on at `time`, Unix milliseconds, though it is no news: it keeps its episode open. */
  lasts(signal: Telemetry, labels: Labels, about: string | undefined, time: number): void;
}
