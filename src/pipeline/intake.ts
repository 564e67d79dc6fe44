// Where requests of one signal enter: bytes -> columns -> series -> rows, once, whatever number of pipelines follows.
import type { RowsOf, Telemetry } from "../api/index.ts";
import { LogScan, MetricScan, type ScannedRows, type ScanOf, SpanScan } from "../otlp/columns.ts";
import { scanLogs } from "../otlp/logs.ts";
import { identifyPoint, scanMetrics } from "../otlp/metrics.ts";
import { scanTraces } from "../otlp/traces.ts";
import { DistributionMemory } from "../series/distributions.ts";
import { Rates } from "../series/rates.ts";
import { type Identify, NO_SERIES, SeriesTable } from "../series/table.ts";
import { Assembler, type AssemblerOptions } from "../traces/assembler.ts";
import { viewRows } from "./batch.ts";

/**
 * Columns with more room than this are let go of before the next request. Ordinary requests have fewer rows at any size that
 * receivers take by default; a hostile one of empty points has a row in two bytes.
 */
const MOST_ROOM = 2 ** 19;

const SCANS = {
  metrics: { columns: () => new MetricScan(), scan: scanMetrics },
  logs: { columns: () => new LogScan(), scan: scanLogs },
  traces: { columns: () => new SpanScan(), scan: scanTraces },
} as const;

export class Intake<S extends Telemetry> {
  readonly signal: S;
  readonly table: SeriesTable;
  #columns: ScanOf[S];
  readonly #scan: (bytes: Uint8Array, scan: ScanOf[S], seed: number, unread?: boolean) => void;
  readonly #seed: number;
  readonly #rates = new Rates();
  readonly #distributions = new DistributionMemory();
  #bytes: Uint8Array = new Uint8Array(0);
  #series = new Uint32Array(0);
  readonly #identify: Identify | undefined;
  readonly #view = {} as RowsOf[S];
  #assembler: Assembler | undefined;

  /** `seed` keys the hash of identities; `limit` bounds the series remembered. */
  constructor(signal: S, seed: number, limit: number) {
    this.signal = signal;
    this.#seed = seed;
    this.table = new SeriesTable(limit);
    this.#columns = SCANS[signal].columns() as ScanOf[S];
    this.#scan = SCANS[signal].scan as never;
    if (signal === "metrics") {
      this.#identify = (i, identity) => identifyPoint(this.#bytes, this.#columns as MetricScan, i, seed, identity);
      this.table.own(this.#rates);
      this.table.own(this.#distributions);
    }
  }

  /** What was scanned last; its columns are those that `rows` shows. */
  get scan(): ScanOf[S] {
    return this.#columns;
  }

  /** What puts traces together; undefined while nobody wants that. */
  get assembler(): Assembler | undefined {
    return this.#assembler;
  }

  assemble(options: AssemblerOptions): Assembler {
    this.#assembler ??= new Assembler(options, this.table, this.#seed);
    this.#assembler.options = options;
    return this.#assembler;
  }

  stopAssembling(): void {
    if (this.#assembler) this.table.disown(this.#assembler);
    this.#assembler = undefined;
  }

  /** Reads a request into `scan`, learning nothing from it yet. Throws DecodeError. With `unread` only `unread` may follow. */
  read(bytes: Uint8Array, unread = false): void {
    this.#bytes = bytes;
    if (this.#columns.room > MOST_ROOM) this.#columns = SCANS[this.signal].columns() as ScanOf[S];
    this.#scan(bytes, this.scan, this.#seed, unread);
  }

  /** For those who do not look at rows: of the request read last, as far as there are any; nothing is learnt, and `series` means nothing. */
  unread(): RowsOf[S] {
    const { scan } = this;
    if (this.#series.length !== scan.capacity) this.#series = new Uint32Array(scan.capacity);
    return viewRows(this.signal, this.#view, scan, this.#series);
  }

  /**
   * The rows of the request read last: each with its series, sums and histograms as rates; rows that tell nothing left out.
   * Throws DecodeError for a new series whose attributes are malformed; those of a known one are the very bytes that were
   * sound before. Nothing is learnt then, but series named before it may have taken rows of others. Without `receivedAt`, in
   * Unix milliseconds, no series counts as unseen for long.
   */
  rows(receivedAt?: number): RowsOf[S] {
    const scan = this.scan;
    if (receivedAt !== undefined) this.table.tick(receivedAt);
    if (this.#series.length !== scan.capacity) this.#series = new Uint32Array(scan.capacity);
    const series = this.#series;
    this.table.assign(scan.hash0, scan.hash1, scan.length, series, this.#identify);
    if (scan instanceof SpanScan) {
      if (this.#assembler) this.#assembler.add(this.#bytes, scan, series, receivedAt ?? 0);
      else {
        scan.self.set(scan.duration.subarray(0, scan.length));
        scan.inherited.fill(0, 0, scan.length);
      }
    }
    if (scan instanceof MetricScan) {
      this.#rates.apply(scan, series);
      this.#distributions.apply(scan, series);
      for (let i = 0; i < scan.length; i++) if (Number.isNaN(scan.value[i])) series[i] = NO_SERIES;
    }
    compact(scan, series);
    return viewRows(this.signal, this.#view, scan, series);
  }
}

/** Takes the rows without a series out of every column. */
function compact(scan: ScannedRows, series: Uint32Array): void {
  let first = 0;
  while (first < scan.length && series[first] !== NO_SERIES) first++;
  if (first === scan.length) return;
  let kept = first;
  for (const column of Object.values(scan)) {
    if (ArrayBuffer.isView(column)) kept = compactColumn(column as Float64Array, series, first, scan.length);
  }
  compactColumn(series, series, first, scan.length);
  scan.length = kept;
}

function compactColumn(column: Float64Array | Uint32Array, series: Uint32Array, first: number, length: number): number {
  let to = first;
  for (let i = first; i < length; i++) if (series[i] !== NO_SERIES) column[to++] = column[i];
  return to;
}
