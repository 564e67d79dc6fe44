// The level from before an incident is held for a while: coming back to it is no news, and the incident is not normal until it lasts.
import {
  COUNTS,
  DAILY_LEVELS,
  HELD,
  INCIDENT,
  LEVEL,
  LEVELS,
  type Memory,
  PLAIN_LEVELS,
  type Point,
} from "./memory.ts";

/** A told miss of so many spreads begins an incident; a value nearer than that to the held level is back. */
const INCIDENT_DEVIATIONS = 4.5;
/** Points after which what an incident brought is normal. */
const LASTS = 240;

/** Lowers `deviations` of a point that is back at the level from before, and says whether it is `away` from it in an incident; `y` is what the forecast in use follows. Before levels learn. */
export function fromHeld({ levels, counts }: Memory, s: number, point: Point, y: number): void {
  const plain = s * LEVELS + PLAIN_LEVELS;
  const daily = s * LEVELS + DAILY_LEVELS;
  const age = s * COUNTS + INCIDENT;
  point.away = false;
  if (counts[age] > 0) {
    const back = Math.abs(y - levels[(point.basis > 0 ? daily : plain) + HELD]) / point.spread;
    point.away = back >= INCIDENT_DEVIATIONS;
    if (back < point.deviations && back < INCIDENT_DEVIATIONS) point.deviations = back;
    counts[age] = counts[age] < LASTS ? counts[age] + 1 : 0;
  } else {
    levels[plain + HELD] = levels[plain + LEVEL];
    levels[daily + HELD] = levels[daily + LEVEL];
  }
}

/** A point so far off was told: an incident begins with it, unless one is under way. */
export function beginIncident({ counts }: Memory, s: number, { deviations }: Point): void {
  const age = s * COUNTS + INCIDENT;
  if (counts[age] === 0 && deviations > INCIDENT_DEVIATIONS) counts[age] = 1;
}
