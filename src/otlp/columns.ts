// The columns that a scan of one Export*ServiceRequest fills: reused from request to request, grown by doubling.
import { DecodeError } from "./wire.ts";

/** What the number of a metric row means, and so what `series/rates` makes of it. */
export const Kind = {
  /** Gauges and non-monotonic sums: the value itself. */
  value: 0,
  /** A monotonic sum or count since `start`. */
  delta: 1,
  /** A monotonic sum or count since `start`, which stays: rows of one series are differences of each other. */
  cumulative: 2,
} as const;

/** Which message a metric row was read from: the numbers of its attribute and exemplar fields follow from it. */
export const Shape = { number: 0, histogram: 1, exponential: 2, summary: 3 } as const;

/** Field number of the attributes in a row's own message; of a metric point by its Shape. */
export const ATTRIBUTE_FIELD = { metrics: [7, 9, 1, 7], logs: 6, traces: 9 } as const;

/** Field number of the exemplars of a metric point by its Shape; a summary has none. */
export const EXEMPLAR_FIELD: readonly (number | undefined)[] = [5, 8, 11, undefined];

/** Which series of a point a metric row is. A summary's own quantiles are `quantile` + their index in the point. */
export const Statistic = { value: 0, rate: 1, mean: 2, p50: 3, p95: 4, p99: 5, quantile: 6 } as const;

/** A point that says anything takes more bytes for each of its rows, and so does a message that encloses one for itself. */
const LEAST_BYTES = 8;
/** Rows and containers that a request may have at any size. */
const ALWAYS = 2 ** 16;

/** The capacity after this one. Empty messages are two bytes: they end at `most`. */
function enlarged(capacity: number, most: number, offset: number): number {
  if (capacity >= most) {
    const message = `more than ${most} points, records, spans or messages around them in one request: nearly all of them are empty`;
    throw new DecodeError(message, offset);
  }
  return Math.min(capacity * 2, most);
}

function grown<T extends Float64Array | Uint32Array | Int32Array | Uint8Array>(column: T, capacity: number): T {
  const larger = new (column.constructor as new (length: number) => T)(capacity);
  larger.set(column as never);
  return larger;
}

/** Gives every typed array of `columns` that is as long as its capacity room for `capacity` entries. */
function growColumns(columns: object, from: number, capacity: number): void {
  const record = columns as Record<string, unknown>;
  for (const name of Object.keys(record)) {
    const column = record[name];
    if (ArrayBuffer.isView(column) && (column as Uint8Array).length === from) {
      record[name] = grown(column as Float64Array, capacity);
    }
  }
}

/**
 * The messages that enclose rows, parents before children, in the order of the bytes: what splicing must re-measure.
 * Levels: 0 Resource*, 1 Scope*, and of metrics 2 Metric and 3 the gauge, sum, histogram ... message inside it.
 */
export class Containers {
  length = 0;
  capacity = 256;
  most = ALWAYS;
  /** Offset of the length prefix; of the content; past its end. */
  prefix = new Uint32Array(256);
  start = new Uint32Array(256);
  end = new Uint32Array(256);
  /** Index of the enclosing container, -1 at the top. */
  parent = new Int32Array(256);
  level = new Uint8Array(256);
  /** Data points, records or spans that lie directly in it. */
  items = new Uint32Array(256);
  /** Of the data of a metric: the identity of all that encloses its points, and their type. */
  hash0 = new Int32Array(256);
  hash1 = new Int32Array(256);

  add(prefix: number, start: number, end: number, parent: number): number {
    if (this.length === this.capacity) {
      const capacity = enlarged(this.capacity, this.most, prefix);
      growColumns(this, this.capacity, capacity);
      this.capacity = capacity;
    }
    const i = this.length++;
    this.prefix[i] = prefix;
    this.start[i] = start;
    this.end[i] = end;
    this.parent[i] = parent;
    this.level[i] = parent < 0 ? 0 : this.level[parent] + 1;
    this.items[i] = 0;
    return i;
  }
}

const ROWS = 1024;

/** Columns that the rows of every signal have. */
export class ScannedRows {
  length = 0;
  capacity = ROWS;
  #most = ALWAYS;
  /** Data points, records or spans in the request, those included that make no row or several. */
  items = 0;
  readonly containers = new Containers();
  /**
   * The 64-bit identity of the row's series. Of number points a hash of the very bytes that name it, which is enough to know
   * a series again; where it is not known, `identifyPoint` gives the identity, blind to the order of attributes.
   */
  hash0 = new Int32Array(ROWS);
  hash1 = new Int32Array(ROWS);
  /** Unix milliseconds. */
  time = new Float64Array(ROWS);
  /** Of the length prefix of the row's own message. */
  offset = new Uint32Array(ROWS);
  /** Index of the innermost container. */
  container = new Uint32Array(ROWS);

