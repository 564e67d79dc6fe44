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

/** Where the columns of a bucket start in `ring`. */
const COUNT = 0;
const SUM = BUCKETS;
const SQUARES = 2 * BUCKETS;
const PEAK = 3 * BUCKETS;
const LOGS = 4 * BUCKETS;
const BEGAN = 5 * BUCKETS;
/** Of the traces that are far beyond the usual: how many, the sum of their logs, and when the first of them began. */
const FAR = 6 * BUCKETS;
const FAR_LOGS = 7 * BUCKETS;
const FAR_BEGAN = 8 * BUCKETS;
const WIDTH = 9 * BUCKETS;
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
  readonly ring = new Float64Array(WIDTH);

  /** Takes the mean log of the calls of one trace, which began at `start`, into bucket `slot`. Its surprise, in deviations. */
  add(log: number, slot: number, start: number): number {
    if (this.learnt === 0) {
      this.early.push(log);
      if (this.early.length === FIRST) this.#begin();
      return 0;
    }
    const { ring } = this;
    const surprise = Math.max(-CLIP, Math.min(CLIP, (log - this.mean) / this.deviation));
    if (ring[COUNT + slot] === 0) {
      ring[PEAK + slot] = surprise;
      ring[BEGAN + slot] = start;
    }
    ring[COUNT + slot]++;
    ring[SUM + slot] += surprise;
    ring[SQUARES + slot] += surprise * surprise;
    ring[LOGS + slot] += log;
    if (surprise > ring[PEAK + slot]) ring[PEAK + slot] = surprise;
    if (start < ring[BEGAN + slot]) ring[BEGAN + slot] = start;
    if (surprise > BEYOND) {
      if (ring[FAR + slot]++ === 0 || start < ring[FAR_BEGAN + slot]) ring[FAR_BEGAN + slot] = start;
      ring[FAR_LOGS + slot] += log;
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
      const at = (slot - i + BUCKETS) % BUCKETS;
      if (ring[COUNT + at] === 0) continue;
      traces += ring[COUNT + at];
      sum += ring[SUM + at];
      logs += ring[LOGS + at];
      peak = Math.max(peak, ring[PEAK + at]);
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
    const traces = ring[COUNT + slot];
    if (traces > 0 && !held) this.#learn(traces, ring[SUM + slot] / traces, ring[SQUARES + slot] / traces);
    this.worst *= 0.8;
    for (let at = slot; at < WIDTH; at += BUCKETS) ring[at] = 0;
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
      const at = (slot - i + BUCKETS) % BUCKETS;
      const traces = ring[COUNT + at];
      if (traces === 0) continue;
      if (all.traces > 0 && ring[SUM + at] / traces < 1) break;
      all.traces += traces;
      all.logs += ring[LOGS + at];
      all.since = Math.min(all.since, ring[BEGAN + at]);
      if (ring[FAR + at] === 0) continue;
      far.traces += ring[FAR + at];
      far.logs += ring[FAR_LOGS + at];
      far.since = Math.min(far.since, ring[FAR_BEGAN + at]);
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
