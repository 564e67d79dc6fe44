// The columns that a detector declares: allocated, grown, cleared, saved and restored for it.
import type { ColumnType, ColumnTypes, StateOf, StateShape } from "../api/index.ts";
import { grown } from "./growing.ts";
import { type ColumnShape, copied, type KeptColumn, type LiveColumn, lengthOf } from "./snapshot.ts";

type AnyColumn = ColumnTypes[ColumnType];

const ARRAYS = {
  f64: Float64Array,
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
  u16: Uint16Array,
  u8: Uint8Array,
} as const;

/** Bytes of a saved column read at a time. */
const SLICE = 1 << 20;

/** State columns of `shape`. `columns` are replaced on growth: never keep one across a call to `grow`. */
export class SeriesState<Shape extends StateShape = StateShape> {
  readonly columns: StateOf<Shape>;
  readonly #layout: readonly ColumnShape[];
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
    for (const { name, width, shared } of this.#layout) {
      if (shared) continue;
      columns[name] = grown(columns[name], capacity * width);
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

  /** Every column as it is at the time of reading, named with `prefix`. */
  live(prefix: string): LiveColumn[] {
    const columns = this.#record(this.columns);
    return this.#layout.map(({ name, type, width, shared }) => {
      const read = (from: number, to: number) =>
        shared ? columns[name] : columns[name].subarray(from * width, to * width);
      return { name: prefix + name, type, width, shared, read };
    });
  }

  /** Copies of the first `rows` rows of every column and of the shared ones whole, named with `prefix`. */
  save(prefix: string, rows: number): KeptColumn[] {
    return this.live(prefix).map((column) => copied(column, rows));
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
      if (lengthOf(column) !== length)
        return `has a column ${prefix}${name} of ${lengthOf(column)} bytes, not ${length}`;
    }
    return undefined;
  }

  /** Fills row i with row from[i] of columns that fit. */
  restore(prefix: string, from: Uint32Array, saved: ReadonlyMap<string, KeptColumn>): void {
    const columns = this.#record(this.columns);
    this.grow(from.length);
    const to = new Int32Array(from.reduce((most, row) => Math.max(most, row + 1), 0)).fill(-1);
    for (let row = 0; row < from.length; row++) to[from[row]] = row;
    for (const { name, type, width, shared } of this.#layout) {
      const column = saved.get(prefix + name)!;
      if (shared) columns[name].set(valuesOf(type, column.bytes) as never);
      else takeRows(column, width, to, columns[name]);
    }
  }
}

const shapeOf = (type: ColumnType, width: number, shared: boolean) => `${type} x ${width}${shared ? " in all" : ""}`;

/** Copies each row r of a saved column to row to[r], where that is not negative: in the order of the saved ones, some at a time. */
function takeRows(saved: KeptColumn, width: number, to: Int32Array, column: AnyColumn): void {
  const size = width * column.BYTES_PER_ELEMENT;
  const step = Math.ceil(SLICE / Math.max(1, size));
  for (let first = 0; first < to.length; first += step) {
    const last = Math.min(to.length, first + step);
    const bytes = saved.part?.(first * size, last * size) ?? saved.bytes.subarray(first * size, last * size);
    const values = valuesOf(saved.type, bytes);
    for (let row = first, run = 1; row < last; row += run) {
      for (run = 1; row + run < last && to[row] >= 0 && to[row + run] === to[row] + run; ) run++;
      if (to[row] < 0) continue;
      const rows = values.subarray((row - first) * width, (row - first + run) * width);
      column.set(rows as never, to[row] * width);
    }
  }
}

/** The bytes of a column as its numbers, to be read only: a copy of bytes that do not lie as numbers must. */
export function valuesOf<T extends ColumnType>(type: T, bytes: Uint8Array): ColumnTypes[T] {
  const numbers = ARRAYS[type];
  const lie = bytes.byteOffset % numbers.BYTES_PER_ELEMENT === 0 ? bytes : Uint8Array.from(bytes);
  return new numbers(
    lie.buffer as ArrayBuffer,
    lie.byteOffset,
    lie.length / numbers.BYTES_PER_ELEMENT,
  ) as ColumnTypes[T];
}
