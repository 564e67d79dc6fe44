// The rows handed to a detector at once: gathered from a batch, so that it only sees what it watches, with room for its verdicts.
import type { Batch, JudgedRows, Telemetry, Verdicts } from "../api/index.ts";

/** Few enough that the columns stay in the cache. */
export const CHUNK = 4096;

export type Columns = Record<string, Float64Array | Uint32Array | Uint8Array>;

function columnsOf(signal: Telemetry, kind: "points" | "intervals"): Columns {
  const u32 = () => new Uint32Array(CHUNK);
  const f64 = () => new Float64Array(CHUNK);
  const u8 = () => new Uint8Array(CHUNK);
  const common = { time: f64(), offset: u32() };
  if (kind === "intervals") return { ...common, count: f64(), failed: f64(), others: f64(), part: u8() };
  if (signal === "metrics") return { ...common, value: f64() };
  const ids = { traceId: u32(), spanId: u32() };
  return signal === "logs"
    ? { ...common, ...ids, severity: u8(), bodyKind: u8(), bodyStart: u32(), bodyEnd: u32() }
    : {
        ...common,
        ...ids,
        parentSpanId: u32(),
        duration: f64(),
        self: f64(),
        failed: u8(),
        inherited: u8(),
        kind: u8(),
      };
}

export class Chunk<S extends Telemetry> {
  /** Filled by the detector's keeper, up to the count that is then shown: row of the batch, row of the state, rows before it. */
  readonly source = new Uint32Array(CHUNK);
  readonly series = new Uint32Array(CHUNK);
  readonly age = new Uint32Array(CHUNK);
  readonly verdicts: Verdicts;
  /** What was shown last: `value`, `duration` and the others by name. */
  readonly rows: { length: number } & Columns;
  readonly #columns: Columns;

  constructor(signal: Telemetry, kind: "points" | "intervals" = "points") {
    const f64 = () => new Float64Array(CHUNK);
    const u8 = () => new Uint8Array(CHUNK);
    const numbers = { score: f64(), observed: f64(), expected: f64(), lower: f64(), upper: f64() };
    this.verdicts = { ...numbers, finding: u8(), basis: u8(), since: f64(), rows: f64(), lasts: u8() };
    this.#columns = columnsOf(signal, kind);
    this.rows = { ...this.#columns, series: this.series, age: this.age, length: 0 } as never;
  }

  /** The first `count` rows, their verdicts empty. Columns are the batch's own where every row of it is watched. */
  show(batch: Batch<S>, count: number): JudgedRows<S> {
    const from = batch.rows as unknown as Columns;
    const rows = this.rows as Columns;
    const whole = count === batch.rows.length;
    for (const name of Object.keys(this.#columns)) {
      if (!whole) gather(from[name], this.source, count, this.#columns[name]);
      rows[name] = whole ? from[name] : this.#columns[name];
    }
    this.rows.length = count;
    const { score, observed, expected, lower, upper, finding, basis, since, rows: told, lasts } = this.verdicts;
    score.fill(Number.NaN, 0, count);
    observed.fill(Number.NaN, 0, count);
    expected.fill(Number.NaN, 0, count);
    lower.fill(Number.NaN, 0, count);
    upper.fill(Number.NaN, 0, count);
    finding.fill(0, 0, count);
    basis.fill(0, 0, count);
    since.fill(Number.NaN, 0, count);
    told.fill(Number.NaN, 0, count);
    lasts.fill(0, 0, count);
    return this.rows as unknown as JudgedRows<S>;
  }
}

/** to[i] = from[source[i]], for the first `count`. */
export function gather<T extends Float64Array | Uint32Array | Int32Array | Uint8Array>(
  from: T,
  source: Uint32Array,
  count: number,
  to: T,
): void {
  for (let i = 0; i < count; i++) to[i] = from[source[i]];
}
