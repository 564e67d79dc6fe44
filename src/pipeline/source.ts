// A service whose series are counted together: how far its clock is off, and how long it is silent at times.
import type { Attributes } from "../api/index.ts";

/** Of the intervals in which a service is silent for longer than is usual for it, none is judged. */
const USUAL_SILENCE = 3;
const ALWAYS_ALLOWED = 6;
const FORGETTING = 0.98;
/** Intervals that are judged after the fact, at most. */
const LONGEST_SILENCE = 360;
/** A service whose events are all older than the lateness has a clock that is behind: it is followed by a share of that each time. */
const FOLLOWING = 0.1;

export class Source {
  readonly key: string;
  /** The attributes that name it, once for all of its series. */
  resource: Attributes | undefined;
  members: number[] = [];
  /** Milliseconds that its clock is behind ours, where that is more than the lateness. */
  lag = 0;
  /** Least age of an event when it came, of late. */
  youngest = Number.POSITIVE_INFINITY;
  /** Number of the latest interval in which anything came from it and that is closed, or that anything came too late for. */
  closed = Number.NaN;
  /** Intervals that it is silent for at times. */
  usual = 0;

  constructor(key: string) {
    this.key = key;
  }

  /** The clock of a service of which anything came in time is right, and one that is ahead does no harm. */
  follow(lateness: number): void {
    const { youngest } = this;
    if (youngest === Number.POSITIVE_INFINITY) return;
    this.lag += FOLLOWING * ((youngest > lateness ? youngest : 0) - this.lag);
    this.youngest = Number.POSITIVE_INFINITY;
  }

  /** It was heard in an interval that closes. The first of those before it that are to be judged as well. */
  heard(number: number): number {
    const { closed, usual } = this;
    const silent = Number.isNaN(closed) ? 0 : number - closed - 1;
    const allowed = Math.min(LONGEST_SILENCE, USUAL_SILENCE * usual + ALWAYS_ALLOWED);
    this.usual = Math.max(FORGETTING * usual, Math.min(silent, 2 * usual + ALWAYS_ALLOWED));
    this.closed = number;
    return silent <= allowed ? number - silent : number;
  }
}
