// A series and its parts tell an incident once: the whole where it is past the line, and with it which parts were behind it.
import type { Anomaly, Labels } from "../api/index.ts";

/** Milliseconds for which what was told of a series, or of a part of it, speaks for the other; and how much worse is news. */
const SPEAKS_FOR = 600_000;
const WORSE = 2;
const MOST_TOLD = 10_000;
const MOST_NAMED = 3;
/** A template that makes so much of what its series does is what the anomaly is about. */
const MOSTLY = 0.5;

interface Told {
  readonly part: string | undefined;
  readonly score: number;
  readonly time: number;
}

/** What the parts of the series of an anomaly are called that had failures in the interval being judged, those with the most first. */
export type PartsOf = (anomaly: Anomaly) => readonly string[];

export class Families {
  readonly #raise: (anomaly: Anomaly) => void;
  readonly #explains: boolean;
  #raised: Anomaly[] = [];
  readonly #told = new Map<string, Told>();

  /** `explains`: whether a part that is not past the line itself explains a whole that it makes most of. */
  constructor(raise: (anomaly: Anomaly) => void, explains = false) {
    this.#raise = raise;
    this.#explains = explains;
  }

  readonly collect = (anomaly: Anomaly): void => {
    this.#raised.push(anomaly);
  };

  /** Passes on what was collected of one interval. */
  settle(partsOf: PartsOf): void {
    if (this.#raised.length === 0) return;
    const all = this.#raised;
    this.#raised = [];
    const raised = all.filter((anomaly) => !all.some((other) => isMostOf(other, anomaly)));
    // wholes first, then the most surprising part
    raised.sort(
      (a, b) => Number(a.labels.part !== undefined) - Number(b.labels.part !== undefined) || b.score - a.score,
    );
    for (const anomaly of raised) {
      const { labels, score, time } = anomaly;
      const behind = all.filter((other) => isBehind(other, anomaly)).sort((a, b) => excess(b) - excess(a));
      const named = behind.length > 0 ? behind.map((other) => `"${other.labels.template}"`) : partsOf(anomaly);
      const parts = labels.part === undefined ? named.slice(0, MOST_NAMED) : [];
      if (this.#explains && behind.length === 0 && parts.length > 0) continue;
      const key = keyOf(labels);
      const before = this.#told.get(key);
      const other = before !== undefined && (before.part !== labels.part || before.time === time);
      if (other && time - before.time <= SPEAKS_FOR && score < WORSE * before.score) continue;
      this.#told.delete(key);
      this.#told.set(key, { part: labels.part, score, time });
      if (this.#told.size > MOST_TOLD) this.#told.delete(this.#told.keys().next().value!);
      this.#raise(
        parts.length === 0 ? anomaly : { ...anomaly, contributors: parts, reason: withParts(anomaly, parts) },
      );
    }
  }
}

const excess = ({ observed, expected }: Anomaly) => Math.abs(observed - expected);

/** Whether an anomaly is of a template of the series that the other is of, which surges or falls as it does. */
const isBehind = (part: Anomaly, whole: Anomaly) =>
  part.labels.template !== undefined &&
  whole.labels.part === undefined &&
  part.observed > part.expected === whole.observed > whole.expected &&
  keyOf(part.labels) === keyOf(whole.labels);

const isMostOf = (part: Anomaly, whole: Anomaly) => isBehind(part, whole) && excess(part) >= MOSTLY * excess(whole);

/** "...; mostly 503." */
const withParts = ({ reason }: Anomaly, [first]: readonly string[]) => reason.replace(/\.$/, `; mostly ${first}.`);

function keyOf({ resource, name, kind }: Labels): string {
  return JSON.stringify([resource["service.namespace"], resource["service.name"], name, kind]);
}