  /** Rows, containers, distributions and buckets that there are columns for. */
  get room(): number {
    return this.capacity + this.containers.capacity;
  }

  /** For a request of so many bytes. */
  reset(bytes: number): void {
    this.length = 0;
    this.items = 0;
    this.containers.length = 0;
    this.#most = this.containers.most = ALWAYS + Math.floor(bytes / LEAST_BYTES);
  }

  /** Makes room for `rows` more, of the message at `offset`. Throws DecodeError when they are too many for the request's size. */
  reserve(rows: number, offset = 0): void {
    let capacity = this.capacity;
    while (capacity < this.length + rows) capacity = enlarged(capacity, this.#most, offset);
    if (capacity === this.capacity) return;
    growColumns(this, this.capacity, capacity);
    this.capacity = capacity;
  }
}

/** The buckets behind histogram rows: what `series/distributions` needs to take differences of cumulative ones. */
export class Distributions {
  length = 0;
  capacity = 128;
  /** The point's first row (its rate), and how many rows it has: 2 (rate, mean) or 5 (and p50, p95, p99). */
  row = new Uint32Array(128);
  rows = new Uint8Array(128);
  count = new Float64Array(128);
  /** NaN where the point has none. */
  sum = new Float64Array(128);
  /** Its buckets are upper[from, to) and inBucket[from, to): ascending upper bounds, the last +Infinity, and counts. */
  from = new Uint32Array(128);
  to = new Uint32Array(128);

  buckets = 0;
  bucketCapacity = 2048;
  upper = new Float64Array(2048);
  inBucket = new Float64Array(2048);

  reset(): void {
    this.length = 0;
    this.buckets = 0;
  }

  /** The index of a new distribution; its `to` is set by the caller once its buckets are in. */
  add(row: number, rows: number, count: number, sum: number): number {
    if (this.length === this.capacity) {
      for (const name of ["row", "rows", "count", "sum", "from", "to"] as const) {
        (this[name] as Float64Array) = grown(this[name] as Float64Array, this.capacity * 2);
      }
      this.capacity *= 2;
    }
    const i = this.length++;
    this.row[i] = row;
    this.rows[i] = rows;
    this.count[i] = count;
    this.sum[i] = sum;
    this.from[i] = this.to[i] = this.buckets;
    return i;
  }

  bucket(upper: number, count: number): void {
    if (this.buckets === this.bucketCapacity) {
      this.bucketCapacity *= 2;
      this.upper = grown(this.upper, this.bucketCapacity);
      this.inBucket = grown(this.inBucket, this.bucketCapacity);
    }
    this.upper[this.buckets] = upper;
    this.inBucket[this.buckets++] = count;
  }
}

export class MetricScan extends ScannedRows {
  readonly distributions = new Distributions();
  /** As sent; NaN in the rows of a distribution, which `series/distributions` fills. */
  value = new Float64Array(ROWS);
  /** Unix milliseconds of start_time_unix_nano; 0 when unset. */
  start = new Float64Array(ROWS);
  kind = new Uint8Array(ROWS);
  shape = new Uint8Array(ROWS);
  statistic = new Uint8Array(ROWS);

  override get room(): number {
    return super.room + this.distributions.capacity + this.distributions.bucketCapacity;
  }

  override reset(bytes: number): void {
    super.reset(bytes);
    this.distributions.reset();
  }
}

export class LogScan extends ScannedRows {
  severity = new Uint8Array(ROWS);
  bodyKind = new Uint8Array(ROWS);
  bodyStart = new Uint32Array(ROWS);
  bodyEnd = new Uint32Array(ROWS);
  traceId = new Uint32Array(ROWS);
  spanId = new Uint32Array(ROWS);
}

export class SpanScan extends ScannedRows {
  duration = new Float64Array(ROWS);
  failed = new Uint8Array(ROWS);
  status = new Uint8Array(ROWS);
  kind = new Uint8Array(ROWS);
  traceId = new Uint32Array(ROWS);
  spanId = new Uint32Array(ROWS);
  parentSpanId = new Uint32Array(ROWS);
  /** Filled by whoever puts traces together. */
  self = new Float64Array(ROWS);
  inherited = new Uint8Array(ROWS);
}

export interface ScanOf {
  metrics: MetricScan;
  logs: LogScan;
  traces: SpanScan;
}
