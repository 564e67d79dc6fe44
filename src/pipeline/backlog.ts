// What waits to be sent, in the order in which it came; what may be joined stands in one line.
import type { Batching, ExportOf, Signal } from "../api/index.ts";

/** One request, or anomalies that were found together. */
export interface Entry {
  readonly signal: Signal;
  readonly items: number;
  readonly bytes: number;
  /** How it may be joined with others and split; undefined: not at all. */
  readonly batching: Batching | undefined;
  /** `performance.now()` when it was taken in. */
  readonly since: number;
  /** Of its record in the storage; undefined where there is none. */
  readonly key: number | undefined;
  /** Undefined once it is in the storage alone. */
  data: ExportOf<Signal> | undefined;
  /** Gives the buffer of `data` back, once. */
  release: () => void;
  /** Tells whoever waits how it ended. */
  readonly settle: ((delivered: boolean) => void) | undefined;
}

export const sizeOf = (entry: Pick<Entry, "items" | "bytes">, { sizer }: Batching): number => entry[sizer];

/** Entries that may be joined; without batching they wait in the same way and leave one by one. */
class Line {
  readonly signal: Signal;
  readonly batching: Batching | undefined;
  readonly #entries: { entry: Entry; order: number }[] = [];
  #first = 0;
  /** In units of the batching's sizer. */
  #size = 0;

  constructor(signal: Signal, batching: Batching | undefined) {
    this.signal = signal;
    this.batching = batching;
  }

  get head(): { entry: Entry; order: number } | undefined {
    return this.#entries[this.#first];
  }

  push(entry: Entry, order: number): void {
    this.#entries.push({ entry, order });
    if (this.batching) this.#size += sizeOf(entry, this.batching);
  }

  /** `performance.now()` from which its head is to be sent. */
  get due(): number {
    const { head, batching } = this;
    if (!head) return Number.POSITIVE_INFINITY;
    return !batching || this.#size >= batching.min_size ? 0 : head.entry.since + batching.flush_timeout;
  }

  /** One batch: entries until `min_size` is reached or the next would pass `max_size`. */
  take(): Entry[] {
    const { batching } = this;
    const batch = [this.#shift()];
    if (!batching) return batch;
    let size = sizeOf(batch[0], batching);
    for (let next = this.head; next && size < batching.min_size; next = this.head) {
      const more = sizeOf(next.entry, batching);
      if (batching.max_size > 0 && size + more > batching.max_size) break;
      batch.push(this.#shift());
      size += more;
    }
    this.#size -= size;
    return batch;
  }

  #shift(): Entry {
    const { entry } = this.#entries[this.#first];
    this.#entries[this.#first++] = undefined as never;
    if (this.#first * 2 > this.#entries.length && (this.#first > 1024 || this.#first === this.#entries.length)) {
      this.#entries.splice(0, this.#first);
      this.#first = 0;
    }
    return entry;
  }
}

/** Lines kept though they are empty. */
const SPARE_LINES = 8;

export class Backlog {
  readonly #lines: Line[] = [];
  #order = 0;

  push(entry: Entry): void {
    let line = this.#lines.find(({ signal, batching }) => signal === entry.signal && equal(batching, entry.batching));
    if (!line) {
      line = new Line(entry.signal, entry.batching);
      this.#lines.push(line);
    }
    line.push(entry, this.#order++);
  }

  /** The batch that is due at `now` and came first; with `all`, whatever came first. */
  next(now: number, all: boolean): Entry[] | undefined {
    let first: Line | undefined;
    for (const line of this.#lines) {
      if (!line.head || !(all || line.due <= now)) continue;
      if (!first?.head || line.head.order < first.head.order) first = line;
    }
    const batch = first?.take();
    if (first && !first.head && this.#lines.length > SPARE_LINES) this.#lines.splice(this.#lines.indexOf(first), 1);
    return batch;
  }

  /** `performance.now()` from which something is due; Infinity when nothing waits. */
  get due(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const line of this.#lines) due = Math.min(due, line.due);
    return due;
  }
}

function equal(a: Batching | undefined, b: Batching | undefined): boolean {
  if (a === b || !a || !b) return a === b;
  return (
    a.flush_timeout === b.flush_timeout && a.min_size === b.min_size && a.max_size === b.max_size && a.sizer === b.sizer
  );
}
