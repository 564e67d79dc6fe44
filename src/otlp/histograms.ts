// Scans the data points that stand for distributions: histograms, exponential histograms and summaries.
import { check, checkKeyValue, Part } from "./check.ts";
import { type Distributions, Kind, type MetricScan, Shape, Statistic } from "./columns.ts";
import { hash0, hash1, hashBytes, mix } from "./identity.ts";
import {
  after,
  enter,
  high,
  low,
  position,
  readFixed64,
  readMillis,
  readTag,
  readVarint,
  readVarint64,
  readZigzag,
  skip,
} from "./wire.ts";

/** A point with more buckets than this is taken to have none. */
const MAX_BUCKETS_READ = 4096;
/** More exponential buckets than this are merged with their neighbours. */
const MAX_BUCKETS_KEPT = 1024;
const MAX_QUANTILES = 32;
/** Of a field that a message does not have. */
const NO_TAG = -1;

// The point being scanned. Doubles lie in arrays: a variable that holds one would allocate at every store.
const START = 0;
const TIME = 1;
const COUNT = 2;
const SUM = 3;
const point = new Float64Array(4);
let attributes0 = 0;
let attributes1 = 0;
let flags = 0;
/** Explicit or positive buckets' counts; explicit bounds or negative buckets' counts. */
const counts = new Float64Array(MAX_BUCKETS_READ);
const others = new Float64Array(MAX_BUCKETS_READ);
let countsRead = 0;
let othersRead = 0;
/** Quantile and value in turn. */
const quantiles = new Float64Array(2 * MAX_QUANTILES);

function begin(): void {
  point.fill(0);
  point[SUM] = Number.NaN;
  attributes0 = attributes1 = flags = countsRead = othersRead = 0;
}

function pushCount(value: number): void {
  if (countsRead < MAX_BUCKETS_READ) counts[countsRead] = value;
  countsRead++;
}

function pushOther(value: number): void {
  if (othersRead < MAX_BUCKETS_READ) others[othersRead] = value;
  othersRead++;
}

/**
 * Reads a field that the three points share, or skips it; returns where it ends.
 *
 *     *DataPoint { fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; double sum = 5 }
 */
function readPointField(
  bytes: Uint8Array,
  view: DataView,
  tag: number,
  at: number,
  end: number,
  attributesTag: number,
  exemplarsTag: number,
  flagsTag: number,
  seed: number,
): number {
  if (tag === attributesTag) {
    const to = enter(bytes, at, end);
    const from = position;
    checkKeyValue(bytes, from, to);
    hashBytes(bytes, view, from, to, seed);
    attributes0 = (attributes0 + hash0) | 0;
    attributes1 = (attributes1 + hash1) | 0;
    return to;
  }
  if (tag === exemplarsTag) {
    const to = enter(bytes, at, end);
    check(bytes, Part.exemplar, position, to);
    return to;
  }
  if (tag === flagsTag) {
    flags = readVarint(bytes, at, end);
    return position;
  }
  if (tag !== 0x11 && tag !== 0x19 && tag !== 0x21 && tag !== 0x29) return skip(bytes, tag, at, end);
  const to = after(at, 8, end);
  if (tag === 0x11) point[START] = readMillis(view, at);
  else if (tag === 0x19) point[TIME] = readMillis(view, at);
  else if (tag === 0x21) point[COUNT] = readFixed64(view, at);
  else point[SUM] = view.getFloat64(at, true);
  return to;
}

/** Adds `rows` rows of the point: its rate, its mean and, if that is not all, p50, p95 and p99. Returns the first. */
function addRows(
  scan: MetricScan,
  rows: number,
  shape: number,
  offset: number,
  container: number,
  metric0: number,
  metric1: number,
): number {
  mix(metric0, metric1, attributes0, attributes1);
  const point0 = hash0;
  const point1 = hash1;
  const first = scan.length;
  for (let i = 0; i < rows; i++) {
    mix(point0, point1, Statistic.rate + i, shape);
    addRow(scan, shape, Statistic.rate + i, Kind.cumulative, Number.NaN, offset, container);
  }
  scan.distributions.add(first, rows, point[COUNT], point[SUM]);
  return first;
}

function addRow(
  scan: MetricScan,
  shape: number,
  statistic: number,
  kind: number,
  value: number,
  offset: number,
  container: number,
): void {
  if (scan.length === scan.capacity) scan.reserve(1, offset);
  const row = scan.length++;
  scan.hash0[row] = hash0;
  scan.hash1[row] = hash1;
  scan.time[row] = point[TIME];
  scan.start[row] = point[START];
  scan.value[row] = value;
  scan.offset[row] = offset;
  scan.container[row] = container;
  scan.shape[row] = shape;
  scan.statistic[row] = statistic;
  scan.kind[row] = kind;
}

function closeBuckets(distributions: Distributions): void {
  distributions.to[distributions.length - 1] = distributions.buckets;
}

