// Reads the fields of a line of logfmt in place: key=value key="a value".
import { Type } from "./fields.ts";
import type { OnField } from "./json.ts";

const [QUOTE, BACKSLASH, EQUALS, COMMA, SEMICOLON, MINUS, DOT] = Buffer.from('"\\=,;-.');
/** Pairs that make a line logfmt. */
const FEWEST = 2;

/** Whether bytes[start, end) is such pairs and nothing else; told of are also those before what is none. */
export function readLogfmt(bytes: Uint8Array, start: number, end: number, onField: OnField): boolean {
  let pairs = 0;
  for (let p = start; p < end; ) {
    if (bytes[p] <= 32) {
      p++;
      continue;
    }
    const key = p;
    while (p < end && isOfKey(bytes[p])) p++;
    const keyEnd = p;
    if (keyEnd === key || p >= end || bytes[p] !== EQUALS) return false;
    const quoted = p + 1 < end && bytes[p + 1] === QUOTE;
    const from = quoted ? p + 2 : p + 1;
    p = from;
    if (quoted) while (p < end && bytes[p] !== QUOTE) p += bytes[p] === BACKSLASH ? 2 : 1;
    else while (p < end && bytes[p] > 32) p++;
    if (quoted && (p >= end || (p + 1 < end && bytes[p + 1] > 32))) return false;
    if (!quoted && (bytes[p - 1] === COMMA || bytes[p - 1] === SEMICOLON)) return false;
    const type = p === from ? Type.empty : !quoted && isNumber(bytes, from, p) ? Type.number : Type.text;
    if (!onField(key, keyEnd, type, from, p)) return false;
    pairs++;
    if (quoted) p++;
  }
  return pairs >= FEWEST;
}

/** Digits, with a sign and a point at most. */
function isNumber(bytes: Uint8Array, start: number, end: number): boolean {
  let points = 0;
  for (let p = bytes[start] === MINUS ? start + 1 : start; p < end; p++) {
    const c = bytes[p];
    if (c === DOT) points++;
    else if (c < 48 || c > 57) return false;
  }
  return points < 2;
}

/** Letters, digits, and `_` `-` `.` `/` `@`. */
function isOfKey(c: number): boolean {
  return (c >= 97 && c <= 122) || (c >= 64 && c <= 90) || (c >= 45 && c <= 57) || c === 95;
}
