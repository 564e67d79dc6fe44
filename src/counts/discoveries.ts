// How often something comes up that never did before: in one place, and in all that are alike.

/** So many are remembered with their time. */
const MOST_TIMES = 64;
/** What is believed of a place where nothing was found yet: half a discovery in the time in which all of them find as much. */
const HALF = 0.5;
const MINUTE = 60_000;
const HOUR = 3_600_000;
/** A sight more has at most so little to say, in decades. */
const DECADE = 1;

/** When things of one kind were seen for the first time. */
export class Discoveries {
  /** Unix milliseconds, the oldest first. */
  times: number[] = [];

  /** What lies far ahead of it is forgotten: the clock was set back. */
  add(time: number): void {
    const { times } = this;
    while (times.length > 0 && times[times.length - 1] > time + HOUR) times.pop();
    let i = times.length;
    while (i > 0 && times[i - 1] > time) i--;
    times.splice(i, 0, time);
    if (times.length > MOST_TIMES) times.shift();
  }

  /** Whether all that are remembered were found since. */
  areAllSince(time: number): boolean {
    return this.times.length === MOST_TIMES && this.times[0] >= time;
  }

  /** How many there were in [from, to); of the time before those that are remembered, as many as if it had been like theirs. */
  between(from: number, to: number): number {
    const { times } = this;
    let count = 0;
    for (let i = times.length - 1; i >= 0 && times[i] >= from; i--) if (times[i] < to) count++;
    if (times.length < MOST_TIMES || times[0] <= from) return count;
    const span = Math.max(1, times[times.length - 1] - times[0]);
    return count + (times.length * (Math.min(to, times[0]) - from)) / span;
  }
}

/** A place where things are discovered, of so many kinds. */
export interface Explored {
  /** When it was first looked at, Unix milliseconds. */
  readonly began: number;
  readonly discoveries: readonly Discoveries[];
}

/**
 * Discoveries of a kind that are to be expected in a place, a minute, by what was before `time`. The longer it was looked at the fewer are left to discover, so only
 * the newer half of its time counts (what is left to discover is judged by what was found of late, as Good (1953) judges it by what was found but once); what
 * a place lacks is made up by what `all` find, or by their rate.
 */
export function discoveryRate(place: Explored, kind: number, time: number, all: Iterable<Explored> | number): number {
  const common = typeof all === "number" ? all : commonRate(kind, time, all);
  const half = Math.max(0, time - place.began) / 2;
  return (place.discoveries[kind].between(time - half, time) + HALF) / (half / MINUTE + HALF / common);
}

/** What all places find of a kind, each a minute, by what was before `time`. */
export function commonRate(kind: number, time: number, all: Iterable<Explored>): number {
  let count = 0;
  let minutes = 0;
  for (const each of all) {
    const half = (time - each.began) / 2;
    if (!(half > 0)) continue;
    count += each.discoveries[kind].between(time - half, time);
    minutes += half / MINUTE;
  }
  return (count + HALF) / Math.max(1, minutes);
}

/**
 * What one more sight of something new adds to its rarity, in decades: it was not seen in `before` milliseconds, so comes at most as often, and that it comes
 * again within `since` milliseconds has about the probability since / before.
 */
export function seenAgain(since: number, before: number): number {
  return before > 0 ? Math.max(0, Math.min(DECADE, Math.log10(before / Math.max(MINUTE, since)))) : 0;
}
