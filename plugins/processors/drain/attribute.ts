// Whether a log record bears an attribute already: it is looked for in the request's bytes.
import { enter, position, readTag, skip } from "vedette/otlp";

/** LogRecord { repeated KeyValue attributes = 6 }; KeyValue { string key = 1 } */
const ATTRIBUTES = 0x32;
const KEY = 0x0a;

/** `offset`: of the record in `bytes`, which have been checked. */
export function hasAttribute(bytes: Uint8Array, offset: number, key: Uint8Array): boolean {
  const end = enter(bytes, offset, bytes.length);
  for (let p = position; p < end; ) {
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
    if (p - position !== key.length) continue;
    let same = 0;
    while (same < key.length && bytes[position + same] === key[same]) same++;
    if (same === key.length) return true;
  }
  return false;
}
