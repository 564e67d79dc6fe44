// Scans one ExportMetricsServiceRequest into columns: identity, time and value of every data point.
import { check, checkKeyValue, checkNumbers, Part } from "./check.ts";
import { Kind, type MetricScan, Shape, Statistic } from "./columns.ts";
import { Metric } from "./fields.ts";
import { scanExponentialHistogram, scanHistogram, scanSummary } from "./histograms.ts";
import { hash0, hash1, hashBytes, hashOnto, mix } from "./identity.ts";
import { scanScopes } from "./scopes.ts";
import { decodeMessage } from "./to_json.ts";
import {
  enter,
  high,
  low,
  position,
  readMillis,
  readSize,
  readTag,
  readVarint,
  readVarint64,
  skip,
  truncated,
  viewOf,
} from "./wire.ts";

const GAUGE = 0x2a;
const SUM = 0x3a;
const HISTOGRAM = 0x4a;
const EXPONENTIAL_HISTOGRAM = 0x52;
const SUMMARY = 0x5a;
const METADATA = 0x62;

/** Levels of a Metric in its request, itself included. */
const METRIC_LEVEL = 4;

/** Whether nobody will ask for rows: number points are checked and counted then, their attributes included. */
let unread = false;

/**
 * Fills `scan`, after resetting it, from a whole request. Throws DecodeError, and then `scan` means nothing. The attributes of number
 * points are checked by `identifyPoint`; with `asUnread` they are checked here, and such points have no rows.
 */
export function scanMetrics(bytes: Uint8Array, scan: MetricScan, seed: number, asUnread = false): void {
  unread = asUnread;
  scanScopes(bytes, scan, seed, false, scanScopeMetrics);
}

/**
 *     ScopeMetrics { InstrumentationScope scope = 1; repeated Metric metrics = 2 }
 *     InstrumentationScope { string name = 1; string version = 2; repeated KeyValue attributes = 3 }
 *
 * The scope may come last or in parts, so it is looked for first.
 */
function scanScopeMetrics(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scan: MetricScan,
  container: number,
  resource0: number,
  resource1: number,
  seed: number,
): void {
  let nameStart = 0;
  let nameEnd = 0;
  let versionStart = 0;
  let versionEnd = 0;
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag !== 0x0a) {
      p = skip(bytes, tag, p, end);
      continue;
    }
    const scopeEnd = enter(bytes, p, end);
    p = position;
    while (p < scopeEnd) {
      const inner = readTag(bytes, p, scopeEnd);
      p = position;
      if (inner === 0x0a) {
        p = nameEnd = enter(bytes, p, scopeEnd);
        nameStart = position;
      } else if (inner === 0x12) {
        p = versionEnd = enter(bytes, p, scopeEnd);
        versionStart = position;
      } else {
        const next = skip(bytes, inner, p, scopeEnd);
        if (inner === 0x1a) checkKeyValue(bytes, position, next);
        p = next;
      }
    }
  }
  hashBytes(bytes, view, nameStart, nameEnd, seed);
  mix(resource0, resource1, hash0, hash1);
  const named0 = hash0;
  const named1 = hash1;
  hashBytes(bytes, view, versionStart, versionEnd, seed);
  mix(named0, named1, hash0, hash1);
  const scope0 = hash0;
  const scope1 = hash1;

  p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag !== 0x12) {
      p = skip(bytes, tag, p, end);
      continue;
    }
    const prefix = p;
    const to = enter(bytes, p, end);
    const metric = scan.containers.add(prefix, position, to, container);
    scanMetric(bytes, view, position, to, scan, metric, scope0, scope1, seed);
    p = to;
  }
}

/** Of the metric being scanned: fields that usually come after its points, and that hold for all its parts. */
let temporality = 0;
let monotonic = false;

/**
 *     Metric { string name = 1; oneof data { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
 *              ExponentialHistogram exponential_histogram = 10; Summary summary = 11 } }
 *
 * Where several data members are set, protobuf keeps the last and merges occurrences of it that follow each other.
 */
