// The clock of a parent: it runs only while the parent is heard, so that what silences a parent is no silence of its children.

/** A hole of so many seconds never stops a clock. */
const SHORTEST_BREAK = 30;
/** Seconds by which the agent's own clock may be set back. */
export const SET_BACK = 600;
/** Seconds that children are granted at most after a break: senders that wait and try again wait longer the longer it lasted. */
export const GRACE = 150;

/** All in seconds. */
export class Clock {
  /** What it shows. */
  now = 0;
  /** From when on its children are waited for: when the parent was last heard again after a break, and some grace; 0 before any. */
  resumed = 0;
  /** When it was heard last. */
  heard = Number.NaN;
  /** About the longest hole between rows that is nothing unusual. */
  usual = 0;

  /** The parent was heard at `time`. A break counts as one usual hole, and its children start waiting anew. */
  hear(time: number): void {
    const hole = time - this.heard;
    if (!(hole > 0)) {
      if (hole >= -SET_BACK) return;
      this.heard = time;
      this.resumed = this.now;
      return;
    }
    this.heard = time;
    const { usual } = this;
    if (hole > Math.max(SHORTEST_BREAK, 2 * usual)) {
      this.now += usual;
      this.resumed = this.now + Math.min(hole, GRACE);
      // a parent that has become slower is soon known to be
      this.usual = Math.min(hole, Math.max(2 * usual, SHORTEST_BREAK / 2));
      return;
    }
    this.now += hole;
    this.usual = hole > usual ? hole : usual - (usual - hole) * Math.min(1, hole / (50 * usual));
  }
}
