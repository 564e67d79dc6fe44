// Series of one service that change in the same moment have one cause: it is told of the first, and again when it is much worse.
import { type Anomaly, openedAt } from "../api/index.ts";

/** Milliseconds between two of a bunch, at most, and of all of it. */
const NEAR = 180_000;
const LONGEST = 3_600_000;
/** Bunches remembered; the oldest goes first. */
const MOST = 1000;
/** So many times as surprising as what was told is news. */
const WORSE = 2;

/** What is rare falls silent long before that is told: of what did at one moment so much of its silence lies after it, at least. */
const SINCE = 0.5;

interface Open {
  began: number;
  latest: number;
  /** The last that came of those that are silent; NaN where none is. */
  onset: number;
  score: number;
  /** Series past the line that were not told. */
  readonly silent: Set<string>;
}

/** Of one detector: for each service a bunch of those above their expectation, and one of those below. */
export class Bunch {
  readonly #raise: (anomaly: Anomaly) => void;
  readonly #open = new Map<string, Open>();
  #raised: Anomaly[] = [];

  constructor(raise: (anomaly: Anomaly) => void) {
    this.#raise = raise;
  }

  readonly collect = (anomaly: Anomaly): void => {
    this.#raised.push(anomaly);
  };

  /** Tells what was collected since the last time: of one moment the most surprising is the first. */
  settle(): void {
    if (this.#raised.length === 0) return;
    const raised = this.#raised.sort((a, b) => a.time - b.time || b.score - a.score);
    this.#raised = [];
    for (const anomaly of raised) this.#tell(anomaly);
  }

  #tell(anomaly: Anomaly): void {
    const { time, score, observed, expected, fingerprint, reason } = anomaly;
    const { "service.namespace": namespace, "service.name": service } = anomaly.labels.resource;
    const key = JSON.stringify([observed < expected, namespace, service]);
    const open = this.#open.get(key);
    const onset = observed === 0 ? openedAt(anomaly.id) : Number.NaN;
    // the clock may go back
    const near = open && Math.abs(time - open.latest) <= NEAR && Math.abs(time - open.began) <= LONGEST;
    if (!open || !(near || fellWith(open.onset, onset, time))) {
      this.#open.delete(key);
      if (this.#open.size >= MOST) this.#open.delete(this.#open.keys().next().value!);
      this.#open.set(key, { began: time, latest: time, onset, score, silent: new Set() });
      this.#raise(anomaly);
      return;
    }
    open.latest = Math.max(open.latest, time);
    if (!(open.onset >= onset)) open.onset = onset;
    if (score < WORSE * open.score) {
      open.silent.add(fingerprint);
      return;
    }
    open.score = score;
    open.silent.delete(fingerprint);
    const { size } = open.silent;
    const others = size === 0 ? "." : `; and ${size} other series with it.`;
    this.#raise({ ...anomaly, reason: reason.replace(/\.$/, others) });
  }
}

/** Whether what last came at `since`, and was not told before `time`, may have fallen silent as others did, of which the last came at `onset`. */
const fellWith = (onset: number, since: number, time: number) =>
  since <= onset + NEAR && onset <= since + (1 - SINCE) * (time - since);
