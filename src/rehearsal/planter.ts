// The first processor of every pipeline of a rehearsal: it looks at what passes, and plants the faults.
import type { Batch, DataOf, Processor, Telemetry } from "../api/index.ts";
import { type Fault, KINDS, type Seen, seriesOf } from "./fault.ts";

/** Series that are looked at: more are not planted into. */
const MOST = 20_000;

/** Of one run and signal. Without faults it only looks. */
export class Planter implements Processor<Telemetry> {
  readonly seen = new Map<string, Seen>();
  readonly #signal: Telemetry;
  readonly #faults: ReadonlyMap<string, Fault>;
  /** By the agent's id of the series. */
  #bySeries: (Seen | undefined)[] = [];

  constructor(signal: Telemetry, faults: readonly Fault[]) {
    this.#signal = signal;
    this.#faults = new Map(faults.filter((fault) => fault.signal === signal).map((fault) => [fault.seen.key, fault]));
  }

  process(batch: DataOf<Telemetry>): DataOf<Telemetry> {
    const { rows } = batch;
    const value = "value" in rows ? rows.value : undefined;
    for (let i = rows.length - 1; i >= 0; i--) {
      const seen = this.#of(batch, i);
      if (!seen) continue;
      seen.rows++;
      if (value && Number.isFinite(value[i])) {
        seen.least = Math.min(seen.least, value[i]);
        seen.most = Math.max(seen.most, value[i]);
      }
      const fault = this.#faults.get(seen.key);
      if (!fault || rows.time[i] < fault.from || rows.time[i] >= fault.until) continue;
      const { change } = KINDS.find(({ name, signal }) => name === fault.kind && signal === fault.signal)!;
      if (change?.(batch, i, fault.seen) === "drop") batch.drop(i);
    }
    return batch;
  }

  forget(_: Telemetry, series: number): void {
    this.#bySeries[series] = undefined;
  }

  #of(batch: Batch, row: number): Seen | undefined {
    const id = batch.rows.series[row];
    let seen = this.#bySeries[id];
    if (seen) return seen;
    const labels = batch.labels(row);
    const { key, about } = seriesOf(this.#signal, labels);
    seen = this.seen.get(key);
    if (!seen) {
      if (this.seen.size >= MOST) return undefined;
      seen = { signal: this.#signal, key, about, labels, rows: 0, least: Infinity, most: -Infinity };
      this.seen.set(key, seen);
    }
    this.#bySeries[id] = seen;
    return seen;
  }
}
