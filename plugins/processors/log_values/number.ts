// Reads a parameter as a number: "512", "-3.5", "1,024", "12ms", "1.5 GB".

const ZERO = 48;
const NINE = 57;
const MOST_DIGITS = 18;
const LONGEST_UNIT = 4;

/** What a unit makes of a number: durations in milliseconds, sizes in bytes. By its letters in lower case, as one number. */
const UNITS = new Map<number, number>();
for (const [unit, factor] of Object.entries({
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  msec: 1,
  s: 1000,
  sec: 1000,
  secs: 1000,
  min: 60_000,
  mins: 60_000,
  h: 3_600_000,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
})) {
  let code = 0;
  for (const letter of unit) code = code * 32 + (letter.charCodeAt(0) & 31);
  UNITS.set(code, factor);
}
/** The micro sign and the Greek letter, in UTF-8. */
const MICRO = [0xc2b5, 0xcebc];

/** The number in bytes[start, end), NaN where there is none, or something beside it. */
export function readNumber(bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  let negative = false;
  if (p < end && (bytes[p] === 45 || bytes[p] === 43)) negative = bytes[p++] === 45;
  let value = 0;
  let digits = 0;
  for (; p < end; p++) {
    const c = bytes[p];
    if (c >= ZERO && c <= NINE) {
      value = value * 10 + (c - ZERO);
      digits++;
      // a comma between digits groups them
    } else if (!(c === 44 && digits > 0 && p + 3 < end && isDigit(bytes[p + 1]))) break;
  }
  if (p < end && bytes[p] === 46 && p + 1 < end && isDigit(bytes[p + 1])) {
    let scale = 0.1;
    for (p++; p < end && isDigit(bytes[p]); p++, digits++) {
      value += (bytes[p] - ZERO) * scale;
      scale /= 10;
    }
  }
  if (digits === 0 || digits > MOST_DIGITS) return Number.NaN;
  if (p < end) {
    const factor = unitOf(bytes, p, end);
    if (Number.isNaN(factor)) return Number.NaN;
    value *= factor;
  }
  return negative ? -value : value;
}

const isDigit = (c: number) => c >= ZERO && c <= NINE;

/** 1 for a percent sign; NaN where the rest is no unit. */
function unitOf(bytes: Uint8Array, start: number, end: number): number {
  let p = start;
  if (bytes[p] === 32) p++;
  if (bytes[p] === 37 && p + 1 === end) return 1;
  if (end - p > LONGEST_UNIT) return Number.NaN;
  if (end - p === 3 && MICRO.includes(bytes[p] * 256 + bytes[p + 1]))
    return (bytes[p + 2] | 32) === 115 ? 1e-3 : Number.NaN;
  let code = 0;
  for (; p < end; p++) {
    const letter = bytes[p] | 32;
    if (letter < 97 || letter > 122) return Number.NaN;
    code = code * 32 + (letter & 31);
  }
  return UNITS.get(code) ?? Number.NaN;
}
