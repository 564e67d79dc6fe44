// Of one service: which share of its records each template has, and how far that of the last minutes is off.
import { betaBinomialAbove } from "vedette/counts";
import { Claims } from "./claims.ts";

/** Milliseconds that are counted together, and how many such buckets are recent: what is older is usual. */
export const BUCKET = 30_000;
export const RECENT = 6;
/** Recent buckets that are judged together. */
const WINDOWS = [2, RECENT] as const;
/** Templates of a service that are told apart; all others are one. */
const MOST_TEMPLATES = 128;
export const OTHERS = 0;
/** What is known weighs less by a factor e in so many buckets: a day. */
const MEMORY = 2880;
/** Usual records from which a service is judged, and of a bucket from which it shows how shares move. */
const ENOUGH = 5;
const SHOWS = 3;
/** Records that every share is believed to have had, at first. */
const AT_FIRST = 0.25;
/** How much shares move between buckets, as a correlation of the records of one: at first, the weights behind that, and the least. */
const MOVES = 0.03;
const MOVES_WEIGHT = 20;
const OWN_WEIGHT = 3;
const LEAST_MOVES = 0.01;
const MOST_MOVES = 0.5;
/** Weight at which what is known of all services is halved. */
const MOVES_MEMORY = 100_000;
/** Weight of buckets of a template that is nearly always, or nearly never, said. */
const EXTREME = 0.003;
const EXTREME_WEIGHT = 0.2;
/** A service that surprised so much of late, in decades, teaches little. */
const ODD = 2.6;
const ODD_TEACHES = 0.1;
const FADES = 0.8;
/** The first run of a job is no rarer than this, however sure it is. */
const RAREST = 10;
/** Squared deviations below this share of the variance are no surprise. */
const ORDINARY = 2;

/** How much shares of all services move: sum and weight. */
export interface Moves {
  sum: number;
  weight: number;
}

/** What was found of the share of one template. */
export interface Surprise {
  /**
   * -log10 of how probable it is, times how much of the larger share is not in the smaller one; less what so many templates are looked at for, and no more
   * than such claims of the template came true.
   */
  readonly rarity: number;
  readonly slot: number;
  readonly observed: number;
  readonly expected: number;
  /** Milliseconds. */
  readonly span: number;
}

export class Mix {
  /** By slot: id of the template, "" of the others. */
  readonly ids: string[] = [""];
  readonly #slots = new Map<string, number>();
  /** Usual records, discounted: of each template, and of all. */
  base: Float64Array<ArrayBuffer> = new Float64Array(8);
  total = 0;
  /** By template: how much its share moves, as a sum, and the weight of that. */
  moved: Float64Array<ArrayBuffer> = new Float64Array(8);
  weight: Float64Array<ArrayBuffer> = new Float64Array(8);
  /** Recent records: RECENT buckets of each template, and of all. */
  recent: Float64Array<ArrayBuffer> = new Float64Array(8 * RECENT);
  readonly recentTotal: Float64Array<ArrayBuffer> = new Float64Array(RECENT);
  /** How much it surprised of late, in decades. */
  odd = 0;
  readonly claims = new Claims();
  generation = 0;

  /** Slot of a template; one that was another's until now raises `generation`. */
  slotOf(id: string): number {
    const known = this.#slots.get(id);
    if (known !== undefined) return known;
    const slot = this.ids.length < MOST_TEMPLATES ? this.ids.length : this.#idle();
    if (slot !== OTHERS) this.#put(id, slot);
    return slot;
  }

  constructor() {
    this.claims.grow(this.base.length);
  }

