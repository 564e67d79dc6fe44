// What a log record has: its attributes, the fields of a structured body, and whether its severity is what its text says.
import type { Batch, Telemetry } from "vedette";
import { enter, position, readTag, skip } from "vedette/otlp";

/** LogRecord { string severity_text = 3; repeated KeyValue attributes = 6 }; KeyValue { string key = 1; AnyValue value = 2 }. */
const SEVERITY_TEXT = 0x1a;
const ATTRIBUTES = 0x32;
const KEY = 0x0a;
const VALUE = 0x12;
/** AnyValue { string string_value = 1; KeyValueList kvlist_value = 6 }; KeyValueList { repeated KeyValue values = 1 }. */
const STRING = 0x0a;
const LIST = 0x32;

/** Bytes of a body that are looked at, and of its beginning for a level. */
const MOST_BODY = 8192;
const BEGINNING = 64;
const LONGEST_NAME = 200;
const BODY = "body.";

/** A field that no attribute can be called: what the record's severity number says beside its text. */
export const SEVERITY = "\0severity";

/** Types of values, by the field number of their AnyValue. */
const TYPES = [
  "nothing",
  "text",
  "true or false",
  "a whole number",
  "a number",
  "a list",
  "a map",
  "bytes",
  "empty text",
  "what the text says",
  "other than the text says",
] as const;
const EMPTY = 8;
const AGREES = 9;
const CONTRADICTS = 10;

/** Levels as they are written, by the range of severity numbers they stand for: 1 TRACE to 6 FATAL. */
const LEVELS = new Map(
  [
    ["trace"],
    ["debug", "dbug", "verbose"],
    ["info", "information", "notice"],
    ["warn", "warning"],
    ["error", "err", "eror"],
    ["fatal", "critical", "crit", "panic", "emerg", "emergency", "alert"],
  ].flatMap((words, i) => words.map((word) => [word, i + 1] as const)),
);

let hash = 0;
/** Told of each field as it is met; undefined while only the hash is wanted. */
let content: Map<string, string> | undefined;
/** Range of the level that the text names, 0 where it names none. */
let level = 0;

/** A number that is the same for records with the same fields of the same types, whatever their order. */
export function signatureOf(batch: Batch<"logs">, row: number): number {
  content = undefined;
  read(batch, row);
  return hash;
}

/** What the record has, by name, with its type. */
export function recordOf(batch: Batch<"logs">, row: number): Map<string, string> {
  content = new Map();
  read(batch, row);
  return content;
}

function read({ bytes, rows }: Batch<"logs">, row: number): void {
  hash = level = 0;
  const end = enter(bytes, rows.offset[row], bytes.length);
  for (let p = position; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag === ATTRIBUTES) pair(bytes, at, p, "");
    else if (tag === SEVERITY_TEXT) {
      enter(bytes, at, p);
      named(bytes, position, p);
    }
  }
  const start = rows.bodyStart[row];
  const until = Math.min(rows.bodyEnd[row], start + MOST_BODY);
  if (rows.bodyKind[row] === 6 && until === rows.bodyEnd[row]) list(bytes, start, until);
  else if (rows.bodyKind[row] === 1) {
    if (bytes[start] === 0x7b) object(bytes, start, until);
    if (level === 0) word(bytes, start, until);
  }
  const severity = (rows.severity[row] + 3) >> 2;
  // of neighbours it is a matter of taste: a notice may be a warning
  if (level > 0 && severity > 0) met(SEVERITY, 1, Math.abs(severity - level) < 2 ? AGREES : CONTRADICTS);
}

/** One field: its name, where that is wanted, the hash of it, and its type. */
function met(name: string, nameHash: number, type: number): void {
  const h = Math.imul(nameHash ^ Math.imul(type + 1, 0x85ebca6b), 0x9e3779b1);
  hash = (hash + (h ^ (h >>> 15))) | 0;
  content?.set(name, TYPES[type]);
}

function pair(bytes: Uint8Array, at: number, end: number, prefix: string): void {
  enter(bytes, at, end);
  let keyStart = 0;
  let keyEnd = 0;
  let type = 0;
  let from = 0;
  let to = 0;
  for (let p = position; p < end; ) {
    const tag = readTag(bytes, p, end);
    const start = position;
    p = skip(bytes, tag, start, end);
    if (tag !== KEY && tag !== VALUE) continue;
    enter(bytes, start, p);
    if (tag === KEY) {
      keyStart = position;
      keyEnd = p;
    } else if (position < p) {
      const kind = readTag(bytes, position, p);
      type = kind >>> 3;
      if (kind === STRING) {
        enter(bytes, position, p);
        from = position;
        to = p;
        if (from === to) type = EMPTY;
      }
    }
  }
  field(bytes, keyStart, keyEnd, prefix, type);
  if (prefix !== "" && to > from && isLevel(bytes, keyStart, keyEnd)) named(bytes, from, to);
}

