// A table from 64-bit keys to small numbers in fixed memory: what was not looked up for a whole generation is forgotten.

const FULL = 0.6;
const FIRST_BITS = 8;
/** A number that no template has. */
const NOBODY = -1;

/** What `save` gives: entries of both generations, as base64. */
interface SavedTable {
  readonly bits: number;
  readonly old: string;
  readonly young: string;
}

/**
 * Open addressing. It grows to 2^`bits` places; when these are filled, its entries become the older generation and a young one begins. An entry
 * that is found among the old moves to the young.
 */
export class Table {
  /** Entries of the young generation: both halves of the key, then the values, of which the first is never 0. */
  cells: Int32Array;
  readonly #width: number;
  readonly #most: number;
  #bits = FIRST_BITS;
  #mask = (1 << FIRST_BITS) - 1;
  #used = 0;
  #old: Int32Array | undefined;

  constructor(bits: number, values: 1 | 2 | 3) {
    this.#most = bits;
    this.#width = 2 + values;
    this.cells = new Int32Array(this.#width << this.#bits);
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.cells.byteLength + (this.#old?.byteLength ?? 0);
  }

  /** Index in `cells` of an entry's first value; -1 where there is none. Holds until the next call. */
  find(k1: number, k2: number): number {
    const at = this.#place(this.cells, k1, k2);
    if (at >= 0) return at;
    return this.#old === undefined ? -1 : this.#revive(k1, k2);
  }

  /** Index in `cells` of the first value of a key, whose entry is made where there is none: with `first`, then zeros. */
  put(k1: number, k2: number, first: number): number {
    const found = this.find(k1, k2);
    if (found >= 0) {
      this.cells[found] = first;
      return found;
    }
    if (this.#used >= FULL * 2 ** this.#bits) this.#renew();
    const at = ~this.#place(this.cells, k1, k2);
    this.cells[at - 2] = k1;
    this.cells[at - 1] = k2;
    this.cells[at] = first;
    this.#used++;
    return at;
  }

  /** One more of a key: how many there are then. */
  count(k1: number, k2: number): number {
    const found = this.find(k1, k2);
    if (found >= 0) return ++this.cells[found];
    this.put(k1, k2, 1);
    return 1;
  }

  /** The first value of a key, 0 where there is none. */
  value(k1: number, k2: number): number {
    const found = this.find(k1, k2);
    return found >= 0 ? this.cells[found] : 0;
  }

  /** Index of the first value, or the complement of where it would be. */
  #place(cells: Int32Array, k1: number, k2: number): number {
    const width = this.#width;
    const mask = this.#mask;
    const h = (Math.imul(k1 ^ (k1 >>> 16), 0x85ebca6b | 0) + Math.imul(k2, 0xc2b2ae35 | 0)) | 0;
    let place = (h ^ (h >>> 15)) & mask;
    for (;;) {
      const at = place * width + 2;
      if (cells[at] === 0) return ~at;
      if (cells[at - 2] === k1 && cells[at - 1] === k2) return at;
      place = (place + 1) & mask;
    }
  }

  #revive(k1: number, k2: number): number {
    const old = this.#old!;
    const from = this.#place(old, k1, k2);
    if (from < 0) return -1;
    const values = old.slice(from, from + this.#width - 2);
    if (this.#used >= FULL * 2 ** this.#bits) this.#renew();
    this.#insert(k1, k2, values);
    return this.#place(this.cells, k1, k2);
  }

  #insert(k1: number, k2: number, values: ArrayLike<number>): void {
    const at = ~this.#place(this.cells, k1, k2);
    this.cells[at - 2] = k1;
    this.cells[at - 1] = k2;
    this.cells.set(values, at);
    this.#used++;
  }

  /** Makes room: by growing, or else by a new generation. */
  #renew(): void {
    const before = this.cells;
    this.#used = 0;
    if (this.#bits === this.#most) {
      this.#old = before;
      this.cells = new Int32Array(before.length);
      return;
    }
    this.#bits++;
    this.#mask = (1 << this.#bits) - 1;
    this.cells = new Int32Array(this.#width << this.#bits);
    this.#fill(before);
  }

  #fill(entries: Int32Array): void {
    const width = this.#width;
    for (let at = 0; at + width <= entries.length; at += width) {
      if (entries[at + 2] !== 0) this.#insert(entries[at], entries[at + 1], entries.subarray(at + 2, at + width));
    }
  }

  /** Of values that are a number, at `value`, and a slot behind it: gives each the slot that its number has now, or neither where it has none. */
  remap(value: number, slotOf: (number: number) => number | undefined): void {
    for (const cells of [this.cells, this.#old ?? []]) {
      for (let at = 2 + value; at < cells.length; at += this.#width) {
        const slot = slotOf(cells[at]);
        if (slot !== undefined) cells[at + 1] = slot;
        else if (cells[at] !== 0) cells[at] = NOBODY;
      }
    }
  }

  /** Its entries. */
  save(): SavedTable {
    return { bits: this.#bits, old: this.#packed(this.#old), young: this.#packed(this.cells) };
  }

  /** Throws when the entries are not of such a table. */
  check({ bits, old, young }: SavedTable): void {
    if (bits < FIRST_BITS || bits > this.#most) throw new Error("has a table of another size");
    for (const text of [old, young]) {
      const { length } = Buffer.from(text, "base64");
      const entries = length / (4 * this.#width);
      if (!Number.isInteger(entries) || entries > FULL * 2 ** bits + 1) throw new Error("has a table that is damaged");
    }
  }

  /** Into one that is empty, what `check` has passed. */
  load({ bits, old, young }: SavedTable): void {
    this.#bits = bits;
    this.#mask = (1 << bits) - 1;
    const read = (text: string): Int32Array => {
      this.cells = new Int32Array(this.#width << bits);
      this.#used = 0;
      this.#fill(new Int32Array(new Uint8Array(Buffer.from(text, "base64")).buffer));
      return this.cells;
    };
    const before = old === "" ? undefined : read(old);
    read(young);
    this.#old = before;
  }

  #packed(cells: Int32Array | undefined): string {
    if (cells === undefined) return "";
    const width = this.#width;
    const entries: number[] = [];
    for (let at = 0; at < cells.length; at += width) {
      if (cells[at + 2] !== 0) for (let i = 0; i < width; i++) entries.push(cells[at + i]);
    }
    return Buffer.from(Int32Array.from(entries).buffer).toString("base64");
  }
}
