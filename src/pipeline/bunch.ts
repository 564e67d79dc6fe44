// Many series that change in the same moment have one cause: it is told of the first of them, and again when it is much worse.
import type { Anomaly } from "../api/index.ts";

/** Milliseconds between two of a bunch, at most, and of all of it. */
const NEAR = 180_000;
const LONGEST = 3_600_000;
/** So many times as surprising as what was told is news. */
const WORSE = 2;

interface Open {
  began: number;
  latest: number;
  score: number;
  /** Series past the line that were not told. */
  readonly silent: Set<string>;
}

/** Of one detector: one bunch of those above their expectation, and one of those below. */
export class Bunch {
  readonly #raise: (anomaly: Anomaly) => void;
  readonly #open = new Map<boolean, Open>();

  constructor(raise: (anomaly: Anomaly) => void) {
    this.#raise = raise;
  }

  readonly tell = (anomaly: Anomaly): void => {
    const { time, score, observed, expected, fingerprint, reason } = anomaly;
    const below = observed < expected;
    const open = this.#open.get(below);
    // the clock may go back
    if (!open || Math.abs(time - open.latest) > NEAR || Math.abs(time - open.began) > LONGEST) {
      this.#open.set(below, { began: time, latest: time, score, silent: new Set() });
      this.#raise(anomaly);
      return;
    }
    open.latest = Math.max(open.latest, time);
    if (score < WORSE * open.score) {
      open.silent.add(fingerprint);
      return;
    }
    open.score = score;
    open.silent.delete(fingerprint);
    const { size } = open.silent;
    const others = size === 0 ? "." : `; and ${size} other series with it.`;
    this.#raise({ ...anomaly, reason: reason.replace(/\.$/, others) });
  };
}
