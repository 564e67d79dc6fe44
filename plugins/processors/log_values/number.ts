// Reads a parameter as a number: "512", "-3.5", "1,024", "2e-5", "12ms", "1.5 GB", "1m30.5s".
import { readPlain } from "./plain.ts";

const [ZERO, NINE, COMMA, DOT, MINUS, PLUS, BLANK, PERCENT] = Buffer.from("09,.-+ %");
const [A, E, Z] = Buffer.from("aez");
const MOST_DIGITS = 18;
const LONGEST_UNIT = 4;

/** What a number is of: of nothing that is said, milliseconds, bytes, percent. */
export const Kind = { none: 0, time: 1, size: 2, percent: 3 } as const;

/** What a unit makes of a number: durations in milliseconds, sizes in bytes. By its letters in lower case, as one number. */
const UNITS = new Map<number, readonly [factor: number, kind: number]>();
for (const [kind, units] of [
  [Kind.time, { ns: 1e-6, us: 1e-3, ms: 1, msec: 1, s: 1e3, sec: 1e3, secs: 1e3 }],
  [Kind.time, { min: 6e4, mins: 6e4, h: 3.6e6, hr: 3.6e6, hrs: 3.6e6 }],
  [Kind.size, { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 }],
  [Kind.size, { kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3, tib: 1024 ** 4, ki: 1024, mi: 1024 ** 2, gi: 1024 ** 3 }],
  [Kind.none, { k: 1e3, g: 1e9 }],
] as const) {
  for (const [unit, factor] of Object.entries(units)) {
    UNITS.set(
      [...unit].reduce((code, letter) => code * 32 + (letter.charCodeAt(0) & 31), 0),
      [factor, kind],
    );
  }
}
/** The micro sign and the Greek letter, in UTF-8. */
const MICRO = [0xc2b5, 0xcebc];
/** In a duration of several parts "m" is minutes. */
const MINUTES = 6e4;

/** What the number that was read last is of. */
export let kind: number = Kind.none;
/** The unit that was looked up last. */
let latest = -1;
let latestUnit: readonly [factor: number, kind: number] | undefined;
/** Where the digits that `digits` read last have ended. */
let at = 0;

/** The number in bytes[start, end), NaN where there is none, or something beside it. `view` is of the same bytes. */
export function readNumber(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  kind = Kind.none;
  // most are digits and nothing else
  const plain = readPlain(view, start, end);
  if (plain >= 0) return plain;
  let whole = 0;
  let p = start;
  for (; p < end && isDigit(bytes[p]); p++) whole = whole * 10 + (bytes[p] - ZERO);
  const count = p - start;
  if (count > 0 && count <= MOST_DIGITS) {
    if (p === end) return whole;
    // and then, a unit
    const c = bytes[p] | 32;
    if (c >= A && c <= Z && c !== E && endOfLetters(bytes, p, end) === end) return whole * unit(bytes, p, end);
  }
  const first = bytes[start];
  const signed = start < end && (first === MINUS || first === PLUS);
  if (count > MOST_DIGITS) return Number.NaN;
  const value = magnitude(bytes, signed ? start + 1 : start, end);
  return signed && first === MINUS ? -value : value;
}

function magnitude(bytes: Uint8Array, start: number, end: number): number {
  const value = digits(bytes, start, end);
  if (at === end || Number.isNaN(value)) return value;
  if ((bytes[at] | 32) === E) return value * power(bytes, at + 1, end);
  const letters = endOfLetters(bytes, at, end);
  if (letters === end) return value * unit(bytes, at, end);
  return isDigit(bytes[letters]) ? value * step(bytes, at, letters) + rest(bytes, letters, end) : Number.NaN;
}

/** The parts of a duration after its first: "30.5s" of "1m30.5s". */
function rest(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let p = start; p < end; ) {
    const value = digits(bytes, p, end);
    const from = at;
    p = endOfLetters(bytes, from, end);
    // also where there are no digits, or no letters
    sum += value * step(bytes, from, p);
    if (Number.isNaN(sum)) return sum;
  }
  return sum;
}

function step(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1 && bytes[start] === 109) return MINUTES;
  const factor = unit(bytes, start, end);
  return kind === Kind.time ? factor : Number.NaN;
}

/** Digits with a point, and commas where they divide thousands. */
function digits(bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  let value = 0;
  let count = 0;
  for (; p < end; p++) {
    const c = bytes[p];
    if (isDigit(c)) {
      value = value * 10 + (c - ZERO);
      count++;
    } else if (c !== COMMA || !groups(bytes, start, p, end)) break;
  }
  if (p + 1 < end && bytes[p] === DOT && isDigit(bytes[p + 1])) {
    let scale = 0.1;
    for (p++; p < end && isDigit(bytes[p]); p++, count++) {
      value += (bytes[p] - ZERO) * scale;
      scale /= 10;
    }
  }
  at = p;
  return count === 0 || count > MOST_DIGITS ? Number.NaN : value;
}

const isDigit = (c: number) => c >= ZERO && c <= NINE;

/** Whether the comma at `comma` has three digits behind it, and one to three before. */
function groups(bytes: Uint8Array, start: number, comma: number, end: number): boolean {
  if (comma + 3 >= end || comma === start) return false;
  for (let p = comma + 1; p <= comma + 3; p++) if (!isDigit(bytes[p])) return false;
  if (comma + 4 < end && isDigit(bytes[comma + 4])) return false;
  return bytes[comma - 4] === COMMA ? comma - 4 > start : comma - start <= 3;
}

/** Ten to the whole number in bytes[start, end). */
function power(bytes: Uint8Array, start: number, end: number): number {
  const signed = bytes[start] === MINUS || bytes[start] === PLUS;
  const from = signed ? start + 1 : start;
  if (end <= from || end - from > 2) return Number.NaN;
  let value = 0;
  for (let p = from; p < end; p++) {
    if (!isDigit(bytes[p])) return Number.NaN;
    value = value * 10 + (bytes[p] - ZERO);
  }
  return 10 ** (bytes[start] === MINUS ? -value : value);
}

/** A blank before them, and a percent sign, count as letters. */
function endOfLetters(bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  while (p < end && !isDigit(bytes[p])) p++;
  return p;
}

/** What it makes of a number; NaN where the bytes are no unit. */
function unit(bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  if (bytes[p] === BLANK) p++;
  const length = end - p;
  if (bytes[p] === PERCENT && length === 1) {
    kind = Kind.percent;
    return 1;
  }
  if (length > LONGEST_UNIT) return Number.NaN;
  if (length === 3 && MICRO.includes(bytes[p] * 256 + bytes[p + 1])) {
    kind = Kind.time;
    return (bytes[p + 2] | 32) === 115 ? 1e-3 : Number.NaN;
  }
  let code = 0;
  for (; p < end; p++) {
    const letter = bytes[p] | 32;
    if (letter < 97 || letter > 122) return Number.NaN;
    code = code * 32 + (letter & 31);
  }
  if (code !== latest) {
    latest = code;
    latestUnit = UNITS.get(code);
  }
  const known = latestUnit;
  if (!known) return Number.NaN;
  kind = known[1];
  return known[0];
}
