// Columns for `judgeRatio`, one row a message whose absence is judged.
import { RATIO_STATE, type RatioState } from "vedette/counts";

const ARRAYS = { f64: Float64Array, f32: Float32Array, u32: Uint32Array, u8: Uint8Array } as const;
type Numbers = Float64Array | Float32Array | Uint32Array | Uint8Array;
type Shape = Record<string, keyof typeof ARRAYS | readonly [keyof typeof ARRAYS, number, "shared"?]>;

const SMALLEST = 16;

export class Columns {
  #state = make(SMALLEST);
  #capacity = SMALLEST;
  length = 0;

  get state(): RatioState {
    return this.#state as unknown as RatioState;
  }

  /** A new row. */
  add(): number {
    if (this.length === this.#capacity) {
      this.#capacity *= 2;
      const larger = make(this.#capacity);
      for (const [name, column] of Object.entries(this.#state)) larger[name].set(column as Float64Array);
      this.#state = larger;
    }
    return this.length++;
  }

  save(): { length: number; columns: Record<string, Numbers> } {
    return { length: this.length, columns: this.#state };
  }

  /** Throws when they are columns of another kind. */
  load({ length, columns }: ReturnType<Columns["save"]>): void {
    let capacity = SMALLEST;
    while (capacity < length) capacity *= 2;
    const state = make(capacity);
    for (const [name, column] of Object.entries(state)) {
      const saved = columns[name];
      if (saved?.constructor !== column.constructor || saved.length !== column.length) {
        throw new Error(`column ${name} does not fit`);
      }
      column.set(saved as Float64Array);
    }
    this.#state = state;
    this.#capacity = capacity;
    this.length = length;
  }
}

function make(capacity: number): Record<string, Numbers> {
  const made: Record<string, Numbers> = {};
  for (const [name, column] of Object.entries(RATIO_STATE as unknown as Shape)) {
    const [type, width, shared] = typeof column === "string" ? [column, 1] : column;
    made[name] = new ARRAYS[type](shared ? width : width * capacity);
  }
  return made;
}
