// Identity hash -> dense row, with successor prediction; at its limit a series that is new or long unseen makes room.
import { grown } from "./growing.ts";
import { Recency } from "./recency.ts";

/** Told when rows come and go. `capacity` is the number of rows to be ready for. */
export interface RowOwner {
  grow(capacity: number): void;
  /** The row belongs to another series from now on; what was remembered of it must go. */
  recycle(row: number): void;
}

/** In a series column: the row got no series, since one request names more new series than the table has room for. */
export const NO_SERIES = 0xffffffff;

/** Writes the two halves of the identity of row i. */
export type Identify = (i: number, identity: Int32Array) => void;

const SMALLEST = 1024;

/**
 * Open addressing with linear probing on pairs [row + 1, hash0], load at most a half. Rows 0 to length - 1 are always live:
 * a row is only ever handed on, never freed. The row that followed a row last time is tried first, since senders
 * repeat their order: a hit costs one comparison instead of a probe.
 */
export class SeriesTable {
  readonly limit: number;
  length = 0;
  /** Series that had to go, so far. */
  evicted = 0;
  #capacity = 0;
  #slots = new Int32Array(0);
  #mask = 0;
  #key0 = new Int32Array(0);
  #key1 = new Int32Array(0);
  /** The hash by which the row was last recognised; the key itself unless hashes and identities differ. */
  #seen0 = new Int32Array(0);
  #seen1 = new Int32Array(0);
  #successor = new Uint32Array(0);
  #previous = 0;
  readonly #identity = new Int32Array(2);
  readonly #recency = new Recency();
  readonly #owners: RowOwner[] = [];

  constructor(limit: number) {
    this.limit = limit;
    this.#grow(Math.min(SMALLEST, limit));
  }

