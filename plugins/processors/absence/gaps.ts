// The gaps between the events of each node, in half octaves, and how rare a longer one would be.

/** Bins of half an octave from a quarter of a second to half a day; longer gaps are in the last. */
export const BINS = 36;
const LOWEST = -4;
/** Gaps remembered; then all counts are halved, so that a cadence that changes is learnt anew. */
export const MEMORY = 4096;
const FEW = 64;
/** Shapes of a tail: 1 is exponential, below it heavier; a lighter one is not believed, whatever the gaps look like. */
const SHAPES = [0.15, 0.3, 0.5, 0.7, 0.85, 1];
const USUAL_SHAPE = 0.8;
/** Beyond what was seen a tail is believed to be a little heavier than it looked. */
const BEYOND = 0.85;
/** A silence shorter than this many median gaps is none. */
const LEAST = 3;
/** Gaps that must be known of a node whose gaps vary, for each one of a regular node. */
const IRREGULAR = 5;
/** Seconds that an irregular node is watched first where its nights may be other than its days. */
const DAY = 86_400;
/** A silence is at least so many times the longest gap of today and yesterday. */
const LONGER = 2;
/** No silence is called rarer: the model of a tail knows no better. */
const RAREST = 20;

const edge = (bin: number) => 2 ** ((bin + LOWEST) / 2);

function binOf(seconds: number): number {
  return Math.max(0, Math.min(BINS - 1, Math.floor(2 * Math.log2(Math.max(seconds, 0.01)) - LOWEST)));
}

/** Columns with a row for each node: 104 bytes. */
export class Gaps {
  counts = new Uint16Array(0);
  total = new Uint16Array(0);
  #median = new Float32Array(0);
  /** Seconds: a mean over about the last FEW gaps, of which a long one counts little. */
  typical = new Float32Array(0);
  /** The longest gap of this day of the node and of the one before; the number of the day; when the first one began. */
  longest = new Float32Array(0);
  longestBefore = new Float32Array(0);
  day = new Uint16Array(0);
  began = new Float64Array(0);

  grow(capacity: number): void {
    const counts = new Uint16Array(capacity * BINS);
    const total = new Uint16Array(capacity);
    const median = new Float32Array(capacity);
    const typical = new Float32Array(capacity);
    const longest = new Float32Array(capacity);
    const longestBefore = new Float32Array(capacity);
    const day = new Uint16Array(capacity);
    const began = new Float64Array(capacity);
    counts.set(this.counts);
    total.set(this.total);
    median.set(this.#median);
    typical.set(this.typical);
    longest.set(this.longest);
    longestBefore.set(this.longestBefore);
    day.set(this.day);
    began.set(this.began);
    this.counts = counts;
    this.total = total;
    this.#median = median;
    this.typical = typical;
    this.longest = longest;
    this.longestBefore = longestBefore;
    this.day = day;
    this.began = began;
  }

  clear(node: number): void {
    this.counts.fill(0, node * BINS, (node + 1) * BINS);
    this.total[node] = 0;
    this.#median[node] = 0;
    this.typical[node] = 0;
    this.longest[node] = 0;
    this.longestBefore[node] = 0;
    this.day[node] = 0;
    this.began[node] = 0;
  }

  /** A gap that ended when the parent's clock showed `now`. */
  learn(node: number, seconds: number, now: number): void {
    if (this.total[node] === 0) this.began[node] = now - seconds;
    const day = Math.floor((now - this.began[node]) / DAY) & 0xffff;
    if (day !== this.day[node]) {
      this.longestBefore[node] = this.longest[node];
      this.longest[node] = 0;
      this.day[node] = day;
    }
    if (seconds > this.longest[node]) this.longest[node] = seconds;
    const at = node * BINS;
    this.counts[at + binOf(seconds)]++;
    const n = ++this.total[node];
    const typical = this.typical[node];
    const gap = n === 1 ? seconds : Math.min(seconds, 4 * typical);
    this.typical[node] = typical + (gap - typical) / Math.min(n, FEW);
    if (n >= MEMORY) this.#halve(node);
    // exact while there are few, then now and then
    if (n < 64 || (n & 31) === 0) this.#summarise(node);
  }

  #halve(node: number): void {
    let sum = 0;
    for (let i = node * BINS; i < (node + 1) * BINS; i++) {
      this.counts[i] >>= 1;
      sum += this.counts[i];
    }
    this.total[node] = sum;
  }

