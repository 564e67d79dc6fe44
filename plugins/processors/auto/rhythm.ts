// Events that come at the same interval each time, as jobs and garbage collectors make them, are no news.
import { LATEST, MANY, PERIOD, REPEATS } from "./memory.ts";

/** Equal intervals after which the next event is expected, and the part of an interval by which it may come sooner or later. */
const ENOUGH = 2;
const LOOSE = 0.05;

/** One more point without an event. */
export function pass(counts: Uint16Array, c: number): void {
  if (counts[c + LATEST] < MANY) counts[c + LATEST]++;
}

/** True if an event now was to be expected from the latest ones. Learns that it came. */
export function isDue(counts: Uint16Array, c: number): boolean {
  const interval = counts[c + LATEST];
  const before = counts[c + PERIOD];
  const repeats = interval < MANY && Math.abs(interval - before) <= LOOSE * before ? counts[c + REPEATS] + 1 : 0;
  counts[c + LATEST] = 0;
  counts[c + PERIOD] = interval;
  counts[c + REPEATS] = Math.min(MANY, repeats);
  return repeats >= ENOUGH;
}
