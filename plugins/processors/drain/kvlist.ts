// Reads the fields of a key-value list body in place.
import { enter, position, readTag, skip } from "vedette/otlp";
import { type Fields, MOST_DEPTH, MOST_FIELDS, Value } from "./fields.ts";

/** AnyValue { string = 1; bool = 2; int = 3; double = 4; array = 5; kvlist = 6; bytes = 7 } */
const LIST = 0x32;
const TEXT = 0x0a;
/** KeyValueList { repeated KeyValue values = 1 }, KeyValue { string key = 1; AnyValue value = 2 } */
const PAIR = 0x0a;
const KEY = 0x0a;
const VALUE = 0x12;

/** Fills `fields` from the AnyValue that is bytes[start, end), whose bytes have been checked. Numbers and lists have no bytes. */
export function readMap(fields: Fields, bytes: Uint8Array, start: number, end: number, parent = -1, depth = 1): void {
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag !== LIST) {
      p = skip(bytes, tag, p, end);
      continue;
    }
    const to = enter(bytes, p, end);
    for (let q = position; q < to && fields.length < MOST_FIELDS; ) {
      const inner = readTag(bytes, q, to);
      q = position;
      if (inner === PAIR) {
        const stop = enter(bytes, q, to);
        readPair(fields, bytes, position, stop, parent, depth);
        q = stop;
      } else q = skip(bytes, inner, q, to);
    }
    p = to;
  }
}

function readPair(fields: Fields, bytes: Uint8Array, start: number, end: number, parent: number, depth: number): void {
  let [keyStart, keyEnd, valueStart, valueEnd] = [start, start, start, start];
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag === KEY || tag === VALUE) {
      const to = enter(bytes, p, end);
      if (tag === KEY) [keyStart, keyEnd] = [position, to];
      else [valueStart, valueEnd] = [position, to];
      p = to;
    } else p = skip(bytes, tag, p, end);
  }
  const field = fields.key(bytes, keyStart, keyEnd, parent);
  if (field >= 0) readValue(fields, bytes, valueStart, valueEnd, field, depth);
}

function readValue(fields: Fields, bytes: Uint8Array, start: number, end: number, field: number, depth: number): void {
  if (start === end) {
    fields.value(field, Value.other, start, start);
    return;
  }
  const tag = readTag(bytes, start, end);
  const at = position;
  if (tag === TEXT) {
    const to = enter(bytes, at, end);
    fields.value(field, Value.text, position, to);
  } else if (tag === LIST && depth < MOST_DEPTH) readMap(fields, bytes, start, end, field, depth + 1);
  else if (tag < 0x28) fields.value(field, Value.encoded, start, start);
  else fields.value(field, Value.other, start, start);
}
