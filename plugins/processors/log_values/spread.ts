// How the numbers of one parameter are spread: counts by the logarithm of their size, and from where on a number is high, low or far beyond.

/** Bins a decade, of sizes from 1e-6 to 1e15; what is smaller, zero included, is in the first, negative numbers in one of their own. */
export const PER_DECADE = 10;
const SMALLEST = -6;
const LARGEST = 15;
export const BINS = PER_DECADE * (LARGEST - SMALLEST) + 2;
const NEGATIVE = BINS - 1;
const SCALE = PER_DECADE / Math.LN10;
/** Shares of the numbers that are at or above a high one, and below a low one. */
const HIGH = 0.02;
const LOW = 0.02;
/** Huge is 1.6 times what one in a thousand is above, tiny as much below. */
const OUTERMOST = 0.001;
const BEYOND = 2;
/** The lines are drawn when so many numbers were seen, and each time when there are four times as many; a day of counts at most weighs. */
const FIRST = 128;
const GROWTH = 4;
const MOST = 2 ** 21;

/** The bin of a number: `edge` of it is below, and that of the next not. */
export function binOf(value: number): number {
  if (value < 0) return NEGATIVE;
  const bin = Math.ceil((Math.log(value) - SMALLEST * Math.LN10) * SCALE);
  // also of zero, whose logarithm is -Infinity
  return bin > 0 ? Math.min(bin, NEGATIVE - 1) : 0;
}

const EDGES = Float64Array.from({ length: BINS }, (_, bin) =>
  bin === 0 ? 0 : 10 ** (SMALLEST + (bin - 1) / PER_DECADE),
);

/** Where a bin begins; Infinity behind the last of positive numbers. */
export function edge(bin: number): number {
  return bin >= NEGATIVE ? Number.POSITIVE_INFINITY : EDGES[Math.max(0, bin)];
}

export class Spread {
  readonly counts: Uint32Array;
  total: number;
  /** Bins from which on a number is high, and huge; BINS where no line is drawn. */
  high: number;
  huge: number;
  /** Bins below which a number is low, and tiny; 0 where no line is drawn. */
  low: number;
  tiny: number;
  /** The largest bin of all. */
  largest: number;
  #next: number;

  constructor(saved?: ReturnType<Spread["save"]>) {
    this.counts = saved?.counts ?? new Uint32Array(BINS);
    this.total = saved?.total ?? 0;
    this.high = saved?.high ?? BINS;
    this.huge = saved?.huge ?? BINS;
    this.low = saved?.low ?? 0;
    this.tiny = saved?.tiny ?? 0;
    this.largest = saved?.largest ?? 0;
    this.#next = saved?.next ?? FIRST;
  }

  save() {
    const { counts, total, high, huge, low, tiny, largest } = this;
    return { counts, total, high, huge, low, tiny, largest, next: this.#next };
  }

  /** One number, which stands for `weight` of them: whether the lines were drawn anew. */
  add(bin: number, weight: number): boolean {
    this.counts[bin] += weight;
    this.total += weight;
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
    // what came once, long ago, is forgotten
    while (this.largest > 0 && this.counts[this.largest] === 0) this.largest--;
    this.#next = MOST;
  }

  #draw(): boolean {
    const { high, huge, low, tiny } = this;
    this.high = this.#above(HIGH);
    this.huge = Math.min(BINS, this.#above(OUTERMOST) + BEYOND);
    this.low = this.#below(LOW);
    this.tiny = Math.max(0, this.#below(OUTERMOST) - BEYOND);
    return high !== this.high || huge !== this.huge || low !== this.low || tiny !== this.tiny;
  }

  /** The first bin of which on, and above, no more than that share lies. */
  #above(share: number): number {
    let bin = NEGATIVE - 1;
    for (let above = 0; bin > 0 && above + this.counts[bin] <= share * this.total; bin--) above += this.counts[bin];
    return bin + 1;
  }

  /** The last bin of which no more than that share lies below; negative numbers are lower than all others. */
  #below(share: number): number {
    let bin = 0;
    let below = this.counts[NEGATIVE];
    for (; bin < NEGATIVE && below + this.counts[bin] <= share * this.total; bin++) below += this.counts[bin];
    return bin;
  }

  /** Numbers in bins from `bin` on, and in those before it. */
  from(bin: number): number {
    let count = 0;
    for (let i = Math.max(0, bin); i < NEGATIVE; i++) count += this.counts[i];
    return count;
  }

  before(bin: number): number {
    return this.total - this.from(bin);
  }

  /** Whether their size says something: negative numbers, which have no logarithm, are rare. */
  get isPositive(): boolean {
    return this.counts[NEGATIVE] <= LOW * this.total;
  }

  /** Numbers above zero. */
  get positive(): number {
    return this.total - this.counts[0] - this.counts[NEGATIVE];
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

  isHigh(bin: number): boolean {
    return bin >= this.high && bin !== NEGATIVE;
  }

  isLow(bin: number): boolean {
    return bin < this.low || (bin === NEGATIVE && this.low > 0);
  }

  /** Of one that is high; of one that is low. */
  isHuge(bin: number): boolean {
    return bin >= this.huge;
  }

  isTiny(bin: number): boolean {
    return bin < this.tiny || bin === NEGATIVE;
  }
}
