// How many times a caller's span makes the same call: a histogram of what is usual, and how rare the last minutes are.
import { betaBinomialAbove } from "vedette/counts";
import { RING } from "./share.ts";
import { RAREST, rarityOfNew } from "./sighting.ts";

/** Where each level begins. */
const FROM = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 129, 257, 1025] as const;
export const LEVELS = FROM.length;
/** Spans on a level that are needed to judge it. */
const ENOUGH = 3;
const RHO = 0.01;
/** So many times the logarithm to base two of how far the usual is passed is what it counts, up to 1. */
const TELLING = 1.5;
/** What is seen less often than this is not usual. */
const UNUSUAL = 0.002;

function levelOf(count: number): number {
  let level = 0;
  while (level + 1 < LEVELS && FROM[level + 1] <= count) level++;
  return level;
}

/** What the last minutes have beyond the usual. */
export interface Excess {
  readonly rarity: number;
  /** A count in the middle of those beyond, and the most that is usual. */
  readonly observed: number;
  readonly usual: number;
  /** Spans beyond, and all. */
  readonly spans: number;
  readonly of: number;
}

export class Counts {
  /** Spans by level; and by bucket and level of the last minutes. */
  readonly base: number[] = new Array(LEVELS).fill(0);
  readonly recent: number[] = new Array(LEVELS * RING).fill(0);
  /** Positive where the last spans beyond the usual made most of their calls at once, not one after the other. */
  atOnce = -0;
  /** What was the most that is usual when it was last judged. */
  limit = 1;
  /** Before anything was seen: spans on each level. */
  readonly #prior: readonly number[];
  /** Spans of the last minutes above the first level; and whether the base has changed since the limit was set. */
  #several = 0;
  #changed = true;

  constructor(prior: readonly number[]) {
    this.#prior = prior;
  }

  /** Takes what was counted before a restart. */
  restore(base: readonly number[], recent: readonly number[]): void {
    for (let level = 0; level < LEVELS; level++) this.base[level] = base[level];
    for (let i = 0; i < recent.length; i++) {
      this.recent[i] = recent[i];
      if (i % LEVELS > 0) this.#several += recent[i];
    }
  }

  observe(bucket: number, count: number, atOnce: boolean): void {
    const level = levelOf(count);
    this.recent[bucket * LEVELS + level]++;
    if (level > 0) this.#several++;
    if (count > this.limit) this.atOnce += ((atOnce ? 1 : -1) - this.atOnce) / 4;
  }

  /** The most that is usual. */
  get usual(): number {
    let all = 0;
    for (let level = 0; level < LEVELS; level++) all += this.base[level];
    let above = 0;
    for (let level = LEVELS - 1; level > 0; level--) {
      above += this.base[level];
      if (above > UNUSUAL * all) return FROM[level + 1] - 1;
    }
    return 1;
  }

  /** The rarest level of the last minutes; undefined where nothing is beyond the usual. */
  excess(): Excess | undefined {
    const { base, recent } = this;
    if (this.#changed) this.limit = this.usual;
    this.#changed = false;
    if (this.#several < ENOUGH) return undefined;
    const usual = this.limit;
    let spans = 0;
    let all = 0;
    let known = 0;
    for (let i = 0; i < recent.length; i++) spans += recent[i];
    for (let level = 0; level < LEVELS; level++) {
      known += base[level];
      all += base[level] + (this.#prior[level] ?? 0);
    }
    let seen = 0;
    let expected = 0;
    let above = 0;
    let best: Excess | undefined;
    for (let level = LEVELS - 1; level > 0 && FROM[level] > usual; level--) {
      seen += base[level];
      expected += base[level] + (this.#prior[level] ?? 0);
      for (let bucket = 0; bucket < RING; bucket++) above += recent[bucket * LEVELS + level];
      if (above < ENOUGH) continue;
      const share = (expected + 0.25) / (all + 1);
      const observed = this.#middle(level, above);
      const beyond = Math.min(1, TELLING * Math.log2(observed / usual));
      const more = 1 - Math.min(1, (share * spans) / above);
      const dispersed = betaBinomialAbove(above, spans, share, RHO + 1 / (all + 1));
      const never = seen < 0.5 ? rarityOfNew(known, spans, above, 0) : 0;
      const rarity = Math.min(RAREST, Math.max(dispersed, never)) * beyond * more;
      if (!best || rarity > best.rarity) best = { rarity, observed, usual, spans: above, of: spans };
    }
    return best;
  }

  /** Of the last minutes, a count in the middle of those from a level on. */
  #middle(from: number, many: number): number {
    let left = many / 2;
    for (let level = from; level < LEVELS; level++) {
      for (let bucket = 0; bucket < RING; bucket++) left -= this.recent[bucket * LEVELS + level];
      if (left > 0) continue;
      const end = level + 1 < LEVELS ? FROM[level + 1] - 1 : 2 * FROM[level];
      return Math.round((FROM[level] + end) / 2);
    }
    return FROM[from];
  }

  learn(bucket: number, weight: number, keep: number): void {
    const { base, recent } = this;
    for (let level = 0; level < LEVELS; level++) {
      const at = bucket * LEVELS + level;
      base[level] = base[level] * keep + weight * recent[at];
      if (level > 0) this.#several -= recent[at];
      recent[at] = 0;
    }
    this.#changed = true;
  }

  /** Takes the last minutes for usual. */
  adopt(): void {
    for (let bucket = 0; bucket < RING; bucket++) this.learn(bucket, 1, 1);
    // rare enough no more, however much was learnt before
    const all = this.base.reduce((sum, each) => sum + each, 0);
    for (let level = 0; level < LEVELS; level++) if (this.base[level] > 0) this.base[level] += 0.01 * all;
  }
}
