// How the numbers of one parameter are spread: counts by the logarithm of their size, and from where on a number is high.

/** Bins a decade, of sizes from 1e-6 to 1e15; what is smaller, zero included, is in the first, negative numbers in one of their own. */
const PER_DECADE = 10;
const SMALLEST = -6;
const LARGEST = 15;
export const BINS = PER_DECADE * (LARGEST - SMALLEST) + 2;
const NEGATIVE = BINS - 1;
const SCALE = PER_DECADE / Math.LN10;
/** Shares of the numbers that are at or above a high one, and below a low one. */
const HIGH = 0.02;
const LOW = 0.02;
/** The line is drawn when so many numbers were seen, and each time when there are four times as many; a day of counts at most weighs. */
const FIRST = 128;
const GROWTH = 4;
const MOST = 2 ** 18;

/** The bin of a number: `edge` of it is below, and that of the next not. */
export function binOf(value: number): number {
  if (value < 0) return NEGATIVE;
  const bin = Math.ceil((Math.log(value) - SMALLEST * Math.LN10) * SCALE);
  // also of zero, whose logarithm is -Infinity
  return bin > 0 ? Math.min(bin, NEGATIVE - 1) : 0;
}

export class Spread {
  readonly counts: Uint32Array;
  total: number;
  /** A bin from which on a number is high, and below which one is low; 0 and BINS where no line is drawn. */
  high: number;
  low: number;
  /** The largest bin of all. */
  largest: number;
  #next: number;

  constructor(saved?: ReturnType<Spread["save"]>) {
    this.counts = saved?.counts ?? new Uint32Array(BINS);
    this.total = saved?.total ?? 0;
    this.high = saved?.high ?? BINS;
    this.low = saved?.low ?? 0;
    this.largest = saved?.largest ?? 0;
    this.#next = saved?.next ?? FIRST;
  }

  save() {
    const { counts, total, high, low, largest } = this;
    return { counts, total, high, low, largest, next: this.#next };
  }

  /** Whether the lines were drawn anew. */
  add(bin: number): boolean {
    this.counts[bin]++;
    this.total++;
    if (bin > this.largest && bin !== NEGATIVE) this.largest = bin;
    if (this.total < this.#next) return false;
    this.#next = this.total * GROWTH;
    if (this.total >= MOST) this.#halve();
    return this.#draw();
  }

  #halve(): void {
    let total = 0;
    for (let i = 0; i < BINS; i++) total += this.counts[i] >>= 1;
    this.total = total;
    this.#next = MOST;
  }

  #draw(): boolean {
    const { counts, total } = this;
    const { high, low } = this;
    let above = 0;
    let bin = NEGATIVE - 1;
    for (; bin > 0 && above + counts[bin] <= HIGH * total; bin--) above += counts[bin];
    this.high = bin + 1;
    let below = counts[NEGATIVE];
    let first = 0;
    for (; first < NEGATIVE && below + counts[first] <= LOW * total; first++) below += counts[first];
    this.low = first;
    return high !== this.high || low !== this.low;
  }

  isHigh(bin: number): boolean {
    return bin >= this.high && bin !== NEGATIVE;
  }

  /** Negative numbers are lower than all others, where they are rare. */
  isLow(bin: number): boolean {
    return bin < this.low || (bin === NEGATIVE && this.low > 0);
  }

  /** The bin below or in which that share of the numbers is. */
  binAt(share: number): number {
    const { counts, total } = this;
    let below = counts[NEGATIVE];
    let bin = 0;
    for (; bin < NEGATIVE - 1; bin++) {
      below += counts[bin];
      if (below >= share * total) break;
    }
    return bin;
  }

  /** Where a bin begins. */
  edge(bin: number): number {
    return bin <= 0 ? 0 : 10 ** (SMALLEST + (bin - 1) / PER_DECADE);
  }
}
