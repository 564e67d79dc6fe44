// One request on its way through one pipeline: columns shared with other pipelines, annotations and drops its own.
import type { Attributes, Batch, ExportRequest, Labels, Mined, RowsOf, Telemetry } from "../api/index.ts";
import { ATTRIBUTE_FIELD, EXEMPLAR_FIELD, MetricScan, type ScanOf } from "../otlp/columns.ts";
import { encodeAttributes, encodeExemplar } from "../otlp/encode.ts";
import { bodyText, type Envelope, labelsOf } from "../otlp/labels.ts";
import { requestBuffers } from "../otlp/pool.ts";
import { Edits } from "../otlp/splice.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Longest example line, in characters. */
const LONGEST_EXAMPLE = 512;

/** Reused from request to request by its pipeline: `open`, the processors, `finish`. */
export class PipelineBatch<S extends Telemetry> implements Batch<S> {
  readonly signal: S;
  bytes: Uint8Array = new Uint8Array(0);
  receivedAt = 0;
  rows!: RowsOf[S];
  #scan!: ScanOf[S];
  /** Row in `rows` -> row of the scan, once rows were dropped; the same number until then. */
  #kept: Uint32Array | undefined;
  readonly #edits = new Edits();
  /** By offset of the row's message: what its annotations have come to. */
  readonly #attributes = new Map<number, { row: number; attributes: Attributes; encoded: Uint8Array }>();
  /** By row of the scan: 1 where its message is dropped. */
  #gone = new Uint8Array(0);
  /** Points, records or spans that are dropped. */
  #dropped = 0;
  #unseenDrops = false;
  /** By container: what its rows' labels have in common. */
  readonly #envelopes = new Map<number, Envelope>();
  #appended: Uint8Array[] = [];
  #appendedItems = 0;
  #mined: Mined | undefined;

  constructor(signal: S) {
    this.signal = signal;
  }

