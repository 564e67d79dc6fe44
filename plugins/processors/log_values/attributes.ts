// Walks over the attributes of a log record as they lie in the request.
import { enter, position, readTag, skip } from "vedette/otlp";
import { hashOf } from "./values.ts";

/** LogRecord { repeated KeyValue attributes = 6 }; KeyValue { string key = 1; AnyValue value = 2 }; AnyValue { string 1, bool 2, int 3 }. */
const ATTRIBUTES = 0x32;
const KEY = 0x0a;
const VALUE = 0x12;
const [TEXT, TRUTH, WHOLE] = [0x0a, 0x10, 0x18];
/** Our own marks are no part of a record. */
const MARK = Buffer.from("anomaly.");

/** Where an attribute's key and its AnyValue lie, and hashes of both. */
export interface Attribute {
  keyStart: number;
  keyEnd: number;
  keyHash: number;
  valueStart: number;
  valueEnd: number;
  valueHash: number;
}

const found: Attribute = { keyStart: 0, keyEnd: 0, keyHash: 0, valueStart: 0, valueEnd: 0, valueHash: 0 };

/** Calls `visit` with each attribute that is text, a whole number or a truth value; the object is the same each time. `offset` is the record's. */
export function eachAttribute(bytes: Uint8Array, offset: number, visit: (attribute: Attribute) => void): void {
  const end = enter(bytes, offset, bytes.length);
  let p = position;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag === ATTRIBUTES && read(bytes, at, p)) visit(found);
  }
}

function read(bytes: Uint8Array, at: number, end: number): boolean {
  enter(bytes, at, end);
  found.keyStart = found.keyEnd = found.valueStart = found.valueEnd = 0;
  for (let p = position; p < end; ) {
    const tag = readTag(bytes, p, end);
    const start = position;
    p = skip(bytes, tag, start, end);
    if (tag !== KEY && tag !== VALUE) continue;
    enter(bytes, start, end);
    if (tag === KEY) {
      found.keyStart = position;
      found.keyEnd = p;
    } else {
      found.valueStart = position;
      found.valueEnd = p;
    }
  }
  const { keyStart, keyEnd, valueStart, valueEnd } = found;
  if (keyEnd === keyStart || valueEnd === valueStart || isMark(bytes, keyStart, keyEnd)) return false;
  const type = bytes[valueStart];
  if (type !== TEXT && type !== TRUTH && type !== WHOLE) return false;
  found.keyHash = hashOf(bytes, keyStart, keyEnd);
  found.valueHash = hashOf(bytes, valueStart, valueEnd);
  return true;
}

function isMark(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < MARK.length) return false;
  for (let i = 0; i < MARK.length; i++) if (bytes[start + i] !== MARK[i]) return false;
  return true;
}

/** The value as text. */
export function textOf(bytes: Uint8Array, { valueStart, valueEnd }: Attribute): string {
  const tag = readTag(bytes, valueStart, valueEnd);
  const at = position;
  if (tag === TEXT) {
    enter(bytes, at, valueEnd);
    return Buffer.from(bytes.subarray(position, valueEnd)).toString();
  }
  let value = 0n;
  for (let p = at, shift = 0n; p < valueEnd; p++, shift += 7n) value |= BigInt(bytes[p] & 127) << shift;
  return tag === TRUTH ? String(value !== 0n) : String(BigInt.asIntN(64, value));
}
