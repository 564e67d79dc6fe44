// In which share of its caller's spans a call is made: what is usual, how much that varies, and how rare the last minutes are.
import { betaBinomialAbove } from "vedette/counts";

/** Buckets of a caller's last spans; what is in them is judged, and learnt when it leaves. */
export const RING = 6;

const PSEUDO = 0.5;
/** Correlation of the spans of a bucket that is expected, what that is worth in buckets, and the least that is believed. */
const USUAL_RHO = 0.01;
const RHO_WEIGHT = 5;
const LEAST_RHO = 0.002;
const MOST_RHO = 0.5;
/** Buckets that the estimate remembers. */
const MEMORY = 2000;

export class Share {
  /** Spans with the call, of all. -0 as in `Caller`. */
  with = -0;
  of = -0;
  /** Moments of the overdispersion between buckets: sum of estimates, and of their weights. */
  moments = -0;
  weights = -0;
  /** Spans with the call, by bucket of the caller's ring. */
  readonly recent: number[] = new Array(RING).fill(0);

  get usual(): number {
    return (this.with + PSEUDO) / (this.of + 2 * PSEUDO);
  }

  get rho(): number {
    return Math.max(LEAST_RHO, (this.moments + RHO_WEIGHT * USUAL_RHO) / (this.weights + RHO_WEIGHT));
  }

  /** -log10 of the chance of as few, or as many, as k of n. */
  rarity(k: number, n: number): number {
    const p = this.usual;
    const spread = Math.sqrt(p * (1 - p) * (1 / n + this.rho));
    if (Math.abs(k / n - p) < 2 * spread) return 0;
    const rho = this.rho + 1 / (this.of + 1);
    return k > n * p ? betaBinomialAbove(k, n, p, rho) : betaBinomialAbove(n - k, n, 1 - p, rho);
  }

  /** Learns a bucket of n spans, at a weight of 0 or 1; what it knew before counts `keep` times as much. */
  learn(bucket: number, n: number, weight: number, keep: number): void {
    const k = Math.min(n, this.recent[bucket]);
    this.recent[bucket] = 0;
    if (n === 0 || weight === 0) return;
    if (n >= 3 && this.of >= 20) this.#disperse(k, n);
    this.with = this.with * keep + k;
    this.of = this.of * keep + n;
  }

  #disperse(k: number, n: number): void {
    const p = this.usual;
    const variance = p * (1 - p);
    const error = k / n - p;
    const estimate = ((error * error) / variance - 1 / n - 1 / this.of) / (1 - 1 / n);
    // where a single span more or less is much, a bucket says little
    const weight = Math.min(1, n * variance);
    this.moments += weight * Math.min(MOST_RHO, Math.max(-1 / n, estimate));
    this.weights += weight;
    if (this.weights <= MEMORY) return;
    this.moments /= 2;
    this.weights /= 2;
  }

  /** Takes what the last n spans were for usual. */
  adopt(k: number, n: number): void {
    const weight = Math.min(1, 200 / Math.max(1, n));
    this.with = weight * k;
    this.of = weight * n;
    this.moments = 0;
    this.weights = 0;
  }
}