  /** Bytes held, room to grow included; what owners hold is theirs. */
  get byteLength(): number {
    const rows = [this.#key0, this.#key1, this.#seen0, this.#seen1, this.#successor];
    return rows.reduce((sum, { byteLength }) => sum + byteLength, this.#slots.byteLength + this.#recency.byteLength);
  }

  /** From now on the owner is told of growth (at once: of the capacity so far) and of recycled rows. */
  own(owner: RowOwner): void {
    this.#owners.push(owner);
    owner.grow(this.#capacity);
  }

  disown(owner: RowOwner): void {
    const at = this.#owners.indexOf(owner);
    if (at >= 0) this.#owners.splice(at, 1);
  }

  /**
   * Writes the row of each hash into `series`, new series included; NO_SERIES where none could make room. A hash that is not
   * recognised at once is an identity, unless `identify` is there to write that of row i into its second argument; what
   * `identify` throws leaves the table sound.
   */
  assign(hash0: Int32Array, hash1: Int32Array, length: number, series: Uint32Array, identify?: Identify): void {
    const began = this.#recency.clock;
    const recency = this.#recency;
    let previous = this.#previous;
    let seen0 = this.#seen0;
    let seen1 = this.#seen1;
    let successor = this.#successor;
    for (let i = 0; i < length; i++) {
      const h0 = hash0[i];
      const h1 = hash1[i];
      let row = successor[previous];
      if (seen0[row] !== h0 || seen1[row] !== h1 || this.length === 0) {
        row = this.#resolve(i, h0, h1, began, identify);
        if (row < 0) {
          series[i] = NO_SERIES;
          continue;
        }
        seen0 = this.#seen0;
        seen1 = this.#seen1;
        successor = this.#successor;
        seen0[row] = h0;
        seen1[row] = h1;
        successor[previous] = row;
      }
      recency.touch(row);
      series[i] = row;
      previous = row;
    }
    this.#previous = previous;
  }

  /** The row of a hash that was not foreseen, a new one if need be; -1 when none could make room. */
  #resolve(i: number, h0: number, h1: number, began: number, identify: Identify | undefined): number {
    const identity = this.#identity;
    identity[0] = h0;
    identity[1] = h1;
    identify?.(i, identity);
    const row = this.#find(identity[0], identity[1]);
    return row < 0 ? this.#insert(identity[0], identity[1], began) : row;
  }

  /** The row of an identity, -1 when it is not known. Touches nothing. */
  find(hash0: number, hash1: number): number {
    return this.#find(hash0 | 0, hash1 | 0);
  }

  /** The identity of a live row. */
  identity(row: number): [hash0: number, hash1: number] {
    return [this.#key0[row], this.#key1[row]];
  }

  /** Writes the identity of each of the first `length` rows named. */
  identities(rows: Uint32Array, length: number, hash0: Int32Array, hash1: Int32Array): void {
    for (let i = 0; i < length; i++) {
      hash0[i] = this.#key0[rows[i]];
      hash1[i] = this.#key1[rows[i]];
    }
  }

  /**
   * Takes in series that another process knew, the least recently seen first, each seen so often; writes their rows. Known
   * ones stay as they are, nothing is evicted: where room ends, the first of those that are new here get NO_SERIES.
   */
  recall(hash0: Int32Array, hash1: Int32Array, seen: Uint32Array, series: Uint32Array): void {
    let absent = 0;
    for (let i = 0; i < series.length; i++) {
      const row = this.#find(hash0[i], hash1[i]);
      series[i] = row < 0 ? NO_SERIES : row;
      if (row < 0) absent++;
    }
    let without = Math.max(0, absent - (this.limit - this.length));
    for (let i = 0; i < series.length; i++) {
      if (series[i] !== NO_SERIES || without-- > 0) continue;
      // one that is named twice is known by now
      const row = this.#find(hash0[i], hash1[i]);
      series[i] = row < 0 ? this.#insert(hash0[i], hash1[i], 0) : row;
      this.#recency.recall(series[i], seen[i]);
    }
  }

  /** Says what time it is, once a request: a series unseen for an hour is no longer kept for having been seen often. */
  tick(now: number): void {
    this.#recency.tick(now);
  }

  #find(h0: number, h1: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = h0 & mask; ; slot = (slot + 1) & mask) {
      const entry = slots[slot << 1];
      if (entry === 0) return -1;
      if (slots[(slot << 1) + 1] === h0 && this.#key1[entry - 1] === h1) return entry - 1;
    }
  }

  #insert(h0: number, h1: number, began: number): number {
    let row = this.length;
    if (row < this.limit) {
      if (row === this.#capacity) this.#grow(Math.min(this.limit, this.#capacity * 2));
      this.length++;
    } else {
      row = this.#recency.oldest(this.length);
      if (this.#recency.stampOf(row) > began) return -1;
      this.#remove(row);
      this.#recency.forget(row);
      this.evicted++;
      for (const owner of this.#owners) owner.recycle(row);
    }
    this.#key0[row] = h0;
    this.#key1[row] = h1;
    this.#seen0[row] = h0;
    this.#seen1[row] = h1;
    this.#place(row);
    return row;
  }

  #place(row: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = this.#key0[row] & mask;
    while (slots[slot << 1] !== 0) slot = (slot + 1) & mask;
    slots[slot << 1] = row + 1;
    slots[(slot << 1) + 1] = this.#key0[row];
  }

  /** Backward-shift deletion: no tombstones, so probes stay short however many series come and go. */
  #remove(row: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = this.#key0[row] & mask;
    while (slots[hole << 1] !== row + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot << 1] !== 0; slot = (slot + 1) & mask) {
      const home = slots[(slot << 1) + 1] & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole << 1] = slots[slot << 1];
      slots[(hole << 1) + 1] = slots[(slot << 1) + 1];
      hole = slot;
    }
    slots[hole << 1] = 0;
  }

  /** Moves all entries to so many slots, in the order of the old ones, so that it reads and writes memory one after the other. */
  #spread(size: number): void {
    const before = this.#slots;
    const slots = new Int32Array(size * 2);
    const mask = size - 1;
    for (let from = 0; from < before.length; from += 2) {
      if (before[from] === 0) continue;
      let slot = before[from + 1] & mask;
      while (slots[slot << 1] !== 0) slot = (slot + 1) & mask;
      slots[slot << 1] = before[from];
      slots[(slot << 1) + 1] = before[from + 1];
    }
    this.#slots = slots;
    this.#mask = mask;
  }

  #grow(capacity: number): void {
    this.#key0 = grown(this.#key0, capacity);
    this.#key1 = grown(this.#key1, capacity);
    this.#seen0 = grown(this.#seen0, capacity);
    this.#seen1 = grown(this.#seen1, capacity);
    this.#successor = grown(this.#successor, capacity);
    this.#capacity = capacity;
    this.#recency.grow(capacity);
    this.#spread(2 ** Math.ceil(Math.log2(Math.max(capacity, 8) * 2)));
    for (const owner of this.#owners) owner.grow(capacity);
  }
}
