// Rows of CSV files that were read and not fed yet: they wait for more, to be one request.
import type { CsvFile } from "./csv_file.ts";
import { encodeGauges, type Point } from "./gauges.ts";
import type { ReplayedRow } from "./row.ts";

/** Rows in one request. */
const MOST_ROWS = 1000;

export class WaitingRows {
  rows: ReplayedRow[] = [];
  /** Those with a value, as the points of the request. */
  pointRows: ReplayedRow[] = [];
  /** When the first and the last are fed, Unix milliseconds. */
  since = 0;
  until = 0;
  #points: Point[] = [];
  readonly #span: number;

  /** A request spans less than `span` milliseconds of event time. */
  constructor(span: number) {
    this.#span = span;
  }

  /** Whether the current line of the file can be in the same request. */
  hasRoomFor({ rows, time }: CsvFile): boolean {
    return this.rows.length + rows.length <= MOST_ROWS && time - this.since < this.#span;
  }

  add({ rows, gauges, time }: CsvFile): void {
    if (this.rows.length === 0) this.since = time;
    this.until = time;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      this.rows.push(row);
      if (Number.isNaN(row.value)) continue;
      this.#points.push({ gauge: gauges[i], time: row.time, value: row.value });
      this.pointRows.push(row);
    }
  }

  /** The ExportMetricsServiceRequest; point i of it is row i of `pointRows`. */
  encode(): Uint8Array {
    return encodeGauges(this.#points);
  }

  clear(): void {
    this.rows = [];
    this.pointRows = [];
    this.#points = [];
  }
}
