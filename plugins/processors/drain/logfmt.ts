// Reads the fields of a line of logfmt in place: key=value key="a value".
import { type Fields, MOST_STRUCTURED, Value } from "./fields.ts";

const [QUOTE, BACKSLASH, EQUALS, COMMA, SEMICOLON] = Buffer.from('"\\=,;');
/** Pairs that make a line logfmt. */
const FEWEST = 2;

/** Fills `fields`, which are empty. Returns false where bytes[from, end) has anything but such pairs. */
export function readLogfmt(fields: Fields, bytes: Uint8Array, from: number, end: number): boolean {
  const to = Math.min(end, from + MOST_STRUCTURED);
  let i = from;
  while (i < to) {
    if (bytes[i] <= 32) {
      i++;
      continue;
    }
    const key = i;
    while (i < to && isOfKey(bytes[i])) i++;
    if (i === key || i >= to || bytes[i] !== EQUALS) return false;
    const field = fields.key(bytes, key, i, -1);
    if (field < 0) return true;
    i++;
    if (i < to && bytes[i] === QUOTE) {
      const start = ++i;
      while (i < to && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
      if (i >= to && to === end) return false;
      fields.value(field, Value.text, start, Math.min(i, to));
      i++;
      if (i < to && bytes[i] > 32) return false;
    } else {
      const start = i;
      while (i < to && bytes[i] > 32) i++;
      const last = i > start ? bytes[i - 1] : 0;
      if (last === COMMA || last === SEMICOLON) return false;
      fields.value(field, isDigit(bytes[start]) ? Value.number : Value.text, start, i);
    }
  }
  return fields.length >= FEWEST;
}

/** Whether a line may be logfmt: it starts with a key and an equals sign. Cheap. */
export function startsWithPair(bytes: Uint8Array, from: number, end: number): boolean {
  const to = Math.min(end, from + 64);
  let i = from;
  while (i < to && isOfKey(bytes[i])) i++;
  return i > from && i < to && bytes[i] === EQUALS;
}

const isDigit = (c: number) => c >= 48 && c <= 57;
/** Letters, digits, and `_` `-` `.` `/` `@`. */
function isOfKey(c: number): boolean {
  return (c >= 97 && c <= 122) || (c >= 64 && c <= 90) || (c >= 45 && c <= 57) || c === 95;
}
