// The columns that a detector declares: allocated, grown, cleared, saved and restored for it.
import type { ColumnType, ColumnTypes, StateOf, StateShape } from "../api/index.ts";
import type { KeptColumn } from "./snapshot.ts";

type AnyColumn = ColumnTypes[ColumnType];

const ARRAYS = {
  f64: Float64Array,
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
  u16: Uint16Array,
  u8: Uint8Array,
} as const;

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
        throw new TypeError(`state.${name}: there is no column type ${type}; write f64, f32, u32, i32, u16 or u8`);
    }
    for (const { name, type, width, shared } of this.#layout) columns[name] = new ARRAYS[type](shared ? width : 0);
    // an object that was filled key by key is a hash table to V8; a copy of it is one with fixed places
    this.columns = { ...columns } as StateOf<Shape>;
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

  /** Copies of the first `rows` rows of every column and of the shared ones whole, named with `prefix`. */
  save(prefix: string, rows: number): KeptColumn[] {
    const columns = this.#record(this.columns);
    return this.#layout.map(({ name, type, width, shared }) => {
      const { buffer } = columns[name].slice(0, shared ? width : rows * width);
      return { name: prefix + name, type, width, shared, bytes: new Uint8Array(buffer) };
    });
  }

  /** Why columns of `rows` rows that `save` gave cannot be these; undefined when they can. Ones that are not declared do not matter. */
  misfit(prefix: string, rows: number, saved: ReadonlyMap<string, KeptColumn>): string | undefined {
    for (const { name, type, width, shared } of this.#layout) {
      const column = saved.get(prefix + name);
      const now = shapeOf(type, width, shared);
      if (!column) return `has no column ${prefix}${name} (${now})`;
      const then = shapeOf(column.type, column.width, column.shared);
      if (then !== now) return `has a column ${prefix}${name} of another shape: ${then} then, ${now} now`;
      const length = (shared ? width : rows * width) * ARRAYS[type].BYTES_PER_ELEMENT;
      if (column.bytes.length !== length)
        return `has a column ${prefix}${name} of ${column.bytes.length} bytes, not ${length}`;
    }
    return undefined;
  }

  /** Fills row i with row from[i] of columns that fit. */
  restore(prefix: string, from: Uint32Array, saved: ReadonlyMap<string, KeptColumn>): void {
    const columns = this.#record(this.columns);
    this.grow(from.length);
    for (const { name, type, width, shared } of this.#layout) {
      const source = valuesOf(type, saved.get(prefix + name)!.bytes);
      const column = columns[name];
      if (shared) column.set(source as never);
      else {
        for (let row = 0; row < from.length; row++) {
          for (let k = 0; k < width; k++) column[row * width + k] = source[from[row] * width + k];
        }
      }
    }
  }
}

const shapeOf = (type: ColumnType, width: number, shared: boolean) => `${type} x ${width}${shared ? " in all" : ""}`;

/** The bytes of a column as its numbers; a copy, since bytes from a file may lie anywhere. */
export function valuesOf<T extends ColumnType>(type: T, bytes: Uint8Array): ColumnTypes[T] {
  return new ARRAYS[type](Uint8Array.from(bytes).buffer) as ColumnTypes[T];
}
