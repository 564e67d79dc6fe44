// Reads the fields at the top of a JSON object in place.
import { Type } from "./fields.ts";

/** Told of a field: where its key and its value are, text without its quotes. False ends the reading. */
export type OnField = (keyStart: number, keyEnd: number, type: number, start: number, end: number) => boolean;

const [QUOTE, BACKSLASH, COMMA, COLON] = Buffer.from('"\\,:');
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = Buffer.from("{}[]");

/** Whether bytes[start, end) is one JSON object, as far as can be seen without a look into its values; told of are also the fields before the fault. */
export function readJson(bytes: Uint8Array, start: number, end: number, onField: OnField): boolean {
  let p = blanks(bytes, start + 1, end);
  if (bytes[p] === CLOSE) return blanks(bytes, p + 1, end) === end;
  for (;;) {
    if (p >= end || bytes[p] !== QUOTE) return false;
    const keyStart = p + 1;
    const keyEnd = closing(bytes, keyStart, end);
    p = blanks(bytes, keyEnd + 1, end);
    if (p >= end || bytes[p] !== COLON) return false;
    const from = blanks(bytes, p + 1, end);
    const to = after(bytes, from, end);
    const type = typeOf(bytes, from, to);
    if (to > end || type < 0) return false;
    const quotes = bytes[from] === QUOTE ? 1 : 0;
    if (!onField(keyStart, keyEnd, type, from + quotes, to - quotes)) return false;
    p = blanks(bytes, to, end);
    if (p < end && bytes[p] === CLOSE) return blanks(bytes, p + 1, end) === end;
    if (p >= end || bytes[p] !== COMMA) return false;
    p = blanks(bytes, p + 1, end);
  }
}

export function blanks(bytes: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && bytes[p] <= 32) p++;
  return p;
}

/** Where the text that began before `at` has its closing quote; `end` or more where it has none. */
function closing(bytes: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && bytes[p] !== QUOTE) p += bytes[p] === BACKSLASH ? 2 : 1;
  return p;
}

/** Where a value ends; beyond `end` where it does not. */
function after(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] === QUOTE) return closing(bytes, at + 1, end) + 1;
  let depth = 0;
  for (let p = at; p < end; p++) {
    const c = bytes[p];
    if (c === QUOTE) p = closing(bytes, p + 1, end);
    else if (c === OPEN || c === OPEN_LIST) depth++;
    else if (c === CLOSE || c === CLOSE_LIST) {
      if (depth === 0) return p;
      if (--depth === 0) return p + 1;
    } else if (depth === 0 && (c === COMMA || c <= 32)) return p;
  }
  return end + 1;
}

/** By the first byte of a value; -1 for what is none. */
function typeOf(bytes: Uint8Array, from: number, to: number): number {
  const c = bytes[from];
  if (c === QUOTE) return to - from === 2 ? Type.empty : Type.text;
  if (c === OPEN) return Type.map;
  if (c === OPEN_LIST) return Type.list;
  if (c === 0x74 || c === 0x66) return Type.boolean;
  if (c === 0x6e) return Type.nothing;
  return c === 0x2d || (c >= 48 && c <= 57) ? Type.number : -1;
}
