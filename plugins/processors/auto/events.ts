// How seldom has this series had an event of this size? A histogram, and a prior for the history that it does not have yet.
import { CELLS } from "./memory.ts";

/** The first cell begins at 0.8 deviations, each is 1.25 times as wide as the one before: the last begins at about 90. */
const LOWEST = Math.log(0.8);
const WIDTH = Math.log(1.25);
const LARGEST = 1000;
/** Points after which the counts are halved, so that the past fades. */
const MEMORY = 65_535;

/** Cells below those of wild events, and the deviations from which an event is one. */
const WILD_CELLS = 9;
export const WILD = Math.exp(LOWEST + WILD_CELLS * WIDTH);

/** How many of the largest events tell how their tail falls off; what is thought before there are any, and events that this is worth. */
const TAIL = 12;
const TAIL_PRIOR = 2;
const TAIL_WEIGHT = 4;

export interface Events {
  /** -log10 of the share of points with an event as large; 0 when there was none. */
  rarity: number;
  /** Events of this size or larger before, at least their cell. */
  known: number;
  /** How many times larger it is than any before, at least 1; 1 while there was none. */
  beyond: number;
  /** Share of points with a wild event before. */
  wild: number;
  /** The cell it was counted in; 0 when there was no event. */
  cell: number;
}

/**
 * Counts an event in the histogram at `h` of `counts` and tells how rare it was before. Imagined events count as well: `prior / size` of
 * them were as large. The whole of its own cell counts, or else equal events would each look rarer than the other. No event: 0.
 */
export function count(counts: Uint16Array, h: number, size: number, prior: number, into: Events): void {
  if (counts[h] === MEMORY) for (let cell = h; cell <= h + CELLS; cell++) counts[cell] >>= 1;
  const points = ++counts[h];
  into.rarity = 0;
  into.known = 0;
  into.cell = 0;
  const bounded = size < LARGEST ? size : LARGEST;
  const place = bounded > 0 ? (Math.log(bounded) - LOWEST) / WIDTH : -1;
  if (!(place >= 0)) return;
  const own = h + 1 + Math.min(CELLS - 1, Math.floor(place));
  let known = 0;
  for (let cell = own; cell <= h + CELLS; cell++) known += counts[cell];
  into.known = known;
  into.beyond = 1;
  if (known === 0) {
    let top = own - 1;
    while (top > h && counts[top] === 0) top--;
    if (top > h) into.beyond = Math.max(1, bounded / Math.exp(LOWEST + WIDTH * (top - h)));
  }
  let wild = 0;
  for (let cell = h + 1 + WILD_CELLS; cell <= h + CELLS; cell++) wild += counts[cell];
  into.wild = wild / points;
  counts[own]++;
  into.cell = own;
  into.rarity = Math.max(0, Math.log10(points / (known + prior / bounded)));
}

/**
 * Decades of rarity beyond all that was counted in the histogram at `h`, for something `times` as large as the largest that is
 * ordinary: by the tail index of the largest events (Hill 1975), shrunk to a cautious one while there are few, and never more than
 * so many events can tell. The event in `cell` is the one at hand.
 */
export function decadesBeyond(counts: Uint16Array, h: number, cell: number, times: number): number {
  let all = 0;
  let events = 0;
  let logarithms = 0;
  for (let at = h + CELLS; at > h; at--) {
    const here = at === cell ? counts[at] - 1 : counts[at];
    all += here;
    if (events >= TAIL) continue;
    // those before lie a cell farther from where this one begins, its own half a cell
    logarithms += (events + here / 2) * WIDTH;
    events += here;
  }
  const index = (events + TAIL_WEIGHT) / (logarithms + TAIL_WEIGHT / TAIL_PRIOR);
  return Math.min(Math.log10(1 + all), index * Math.log10(Math.max(1, times)));
}
