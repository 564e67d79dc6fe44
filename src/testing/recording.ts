// A stream as rows, scanned once, so that it can be cut into batches in any way and run again and again.
import type { Attributes, Batch, Labels, RowsOf, Telemetry } from "../api/index.ts";
import { labelsOf } from "../otlp/labels.ts";
import { Intake } from "../pipeline/intake.ts";
import type { SeriesTable } from "../series/table.ts";
import type { LabelledRequest } from "./generate.ts";

export interface Recording<S extends Telemetry = Telemetry> {
  readonly signal: S;
  /** Its rows are those of `rows.series`. */
  readonly table: SeriesTable;
  readonly rows: RowsOf[S];
  /** Series that `rows` name. */
  readonly series: number;
  /** Row -> item: data point, span or record. Several rows of a histogram are one item. */
  readonly item: Uint32Array;
  /** By item. */
  readonly planted: Uint8Array;
  labels(row: number): Labels;
}

/** Everything that `requests` hold, in order. Throws DecodeError when one of them is no request of the signal. */
export function record<S extends Telemetry>(signal: S, requests: Iterable<LabelledRequest<S>>): Recording<S> {
  const all = [...requests];
  const bytes = new Uint8Array(Buffer.concat(all.map((request) => request.bytes)));
  const planted = new Uint8Array(Buffer.concat(all.map((request) => request.planted)));
  const intake = new Intake(signal, 1, 1_000_000);
  if (signal === "traces") intake.assemble({ idle_timeout: 10_000, max_traces: 1_000_000, max_spans: 10_000_000 });
  intake.read(bytes);
  const itemAt = new Map<number, number>();
  for (let row = 0; row < intake.scan.length; row++) {
    const offset = intake.scan.offset[row];
    if (!itemAt.has(offset)) itemAt.set(offset, itemAt.size);
  }
  if (itemAt.size !== planted.length) {
    throw new Error(`${planted.length} items are labelled as planted or not, but ${itemAt.size} have a value`);
  }
  const rows = intake.rows();
  const item = Uint32Array.from({ length: rows.length }, (_, row) => itemAt.get(rows.offset[row])!);
  return {
    signal,
    table: intake.table,
    rows,
    series: intake.table.length,
    item,
    planted,
    labels: (row) => labelsOf(signal, bytes, intake.scan, row),
  };
}

/** The same rows, but in the second half every series has died and another goes on in its place. */
export function successors<S extends Telemetry>(recording: Recording<S>, middle: number): Recording<S> {
  const { rows, table } = recording;
  const series = rows.series.slice(0, rows.length);
  const count = recording.series;
  const hash0 = Int32Array.from({ length: count }, (_, s) => table.identity(s)[0] ^ 0x5bd1e995);
  const hash1 = Int32Array.from({ length: count }, (_, s) => table.identity(s)[1] ^ 0x2545f491);
  const next = new Uint32Array(count);
  table.assign(hash0, hash1, count, next);
  for (let row = middle; row < series.length; row++) series[row] = next[series[row]];
  const labels = (row: number) => {
    const own = recording.labels(row);
    return row < middle ? own : { ...own, resource: { ...own.resource, "service.instance.id": "its successor" } };
  };
  return { ...recording, rows: { ...rows, series }, series: count * 2, labels };
}

/** Rows [from, to) as a batch; `annotated` is told the row of the recording. */
export function cut<S extends Telemetry>(
  recording: Pick<Recording<S>, "signal" | "rows" | "labels">,
  from: number,
  to: number,
  annotated: (row: number, attributes: Attributes) => void,
): Batch<S> {
  const rows: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(recording.rows)) {
    rows[name] = ArrayBuffer.isView(column) ? (column as Uint32Array).subarray(from, to) : column;
  }
  rows.length = to - from;
  return {
    signal: recording.signal,
    bytes: new Uint8Array(0),
    receivedAt: recording.rows.time[from] ?? 0,
    rows: rows as unknown as RowsOf[S],
    labels: (row) => recording.labels(from + row),
    annotate: (row, attributes) => annotated(from + row, attributes),
    drop() {},
    replace() {},
    append() {},
    extend() {},
    mined: undefined,
    mine() {},
  };
}