function scanMetric(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scan: MetricScan,
  container: number,
  scope0: number,
  scope1: number,
  seed: number,
): void {
  let nameStart = 0;
  let nameEnd = 0;
  let member = 0;
  let overridden = false;
  let first = end;
  let p = start;
  while (p < end) {
    const field = p;
    const tag = readTag(bytes, p, end);
    p = position;
    switch (tag) {
      case 0x0a:
        p = nameEnd = enter(bytes, p, end);
        nameStart = position;
        break;
      case GAUGE:
      case SUM:
      case HISTOGRAM:
      case EXPONENTIAL_HISTOGRAM:
      case SUMMARY:
        p = enter(bytes, p, end);
        if (tag !== member) first = field;
        if (tag !== member && member !== 0) overridden = true;
        member = tag;
        break;
      case METADATA:
        p = enter(bytes, p, end);
        checkKeyValue(bytes, position, p);
        break;
      default:
        p = skip(bytes, tag, p, end);
    }
  }
  // what is not scanned must be sound as well; no encoder sends it
  if (overridden) decodeMessage(Metric, bytes.subarray(start, end), METRIC_LEVEL);
  const shape = shapeOf(member);
  hashBytes(bytes, view, nameStart, nameEnd, seed + member);
  mix(scope0, scope1, hash0, hash1);
  const metric0 = hash0;
  const metric1 = hash1;

  temporality = 0;
  monotonic = false;
  const firstRow = scan.length;
  p = first;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag !== member) {
      p = skip(bytes, tag, p, end);
      continue;
    }
    const prefix = p;
    const to = enter(bytes, p, end);
    const data = scan.containers.add(prefix, position, to, container);
    scan.containers.hash0[data] = metric0;
    scan.containers.hash1[data] = metric1;
    if (shape === Shape.number && unread) {
      const items = checkNumbers(bytes, position, to);
      scan.items += items;
      scan.containers.items[data] = items;
    } else if (shape === Shape.number) scanNumbers(bytes, view, position, to, scan, data, metric0, metric1);
    else scanDistributions(bytes, view, position, to, scan, data, metric0, metric1, seed, shape);
    p = to;
  }
  if (shape === Shape.summary) return;
  let kind: number = Kind.value;
  if (shape !== Shape.number) kind = temporality === 1 ? Kind.delta : Kind.cumulative;
  else if (member === SUM && monotonic && temporality === 1) kind = Kind.delta;
  else if (member === SUM && monotonic && temporality === 2) kind = Kind.cumulative;
  for (let row = firstRow; row < scan.length; row++) scan.kind[row] = kind;
}

function shapeOf(member: number): number {
  if (member === HISTOGRAM) return Shape.histogram;
  if (member === EXPONENTIAL_HISTOGRAM) return Shape.exponential;
  return member === SUMMARY ? Shape.summary : Shape.number;
}

/** Reads a field of Sum, Histogram or ExponentialHistogram that is not a data point. */
function readDataField(bytes: Uint8Array, tag: number, at: number, end: number): number {
  if (tag === 0x10) temporality = readVarint(bytes, at, end);
  else if (tag === 0x18) {
    readVarint64(bytes, at, end);
    monotonic = low !== 0 || high !== 0;
  } else return skip(bytes, tag, at, end);
  return position;
}

/**
 *     Gauge { repeated NumberDataPoint data_points = 1 }
 *     Sum { repeated NumberDataPoint data_points = 1; AggregationTemporality aggregation_temporality = 2;
 *           bool is_monotonic = 3 }
 *     NumberDataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; double as_double = 4;
 *                       sfixed64 as_int = 6; repeated Exemplar exemplars = 5; repeated KeyValue attributes = 7; uint32 flags = 8 }
 */
