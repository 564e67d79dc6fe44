// How long calls of one edge are on the way: their log in short buckets, and what is usual for it. Judged on the slow side only.

/** Milliseconds of a bucket, and buckets that are judged together: what leaves the last of them is learnt. */
export const BUCKET = 30_000;
export const BUCKETS = 6;
/** A gap below this many milliseconds is taken for this: clocks and schedulers are no finer. */
const SHORTEST = 0.05;
/** Gaps from which the first idea of what is usual is taken. */
export const FIRST = 5;
/** In deviations: what one trace counts at most, and the slowest one of a window; least deviation, in logs. */
const CLIP = 6;
const LEAD = 3;
const LEAST_DEVIATION = 0.1;
/** Variance between buckets that is believed before any was seen, for how many buckets, and the least that is ever believed. */
const BETWEEN = 0.15 ** 2;
const BETWEEN_WEIGHT = 3;
const LEAST_BETWEEN = 0.03 ** 2;
const MOST_BETWEEN = 1;
/** What is usual of few traces is as uncertain again as this many traces would make it. */
const YOUNG = 4;
/** What is learnt is half forgotten after 8 hours of buckets. */
const MEMORY = 2 ** (-1 / 960);
/** A window as rare as this teaches a tenth. */
const RARE = 2.6;
const RARE_WEIGHT = 0.1;

/** Where in a bucket of `ring`: traces, the sums of their surprises, of the squares of these and of their logs, the largest surprise, when the first began. */
const COUNT = 0;
const SUM = 1;
const SQUARES = 2;
const LOGS = 3;
const PEAK = 4;
const BEGAN = 5;
/** Of the traces that are far beyond the usual: how many, the sum of their logs, and when the first of them began. */
const FAR = 6;
const FAR_LOGS = 7;
const FAR_BEGAN = 8;
const COLUMNS = 9;
/** Deviations from which a trace is far beyond, and their share from which they are what is told. */
const BEYOND = 3;
const MANY = 0.1;

/** Of some buckets together. */
export interface Window {
  /** Traces in them. */
  traces: number;
  /** -log10 of the chance that a usual window is as slow. */
  rarity: number;
  /** Geometric mean of the gaps in milliseconds, and how many times the usual one it is. */
  mean: number;
  ratio: number;
}

/** Each trace counts once, since its calls are not independent. All numbers are finite. */
export class Gaps {
  /** Mean and deviation of the logs of milliseconds; traces learnt, and buckets, as far as they are remembered. */
  mean = 0;
  deviation = 0.5;
  learnt = 0;
  buckets = 0;
  /** Sum of the variances seen between buckets, by `buckets`. */
  between = 0;
  /** The rarest window lately. */
  worst = 0;
  readonly early: number[] = [];
  readonly ring = new Float64Array(BUCKETS * COLUMNS);

  /** Takes the mean log of the calls of one trace, which began at `start`, into bucket `slot`. Its surprise, in deviations. */
  add(log: number, slot: number, start: number): number {
    if (this.learnt === 0) {
      this.early.push(log);
      if (this.early.length === FIRST) this.#begin();
      return 0;
    }
    const { ring } = this;
    const at = slot * COLUMNS;
    const surprise = Math.max(-CLIP, Math.min(CLIP, (log - this.mean) / this.deviation));
    if (ring[at + COUNT] === 0) {
      ring[at + PEAK] = surprise;
      ring[at + BEGAN] = start;
    }
    ring[at + COUNT]++;
    ring[at + SUM] += surprise;
    ring[at + SQUARES] += surprise * surprise;
    ring[at + LOGS] += log;
    if (surprise > ring[at + PEAK]) ring[at + PEAK] = surprise;
    if (start < ring[at + BEGAN]) ring[at + BEGAN] = start;
    if (surprise > BEYOND) {
      if (ring[at + FAR]++ === 0 || start < ring[at + FAR_BEGAN]) ring[at + FAR_BEGAN] = start;
      ring[at + FAR_LOGS] += log;
    }
    return surprise;
  }