  /** What was kept of a node. */
  recall(node: number, counts: Uint16Array, total: number, typical: number): void {
    this.counts.set(counts, node * BINS);
    this.total[node] = total;
    this.typical[node] = typical;
    this.#summarise(node);
  }

  /** Works the median out of the counts. */
  #summarise(node: number): void {
    const at = node * BINS;
    const half = this.total[node] / 2;
    let below = 0;
    let middle = 0;
    for (; middle < BINS - 1; middle++) {
      below += this.counts[at + middle];
      if (below >= half) break;
    }
    this.#median[node] = this.total[node] === 0 ? 0 : edge(middle + 0.5);
  }

  /** Seconds; 0 while no gap is known. */
  median(node: number): number {
    return this.#median[node];
  }

  /**
   * Whether so much is known of the node that its silence can be judged at `now`: irregular ones need more than `warmup` gaps, and
   * where they `rest` at night a day.
   */
  known(node: number, warmup: number, now: number, rest: boolean): boolean {
    const { total, counts } = this;
    if (total[node] < warmup) return false;
    if (total[node] >= IRREGULAR * warmup && (!rest || now - this.began[node] >= DAY)) return true;
    const beyond = binOf(LEAST * this.#median[node]) + 1;
    for (let i = node * BINS + beyond; i < (node + 1) * BINS; i++) if (counts[i] > 0) return false;
    return true;
  }

  /** The shortest silence, in seconds, that is one: never below `floor`, LEAST median gaps, or what was usual before. */
  shortest(node: number, floor: number): number {
    const longest = Math.max(this.longest[node], this.longestBefore[node]);
    return Math.max(floor, LEAST * this.#median[node], LONGER * longest, edge(this.#last(node) + 1));
  }

  /** The last bin that has fewer than 5 gaps above it. */
  #last(node: number): number {
    const at = node * BINS;
    let bin = BINS - 1;
    for (let above = 0; bin > 0; bin--) {
      above += this.counts[at + bin];
      if (above >= 5) break;
    }
    return bin;
  }

  /**
   * -log10 of the chance that a series-minute of normal life ends in a silence of so many seconds. Three points of the survival
   * seen (fewer than 5, at least 20 or half, and at least 100 gaps above) are continued by one shape of tail, which fits exponential, Weibull and
   * Pareto-like gaps.
   */
  rarity(node: number, seconds: number): number {
    const n = this.total[node];
    const at = node * BINS;
    const last = this.#last(node);
    const longest = edge(last + 1);
    if (n === 0 || seconds <= longest) return 0;
    let above = 0;
    for (let i = BINS - 1; i > last; i--) above += this.counts[at + i];
    const some = Math.min(20, n / 2);
    const survival = () => Math.log((n + 1) / (above + 1));
    const at2 = survival();
    let bin1 = -1;
    let at1 = 0;
    let bin0 = -1;
    let at0 = 0;
    for (let bin = last; bin >= 0; bin--) {
      if (bin1 < 0 && above >= some) {
        bin1 = bin;
        at1 = survival();
      } else if (bin1 >= 0 && above >= 100) {
        bin0 = bin;
        at0 = survival();
        break;
      }
      above += this.counts[at + bin];
    }
    if (bin1 < 0) {
      bin1 = last - 1;
      at1 = Math.min(at1, at2 - 0.5);
    }
    const x1 = edge(bin1 + 1) / longest;
    const shape = (bin0 < 0 ? USUAL_SHAPE : bestShape(at0, at1, at2, edge(bin0 + 1) / longest, x1)) * BEYOND;
    const beyond = (at2 - at1) * (((seconds / longest) ** shape - 1) / (1 - x1 ** shape));
    const chances = Math.log10(60 / Math.max(1, this.typical[node]));
    return Math.min(RAREST, (at2 + beyond) * Math.LOG10E - chances);
  }
}

/** The shape that passes three points best, USUAL_SHAPE where they do not say. */
function bestShape(at0: number, at1: number, at2: number, x0: number, x1: number): number {
  const wanted = Math.log(Math.max(0.05, at1 - at0) / Math.max(0.05, at2 - at1));
  let best = USUAL_SHAPE;
  let least = Number.POSITIVE_INFINITY;
  for (const shape of SHAPES) {
    const misfit = Math.log((x1 ** shape - x0 ** shape) / (1 - x1 ** shape)) - wanted;
    const error = misfit ** 2 / 0.15 + Math.log(shape / USUAL_SHAPE) ** 2;
    if (error < least) {
      least = error;
      best = shape;
    }
  }
  return best;
}
