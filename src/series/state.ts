// The columns that a detector declares: allocated, grown, cleared, saved and restored for it.
import type { ColumnType, ColumnTypes, StateOf, StateShape } from "../api/index.ts";

type AnyColumn = ColumnTypes[ColumnType];

const ARRAYS = { f64: Float64Array, f32: Float32Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array } as const;

interface Layout {
  readonly name: string;
  readonly type: ColumnType;
  /** Entries a row; of a shared column, entries in all. */
  readonly width: number;
  readonly shared: boolean;
}

/** State columns of `shape`. `columns` are replaced on growth: never keep one across a call to `grow`. */
export class SeriesState<Shape extends StateShape = StateShape> {
  readonly columns: StateOf<Shape>;
  readonly #layout: readonly Layout[];
  #capacity = 0;

  constructor(shape: Shape) {
    this.#layout = Object.entries(shape).map(([name, column]) =>
      typeof column === "string"
        ? { name, type: column, width: 1, shared: false }
        : { name, type: column[0], width: column[1], shared: column[2] === "shared" },
    );
    const columns = this.#record({});
    for (const { name, type } of this.#layout) {
      if (!Object.hasOwn(ARRAYS, type))
        throw new TypeError(`state.${name}: there is no column type ${type}; write f64, f32, u32, i32 or u8`);
    }
    for (const { name, type, width, shared } of this.#layout) columns[name] = new ARRAYS[type](shared ? width : 0);
    this.columns = columns as StateOf<Shape>;
  }

  #record(columns: object): Record<string, AnyColumn> {
    return columns as Record<string, AnyColumn>;
  }

  /** Rows there is room for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Bytes that the columns hold. */
  get byteLength(): number {
    return Object.values(this.#record(this.columns)).reduce((sum, column) => sum + column.byteLength, 0);
  }

  /** New rows are zero. */
  grow(capacity: number): void {
    if (capacity <= this.#capacity) return;
    const columns = this.#record(this.columns);
    for (const { name, type, width, shared } of this.#layout) {
      if (shared) continue;
      const larger = new ARRAYS[type](capacity * width);
      larger.set(columns[name] as never);
      columns[name] = larger;
    }
    this.#capacity = capacity;
  }

  /** Makes the row a new one: all zero. */
  clear(row: number): void {
    const columns = this.#record(this.columns);
    for (const { name, width, shared } of this.#layout) {
      if (!shared) columns[name].fill(0, row * width, (row + 1) * width);
    }
  }

  /** Copies of the first `rows` rows of every column and of the shared ones whole, as bytes in this machine's order. */
  save(rows: number): Record<string, Uint8Array> {
    const columns = this.#record(this.columns);
    const saved: Record<string, Uint8Array> = {};
    for (const { name, width, shared } of this.#layout) {
      const column = columns[name].slice(0, shared ? width : rows * width);
      saved[name] = new Uint8Array(column.buffer);
    }
    return saved;
  }

  /** Whether the columns are of this shape. */
  fits(rows: number, saved: Readonly<Record<string, Uint8Array>>): boolean {
    const columns = this.#record(this.columns);
    return this.#layout.every(
      ({ name, width, shared }) =>
        saved[name]?.length === (shared ? width : rows * width) * columns[name].BYTES_PER_ELEMENT,
    );
  }

  /** Takes what `save` gave; false, and nothing changed, when the columns are not of this shape. */
  restore(rows: number, saved: Readonly<Record<string, Uint8Array>>): boolean {
    if (!this.fits(rows, saved)) return false;
    const columns = this.#record(this.columns);
    this.grow(rows);
    for (const { name } of this.#layout) {
      const column = columns[name];
      new Uint8Array(column.buffer).set(saved[name]);
    }
    return true;
  }
}
