// What is remembered of traces, by their id: a ring of the latest ones, found through an open-addressing index.

/** No series yet; no trace; nothing held. */
export const NONE = 0xffffffff;
export const NOTHING = -1;

const SMALLEST = 256;

/**
 * Traces are numbered in the order in which they came, and number n has the row n % limit: at its limit the oldest makes room. The index is
 * [row + 1], linear probing, load at most a half.
 */
export class Traces {
  readonly limit: number;
  /** So many came so far. */
  total = 0;
  /** Whatever the owner says; 0 at first. */
  state = new Uint8Array(0);
  threshold = new Float64Array(0);
  /** Where its held spans end. */
  held = new Float64Array(0);
  series = new Uint32Array(0);
  /** Numbers of the traces before and after it in its series. */
  before = new Float64Array(0);
  after = new Float64Array(0);
  #ids = new Int32Array(0);
  #slots = new Int32Array(0);
  #mask = 0;
  #capacity = 0;
  readonly #seed: number;

  /** `seed` keeps a sender from choosing ids that meet in the index. */
  constructor(limit: number, seed: number) {
    this.limit = limit;
    this.#seed = seed;
  }

  get byteLength(): number {
    const columns = [
      this.state,
      this.threshold,
      this.held,
      this.series,
      this.before,
      this.after,
      this.#ids,
      this.#slots,
    ];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** The row of a trace; -1 where it is not known. */
  find(a: number, b: number, c: number, d: number): number {
    if (this.total === 0) return -1;
    const ids = this.#ids;
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = this.#hash(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const row = slots[slot] - 1;
      if (row < 0) return -1;
      const at = row << 2;
      if (ids[at + 3] === d && ids[at + 2] === c && ids[at + 1] === b && ids[at] === a) return row;
    }
  }

  /** The row of a trace that is not known. */
  add(a: number, b: number, c: number, d: number): number {
    const row = this.total % this.limit;
    if (this.total >= this.limit) this.#remove(row);
    else if (row === this.#capacity) this.#grow(Math.min(this.limit, Math.max(SMALLEST, 2 * row)));
    this.total++;
    const at = row << 2;
    this.#ids[at] = a;
    this.#ids[at + 1] = b;
    this.#ids[at + 2] = c;
    this.#ids[at + 3] = d;
    this.state[row] = 0;
    this.threshold[row] = 0;
    this.held[row] = NOTHING;
    this.series[row] = NONE;
    this.before[row] = NOTHING;
    this.after[row] = NOTHING;
    this.#place(row);
    return row;
  }

  /** The number of the trace in a row, and the row of a number; -1 where it is forgotten. */
  numberOf(row: number): number {
    const last = this.total - 1;
    return last - ((((last - row) % this.limit) + this.limit) % this.limit);
  }

  rowOf(number: number): number {
    return number >= 0 && number < this.total && this.total - number <= this.limit ? number % this.limit : -1;
  }

  /** The row that the trace in `row` of another table has here, a new one if need be. */
  rowAs(other: Traces, row: number): number {
    const ids = other.#ids;
    const at = row << 2;
    const found = this.find(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
    return found >= 0 ? found : this.add(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
  }

  #hash(a: number, b: number, c: number, d: number): number {
    let x = Math.imul(a ^ this.#seed, 0x9e3779b1) ^ b;
    x = Math.imul(x ^ (x >>> 15), 0x85ebca77) ^ c;
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae3d) ^ d;
    x = Math.imul(x ^ (x >>> 16), 0x9e3779b1);
    return x ^ (x >>> 15);
  }

  #home(row: number): number {
    const at = row << 2;
    return this.#hash(this.#ids[at], this.#ids[at + 1], this.#ids[at + 2], this.#ids[at + 3]) & this.#mask;
  }

  #place(row: number): void {
    let slot = this.#home(row);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = row + 1;
  }

  /** Backward-shift deletion: no tombstones. */
  #remove(row: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = this.#home(row);
    while (slots[hole] !== row + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      if (((slot - this.#home(slots[slot] - 1)) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = slots[slot];
      hole = slot;
    }
    slots[hole] = 0;
  }

  #grow(capacity: number): void {
    const grown = <T extends { set(from: T): void }>(column: T, larger: T): T => {
      larger.set(column);
      return larger;
    };
    this.state = grown(this.state, new Uint8Array(capacity));
    this.threshold = grown(this.threshold, new Float64Array(capacity));
    this.held = grown(this.held, new Float64Array(capacity));
    this.series = grown(this.series, new Uint32Array(capacity));
    this.before = grown(this.before, new Float64Array(capacity));
    this.after = grown(this.after, new Float64Array(capacity));
    this.#ids = grown(this.#ids, new Int32Array(4 * capacity));
    this.#capacity = capacity;
    const size = 2 ** Math.ceil(Math.log2(capacity * 2));
    this.#slots = new Int32Array(size);
    this.#mask = size - 1;
    for (let row = 0; row < this.total; row++) this.#place(row);
  }
}
