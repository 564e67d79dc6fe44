// Whether a log record bears an attribute already: it is looked for in the request's bytes.
import { enter, position, readTag, skip } from "vedette/otlp";

/** LogRecord { repeated KeyValue attributes = 6 }; KeyValue { string key = 1; AnyValue value = 2 } */
const ATTRIBUTES = 0x32;
const KEY = 0x0a;
const VALUE = 0x12;
/** A length below this is one byte. */
const LONG = 128;

/** `offset`: of the record in `bytes`, which have been checked. */
export function hasAttribute(bytes: Uint8Array, offset: number, key: Uint8Array): boolean {
  const end = enter(bytes, offset, bytes.length);
  for (let p = position; p < end; ) {
    if (bytes[p] === ATTRIBUTES && isOrdinary(bytes, p)) {
      if (isKey(bytes, p + 4, bytes[p + 3], key)) return true;
      p += 2 + bytes[p + 1];
      continue;
    }
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag === ATTRIBUTES && hasKey(bytes, at, p, key)) return true;
  }
  return false;
}

function hasKey(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  enter(bytes, start, end);
  for (let p = position; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag !== KEY) continue;
    enter(bytes, at, end);
    if (isKey(bytes, position, p - position, key)) return true;
  }
  return false;
}

/** Whether the attribute at `p` is a short key and a short value, in this order, as senders write them. */
function isOrdinary(bytes: Uint8Array, p: number): boolean {
  const end = p + 2 + bytes[p + 1];
  if (bytes[p + 1] >= LONG || bytes[p + 2] !== KEY || bytes[p + 3] >= LONG) return false;
  const value = p + 4 + bytes[p + 3];
  return bytes[value] === VALUE && bytes[value + 1] < LONG && value + 2 + bytes[value + 1] === end;
}

function isKey(bytes: Uint8Array, at: number, length: number, key: Uint8Array): boolean {
  if (length !== key.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== key[i]) return false;
  return true;
}