/**
 * Scans the point whose length prefix is at `at`; returns where it ends. The caller sets the rows' kind.
 *
 *     HistogramDataPoint { repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7;
 *                          repeated KeyValue attributes = 9; uint32 flags = 10 }
 */
export function scanHistogram(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  scan: MetricScan,
  container: number,
  metric0: number,
  metric1: number,
  seed: number,
): number {
  const to = enter(bytes, at, end);
  let p = position;
  begin();
  while (p < to) {
    const tag = readTag(bytes, p, to);
    p = position;
    if (tag === 0x32 || tag === 0x31) {
      const last = tag === 0x32 ? enter(bytes, p, to) : after(p, 8, to);
      if (tag === 0x32) p = position;
      for (; p < last; p += 8) {
        after(p, 8, last);
        pushCount(readFixed64(view, p));
      }
    } else if (tag === 0x3a || tag === 0x39) {
      const last = tag === 0x3a ? enter(bytes, p, to) : after(p, 8, to);
      if (tag === 0x3a) p = position;
      for (; p < last; p += 8) {
        after(p, 8, last);
        pushOther(view.getFloat64(p, true));
      }
    } else p = readPointField(bytes, view, tag, p, to, 0x4a, 0x42, 0x50, seed);
  }
  if ((flags & 1) !== 0) return to;
  const bucketed = boundsAreSound();
  addRows(scan, bucketed ? 5 : 2, Shape.histogram, at, container, metric0, metric1);
  if (bucketed) {
    const distributions = scan.distributions;
    for (let i = 0; i < othersRead; i++) distributions.bucket(others[i], counts[i]);
    distributions.bucket(Number.POSITIVE_INFINITY, counts[othersRead]);
    closeBuckets(distributions);
  }
  return to;
}

/** Whether there are n > 0 strictly ascending finite bounds and n + 1 counts. One bucket alone says nothing. */
function boundsAreSound(): boolean {
  if (othersRead === 0 || countsRead !== othersRead + 1 || countsRead > MAX_BUCKETS_READ) return false;
  let previous = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < othersRead; i++) {
    if (!(others[i] > previous)) return false;
    previous = others[i];
  }
  return previous < Number.POSITIVE_INFINITY;
}

// Of the exponential histogram point being scanned.
let scale = 0;
let positiveOffset = 0;
let negativeOffset = 0;

/**
 * Scans the point whose length prefix is at `at`; returns where it ends. The caller sets the rows' kind.
 *
 *     ExponentialHistogramDataPoint { repeated KeyValue attributes = 1; sint32 scale = 6; fixed64 zero_count = 7;
 *                                     Buckets positive = 8; Buckets negative = 9; uint32 flags = 10;
 *                                     double zero_threshold = 14 }
 */
export function scanExponentialHistogram(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  scan: MetricScan,
  container: number,
  metric0: number,
  metric1: number,
  seed: number,
): number {
  const to = enter(bytes, at, end);
  let p = position;
  let zeroCount = 0;
  let zeroThreshold = 0;
  begin();
  scale = positiveOffset = negativeOffset = 0;
  while (p < to) {
    const tag = readTag(bytes, p, to);
    p = position;
    if (tag === 0x42 || tag === 0x4a) {
      const last = enter(bytes, p, to);
      readBuckets(bytes, position, last, tag === 0x42);
      p = last;
    } else if (tag === 0x30) {
      scale = readZigzag(bytes, p, to);
      p = position;
    } else if (tag === 0x39) {
      const last = after(p, 8, to);
      zeroCount = readFixed64(view, p);
      p = last;
    } else if (tag === 0x71) {
      const last = after(p, 8, to);
      zeroThreshold = view.getFloat64(p, true);
      p = last;
    } else p = readPointField(bytes, view, tag, p, to, 0x0a, 0x5a, 0x50, seed);
  }
  if ((flags & 1) !== 0) return to;
  const bucketed = scale >= -10 && scale <= 20 && bucketsAreSound(zeroCount);
  addRows(scan, bucketed ? 5 : 2, Shape.exponential, at, container, metric0, metric1);
  if (bucketed) addExponentialBuckets(scan.distributions, zeroCount, zeroThreshold);
  return to;
}

/** Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2 } */
function readBuckets(bytes: Uint8Array, start: number, end: number, positive: boolean): void {
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag === 0x08) {
      const offset = readZigzag(bytes, p, end);
      if (positive) positiveOffset = offset;
      else negativeOffset = offset;
      p = position;
    } else if (tag === 0x12 || tag === 0x10) {
      let last = end;
      if (tag === 0x12) {
        last = enter(bytes, p, end);
        p = position;
      }
      while (p < last) {
        readVarint64(bytes, p, last);
        p = position;
        const count = (high >>> 0) * 4294967296 + (low >>> 0);
        if (positive) pushCount(count);
        else pushOther(count);
        if (tag === 0x10) break;
      }
    } else p = skip(bytes, tag, p, end);
  }
}