function field(bytes: Uint8Array, keyStart: number, keyEnd: number, prefix: string, type: number): void {
  // our own marks are no part of it
  if (prefix === "" && keyEnd - keyStart > 8 && isMark(bytes, keyStart)) return;
  let h = prefix === "" ? 0x2545f491 : 0x6c078965;
  for (let i = keyStart; i < keyEnd; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  const name = content ? prefix + text(bytes, keyStart, keyEnd).slice(0, LONGEST_NAME) : "";
  met(name, h | 1, type);
}

const MARK = Buffer.from("anomaly.");

function isMark(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < MARK.length; i++) if (bytes[at + i] !== MARK[i]) return false;
  return true;
}

const text = (bytes: Uint8Array, start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString();

/** The AnyValue of a key-value list. */
function list(bytes: Uint8Array, start: number, end: number): void {
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    const at = position;
    p = skip(bytes, tag, at, end);
    if (tag !== LIST) continue;
    enter(bytes, at, p);
    for (let q = position; q < p; ) {
      const inner = readTag(bytes, q, p);
      const from = position;
      q = skip(bytes, inner, from, p);
      if (inner === KEY) pair(bytes, from, q, BODY);
    }
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The fields at the top of a JSON object; what is cut off or no JSON ends it. */
function object(bytes: Uint8Array, start: number, end: number): void {
  let p = start + 1;
  for (;;) {
    p = blank(bytes, p, end);
    if (p >= end || bytes[p] !== QUOTE) return;
    const keyStart = p + 1;
    p = closing(bytes, keyStart, end);
    const keyEnd = p;
    p = blank(bytes, p + 1, end);
    if (p >= end || bytes[p] !== 0x3a) return;
    const from = blank(bytes, p + 1, end);
    const to = after(bytes, from, end);
    if (to > end) return;
    field(bytes, keyStart, keyEnd, BODY, jsonType(bytes, from, to));
    if (bytes[from] === QUOTE && isLevel(bytes, keyStart, keyEnd)) named(bytes, from + 1, to - 1);
    p = blank(bytes, to, end);
    if (p >= end || bytes[p] !== 0x2c) return;
    p++;
  }
}

function blank(bytes: Uint8Array, at: number, end: number): number {
  let p = at;
  while (p < end && bytes[p] <= 32) p++;
  return p;
}

/** Where the text that began before `at` ends: its closing quote, or `end`. */
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
    else if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) return p;
      if (--depth === 0) return p + 1;
    } else if (depth === 0 && (c === 0x2c || c <= 32)) return p;
  }
  return end + 1;
}

function jsonType(bytes: Uint8Array, from: number, to: number): number {
  switch (bytes[from]) {
    case QUOTE:
      return to - from === 2 ? EMPTY : 1;
    case 0x7b:
      return 6;
    case 0x5b:
      return 5;
    case 0x74:
    case 0x66:
      return 2;
    case 0x6e:
      return 0;
    default:
      return 4;
  }
}

/** Whether a key of a structured body is one for levels: level, lvl, severity, severity_text. */
function isLevel(bytes: Uint8Array, start: number, end: number): boolean {
  const size = end - start;
  const first = bytes[start] | 32;
  if (size < 3 || size > 13 || (first !== 0x6c && first !== 0x73)) return false;
  const key = text(bytes, start, end).toLowerCase();
  return key === "level" || key === "lvl" || key === "loglevel" || key === "severity" || key === "severity_text";
}

/** Text that is a level. */
function named(bytes: Uint8Array, start: number, end: number): void {
  if (end - start < 3 || end - start > 11) return;
  level = LEVELS.get(text(bytes, start, end).toLowerCase()) ?? level;
}

/** The first word of the beginning that is a level in capitals, or in brackets: "2026-11-23 ERROR x", "[error] x". */
function word(bytes: Uint8Array, start: number, until: number): void {
  const end = Math.min(until, start + BEGINNING);
  for (let p = start; p < end; ) {
    const c = bytes[p];
    const isCapital = c >= 65 && c <= 90;
    if (!isCapital && !(c >= 97 && c <= 122)) {
      p++;
      continue;
    }
    const from = p;
    let capitals = true;
    for (; p < end && (bytes[p] | 32) >= 97 && (bytes[p] | 32) <= 122; p++) if (bytes[p] >= 97) capitals = false;
    const bracketed = bytes[from - 1] === 0x5b && bytes[p] === 0x5d;
    const marked = (capitals || bracketed) && p - from >= 4 && p - from <= 11;
    if (!marked) continue;
    const before = level;
    named(bytes, from, p);
    if (level !== before) return;
  }
}

/** As a sentence calls it: "attribute user.id", "field user of the body". */
export function called(field: string, signal: Telemetry): string {
  return signal === "logs" && field.startsWith(BODY)
    ? `field ${field.slice(BODY.length)} of the body`
    : `attribute ${field}`;
}
