// What the agent lends to a processor that finds anomalies by itself: the user's line, and the way to raise what is past it.
import type { Anomaly, Batch, Detection, Finding, Host, Labels, Telemetry } from "../api/index.ts";
import { fingerprint } from "./finding.ts";
import type { Line } from "./line.ts";
import { matching } from "./match.ts";
import type { DetectorOptions } from "./options.ts";
import { type DetectorCounts, Reporter } from "./reporter.ts";
import type { Tap } from "./tap.ts";

/** Episodes whose opening was told and whose end was not; beyond it the oldest are forgotten. */
const MOST_OPEN = 10_000;

export class Findings implements Detection {
  readonly reporter: Reporter;
  readonly #host: Host;
  readonly #line: Line;
  readonly #allows: ReturnType<typeof matching>;
  readonly #tap: Tap | undefined;
  /** Fingerprints. */
  readonly #open = new Set<string>();

  constructor(
    host: Host,
    options: DetectorOptions,
    line: Line,
    raise: (anomaly: Anomaly) => void,
    counts?: DetectorCounts,
    tap?: Tap,
  ) {
    this.#host = host;
    this.#line = line;
    this.#tap = tap;
    this.#allows = matching(options.match);
    this.reporter = new Reporter(host, options, raise, counts);
  }

  allows(labels: Labels): boolean {
    return this.#allows?.(labels) ?? true;
  }

  fingerprint(signal: Telemetry, labels: Labels, about?: string): string {
    return fingerprint(this.#host.id, signal, labels, about);
  }

  find(finding: Finding, batch?: Batch<Telemetry>, row?: number): boolean {
    const { signal, labels, about, type, time, since, state = "open", reason, rarity } = finding;
    const key = this.fingerprint(signal, labels, about);
    const resolved = state === "resolved";
    const score = resolved ? 1 : this.#line.single(rarity, time);
    if (resolved ? !this.#open.delete(key) : !(score >= 1)) return false;
    if (!resolved) {
      if (this.#open.size >= MOST_OPEN) this.#open.delete(this.#open.values().next().value!);
      this.#open.add(key);
    }
    const { observed = Number.NaN, expected = Number.NaN, lower = Number.NaN, upper = Number.NaN } = finding;
    const told = { signal, type, about, time, since, state, reason, score, rarity, observed, expected, lower, upper };
    const evidence = { ...told, contributors: finding.contributors ?? [], basis: 0 };
    const anomaly = this.reporter.report(evidence, () => labels, batch, row);
    if (anomaly) this.#tap?.found(anomaly, batch, row);
    return true;
  }
}
