// The vectors handed to a detector at once, with room for its verdicts.
import type { Vectors, VectorVerdicts, Verdicts } from "../api/index.ts";

/** Vectors judged in one call. */
export const CHUNK_VECTORS = 64;

type Writable = { -readonly [Name in keyof Vectors]: Vectors[Name] };

export class VectorChunk {
  readonly rows: Writable;
  readonly verdicts: Verdicts & VectorVerdicts;
  /** Row of the batch that closed each. */
  readonly source = new Uint32Array(CHUNK_VECTORS);

  constructor(width: number) {
    const f64 = (each = 1) => new Float64Array(CHUNK_VECTORS * each);
    const u32 = (each = 1) => new Uint32Array(CHUNK_VECTORS * each);
    const u8 = () => new Uint8Array(CHUNK_VECTORS);
    const matrices = { values: f64(width), deviations: f64(width), held: u32(width) };
    this.rows = { length: 0, width, series: u32(), age: u32(), time: f64(), ...matrices };
    const numbers = { score: f64(), observed: f64(), expected: f64(), lower: f64(), upper: f64() };
    const marks = { finding: u8(), basis: u8(), since: f64(), rows: f64(), lasts: u8() };
    this.verdicts = { ...numbers, contributions: f64(width), ...marks };
  }

  /** The verdicts empty, ready to be filled. */
  show(): Vectors {
    for (const column of Object.values(this.verdicts)) column.fill(column instanceof Float64Array ? Number.NaN : 0);
    return this.rows;
  }
}
