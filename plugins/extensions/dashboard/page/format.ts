// Numbers, times and durations as people read them; times are those of the viewer.
import type { Num } from "../contract.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What keeps a number and its unit on one line. */
const GLUE = "\u00a0";

/** Characters of a unit that are shown: with the longest number it still fits a line. */
const UNIT = 16;

/** UCUM units whose curly annotations say what is counted: "{request}/s" reads "/s". */
function unitOf(unit: string): string {
  const plain = unit.replace(/\{[^}]*\}/g, "").replace(/^1\//, "/");
  return plain === "1" ? "" : plain.slice(0, UNIT);
}

/** What is not a number is a dash. */
export function number(x: Num | undefined, unit = ""): string {
  if (x === null || x === undefined) return "–";
  const value = Number(x);
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  const shown = unitOf(unit);
  if (shown === "By") return bytes(value);
  if (shown === "ms") return Math.abs(value) >= 1000 ? `${plain(value / 1000)}${GLUE}s` : `${plain(value)}${GLUE}ms`;
  if (shown === "s")
    return Math.abs(value) > 0 && Math.abs(value) < 1 ? `${plain(value * 1000)}${GLUE}ms` : `${plain(value)}${GLUE}s`;
  if (shown === "") return plain(value);
  return shown.startsWith("/") ? `${plain(value)}${shown}` : `${plain(value)}${GLUE}${shown}`;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function plain(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(1);
  if (size >= 100) return whole.format(value);
  return String(Number(value.toPrecision(3)));
}

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(n: number): string {
  const power = n === 0 ? 0 : Math.min(BINARY.length - 1, Math.max(0, Math.floor(Math.log2(Math.abs(n)) / 10)));
  return `${plain(n / 1024 ** power)}${GLUE}${BINARY[power]}`;
}

/** Of a part, from 0 to 1. */
export function percent(x: number): string {
  const value = 100 * x;
  return `${value > 0 && value < 10 ? Number(value.toPrecision(2)) : Math.round(value)}${GLUE}%`;
}

/** "23 min", "2 h 10 min", "3 days". */
export function duration(ms: number): string {
  const size = Math.max(0, ms);
  if (size < SECOND) return `${plain(size)}${GLUE}ms`;
  if (size < MINUTE)
    return `${size < 10 * SECOND ? Number((size / SECOND).toPrecision(2)) : Math.round(size / SECOND)}${GLUE}s`;
  if (size < HOUR) return `${Math.floor(size / MINUTE)}${GLUE}min`;
  if (size < DAY) {
    const minutes = Math.floor((size % HOUR) / MINUTE);
    return `${Math.floor(size / HOUR)}${GLUE}h${minutes > 0 ? ` ${minutes}${GLUE}min` : ""}`;
  }
  const days = Math.floor(size / DAY);
  return `${days}${GLUE}${days === 1 ? "day" : "days"}`;
}

/** How long ago; what lies a little ahead is a clock that differs. */
export const age = (ms: number): string => (ms < SECOND ? "now" : `${duration(ms)} ago`);

const two = (n: number) => String(n).padStart(2, "0");

/** "14:03", with `seconds` "14:03:08". */
export function clock(time: number, seconds = false): string {
  const at = new Date(time);
  return `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
}

const dayFormat = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });

/** "23 Nov". */
export const day = (time: number): string => {
  const parts = dayFormat.formatToParts(new Date(time));
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("day")}${GLUE}${of("month")}`;
};

/** The clock of today, the day and the clock of another day. */
export function moment(time: number, now = Date.now()): string {
  return new Date(time).toDateString() === new Date(now).toDateString() ? clock(time) : `${day(time)} ${clock(time)}`;
}

/** "1 metric", "3 metrics". */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${whole.format(n)}${GLUE}${n === 1 ? one : many}`;
