// Scans one ExportTraceServiceRequest into columns.
import { check, checkKeyValue, Part, skipScope } from "./check.ts";
import type { SpanScan } from "./columns.ts";
import { hash0, hash1, hashBytes, mix } from "./identity.ts";
import { scanScopes } from "./scopes.ts";
import { enter, position, readSize, readTag, readVarint, skip, truncated } from "./wire.ts";

/** Fills `scan`, after resetting it, from a whole request. Throws DecodeError, and then `scan` means nothing. */
export function scanTraces(bytes: Uint8Array, scan: SpanScan, seed: number): void {
  scanScopes(bytes, scan, seed, true, scanScopeSpans);
}

/**
 *     ScopeSpans { repeated Span spans = 2 }
 *     Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; SpanKind kind = 6;
 *            fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
 *            repeated Event events = 11; repeated Link links = 13; Status status = 15 }
 *     Status { StatusCode code = 3 }
 */
function scanScopeSpans(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scan: SpanScan,
  container: number,
  resource0: number,
  resource1: number,
  seed: number,
): void {
  let items = 0;
  let p = start;
  while (p < end) {
    const outer = readTag(bytes, p, end) | 0;
    p = position | 0;
    if (outer !== 0x12) {
      p = skipScope(bytes, outer, p, end) | 0;
      continue;
    }
    const offset = p;
    const to = enter(bytes, p, end) | 0;
    p = position | 0;
    items++;
    let nameStart = 0;
    let nameEnd = 0;
    let kind = 0;
    let status = 0;
    let startLow = 0;
    let startHigh = 0;
    let endLow = 0;
    let endHigh = 0;
    let traceId = 0;
    let spanId = 0;
    let parentSpanId = 0;
    while (p < to) {
      let tag = bytes[p++];
      if (tag > 127) {
        tag = readTag(bytes, p - 1, to) | 0;
        p = position | 0;
      }
      switch (tag) {
        case 0x4a: // attributes
        case 0x5a: // events
        case 0x6a: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          if (size > to - p) truncated(to);
          if (tag === 0x4a) checkKeyValue(bytes, p, p + size);
          else check(bytes, tag === 0x5a ? Part.event : Part.link, p, p + size);
          p += size;
          break;
        }
        case 0x1a: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          p += size;
          break;
        }
        case 0x0a:
        case 0x12:
        case 0x22: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          if (tag === 0x0a) traceId = size === 16 ? p : 0;
          else if (tag === 0x12) spanId = size === 8 ? p : 0;
          else parentSpanId = size === 8 ? p : 0;
          p += size;
          break;
        }
        case 0x2a: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          nameStart = p;
          p += size;
          nameEnd = p;
          break;
        }
        case 0x30:
          kind = readVarint(bytes, p, to) | 0;
          p = position | 0;
          break;
        case 0x39:
          if (to - p < 8) truncated(to);
          startLow = view.getUint32(p, true);
          startHigh = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x41:
          if (to - p < 8) truncated(to);
          endLow = view.getUint32(p, true);
          endHigh = view.getUint32(p + 4, true);
          p += 8;
          break;
        case 0x7a: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          if (size > to - p) truncated(to);
          status = readStatusCode(bytes, p, p + size, status) | 0;
          p += size;
          break;
        }
        case 0x85: // flags
          p += 4;
          break;
        default:
          p = skip(bytes, tag, p, to) | 0;
      }
    }
    if (p > to) truncated(to);
    if (kind < 0 || kind > 5) kind = 0;
    hashBytes(bytes, view, nameStart, nameEnd, seed + kind);
    mix(resource0, resource1, hash0, hash1);
    // The halves are subtracted apart: nanoseconds since 1970 are past 2^53, their difference is not.
    const nanos = (endHigh - startHigh) * 4294967296 + (endLow - startLow);
    if (scan.length === scan.capacity) scan.reserve(1, offset);
    const row = scan.length++;
    scan.hash0[row] = hash0;
    scan.hash1[row] = hash1;
    scan.time[row] = (startHigh * 4294967296 + startLow) / 1e6;
    scan.offset[row] = offset;
    scan.container[row] = container;
    scan.duration[row] = nanos > 0 ? nanos / 1e6 : 0;
    scan.failed[row] = status === 2 ? 1 : 0;
    scan.status[row] = status === 1 || status === 2 ? status : 0;
    scan.kind[row] = kind;
    scan.traceId[row] = traceId;
    scan.spanId[row] = spanId;
    scan.parentSpanId[row] = parentSpanId;
  }
  scan.items += items;
  scan.containers.items[container] = items;
}

function readStatusCode(bytes: Uint8Array, start: number, end: number, before: number): number {
  let code = before;
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag === 0x18) {
      code = readVarint(bytes, p, end);
      p = position;
    } else p = skip(bytes, tag, p, end);
  }
  return code;
}
