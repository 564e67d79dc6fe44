// Columns of a state shape that grow row by row: for a finder that judges by counts.
import type { ColumnTypes, StateOf, StateShape } from "../api/index.ts";

const ARRAYS = {
  f64: Float64Array,
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
  u16: Uint16Array,
  u8: Uint8Array,
} as const;
type Numbers = ColumnTypes[keyof ColumnTypes];

const SMALLEST = 16;
/** Rows that are believed of what was saved. */
const MOST = 2 ** 24;

/** Columns as they are saved. */
export interface SavedColumns {
  readonly length: number;
  readonly columns: Readonly<Record<string, Numbers>>;
}

export class Columns<Shape extends StateShape> {
  readonly #parts: readonly { name: string; type: keyof typeof ARRAYS; width: number; shared: boolean }[];
  #columns: Record<string, Numbers>;
  #capacity = SMALLEST;
  /** Rows in use. */
  length = 0;

  constructor(shape: Shape) {
    this.#parts = Object.entries(shape).map(([name, column]) => {
      const [type, width, shared = false] = typeof column === "string" ? [column, 1] : column;
      return { name, type, width, shared: Boolean(shared) };
    });
    this.#columns = this.#make(SMALLEST);
  }

  /** To be read afresh once a row was added. */
  get state(): StateOf<Shape> {
    return this.#columns as unknown as StateOf<Shape>;
  }

  /** The number of a new row, all zero. */
  add(): number {
    if (this.length === this.#capacity) {
      this.#capacity *= 2;
      const larger = this.#make(this.#capacity);
      for (const [name, column] of Object.entries(this.#columns)) larger[name].set(column);
      this.#columns = larger;
    }
    return this.length++;
  }

  /** The row begins anew. */
  clear(row: number): void {
    for (const { name, width, shared } of this.#parts) {
      if (!shared) this.#columns[name].fill(0, row * width, (row + 1) * width);
    }
  }

  save(): SavedColumns {
    return { length: this.length, columns: this.#columns };
  }

  /** Throws the end of a sentence that begins "its state" when they are of another shape; it is left as it was then. */
  load({ length, columns }: SavedColumns): void {
    if (!(Number.isSafeInteger(length) && length >= 0 && length <= MOST)) throw new Error("has no number of rows");
    let capacity = SMALLEST;
    while (capacity < length) capacity *= 2;
    const made = this.#make(capacity);
    for (const [name, column] of Object.entries(made)) {
      const saved = columns?.[name];
      if (saved?.constructor !== column.constructor || saved.length !== column.length) {
        throw new Error(`has a column ${name} that does not fit`);
      }
      column.set(saved);
    }
    this.#columns = made;
    this.#capacity = capacity;
    this.length = length;
  }

  #make(capacity: number): Record<string, Numbers> {
    const made: Record<string, Numbers> = {};
    for (const { name, type, width, shared } of this.#parts) {
      made[name] = new ARRAYS[type](shared ? width : width * capacity);
    }
    // an object that was filled key by key is a hash table to V8; a copy of it is one with fixed places
    return { ...made };
  }
}
