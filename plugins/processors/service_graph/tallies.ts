// What is counted of the calls of each edge, in the rows of one table: calls of a trace go all over it.
import { BUCKETS } from "./gaps.ts";

/** The median follows at least as fast as if this many calls had come. */
const MEDIAN_MEMORY = 128;

/** Where in a row: all calls; of their durations in milliseconds the median, and the mean distance from it; when the last one came. */
const CALLS = 0;
const MEDIAN = 1;
const SPREAD = 2;
const SEEN = 3;
/** By bucket: calls, and those that failed. */
const COUNT = 4;
const FAILED = 5;
/** Numbers of a row. */
export const WIDTH = COUNT + 2 * BUCKETS;

export class Tallies {
  #numbers = new Float64Array(0);
  readonly #free: number[] = [];
  #used = 0;

  /** A row of zeros for an edge; it came up at `now`, by the agent's clock. */
  take(now: number): number {
    const row = this.#free.pop() ?? this.#used++;
    if (row * WIDTH >= this.#numbers.length) {
      const larger = new Float64Array(Math.max(64 * WIDTH, 2 * this.#numbers.length));
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#numbers.fill(0, row * WIDTH, (row + 1) * WIDTH);
    this.#numbers[row * WIDTH + SEEN] = now;
    return row;
  }

  release(row: number): void {
    this.#free.push(row);
  }

  /** One call of `duration` milliseconds. The median by stochastic approximation (Tierney 1983). */
  called(row: number, slot: number, duration: number, failed: number, now: number): void {
    const numbers = this.#numbers;
    const at = row * WIDTH;
    const bucket = at + 2 * slot;
    numbers[bucket + COUNT]++;
    numbers[bucket + FAILED] += failed;
    numbers[at + SEEN] = now;
    const calls = numbers[at + CALLS] + 1;
    numbers[at + CALLS] = calls;
    if (calls === 1) numbers[at + MEDIAN] = duration;
    const median = numbers[at + MEDIAN];
    const n = Math.min(calls, MEDIAN_MEMORY);
    const off = duration - median;
    let spread = numbers[at + SPREAD];
    spread += (Math.min(Math.abs(off), 10 * spread + duration) - spread) / n;
    numbers[at + SPREAD] = spread;
    if (off !== 0) numbers[at + MEDIAN] = Math.max(0, median + (off > 0 ? 2 : -2) * (spread / n));
  }

  calls(row: number): number {
    return this.#numbers[row * WIDTH + CALLS];
  }

  median(row: number): number {
    return this.#numbers[row * WIDTH + MEDIAN];
  }

  seen(row: number): number {
    return this.#numbers[row * WIDTH + SEEN];
  }

  /** Of all buckets. */
  window(row: number): { count: number; failed: number } {
    const sum = { count: 0, failed: 0 };
    for (let at = row * WIDTH; at < row * WIDTH + 2 * BUCKETS; at += 2) {
      sum.count += this.#numbers[at + COUNT];
      sum.failed += this.#numbers[at + FAILED];
    }
    return sum;
  }

  /** Empties a bucket. */
  empty(row: number, slot: number): void {
    const bucket = row * WIDTH + 2 * slot;
    this.#numbers[bucket + COUNT] = this.#numbers[bucket + FAILED] = 0;
  }

  save(row: number): number[] {
    return [...this.#numbers.subarray(row * WIDTH, (row + 1) * WIDTH)];
  }

  load(row: number, saved: readonly number[]): void {
    this.#numbers.set(saved, row * WIDTH);
  }
}
