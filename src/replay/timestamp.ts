// Timestamps as people write them: ISO 8601, or a Unix time whose unit its size tells.

/** The first numbers that are read as milliseconds, microseconds and nanoseconds: as seconds they are past the year 5000. */
const FROM_MILLIS = 1e11;
const FROM_MICROS = 1e14;
const FROM_NANOS = 1e17;

const ISO =
  /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$/i;
const NUMBER = /^[+-]?\d+(?:\.\d*)?(?:e[+]?\d+)?$/i;

const NANOS = /^\d{18,20}$/;

/** Unix milliseconds; without a zone it is UTC. NaN when the text is no timestamp. */
export function parseTimestamp(text: string): number {
  const plain = ofPlain(text);
  if (!Number.isNaN(plain)) return plain;
  const trimmed = text.trim();
  // as one number, nanoseconds would lose digits
  if (NANOS.test(trimmed)) return Number(trimmed.slice(0, -6)) + Number(trimmed.slice(-6)) / 1e6;
  if (NUMBER.test(trimmed)) return ofUnix(Number(trimmed));
  const parts = ISO.exec(trimmed);
  if (!parts) return Number.NaN;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = parts;
  // Date.UTC takes a 13th month or a 31st of February for days of the next
  if (+month < 1 || +month > 12 || +day < 1 || +day > daysOf(+year, +month)) return Number.NaN;
  if (+hour > 24 || +minute > 59 || +second > 60) return Number.NaN;
  const date = new Date(0);
  date.setUTCFullYear(+year, +month - 1, +day);
  const millis = fraction === "" ? 0 : Number(`0.${fraction}`) * 1000;
  return date.getTime() + ((+hour * 60 + +minute) * 60 + +second) * 1000 + millis - offsetOf(zone);
}

/** "2026-11-22 18:40:05", perhaps with a T or a Z: what most files have, in a tenth of the time. NaN for all else. */
function ofPlain(text: string): number {
  if (text.length !== 19 && (text.length !== 20 || text[19] !== "Z")) return Number.NaN;
  if (text[4] !== "-" || text[7] !== "-" || text[13] !== ":" || text[16] !== ":") return Number.NaN;
  if (text[10] !== " " && text[10] !== "T") return Number.NaN;
  const [year, month, day] = [pairAt(text, 0) * 100 + pairAt(text, 2), pairAt(text, 5), pairAt(text, 8)];
  const [hour, minute, second] = [pairAt(text, 11), pairAt(text, 14), pairAt(text, 17)];
  // Date.UTC takes 99 for 1999, and what lies past the end of a month, a day or an hour for what comes next
  if (!(year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month))) return Number.NaN;
  if (!(hour < 24 && minute < 60 && second < 60)) return Number.NaN;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Two digits as a number, NaN where they are none. */
function pairAt(text: string, at: number): number {
  const [tens, ones] = [text.charCodeAt(at) - 48, text.charCodeAt(at + 1) - 48];
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? 10 * tens + ones : Number.NaN;
}

function ofUnix(value: number): number {
  const size = Math.abs(value);
  if (size < FROM_MILLIS) return value * 1000;
  if (size < FROM_MICROS) return value;
  return size < FROM_NANOS ? value / 1e3 : value / 1e6;
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

function offsetOf(zone: string): number {
  if (!/^[+-]/.test(zone)) return 0;
  const digits = zone.slice(1).replace(":", "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0);
  return (zone[0] === "-" ? -minutes : minutes) * 60_000;
}