/** Whether anything was counted, in a number of buckets that was kept. */
function bucketsAreSound(zeroCount: number): boolean {
  if (countsRead > MAX_BUCKETS_READ || othersRead > MAX_BUCKETS_READ) return false;
  if (zeroCount > 0) return true;
  for (let i = 0; i < countsRead; i++) if (counts[i] > 0) return true;
  for (let i = 0; i < othersRead; i++) if (others[i] > 0) return true;
  return false;
}

/** 2^(2^-scale) ^ index, finite. */
function edge(index: number): number {
  return Math.min(2 ** (index * 2 ** -scale), Number.MAX_VALUE);
}

/**
 * Ascending buckets of the point: negative ones (from the outermost), zero, positive ones, the last up to +Infinity.
 * An empty run becomes one empty bucket; neighbours are merged where there would be too many.
 */
function addExponentialBuckets(distributions: Distributions, zeroCount: number, zeroThreshold: number): void {
  const from = distributions.buckets;
  const stride = Math.ceil((countsRead + othersRead) / (MAX_BUCKETS_KEPT - 6));
  for (let last = othersRead; last > 0; last -= stride) {
    const first = Math.max(0, last - stride);
    let count = 0;
    for (let i = first; i < last; i++) count += others[i];
    if (count === 0) continue;
    addBucket(distributions, from, -edge(negativeOffset + last), 0);
    addBucket(distributions, from, -edge(negativeOffset + first), count);
  }
  if (zeroCount > 0 || distributions.buckets > from) {
    const threshold = zeroCount > 0 && zeroThreshold > 0 && zeroThreshold < Infinity ? zeroThreshold : 0;
    addBucket(distributions, from, -threshold, 0);
    addBucket(distributions, from, threshold, zeroCount);
  }
  for (let first = 0; first < countsRead; first += stride) {
    const last = Math.min(countsRead, first + stride);
    let count = 0;
    for (let i = first; i < last; i++) count += counts[i];
    if (count === 0) continue;
    addBucket(distributions, from, edge(positiveOffset + first), 0);
    addBucket(distributions, from, edge(positiveOffset + last), count);
  }
  addBucket(distributions, from, Number.POSITIVE_INFINITY, 0);
  closeBuckets(distributions);
}

/** Appends a bucket, or widens the last one where `upper` does not rise above it or where both are empty. */
function addBucket(distributions: Distributions, from: number, upper: number, count: number): void {
  const last = distributions.buckets - 1;
  if (last < from) distributions.bucket(upper, count);
  else if (upper <= distributions.upper[last]) distributions.inBucket[last] += count;
  else if (count === 0 && distributions.inBucket[last] === 0) distributions.upper[last] = upper;
  else distributions.bucket(upper, count);
}

/**
 * Scans the point whose length prefix is at `at`; returns where it ends.
 *
 *     SummaryDataPoint { repeated ValueAtQuantile quantile_values = 6; repeated KeyValue attributes = 7; uint32 flags = 8 }
 */
export function scanSummary(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  scan: MetricScan,
  container: number,
  metric0: number,
  metric1: number,
  seed: number,
): number {
  const to = enter(bytes, at, end);
  let p = position;
  let found = 0;
  begin();
  while (p < to) {
    const tag = readTag(bytes, p, to);
    p = position;
    if (tag === 0x32) {
      const last = enter(bytes, p, to);
      readQuantile(bytes, view, position, last, found++);
      p = last;
    } else p = readPointField(bytes, view, tag, p, to, 0x3a, NO_TAG, 0x40, seed);
  }
  if ((flags & 1) !== 0) return to;
  addRows(scan, 2, Shape.summary, at, container, metric0, metric1);
  mix(metric0, metric1, attributes0, attributes1);
  const point0 = hash0;
  const point1 = hash1;
  for (let i = 0; i < Math.min(found, MAX_QUANTILES); i++) {
    mix(point0, point1, Statistic.quantile + Math.round(quantiles[2 * i] * 1e9), Shape.summary);
    addRow(scan, Shape.summary, Statistic.quantile + i, Kind.value, quantiles[2 * i + 1], at, container);
  }
  return to;
}

/** ValueAtQuantile { double quantile = 1; double value = 2 } */
function readQuantile(bytes: Uint8Array, view: DataView, start: number, end: number, index: number): void {
  const slot = 2 * Math.min(index, MAX_QUANTILES - 1);
  const keep = index < MAX_QUANTILES;
  if (keep) quantiles[slot] = quantiles[slot + 1] = 0;
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag === 0x09 || tag === 0x11) {
      const to = after(p, 8, end);
      if (keep) quantiles[slot + (tag >>> 4)] = view.getFloat64(p, true);
      p = to;
    } else p = skip(bytes, tag, p, end);
  }
}