  open(bytes: Uint8Array, receivedAt: number, scan: ScanOf[S], rows: RowsOf[S]): this {
    this.bytes = bytes;
    this.receivedAt = receivedAt;
    this.rows = rows;
    this.#scan = scan;
    this.#kept = undefined;
    this.#edits.clear();
    this.#attributes.clear();
    if (this.#gone.length !== scan.capacity) this.#gone = new Uint8Array(scan.capacity);
    else if (this.#dropped > 0) this.#gone.fill(0);
    this.#dropped = 0;
    this.#unseenDrops = false;
    if (this.#envelopes.size > 0) this.#envelopes.clear();
    this.#appended = [];
    this.#appendedItems = 0;
    this.#mined = undefined;
    return this;
  }

  /** Data points, log records or spans that are left, with those that were added. */
  get items(): number {
    return this.#scan.items - this.#dropped + this.#appendedItems;
  }

  #scanned(row: number): number {
    if (!(row >= 0 && row < this.rows.length)) throw new RangeError(`the batch has no row ${row}`);
    return this.#kept ? this.#kept[row] : row;
  }

  labels(row: number): Labels {
    const labels = labelsOf(this.signal, this.bytes, this.#scan, this.#scanned(row), this.#envelopes);
    const template = this.#mined?.template[row] ?? 0;
    if (template === 0) return labels;
    const { templates } = this.#mined!;
    const named = { ...labels, template: templates.text(template) };
    if (templates.hidden) return named;
    const { bodyKind, bodyStart, bodyEnd } = this.rows as RowsOf["logs"];
    return { ...named, example: bodyText(this.bytes, bodyKind[row], bodyStart[row], bodyEnd[row], LONGEST_EXAMPLE) };
  }

  annotate(row: number, attributes: Attributes, how?: "attributes" | "exemplar"): void {
    const r = this.#scanned(row);
    const scan = this.#scan;
    if (scan instanceof MetricScan && how !== "attributes") {
      const field = EXEMPLAR_FIELD[scan.shape[r]];
      if (field === undefined) return;
      this.#edits.append(r, encodeExemplar(field, { attributes, time: scan.time[r], value: scan.value[r] }));
      return;
    }
    const field =
      scan instanceof MetricScan ? ATTRIBUTE_FIELD.metrics[scan.shape[r]] : ATTRIBUTE_FIELD[this.signal as "logs"];
    const before = this.#attributes.get(scan.offset[r])?.attributes;
    const all = before ? merged(before, attributes) : attributes;
    // encoded now, so that what cannot be is the fault of who says so, not of the batch
    this.#attributes.set(scan.offset[r], { row: r, attributes: all, encoded: encodeAttributes(field, all) });
  }

  drop(row: number): void {
    const r = this.#scanned(row);
    if (this.#gone[r] === 1) return;
    const { offset, length } = this.#scan;
    // the rows of one point stand together
    for (let i = r; i >= 0 && offset[i] === offset[r]; i--) this.#gone[i] = 1;
    for (let i = r + 1; i < length && offset[i] === offset[r]; i++) this.#gone[i] = 1;
    this.#dropped++;
    this.#edits.drop(r);
    this.#unseenDrops = true;
  }

  replace(row: number, field: number, content: Uint8Array): void {
    this.#edits.replace(this.#scanned(row), field, content);
  }

  extend(row: number, content: Uint8Array): void {
    this.#edits.append(this.#scanned(row), content);
  }

  get mined(): Mined | undefined {
    return this.#mined;
  }

  mine(mined: Mined): void {
    this.#mined = mined;
  }

  append(request: Uint8Array, items: number): void {
    this.#appended.push(request);
    this.#appendedItems += items;
  }

  /** Takes dropped rows out of `rows`, copies since other pipelines share the columns; for the pipeline, between processors. */
  settle(): void {
    if (!this.#unseenDrops) return;
    this.#unseenDrops = false;
    const { rows } = this;
    const gone = this.#gone;
    const before = this.#kept;
    const room = new Uint32Array(rows.length);
    let left = 0;
    for (let i = 0; i < rows.length; i++) if (gone[before ? before[i] : i] === 0) room[left++] = i;
    const kept = room.subarray(0, left);
    const compact: Record<string, unknown> = { length: kept.length };
    for (const [name, column] of Object.entries(rows)) {
      if (!ArrayBuffer.isView(column)) continue;
      const from = column as Float64Array;
      const to = new (from.constructor as Float64ArrayConstructor)(kept.length);
      for (let i = 0; i < kept.length; i++) to[i] = from[kept[i]];
      compact[name] = to;
    }
    this.#kept = Uint32Array.from(kept, (row) => this.#scanned(row));
    this.rows = compact as unknown as RowsOf[S];
    const mined = this.#mined;
    if (mined) {
      const of = (column: Uint32Array) => Uint32Array.from(kept, (row) => column[row]);
      const { template, statement, firstParameter, endParameter } = mined;
      this.#mined = {
        ...mined,
        template: of(template),
        statement: of(statement),
        firstParameter: of(firstParameter),
        endParameter: of(endParameter),
      };
    }
  }

  /**
   * The request to send on: the very bytes received when nothing was annotated, added or dropped, else a copy in a buffer of
   * `requestBuffers`, to be given back when nobody reads it any more.
   */
  finish(): ExportRequest<S> {
    const scan = this.#scan;
    for (const { row, encoded } of this.#attributes.values()) this.#edits.append(row, encoded);
    const bytes = this.#edits.empty ? this.bytes : this.#edits.apply(this.bytes, scan, take);
    if (this.#appended.length === 0) return { signal: this.signal, bytes, items: this.items };
    const joined = this.#with(bytes);
    if (bytes !== this.bytes) requestBuffers.give(bytes);
    return { signal: this.signal, bytes: joined, items: this.items };
  }

  /** What was added, where nothing else is left, in a buffer like that of `finish`; undefined when nothing was. */
  added(): ExportRequest<S> | undefined {
    if (this.#appended.length === 0) return undefined;
    return { signal: this.signal, bytes: this.#with(new Uint8Array(0)), items: this.#appendedItems };
  }

  /** Requests follow each other byte by byte: the repeated field at their top goes on. */
  #with(bytes: Uint8Array): Uint8Array {
    const all = [bytes, ...this.#appended];
    const size = all.reduce((sum, { length }) => sum + length, 0);
    const joined = take(size).subarray(0, size);
    let at = 0;
    for (const each of all) {
      joined.set(each, at);
      at += each.length;
    }
    return joined;
  }
}

const take = (size: number) => requestBuffers.take(size);

/** Keys must not repeat: of two findings on one row the more surprising one is told. */
function merged(before: Attributes, after: Attributes): Attributes {
  const stronger = Number(before["anomaly.score"] ?? 0) > Number(after["anomaly.score"] ?? 0);
  return stronger ? { ...after, ...before } : { ...before, ...after };
}

/** A view of a scan's columns as rows, refreshed for each request since growth replaces columns. */
export function viewRows<S extends Telemetry>(
  signal: S,
  view: Mutable<RowsOf[S]>,
  scan: ScanOf[S],
  series: Uint32Array,
): RowsOf[S] {
  const target = view as Record<string, unknown>;
  const source = scan as unknown as Record<string, unknown>;
  for (const column of COLUMNS[signal]) target[column] = source[column];
  target.length = scan.length;
  target.series = series;
  return view as RowsOf[S];
}

const COLUMNS: { readonly [S in Telemetry]: readonly string[] } = {
  metrics: ["time", "offset", "value"],
  logs: ["time", "offset", "severity", "bodyKind", "bodyStart", "bodyEnd", "traceId", "spanId"],
  traces: [
    "time",
    "offset",
    "duration",
    "failed",
    "status",
    "kind",
    "traceId",
    "spanId",
    "parentSpanId",
    "self",
    "inherited",
  ],
};
