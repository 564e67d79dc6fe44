// What a failed span says of why: a status code, the type of an exception, or both.
import type { Batch } from "vedette";
import { enter, position, readTag, readVarint, skip } from "vedette/otlp";

const encoder = new TextEncoder();
const text = new TextDecoder();

/** Attributes that name a code, and those that name a type; no two are equally long. Later ones count more. */
const CODES = ["http.status_code", "rpc.grpc.status_code", "rpc.response.status_code", "http.response.status_code"];
const TYPES = ["error.type", "exception.type"];
const KEYS = [...CODES, ...TYPES].map((key) => encoder.encode(key));
const BY_LENGTH = Array.from({ length: 26 }, (_, length) => KEYS.findIndex((key) => key.length === length));
const GRPC = CODES.indexOf("rpc.grpc.status_code");
const GRPC_CODES = [
  ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"],
  ["INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
].flat();

/** By key: where the last value lies. */
const starts = new Int32Array(KEYS.length);
const ends = new Int32Array(KEYS.length);

/**
 * "503", "UNAVAILABLE", "TimeoutException" or "500 TimeoutException"; undefined where the span names neither. Read from the row's own bytes, since
 * in an outage it is asked of every span.
 *
 *     Span { repeated KeyValue attributes = 9; repeated Event events = 11 }
 *     Event { repeated KeyValue attributes = 3 }
 */
export function errorClass({ bytes, rows }: Batch, row: number): string | undefined {
  starts.fill(-1);
  const end = enter(bytes, rows.offset[row], bytes.length);
  for (let p = position; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag !== 0x4a && tag !== 0x5a) continue;
    enter(bytes, at, end);
    if (tag === 0x4a) note(bytes, position, p);
    else noteEvent(bytes, position, p);
  }
  const code = last(bytes, 0, CODES.length);
  const named = last(bytes, CODES.length, KEYS.length);
  // packages and modules say little to a person
  const type = named?.slice(Math.max(named.lastIndexOf("."), named.lastIndexOf("/")) + 1) || named;
  if (code === undefined || type === undefined) return code ?? type;
  return code === type ? code : `${code} ${type}`;
}

function noteEvent(bytes: Uint8Array, start: number, end: number): void {
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag !== 0x1a) continue;
    enter(bytes, at, end);
    note(bytes, position, p);
  }
}

/** Remembers the value of an attribute that is one of KEYS. `KeyValue { string key = 1; AnyValue value = 2 }` */
function note(bytes: Uint8Array, start: number, end: number): void {
  let key = -1;
  let from = -1;
  let to = -1;
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag !== 0x0a && tag !== 0x12) continue;
    enter(bytes, at, end);
    if (tag === 0x0a) key = keyOf(bytes, position, p);
    else {
      from = position;
      to = p;
    }
  }
  if (key < 0 || from < 0) return;
  starts[key] = from;
  ends[key] = to;
}

function keyOf(bytes: Uint8Array, start: number, end: number): number {
  const key = BY_LENGTH[end - start] ?? -1;
  if (key < 0) return -1;
  const expected = KEYS[key];
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return -1;
  return key;
}

/** The value of the last of some keys that has one. */
function last(bytes: Uint8Array, from: number, to: number): string | undefined {
  for (let key = to - 1; key >= from; key--) {
    const value = starts[key] < 0 ? undefined : read(bytes, starts[key], ends[key]);
    if (value) return key === GRPC ? (GRPC_CODES[Number(value)] ?? value) : value;
  }
  return undefined;
}

/** `AnyValue { string string_value = 1; int64 int_value = 3 }`; of other kinds undefined. */
function read(bytes: Uint8Array, start: number, end: number): string | undefined {
  const tag = start < end ? readTag(bytes, start, end) : 0;
  if (tag === 0x18) return `${readVarint(bytes, position, end)}`;
  if (tag !== 0x0a) return undefined;
  const to = enter(bytes, position, end);
  return text.decode(bytes.subarray(position, to));
}
