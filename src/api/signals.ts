// What flows through a pipeline: OTLP requests as bytes, their rows as columns.
import type { Anomaly } from "./anomaly.ts";
import type { Mined } from "./templates.ts";

/** The three signals that OTLP carries. */
export type Telemetry = "metrics" | "logs" | "traces";
/** The three, and Vedette's fourth: what its detectors found. */
export type Signal = Telemetry | "anomalies";

/**
 * Columns that every signal has. Row i is one data point, log record or span, in the order of the bytes; one that says nothing
 * (yet), as the first of a cumulative sum, has no row.
 */
export interface Rows {
  readonly length: number;
  /** Dense id of the row's series; of a detector's rows the index into every state column. */
  readonly series: Uint32Array;
  /** Unix milliseconds of the event. */
  readonly time: Float64Array;
  /** Where the row's own message starts in the batch's bytes: its length prefix, then its content. */
  readonly offset: Uint32Array;
}

/**
 * Metric data points. A series is resource + scope + name + type + attributes. Monotonic sums arrive as rates per second;
 * a histogram is several rows that share an offset: the rate of its count, its mean, its estimated p50, p95 and p99.
 */
export interface MetricPoints extends Rows {
  /** In the metric's own unit, or that unit per second; may be infinite when the sender said so, never NaN. */
  readonly value: Float64Array;
}

/** Log records. A series is service + severity range (TRACE, DEBUG, INFO, WARN, ERROR, FATAL). */
export interface LogRecords extends Rows {
  /** OTLP severity number 1 to 24; 0 when unset. */
  readonly severity: Uint8Array;
  /** Field number of the body's AnyValue: 1 string, 2 bool, 3 int, 4 double, 5 array, 6 key-value list, 7 bytes; 0 when it has none. */
  readonly bodyKind: Uint8Array;
  /** The text of a string body, or the AnyValue message of any other, is bytes[bodyStart, bodyEnd). */
  readonly bodyStart: Uint32Array;
  readonly bodyEnd: Uint32Array;
  /** Where the 16 and 8 bytes of the ids start in the batch's bytes; 0 when absent or of another length. */
  readonly traceId: Uint32Array;
  readonly spanId: Uint32Array;
}

/** Spans. A series is service + span name + span kind. */
export interface Spans extends Rows {
  /** Milliseconds; 0 when the end lies before the start. */
  readonly duration: Float64Array;
  /**
   * Milliseconds that the span itself took: its duration less what its children cover, of those that came before it or with it. Of
   * a call to a service that reports too, the duration less that of the far side: what network and queues took. NaN while the far side has not come. The
   * duration as long as no detector of spans is configured, and nothing that has `trace`.
   */
  readonly self: Float64Array;
  /** 1 when the span's status is ERROR. */
  readonly failed: Uint8Array;
  /** OTLP status code: 0 unset, 1 ok, 2 error. */
  readonly status: Uint8Array;
  /**
   * 1 when it failed since what it called failed (a child of it, of those that came before it or with it, or a far side that is yet to
   * come), and when it is a retry: its trace had a span of the same operation before that failed.
   */
  readonly inherited: Uint8Array;
  /** OTLP span kind, 0 to 5. */
  readonly kind: Uint8Array;
  /** Where the 16, 8 and 8 bytes of the ids start in the batch's bytes; 0 when absent or of another length. */
  readonly traceId: Uint32Array;
  readonly spanId: Uint32Array;
  readonly parentSpanId: Uint32Array;
}

export interface RowsOf {
  metrics: MetricPoints;
  logs: LogRecords;
  traces: Spans;
}

/** An OTLP AnyValue: an OTLP int is a bigint, an OTLP double a number, so that nothing is lost on the way back. */
export type AttributeValue =
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | null
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

/** Attributes by key. Made without a prototype: any key is a plain key. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** What one row is about, decoded on demand. */
export interface Labels {
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
  /** Metric or span name; the severity range of a log record. */
  readonly name: string;
  /** Which series of the point this is: "rate", "mean", "p50", "p95", "p99" ...; empty for the value itself. */
  readonly statistic: string;
  /** Of spans only: "unspecified", "internal", "server", "client", "producer" or "consumer". */
  readonly kind?: string;
  /** Of a count by parts of a series: which of them, as "503". */
  readonly part?: string;
  /** Unit of the row's value: UCUM as sent, with "/s" for a rate; "ms" for spans. */
  readonly unit: string;
  /** Attributes of the data point, span or log record. */
  readonly attributes: Attributes;
  /** Lower-case hex; empty when the row has none. */
  readonly traceId: string;
  readonly spanId: string;
  /** Of records of which a processor before has mined the template: that, and the record's own text, where that is not hidden. */
  readonly template?: string;
  readonly example?: string;
}

/** One received request on its way through one pipeline. Valid only during the call that is handed it. */
export interface Batch<S extends Telemetry = Telemetry> {
  readonly signal: S;
  /** The request's protobuf bytes as received. Annotations and drops are applied when the pipeline ends. */
  readonly bytes: Uint8Array;
  /** Unix milliseconds. */
  readonly receivedAt: number;
  readonly rows: RowsOf[S];
  /** Decodes one row's resource, scope, name and attributes. Off the hot path. */
  labels(row: number): Labels;
  /** Adds attributes to a row; on a metric point as an exemplar unless told otherwise, so that its identity stays. */
  annotate(row: number, attributes: Attributes, how?: "attributes" | "exemplar"): void;
  /** Takes the row's data point, record or span out of the request, and out of `rows` for the processors that follow. */
  drop(row: number): void;
  /** Cuts a field, by its number, out of the row's own message wherever it stands in it, and adds raw fields instead: none for no bytes. */
  replace(row: number, field: number, content: Uint8Array): void;
  /**
   * Adds another request of this signal, of so many items, to what is sent; it has no rows, so that nothing that follows sees it.
   * The batch keeps `request`.
   */
  append(request: Uint8Array, items: number): void;
  /** Adds raw fields at the end of the row's own message: what `annotate` does, for attributes that were encoded before. */
  extend(row: number, content: Uint8Array): void;
  /** Templates of the log records, as the last processor before that mines them has it; its columns are by row of `rows`. */
  readonly mined: Mined | undefined;
  /** Hands templates to the processors that follow. */
  mine(mined: Mined): void;
}

/** A request compressed: exactly one stream of that encoding, as HTTP's content-encoding names it. */
export interface Compressed {
  readonly encoding: string;
  readonly bytes: Uint8Array;
}

/** One request to send. `bytes` is a whole Export*ServiceRequest; it may be reused once `export` has settled. */
export interface ExportRequest<S extends Telemetry = Telemetry> {
  readonly signal: S;
  readonly bytes: Uint8Array;
  /** Data points, log records or spans. */
  readonly items: number;
  /** The same bytes as a receiver got them, where nothing was changed in them; an exporter may send these instead. */
  readonly compressed?: Compressed;
}

/** What a processor of each signal is handed. */
export type DataOf<S extends Signal> = S extends Telemetry ? Batch<S> : readonly Anomaly[];
/** What an exporter of each signal is handed. */
export type ExportOf<S extends Signal> = S extends Telemetry ? ExportRequest<S> : readonly Anomaly[];
