// Monotonic sums -> rates per second, resets included.
import { Kind, type MetricScan } from "../otlp/columns.ts";
import { grown } from "./growing.ts";
import { NO_SERIES, type RowOwner } from "./table.ts";

/** A point this much older than its predecessor is no late one: the sender's clock was set back, so it starts anew. */
export const CLOCK_SET_BACK = 600_000;

/** Points closer than this to the one before say nothing of a rate: the flush of a stopping SDK follows its last export at once. */
export const SHORTEST_INTERVAL = 100;

/** What is remembered of each cumulative series: its last point. 16 bytes a series. */
export class Rates implements RowOwner {
  #value = new Float64Array(0);
  #time = new Float64Array(0);

  grow(capacity: number): void {
    this.#value = grown(this.#value, capacity);
    this.#time = grown(this.#time, capacity);
  }

  recycle(row: number): void {
    this.#time[row] = 0;
  }

  /**
   * Replaces the value of every monotonic sum by its rate since the point before it; NaN where there is none: the first
   * point of a cumulative series, a repeated or a late one, or one within SHORTEST_INTERVAL of it. After a reset (a smaller value, or a start after the last
   * point) the sum has grown from zero, as the OpenTelemetry metrics data model says.
   */
  apply(scan: MetricScan, series: Uint32Array): void {
    const { length, kind, value, time, start } = scan;
    const lastValue = this.#value;
    const lastTime = this.#time;
    for (let i = 0; i < length; i++) {
      if (kind[i] === Kind.value) continue;
      const v = value[i];
      const t = time[i];
      if (kind[i] === Kind.delta) {
        const interval = t - start[i];
        value[i] = start[i] > 0 && interval >= SHORTEST_INTERVAL ? (v * 1000) / interval : Number.NaN;
        continue;
      }
      const s = series[i];
      if (s === NO_SERIES) continue;
      const last = lastTime[s];
      // an infinite sum has no increase, and the finite one after it is no reset
      if (!Number.isFinite(v) || (t < last + SHORTEST_INTERVAL && last - t < CLOCK_SET_BACK)) {
        value[i] = Number.NaN;
        continue;
      }
      if (last === 0 || t <= last) value[i] = Number.NaN;
      else if (start[i] > last && start[i] < t) value[i] = v / ((t - start[i]) / 1000);
      else value[i] = (v < lastValue[s] ? v : v - lastValue[s]) / ((t - last) / 1000);
      lastValue[s] = v;
      lastTime[s] = t;
    }
  }
}
