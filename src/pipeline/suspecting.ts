// What surprises detectors below their lines, for processors that want to hear of it: read where verdicts are made.
import type { Anomaly, Batch, Finding, Suspicion, Telemetry } from "../api/index.ts";
import type { Judgement, Tap } from "./tap.ts";

/** Decades from which a row is looked at: one in so many is as rare anyway, and that is taken off. */
const ROWS = 3;
/** The same of findings, of which there is not one a row. */
const FINDINGS = 1;

/** Who wants to hear of them; asked often. */
export interface Hearing {
  readonly hears: boolean;
  suspect(suspicion: Suspicion): void;
}

/** Hands on to another tap, where there is one. */
export class Suspecting implements Tap {
  readonly #detector: string;
  readonly #hearing: Hearing;
  readonly #next: Tap | undefined;

  /** `detector` is the component's id. */
  constructor(detector: string, hearing: Hearing, next: Tap | undefined) {
    this.#detector = detector;
    this.#hearing = hearing;
    this.#next = next;
  }

  get wanted(): boolean {
    return this.#hearing.hears || (this.#next !== undefined && this.#next.wanted !== false);
  }

  judged(batch: Batch<Telemetry>, judgement: Judgement): void {
    if (this.#hearing.hears) this.#hear(judgement);
    if (this.#next && this.#next.wanted !== false) this.#next.judged(batch, judgement);
  }

  #hear(judgement: Judgement): void {
    const { count, rarity, score } = judgement;
    for (let i = 0; i < count; i++) {
      if (!(rarity[i] >= ROWS) || score[i] >= 1) continue;
      const { detector, by, time, verdicts } = judgement;
      const observed = judgement.observed(i);
      const expected = verdicts.expected[i];
      const strength = rarity[i] * effect(observed, expected) - ROWS;
      if (!(strength > 0)) continue;
      const labels = judgement.labels(i);
      const type = judgement.typeOf(i);
      const about = { detector, signal: by.signal, type, labels, time: time[i] };
      this.#hearing.suspect({ ...about, strength, observed, expected });
    }
  }

  missed(finding: Finding): void {
    if (!this.#hearing.hears) return;
    const { signal, type, labels, time, rarity, observed = Number.NaN, expected = Number.NaN } = finding;
    const strength = rarity * effect(observed, expected);
    if (!(strength >= FINDINGS)) return;
    this.#hearing.suspect({ detector: this.#detector, signal, type, labels, time, strength, observed, expected });
  }

  found(anomaly: Anomaly, batch?: Batch<Telemetry>, row?: number): void {
    this.#next?.found?.(anomaly, batch, row);
  }

  forgot(own: number): void {
    this.#next?.forgot?.(own);
  }
}

/** How much of the larger of the two is not in the other; 1 where nothing is expected. */
function effect(observed: number, expected: number): number {
  const less = Math.min(observed, expected);
  return less > 0 ? 1 - less / Math.max(observed, expected) : 1;
}
