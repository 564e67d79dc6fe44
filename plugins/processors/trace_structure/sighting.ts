// Something that was never seen before: how often it has come since, and how rare that is.

/** Nothing is rarer. */
export const RAREST = 40;
/** A thing that came once is no news, one that came twice hardly. */
const TWICE = 3;
/** Times that new things of a caller came to stay, until what it does is half the surprise. */
const HABIT = 3;

/** How rare it is that a new thing comes to stay: this times as rare as by how often that was so, and this much more. */
const AGAIN = 1.5;
const STAYS = 2;

export class Sighting {
  /** In the order in which things came up. */
  readonly order: number;
  /** How many of its kind of spans had come without it, the first one with it included. */
  readonly after: number;
  /** Unix milliseconds of the first trace with it, and of the clock when the last one came. */
  readonly since: number;
  last: number;
  /** Traces. */
  count = 1;
  /** Of the first one. */
  readonly traceId: string;
  readonly spanId: string;

  constructor(order: number, after: number, since: number, last: number, traceId: string, spanId: string) {
    this.order = order;
    this.after = after;
    this.since = since;
    this.last = last;
    this.traceId = traceId;
    this.spanId = spanId;
  }
}

/**
 * -log10 of the chance that something comes up anew and then `count` times in `within` spans, when none of `before` had it; after so many
 * `habits` that came up before, which is what rarity is bounded by (Good 1953). What comes is taken to come in clumps of two.
 */
export function rarityOfNew(before: number, within: number, count: number, habits: number): number {
  const odds = Math.log10((before + within) / within);
  const first = Math.max(0, Math.log10((before + 1) / ((habits + 0.5) * within)));
  const rarity = accustomed(first + 0.5 * (count - 1) * odds, habits);
  // however often it comes: so often did others come to stay
  const usual = habits > 0 ? -Math.expm1(-(habits * within) / (before + 1)) : 0;
  const bound = usual > 0 ? STAYS - AGAIN * Math.log10(usual) : RAREST;
  return Math.min(RAREST, count < 2 ? 1 : count < 3 ? TWICE : RAREST, rarity, bound);
}

/** What is left of a surprise about a caller to which new things came so often. */
export const accustomed = (rarity: number, habits: number) => rarity / (1 + habits / HABIT);