  #put(id: string, slot: number): void {
    this.ids[slot] = id;
    this.#slots.set(id, slot);
    if (slot < this.base.length) return;
    const size = Math.min(MOST_TEMPLATES, 2 * this.base.length);
    this.base = grown(this.base, size);
    this.moved = grown(this.moved, size);
    this.weight = grown(this.weight, size);
    this.recent = grown(this.recent, size * RECENT);
    this.claims.grow(size);
  }

  /** The slot of a template that has hardly a record left, which is one of the others from now on; OTHERS where all have. */
  #idle(): number {
    for (let slot = 1; slot < this.ids.length; slot++) {
      if (this.base[slot] + this.#count(slot, 0, RECENT) >= 1) continue;
      this.generation++;
      this.#slots.delete(this.ids[slot]);
      this.base[OTHERS] += this.base[slot];
      this.base[slot] = this.moved[slot] = this.weight[slot] = 0;
      this.claims.clear(slot);
      return slot;
    }
    return OTHERS;
  }

  add(slot: number, bucket: number): void {
    this.recent[slot * RECENT + bucket]++;
    this.recentTotal[bucket]++;
  }

  get isQuiet(): boolean {
    return this.recentTotal.every((count) => count === 0);
  }

  /** The template of which the share in the recent buckets up to `bucket` is off most; nothing is said of the others. */
  judge(bucket: number, moves: Moves): Surprise | undefined {
    this.odd *= FADES;
    if (this.total < ENOUGH) return undefined;
    let most: Surprise | undefined;
    const looks = Math.log10(this.ids.length * WINDOWS.length);
    for (const window of WINDOWS) {
      let n = 0;
      for (let back = 0; back < window; back++) n += this.recentTotal[(bucket - back + RECENT) % RECENT];
      if (n === 0) continue;
      for (let slot = 1; slot < this.ids.length; slot++) {
        const k = this.#count(slot, bucket, window);
        const tail = this.#tail(slot, k, n, moves);
        this.odd = Math.max(this.odd, tail);
        const observed = k / n;
        const expected = this.base[slot] / this.total;
        const larger = Math.max(observed, expected);
        const claimed = larger > 0 ? (tail * Math.abs(observed - expected)) / larger - looks : 0;
        const rarity = Math.min(RAREST, this.claims.believed(slot, claimed));
        if (rarity > (most?.rarity ?? 0)) most = { rarity, slot, observed, expected, span: window * BUCKET };
      }
    }
    this.claims.learn(this.ids.length);
    return most;
  }

  #count(slot: number, bucket: number, window: number): number {
    let k = 0;
    for (let back = 0; back < window; back++) k += this.recent[slot * RECENT + ((bucket - back + RECENT) % RECENT)];
    return k;
  }

  /** Of so many of n records, on the side on which they lie. */
  #tail(slot: number, k: number, n: number, { sum, weight }: Moves): number {
    const usual = this.total + 2 * AT_FIRST;
    const p = (this.base[slot] + AT_FIRST) / usual;
    const common = Math.max(LEAST_MOVES, (MOVES * MOVES_WEIGHT + sum) / (MOVES_WEIGHT + weight));
    const own = (common * OWN_WEIGHT + this.moved[slot]) / (OWN_WEIGHT + this.weight[slot]);
    // shares move, and are no better known than by what came
    const size = 1 / (1 / usual + own);
    const correlation = 1 / (size + 1);
    const off = k - n * p;
    if (off * off <= ORDINARY * n * p * (1 - p) * (1 + (n - 1) * correlation)) return 0;
    return off > 0 ? betaBinomialAbove(k, n, p, correlation) : betaBinomialAbove(n - k, n, 1 - p, correlation);
  }

  /** Bucket `oldest` becomes usual, and is empty afterwards. */
  learn(oldest: number, moves: Moves): void {
    const n = this.recentTotal[oldest];
    if (n === 0) return;
    const teaches = this.odd > ODD ? ODD_TEACHES : 1;
    const keep = 1 - 1 / MEMORY;
    for (let slot = 0; slot < this.ids.length; slot++) {
      const at = slot * RECENT + oldest;
      const k = this.recent[at];
      this.recent[at] = 0;
      if (this.total >= ENOUGH && n >= SHOWS) this.#learnMoves(slot, k, n, teaches, moves);
      this.base[slot] = keep * this.base[slot] + teaches * k;
    }
    this.total = keep * this.total + teaches * n;
    this.recentTotal[oldest] = 0;
  }

  #learnMoves(slot: number, k: number, n: number, teaches: number, moves: Moves): void {
    const p = (this.base[slot] + AT_FIRST) / (this.total + 2 * AT_FIRST);
    const off = k / n - p;
    const beyond = ((off * off) / (p * (1 - p)) - 1 / n - 1 / this.total) / (1 - 1 / n);
    const moved = Math.max(0, Math.min(MOST_MOVES, beyond));
    this.moved[slot] = remembered(this.moved[slot]) + teaches * moved;
    this.weight[slot] = remembered(this.weight[slot]) + teaches;
    if (k + this.base[slot] === 0) return;
    const counts = p > EXTREME && p < 1 - EXTREME ? 1 : EXTREME_WEIGHT;
    moves.sum += counts * moved;
    moves.weight += counts;
    if (moves.weight < MOVES_MEMORY) return;
    moves.sum /= 2;
    moves.weight /= 2;
  }

  /** From what was saved: all but ids as they were. */
  restore(ids: readonly string[]): void {
    this.ids.length = 1;
    this.#slots.clear();
    for (const [slot, id] of ids.entries()) if (slot > 0) this.#put(id, slot);
  }
}

const remembered = (value: number) => value * (1 - 1 / MEMORY);

function grown(values: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(values);
  return larger;
}
