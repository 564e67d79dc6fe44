// What came of one resource: its calls and durations, and which of their series each kind of span counts in.
import { Family, type Room, type Series } from "./family.ts";
import type { Metric } from "./measure.ts";

/** The two series that a span counts in; no durations where they are disabled. */
export interface Counted {
  readonly calls: Series;
  readonly durations: Series | undefined;
}

/** Kinds of span that are remembered; past it they are looked up anew. */
const MOST_KNOWN = 100_000;

export class Origin {
  /** What tells it from others. */
  readonly key: string;
  /** The Resource message of its metrics. */
  readonly resource: Uint8Array;
  readonly calls: Family;
  readonly durations: Family | undefined;
  /** Unix milliseconds of its last span. */
  seen = 0;
  /** No longer told: not to be counted in. */
  closed = false;
  readonly #known = new Map<number | string, Counted>();

  constructor(key: string, resource: Uint8Array, calls: Metric, durations: Metric | undefined, room: Room) {
    this.key = key;
    this.resource = resource;
    this.calls = new Family(calls, room);
    this.durations = durations && new Family(durations, room);
  }

  known(kind: number | string): Counted | undefined {
    return this.#known.get(kind);
  }

  learn(kind: number | string, counted: Counted): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(kind, counted);
  }

  families(): Family[] {
    return this.durations ? [this.calls, this.durations] : [this.calls];
  }

  /** After a flush: exemplars are told once, and series without a span since `time` no more. */
  settle(time: number): void {
    const gone = this.families().map((family) => family.settle(time));
    if (gone.includes(true)) this.#known.clear();
  }

  close(): void {
    this.closed = true;
    this.#known.clear();
    for (const family of this.families()) family.close();
  }
}
