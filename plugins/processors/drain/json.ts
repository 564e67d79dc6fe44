// Reads the fields of a JSON object in place: no value is decoded.
import { type Fields, MOST_DEPTH, MOST_STRUCTURED, Value } from "./fields.ts";

const [QUOTE, BACKSLASH, COMMA, COLON] = Buffer.from('"\\,:');
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = Buffer.from("{}[]");

/** Fills `fields`, which are empty. Returns false where bytes[from, end) is no JSON object. */
export function readJson(fields: Fields, bytes: Uint8Array, from: number, end: number): boolean {
  const to = Math.min(end, from + MOST_STRUCTURED);
  const cut = to < end;
  /** Fields that hold the object that is being read. */
  let parent = -1;
  let depth = 1;
  let i = blanks(bytes, from + 1, to);
  for (;;) {
    if (i >= to) return cut;
    if (bytes[i] === CLOSE) {
      i = blanks(bytes, i + 1, to);
      if (--depth === 0) return i === to && fields.length > 0;
      parent = fields.parent[parent];
      if (i < to && bytes[i] === COMMA) i = blanks(bytes, i + 1, to);
      else if (i < to && bytes[i] !== CLOSE) return false;
      continue;
    }
    if (bytes[i] !== QUOTE) return false;
    const keyEnd = endOfText(bytes, i + 1, to);
    if (keyEnd >= to) return cut;
    const field = fields.key(bytes, i + 1, keyEnd, parent);
    if (field < 0) return true;
    i = blanks(bytes, keyEnd + 1, to);
    if (i >= to) return cut;
    if (bytes[i] !== COLON) return false;
    i = blanks(bytes, i + 1, to);
    if (i >= to) return cut;
    const c = bytes[i];
    if (c === OPEN && depth < MOST_DEPTH) {
      parent = field;
      depth++;
      i = blanks(bytes, i + 1, to);
      continue;
    }
    let stop: number;
    if (c === QUOTE) {
      stop = endOfText(bytes, i + 1, to);
      fields.value(field, Value.text, i + 1, stop);
      stop++;
    } else if (c === OPEN || c === OPEN_LIST) {
      stop = endOfNested(bytes, i, to);
      fields.value(field, Value.other, i, stop);
    } else {
      stop = endOfScalar(bytes, i, to);
      const type = scalarType(c);
      if (type === 0) return false;
      fields.value(field, type, i, stop);
    }
    if (stop >= to) return cut;
    i = blanks(bytes, stop, to);
    if (i < to && bytes[i] === COMMA) {
      i = blanks(bytes, i + 1, to);
      if (i < to && bytes[i] !== QUOTE) return false;
    } else if (i < to && bytes[i] !== CLOSE) return false;
  }
}

function blanks(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i] <= 32) i++;
  return i;
}

/** Where the closing quote is, `to` at the latest. */
function endOfText(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return Math.min(i, to);
}

function endOfNested(bytes: Uint8Array, from: number, to: number): number {
  let depth = 0;
  for (let i = from; i < to; i++) {
    const c = bytes[i];
    if (c === QUOTE) i = endOfText(bytes, i + 1, to);
    else if (c === OPEN || c === OPEN_LIST) depth++;
    else if ((c === CLOSE || c === CLOSE_LIST) && --depth === 0) return i + 1;
  }
  return to;
}

function endOfScalar(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i] > 32 && bytes[i] !== COMMA && bytes[i] !== CLOSE) i++;
  return i;
}

/** By the first byte; 0 for what is no JSON. */
function scalarType(c: number): number {
  if (c === 45 || (c >= 48 && c <= 57)) return Value.number;
  if (c === 116 || c === 102) return Value.boolean;
  return c === 110 ? Value.other : 0;
}
