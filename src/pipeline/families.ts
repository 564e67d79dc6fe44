// A series and its parts tell an incident once: the whole where it is past the line, and with it which parts were behind it.
import type { Anomaly, Labels } from "../api/index.ts";

/** Milliseconds for which what was told of a series, or of a part of it, speaks for the other; and how much worse is news. */
const SPEAKS_FOR = 600_000;
const WORSE = 2;
const MOST_TOLD = 10_000;
const MOST_NAMED = 3;

interface Told {
  readonly part: string | undefined;
  readonly score: number;
  readonly time: number;
}

/** The parts of a series in the interval being judged, those with the most failures first. */
export type PartsOf = (labels: Labels) => readonly string[];

export class Families {
  readonly #raise: (anomaly: Anomaly) => void;
  #raised: Anomaly[] = [];
  readonly #told = new Map<string, Told>();

  constructor(raise: (anomaly: Anomaly) => void) {
    this.#raise = raise;
  }

  readonly collect = (anomaly: Anomaly): void => {
    this.#raised.push(anomaly);
  };

  /** Passes on what was collected of one interval. */
  settle(partsOf: PartsOf): void {
    if (this.#raised.length === 0) return;
    const raised = this.#raised;
    this.#raised = [];
    // wholes first, then the most surprising part
    raised.sort(
      (a, b) => Number(a.labels.part !== undefined) - Number(b.labels.part !== undefined) || b.score - a.score,
    );
    for (const anomaly of raised) {
      const { labels, score, time } = anomaly;
      const key = keyOf(labels);
      const before = this.#told.get(key);
      const other = before !== undefined && (before.part !== labels.part || before.time === time);
      if (other && time - before.time <= SPEAKS_FOR && score < WORSE * before.score) continue;
      this.#told.delete(key);
      this.#told.set(key, { part: labels.part, score, time });
      if (this.#told.size > MOST_TOLD) this.#told.delete(this.#told.keys().next().value!);
      const parts = labels.part === undefined ? partsOf(labels).slice(0, MOST_NAMED) : [];
      this.#raise(
        parts.length === 0 ? anomaly : { ...anomaly, contributors: parts, reason: withParts(anomaly, parts) },
      );
    }
  }
}

/** "...; mostly 503." */
const withParts = ({ reason }: Anomaly, [first]: readonly string[]) => reason.replace(/\.$/, `; mostly ${first}.`);

function keyOf({ resource, name, kind }: Labels): string {
  return JSON.stringify([resource["service.namespace"], resource["service.name"], name, kind]);
}
