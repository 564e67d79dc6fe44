// Scans one ExportLogsServiceRequest into columns.
import { check, checkKeyValue, Part, skipScope } from "./check.ts";
import type { LogScan } from "./columns.ts";
import { hash0, hash1, mix } from "./identity.ts";
import { scanScopes } from "./scopes.ts";
import { enter, position, readMillis, readSize, readTag, readVarint, skip, truncated } from "./wire.ts";

/** Fills `scan`, after resetting it, from a whole request. Throws DecodeError, and then `scan` means nothing. */
export function scanLogs(bytes: Uint8Array, scan: LogScan, seed: number): void {
  scanScopes(bytes, scan, seed, true, scanScopeLogs);
}

/** Index of a severity number's range: 1 TRACE, 2 DEBUG, 3 INFO, 4 WARN, 5 ERROR, 6 FATAL; 0 unspecified. */
export function severityRange(severity: number): number {
  return (severity + 3) >> 2;
}

/**
 *     ScopeLogs { repeated LogRecord log_records = 2 }
 *     LogRecord { fixed64 time_unix_nano = 1; SeverityNumber severity_number = 2; AnyValue body = 5;
 *                 repeated KeyValue attributes = 6; bytes trace_id = 9; bytes span_id = 10;
 *                 fixed64 observed_time_unix_nano = 11 }
 */
function scanScopeLogs(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scan: LogScan,
  container: number,
  resource0: number,
  resource1: number,
): void {
  let items = 0;
  let lastRange = -1;
  let identity0 = 0;
  let identity1 = 0;
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
    let time = 0;
    let observed = 0;
    let severity = 0;
    let traceId = 0;
    let spanId = 0;
    let bodyKind = 0;
    let bodyStart = 0;
    let bodyEnd = 0;
    while (p < to) {
      let tag = bytes[p++];
      if (tag > 127) {
        tag = readTag(bytes, p - 1, to) | 0;
        p = position | 0;
      }
      switch (tag) {
        case 0x32: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          if (size > to - p) truncated(to);
          checkKeyValue(bytes, p, p + size);
          p += size;
          break;
        }
        case 0x1a: // severity_text
        case 0x62: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
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
          if (size > to - p) truncated(to);
          if (size > 1 && bytes[p] === 0x0a && bytes[p + 1] === size - 2 && size < 130) {
            bodyKind = 1;
            bodyStart = p + 2;
            bodyEnd = p + size;
          } else {
            valueKind = bodyKind;
            valueStart = bodyStart;
            valueEnd = bodyEnd;
            check(bytes, Part.anyValue, p, p + size);
            readBody(bytes, p, p + size);
            bodyKind = valueKind | 0;
            bodyStart = valueStart | 0;
            bodyEnd = valueEnd | 0;
          }
          p += size;
          break;
        }
        case 0x4a:
        case 0x52: {
          if (p === to) truncated(to);
          let size = bytes[p++];
          if (size > 127) {
            size = readSize(bytes, p - 1, to) | 0;
            p = position | 0;
          }
          if (tag === 0x4a) traceId = size === 16 ? p : 0;
          else spanId = size === 8 ? p : 0;
          p += size;
          break;
        }
        case 0x09:
          if (to - p < 8) truncated(to);
          time = readMillis(view, p);
          p += 8;
          break;
        case 0x59:
          if (to - p < 8) truncated(to);
          observed = readMillis(view, p);
          p += 8;
          break;
        case 0x10:
          severity = readVarint(bytes, p, to) | 0;
          p = position | 0;
          break;
        case 0x45: // flags
          p += 4;
          break;
        default:
          p = skip(bytes, tag, p, to) | 0;
      }
    }
    if (p > to) truncated(to);
    if (severity < 0 || severity > 24) severity = 0;
    const range = severityRange(severity);
    if (range !== lastRange) {
      mix(resource0, resource1, range, 0);
      identity0 = hash0 | 0;
      identity1 = hash1 | 0;
      lastRange = range;
    }
    if (scan.length === scan.capacity) scan.reserve(1, offset);
    const row = scan.length++;
    scan.hash0[row] = identity0;
    scan.hash1[row] = identity1;
    scan.time[row] = time === 0 ? observed : time;
    scan.offset[row] = offset;
    scan.container[row] = container;
    scan.severity[row] = severity;
    scan.bodyKind[row] = bodyKind;
    scan.bodyStart[row] = bodyStart;
    scan.bodyEnd[row] = bodyEnd;
    scan.traceId[row] = traceId;
    scan.spanId[row] = spanId;
  }
  scan.items += items;
  scan.containers.items[container] = items;
}

/** Of the body being read. */
let valueKind = 0;
let valueStart = 0;
let valueEnd = 0;

/** AnyValue { string string_value = 1; other kinds = 2 to 7 }: the last one counts, none leaves the value as it was. */
function readBody(bytes: Uint8Array, start: number, end: number): void {
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag === 0x0a) {
      p = enter(bytes, p, end);
      valueKind = 1;
      valueStart = position;
      valueEnd = p;
    } else {
      p = skip(bytes, tag, p, end);
      if (tag >>> 3 <= 7) {
        valueKind = tag >>> 3;
        valueStart = start;
        valueEnd = end;
      }
    }
  }
}