  #begin(): void {
    const sorted = this.early.toSorted((a, b) => a - b);
    this.mean = sorted[FIRST >> 1];
    const off = sorted.reduce((sum, log) => sum + Math.abs(log - this.mean), 0) / FIRST;
    this.deviation = Math.max(LEAST_DEVIATION, 0.5 * 1.25 * off + 0.15);
    this.learnt = FIRST;
    this.early.length = 0;
  }

  /** Of the last `count` buckets up to `slot`, into `window`. */
  judge(slot: number, count: number, window: Window): void {
    const { ring, learnt, deviation } = this;
    let traces = 0;
    let sum = 0;
    let logs = 0;
    let peak = 0;
    for (let i = 0; i < count; i++) {
      const at = ((slot - i + BUCKETS) % BUCKETS) * COLUMNS;
      if (ring[at + COUNT] === 0) continue;
      traces += ring[at + COUNT];
      sum += ring[at + SUM];
      logs += ring[at + LOGS];
      peak = Math.max(peak, ring[at + PEAK]);
    }
    window.traces = traces;
    window.rarity = 0;
    window.mean = window.ratio = 1;
    if (traces === 0) return;
    window.mean = Math.exp(logs / traces);
    window.ratio = Math.exp(logs / traces - this.mean);
    // one slow trace is no network
    if (peak > LEAD) sum -= peak - LEAD;
    const variance = 1 / traces + 1 / learnt + this.#between() / (deviation * deviation);
    const z = sum / traces / Math.sqrt(variance) / (1 + YOUNG / learnt);
    window.rarity = tail(z, BETWEEN_WEIGHT + this.buckets);
  }

  #between(): number {
    const prior = BETWEEN * BETWEEN_WEIGHT;
    return Math.max(LEAST_BETWEEN, (prior + this.between) / (BETWEEN_WEIGHT + this.buckets));
  }

  /** Learns bucket `slot` unless it is `held`, and empties it. */
  fold(slot: number, held: boolean): void {
    const { ring } = this;
    const at = slot * COLUMNS;
    const traces = ring[at + COUNT];
    if (traces > 0 && !held) this.#learn(traces, ring[at + SUM] / traces, ring[at + SQUARES] / traces);
    this.worst *= 0.8;
    ring.fill(0, at, at + COLUMNS);
  }

  #learn(traces: number, surprise: number, squares: number): void {
    const trust = this.worst > RARE ? RARE_WEIGHT : 1;
    const { deviation } = this;
    // a bucket with few traces says little of what is between buckets
    const weight = (trust * traces) / (traces + 2);
    const seen = (surprise * surprise - 1 / traces - 1 / this.learnt) * deviation * deviation;
    this.between = this.between * MEMORY + weight * Math.min(MOST_BETWEEN, seen);
    this.buckets = this.buckets * MEMORY + weight;
    const known = this.learnt * MEMORY;
    const more = trust * traces;
    const spread = Math.max(0.05, Math.min(16, squares));
    this.deviation = Math.max(LEAST_DEVIATION, deviation * Math.sqrt((known + 4 + more * spread) / (known + 4 + more)));
    this.mean += (deviation * surprise * more) / (known + more);
    this.learnt = known + more;
  }

  /**
   * What is slow now: how many traces up to bucket `slot`, the sum of their logs, and when the first of them began in Unix
   * milliseconds. A bucket in which it starts holds usual traces too: those far beyond stand for all where they are many.
   */
  slow(slot: number): { traces: number; logs: number; since: number } {
    const { ring } = this;
    const all = { traces: 0, logs: 0, since: Number.POSITIVE_INFINITY };
    const far = { ...all };
    for (let i = 0; i < BUCKETS; i++) {
      const at = ((slot - i + BUCKETS) % BUCKETS) * COLUMNS;
      const traces = ring[at + COUNT];
      if (traces === 0) continue;
      if (all.traces > 0 && ring[at + SUM] / traces < 1) break;
      all.traces += traces;
      all.logs += ring[at + LOGS];
      all.since = Math.min(all.since, ring[at + BEGAN]);
      if (ring[at + FAR] === 0) continue;
      far.traces += ring[at + FAR];
      far.logs += ring[at + FAR_LOGS];
      far.since = Math.min(far.since, ring[at + FAR_BEGAN]);
    }
    return far.traces >= MANY * all.traces ? far : all;
  }

  /** Forgets what the window holds, so that it neither alarms again nor is learnt. */
  clear(): void {
    this.ring.fill(0);
    this.worst = 0;
  }

  /** Takes what it has seen last for usual. */
  adopt(slot: number): void {
    const window = { traces: 0, rarity: 0, mean: 1, ratio: 1 };
    this.judge(slot, BUCKETS, window);
    if (window.traces > 0) this.mean = Math.log(window.mean);
    this.clear();
  }

  /** What most calls take, in milliseconds: a tenth takes less than the one, a tenth more than the other. */
  get usual(): readonly [lower: number, upper: number] {
    return [Math.exp(this.mean - 1.28 * this.deviation), Math.exp(this.mean + 1.28 * this.deviation)];
  }
}

/** Of a gap in milliseconds. */
export const logOf = (gap: number) => Math.log(Math.max(SHORTEST, gap));

/**
 * -log10 of the upper tail of Student's t: with few buckets seen, what is between them is little known. By Wallace (1959) as a
 * normal deviate, and that by Abramowitz & Stegun 26.2.17.
 */
function tail(t: number, freedom: number): number {
  if (!(t > 0)) return 0;
  const z = ((8 * freedom + 1) / (8 * freedom + 3)) * Math.sqrt(freedom * Math.log1p((t * t) / freedom));
  const s = 1 / (1 + 0.2316419 * z);
  const mills = s * (0.31938153 + s * (-0.356563782 + s * (1.781477937 + s * (-1.821255978 + s * 1.330274429))));
  return (0.5 * z * z - Math.log(mills * 0.3989422804)) / Math.LN10;
}
