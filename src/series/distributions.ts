// Histogram points -> the rate of their count, their mean and estimated quantiles, of what was added since the point before.
import { Kind, type MetricScan } from "../otlp/columns.ts";
import { CLOCK_SET_BACK, SHORTEST_INTERVAL } from "./rates.ts";
import { NO_SERIES, type RowOwner } from "./table.ts";

const QUANTILES = [0.5, 0.95, 0.99] as const;
/** Rows of a distribution before its quantiles: rate and mean. */
const BEFORE_QUANTILES = 2;

// A remembered point: its time, count and sum, then pairs of upper bound and cumulative count.
const TIME = 0;
const COUNT = 1;
const SUM = 2;
const PAIRS = 3;

/**
 * Remembers the last point of every cumulative histogram, under the series of its first row: 24 bytes and 16 a bucket.
 * Differences are taken between cumulative distribution functions, so that they hold when an exponential histogram
 * lowers its scale or gains buckets between two points: its old bounds contain the new ones.
 */
export class DistributionMemory implements RowOwner {
  #memory: (Float64Array | undefined)[] = [];
  #capacity = 0;
  /** Cumulative counts by bucket, of the point and of what it added; reused. */
  #cumulative = new Float64Array(64);
  #added = new Float64Array(64);

  grow(capacity: number): void {
    this.#capacity = capacity;
  }

  recycle(row: number): void {
    if (row < this.#memory.length) this.#memory[row] = undefined;
  }

  /** Fills the rows of every distribution; leaves NaN where a point tells nothing yet, or nothing was added. */
  apply(scan: MetricScan, series: Uint32Array): void {
    const d = scan.distributions;
    for (let i = 0; i < d.length; i++) {
      const row = d.row[i];
      const from = d.from[i];
      const buckets = d.to[i] - from;
      if (this.#added.length < buckets) {
        this.#added = new Float64Array(buckets * 2);
        this.#cumulative = new Float64Array(buckets * 2);
      }
      const cumulative = this.#cumulative;
      let added = cumulative;
      let running = 0;
      for (let b = 0; b < buckets; b++) cumulative[b] = running += d.inBucket[from + b];
      let count = d.count[i];
      let sum = d.sum[i];
      const time = scan.time[row];
      let since = scan.start[row];
      if (scan.kind[row] === Kind.cumulative) {
        const s = series[row];
        if (s === NO_SERIES) continue;
        const last = this.#memory[s];
        if (last !== undefined && time < last[TIME] + SHORTEST_INTERVAL && last[TIME] - time < CLOCK_SET_BACK) continue;
        const first = last === undefined || time <= last[TIME];
        if (!first) {
          const restarted = since > last[TIME] && since < time;
          if (!restarted) since = last[TIME];
          if (!restarted && count >= last[COUNT]) {
            added = this.#added;
            subtract(last, cumulative, d.upper, from, buckets, added);
            count -= last[COUNT];
            sum -= last[SUM];
          }
        }
        this.#remember(s, time, d.count[i], d.sum[i], d.upper, from, buckets);
        if (first) continue;
      }
      const seconds = since > 0 ? (time - since) / 1000 : 0;
      scan.value[row] = seconds > 0 ? count / seconds : Number.NaN;
      scan.value[row + 1] = count > 0 ? sum / count : Number.NaN;
      for (let q = 0; q < d.rows[i] - BEFORE_QUANTILES; q++) {
        scan.value[row + BEFORE_QUANTILES + q] = quantile(QUANTILES[q], d.upper, from, added, buckets);
      }
    }
  }

  #remember(
    s: number,
    time: number,
    count: number,
    sum: number,
    upper: Float64Array,
    from: number,
    buckets: number,
  ): void {
    // only where there are histograms
    if (s >= this.#memory.length) this.#memory.length = this.#capacity;
    let memory = this.#memory[s];
    if (memory?.length !== PAIRS + 2 * buckets) memory = this.#memory[s] = new Float64Array(PAIRS + 2 * buckets);
    memory[TIME] = time;
    memory[COUNT] = count;
    memory[SUM] = sum;
    for (let b = 0; b < buckets; b++) {
      memory[PAIRS + 2 * b] = upper[from + b];
      memory[PAIRS + 2 * b + 1] = this.#cumulative[b];
    }
  }
}

/** added[b] = how many values up to the b-th bound came since `last`; never negative, never falling. */
function subtract(
  last: Float64Array,
  cumulative: Float64Array,
  upper: Float64Array,
  from: number,
  buckets: number,
  added: Float64Array,
): void {
  let pair = PAIRS;
  let before = 0;
  let highest = 0;
  for (let b = 0; b < buckets; b++) {
    const bound = upper[from + b];
    // bounds of exponential histograms are computed, at two scales perhaps: equal but for rounding
    const reach = bound + Math.abs(bound) * 1e-9;
    while (pair < last.length && last[pair] <= reach) {
      before = last[pair + 1];
      pair += 2;
    }
    highest = Math.max(highest, cumulative[b] - before);
    added[b] = highest;
  }
}

/**
 * The q-quantile of a histogram of cumulative counts, linear within the bucket it falls into; the last finite bound when it
 * falls beyond it, NaN when there are no counts. As Prometheus' histogram_quantile estimates it.
 */
export function quantile(
  q: number,
  upper: Float64Array,
  from: number,
  cumulative: Float64Array,
  buckets: number,
): number {
  const total = buckets > 0 ? cumulative[buckets - 1] : 0;
  if (!(total > 0)) return Number.NaN;
  const rank = q * total;
  let b = 0;
  while (cumulative[b] < rank) b++;
  const high = upper[from + b];
  if (b === 0) {
    if (high === Number.POSITIVE_INFINITY) return Number.NaN;
    return high > 0 ? (high * rank) / cumulative[0] : high;
  }
  const low = upper[from + b - 1];
  if (high === Number.POSITIVE_INFINITY) return low;
  // rounding must not carry it past the bucket
  return Math.min(high, low + ((high - low) * (rank - cumulative[b - 1])) / (cumulative[b] - cumulative[b - 1]));
}
