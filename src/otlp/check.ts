// Checks the parts of a request that a scan does not read, so that what is accepted is well-formed to its last byte.
import { DecodeError, enter, MAX_DEPTH, position, readSize, readTag, readVarint, skip, truncated } from "./wire.ts";

/** Messages that are checked, by what they may hold: see `childOf`. */
export const Part = {
  keyValue: 0,
  anyValue: 1,
  array: 2,
  list: 3,
  event: 4,
  link: 5,
  exemplar: 6,
  scope: 7,
  /** Of fields that are no messages: EntityRef. */
  flat: 8,
} as const;

/**
 * Which message a length-delimited field of another is; -1 for strings, bytes and unknown fields.
 *
 *     KeyValue { string key = 1; AnyValue value = 2 }     AnyValue { ArrayValue = 5; KeyValueList = 6 }
 *     ArrayValue { repeated AnyValue = 1 }                KeyValueList { repeated KeyValue = 1 }
 *     Event { attributes = 3 }   Link { attributes = 4 }   Exemplar { filtered_attributes = 7 }
 *     InstrumentationScope { attributes = 3 }
 */
function childOf(part: number, tag: number): number {
  switch (part) {
    case Part.keyValue:
      return tag === 0x12 ? Part.anyValue : -1;
    case Part.anyValue:
      return tag === 0x2a ? Part.array : tag === 0x32 ? Part.list : -1;
    case Part.array:
      return tag === 0x0a ? Part.anyValue : -1;
    case Part.list:
      return tag === 0x0a ? Part.keyValue : -1;
    case Part.event:
    case Part.scope:
      return tag === 0x1a ? Part.keyValue : -1;
    case Part.link:
      return tag === 0x22 ? Part.keyValue : -1;
    case Part.exemplar:
      return tag === 0x3a ? Part.keyValue : -1;
    default:
      return -1;
  }
}

/** Throws DecodeError unless bytes[start, end) is such a message, nested at most MAX_DEPTH deep. */
export function check(bytes: Uint8Array, part: number, start: number, end: number, depth = 0): void {
  if (depth > MAX_DEPTH) throw new DecodeError(`values nested more than ${MAX_DEPTH} deep at byte ${start}`, start);
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    const child = (tag & 7) === 2 ? childOf(part, tag) : -1;
    if (child < 0) {
      p = skip(bytes, tag, p, end);
      continue;
    }
    const to = enter(bytes, p, end);
    if (child === Part.keyValue) checkKeyValue(bytes, position, to, depth + 1);
    else check(bytes, child, position, to, depth + 1);
    p = to;
  }
}

/**
 * The same for a KeyValue, the message that requests are made of. A short key with a text, a number or a truth value, each as
 * an encoder writes it, takes a few looks; anything else is walked.
 */
export function checkKeyValue(bytes: Uint8Array, start: number, end: number, depth = 0): void {
  const value = start + 2 + bytes[start + 1];
  const inner = value + 3;
  if (inner < end && bytes[start] === 0x0a && bytes[start + 1] < 128 && bytes[value] === 0x12) {
    if (bytes[value + 1] < 128 && value + 2 + bytes[value + 1] === end) {
      const kind = bytes[value + 2];
      if (kind === 0x0a && bytes[inner] < 128 && inner + 1 + bytes[inner] === end) return;
      if (kind === 0x18 || kind === 0x10) {
        let last = inner;
        while (last < end && bytes[last] > 127) last++;
        if (last === end - 1 && last - inner < 9) return;
      } else if (kind === 0x21 && inner + 8 === end) return;
    }
  }
  check(bytes, Part.keyValue, start, end, depth);
}

/** Skips a field of a Scope* message that is not a row, checking it if it is the scope itself (1 scope). */
export function skipScope(bytes: Uint8Array, tag: number, at: number, end: number): number {
  const to = skip(bytes, tag, at, end);
  if (tag === 0x0a) check(bytes, Part.scope, position, to);
  return to;
}

/** The number points of a Gauge or a Sum, bytes[start, end), counted: accepts what `scanMetrics` accepts. */
export function checkNumbers(bytes: Uint8Array, start: number, end: number): number {
  let items = 0;
  let p = start;
  while (p < end) {
    const outer = readTag(bytes, p, end) | 0;
    p = position | 0;
    if (outer !== 0x0a) {
      p = skip(bytes, outer, p, end) | 0;
      continue;
    }
    const to = enter(bytes, p, end) | 0;
    p = position | 0;
    items++;
    while (p < to) {
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
          checkKeyValue(bytes, p, p + size);
          p += size;
          break;
        }
        case 0x11:
        case 0x19:
        case 0x21:
        case 0x31:
          p += 8;
          break;
        case 0x40:
          readVarint(bytes, p, to);
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
  }
  return items;
}