function scanNumbers(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scan: MetricScan,
  container: number,
  metric0: number,
  metric1: number,
): void {
  // points of one metric were taken at one time as a rule: a comparison is cheaper than a division
  let startLow = 0;
  let startHigh = 0;
  let startMillis = 0;
  let timeLow = 0;
  let timeHigh = 0;
  let timeMillis = 0;
  let items = 0;
  let p = start;
  while (p < end) {
    const outer = readTag(bytes, p, end) | 0;
    p = position | 0;
    if (outer !== 0x0a) {
      p = readDataField(bytes, outer, p, end) | 0;
      continue;
    }
    const offset = p;
    const to = enter(bytes, p, end) | 0;
    p = position | 0;
    items++;
    // the attributes as they lie there, one run of bytes as a rule
    let a0 = metric0;
    let a1 = metric1;
    let runStart = 0;
    let runEnd = 0;
    let startTime = 0;
    let time = 0;
    let value = Number.NaN;
    let flags = 0;
    while (p < to) {
      const field = p;
      let tag = bytes[p++];
      if (tag > 127) {
        tag = readTag(bytes, p - 1, to) | 0;
        p = position | 0;
      }
      switch (tag) {
        case 0x3a: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          if (size > to - p) truncated(to);
          p += size;
          if (runEnd !== field) {
            if (runEnd !== 0) {
              hashOnto(bytes, view, runStart, runEnd, a0, a1);
              a0 = hash0;
              a1 = hash1;
            }
            runStart = field;
          }
          runEnd = p;
          break;
        }
        case 0x11: {
          if (to - p < 8) truncated(to);
          const low = view.getUint32(p, true);
          const high = view.getUint32(p + 4, true);
          if (low !== startLow || high !== startHigh) {
            startLow = low;
            startHigh = high;
            startMillis = readMillis(view, p);
          }
          startTime = startMillis;
          p += 8;
          break;
        }
        case 0x19: {
          if (to - p < 8) truncated(to);
          const low = view.getUint32(p, true);
          const high = view.getUint32(p + 4, true);
          if (low !== timeLow || high !== timeHigh) {
            timeLow = low;
            timeHigh = high;
            timeMillis = readMillis(view, p);
          }
          time = timeMillis;
          p += 8;
          break;
        }
        case 0x21:
          if (to - p < 8) truncated(to);
          value = view.getFloat64(p, true);
          p += 8;
          break;
        case 0x31:
          if (to - p < 8) truncated(to);
          value = view.getUint32(p, true) + view.getInt32(p + 4, true) * 4294967296;
          p += 8;
          break;
        case 0x40:
          flags = readVarint(bytes, p, to) | 0;
          p = position | 0;
          break;
        case 0x2a: {
          const exemplarEnd = enter(bytes, p, to) | 0;
          check(bytes, Part.exemplar, position, exemplarEnd);
          p = exemplarEnd;
          break;
        }
        default:
          p = skip(bytes, tag, p, to) | 0;
      }
    }
    if (p > to) truncated(to);
    if ((flags & 1) !== 0) {
      hashAttributes(bytes, view, offset, 0);
      continue;
    }
    hashOnto(bytes, view, runStart, runEnd, a0, a1);
    if (scan.length === scan.capacity) scan.reserve(1, offset);
    const row = scan.length++;
    scan.hash0[row] = hash0;
    scan.hash1[row] = hash1;
    scan.time[row] = time;
    scan.start[row] = startTime;
    scan.value[row] = value;
    scan.offset[row] = offset;
    scan.container[row] = container;
    scan.shape[row] = Shape.number;
    scan.statistic[row] = Statistic.value;
  }
  scan.items += items;
  scan.containers.items[container] = items;
}

/**
 * The identity of the series of `row` into `identity`: what encloses it, and its attributes in whatever order. Checks those
 * on the way, since the scan only hashed them: throws DecodeError. Rows of distributions have their identity from the scan.
 */
export function identifyPoint(
  bytes: Uint8Array,
  scan: MetricScan,
  row: number,
  seed: number,
  identity: Int32Array,
): void {
  if (scan.shape[row] !== Shape.number) {
    identity[0] = scan.hash0[row];
    identity[1] = scan.hash1[row];
    return;
  }
  hashAttributes(bytes, viewOf(bytes), scan.offset[row], seed);
  const container = scan.container[row];
  mix(scan.containers.hash0[container], scan.containers.hash1[container], attributes0, attributes1);
  identity[0] = hash0;
  identity[1] = hash1;
}

/** The hash of a point's attributes, in whatever order they are. */
let attributes0 = 0;
let attributes1 = 0;

/** Hashes the attributes of the number point whose length prefix is at `offset`, and checks them. */
function hashAttributes(bytes: Uint8Array, view: DataView, offset: number, seed: number): void {
  const end = enter(bytes, offset, bytes.length);
  attributes0 = attributes1 = 0;
  let p = position;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    const to = skip(bytes, tag, p, end);
    if (tag === 0x3a) {
      const from = position;
      checkKeyValue(bytes, from, to);
      hashBytes(bytes, view, from, to, seed);
      attributes0 = (attributes0 + hash0) | 0;
      attributes1 = (attributes1 + hash1) | 0;
    }
    p = to;
  }
}

/** Histogram, ExponentialHistogram and Summary { repeated *DataPoint data_points = 1; aggregation_temporality = 2 } */
function scanDistributions(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scan: MetricScan,
  container: number,
  metric0: number,
  metric1: number,
  seed: number,
  shape: number,
): void {
  let items = 0;
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag !== 0x0a) {
      p = readDataField(bytes, tag, p, end);
      continue;
    }
    items++;
    if (shape === Shape.histogram) p = scanHistogram(bytes, view, p, end, scan, container, metric0, metric1, seed);
    else if (shape === Shape.summary) p = scanSummary(bytes, view, p, end, scan, container, metric0, metric1, seed);
    else p = scanExponentialHistogram(bytes, view, p, end, scan, container, metric0, metric1, seed);
  }
  scan.items += items;
  scan.containers.items[container] = items;
}
