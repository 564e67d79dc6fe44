// Walks over the attributes of a log record as they lie in the request.
import { enter, position, readTag, skip } from "vedette/otlp";
import { hashOf } from "./values.ts";

/** LogRecord { repeated KeyValue attributes = 6 }; KeyValue { string key = 1; AnyValue value = 2 }; AnyValue { string 1, bool 2, int 3 }. */
const ATTRIBUTES = 0x32;
const KEY = 0x0a;
const VALUE = 0x12;
const SCALARS = new Set([0x0a, 0x10, 0x18]);

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
  found.keyEnd = found.valueEnd = 0;
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
  if (found.keyEnd === 0 || found.valueEnd === found.valueStart || !SCALARS.has(bytes[found.valueStart])) return false;
  found.keyHash = hashOf(bytes, found.keyStart, found.keyEnd);
  found.valueHash = hashOf(bytes, found.valueStart, found.valueEnd);
  return true;
}

/** The value as text. */
export function textOf(bytes: Uint8Array, { valueStart, valueEnd }: Attribute): string {
  const tag = readTag(bytes, valueStart, valueEnd);
  const at = position;
  if (tag === KEY) {
    enter(bytes, at, valueEnd);
    return Buffer.from(bytes.subarray(position, valueEnd)).toString();
  }
  let value = 0n;
  for (let p = at, shift = 0n; p < valueEnd; p++, shift += 7n) value |= BigInt(bytes[p] & 127) << shift;
  return tag === 0x10 ? String(value !== 0n) : String(BigInt.asIntN(64, value));
}
