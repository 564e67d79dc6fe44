// What the agent lends to a processor that finds anomalies by itself: the user's line, and the way to raise what is past it.
import type { Anomaly, Batch, Detection, Finding, Host, Labels, Telemetry } from "../api/index.ts";
import type { Kept } from "../series/snapshot.ts";
import { fingerprint } from "./finding.ts";
import type { Lasts } from "./lasting.ts";
import { type Line, restoreLine, savedLine } from "./line.ts";
import { matching } from "./match.ts";
import type { DetectorOptions } from "./options.ts";
import { type DetectorCounts, Reporter } from "./reporter.ts";
import type { Tap } from "./tap.ts";

export class Findings implements Detection {
  readonly reporter: Reporter;
  readonly #host: Host;
  readonly #line: Line;
  readonly #allows: ReturnType<typeof matching>;
  readonly #tap: Tap | undefined;
  readonly #lasts: Lasts | undefined;
  #at = Number.NaN;

  constructor(
    host: Host,
    options: DetectorOptions,
    line: Line,
    raise: (anomaly: Anomaly) => void,
    counts?: DetectorCounts,
    tap?: Tap,
    lasts?: Lasts,
  ) {
    this.#lasts = lasts;
    this.#host = host;
    this.#line = line;
    this.#tap = tap;
    this.#allows = matching(options.match);
    this.reporter = new Reporter(host, options, raise, counts);
  }

  /** Rarity where the line lies at present. */
  get threshold(): number {
    return this.#line.threshold;
  }

  /** What the finder keeps, and with it what its line remembers. */
  keeping(finder: Kept): Kept {
    const line = this.#line;
    return {
      takeSnapshot() {
        const snapshot = finder.takeSnapshot();
        return { ...snapshot, columns: [...snapshot.columns, ...savedLine(line, 0)] };
      },
      restore(snapshot) {
        finder.restore(snapshot);
        restoreLine(line, 0, new Uint32Array(0), new Map(snapshot.columns.map((each) => [each.name, each])));
      },
    };
  }

  allows(labels: Labels): boolean {
    return this.#allows?.(labels) ?? true;
  }

  fingerprint(signal: Telemetry, labels: Labels, about?: string): string {
    return fingerprint(this.#host.id, signal, labels, about);
  }

  lasts(signal: Telemetry, labels: Labels, about: string | undefined, time: number): void {
    this.#lasts?.(this.fingerprint(signal, labels, about), time);
  }

  find(finding: Finding, batch?: Batch<Telemetry>, row?: number): boolean {
    const { signal, labels, about, type, time, since, state = "open", reason, rarity, tried, untilResolved } = finding;
    const score = state === "resolved" ? 1 : this.#line.single(rarity, time, tried);
    if (!(score >= 1)) {
      this.#tap?.missed?.(finding);
      return false;
    }
    // one request, or one tick, is done within a moment of the clock
    const now = this.#host.now();
    if (now !== this.#at) this.reporter.begin();
    this.#at = now;
    const { observed = Number.NaN, expected = Number.NaN, lower = Number.NaN, upper = Number.NaN } = finding;
    const told = { signal, type, about, time, since, state, reason, score, rarity, observed, expected, lower, upper };
    const evidence = { ...told, contributors: finding.contributors ?? [], basis: 0, untilResolved };
    const anomaly = this.reporter.report(evidence, () => labels, batch, row);
    if (anomaly) this.#tap?.found?.(anomaly, batch, row);
    return true;
  }
}
