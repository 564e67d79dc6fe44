// The level that a log record names in its text, as people and programs write it.

/** Ranges of severity numbers, in their order: 1 to 4 is TRACE; "" is unset. */
export const RANGES = ["", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;

/** By range: how it is written. */
const WORDS = [
  "",
  "trace trce finest finer",
  "debug dbug dbg verbose vrb fine",
  "info inf information informational notice",
  "warn wrn warning",
  "error err eror fail failure severe",
  "fatal ftl critical crit panic emerg emergency alert",
].map((words) => words.split(" "));

interface Level {
  readonly word: string;
  /** Of RANGES. */
  readonly range: number;
}

/** Levels are numbers in here; 0 is none. */
export const LEVELS: readonly Level[] = [
  { word: "", range: 0 },
  ...WORDS.slice(1).flatMap((words, i) => words.map((word) => ({ word, range: i + 1 }))),
];

const numberOf = (word: string) => LEVELS.findIndex((level) => level.word === word);
const BY_HASH = new Map(LEVELS.slice(1).map(({ word }, i) => [hashOf(Buffer.from(word), 0, word.length), i + 1]));
/** Fields of a structured body that say it. */
const KEYS = new Set(
  "level lvl severity severity_text severitytext loglevel log_level log.level levelname level_name @level @l l"
    .split(" ")
    .map((key) => hashOf(Buffer.from(key), 0, key.length)),
);
/** syslog's, by their number. */
const SYSLOG = "emerg alert crit err warning notice info debug".split(" ").map(numberOf);
/** As pino and bunyan write them: 10 to 60. */
const TENS = ["", "trace", "debug", "info", "warn", "error", "fatal"].map(numberOf);
/** As klog begins a line. */
const LETTERS = new Map([..."DIWEF"].map((c, i) => [c.charCodeAt(0), TENS[2 + i]]));

const SHORTEST = 3;
const LONGEST = 13;
/** Bytes of a text in which it is looked for. */
const BEGINNING = 128;
/** May stand before and behind it. */
const BOUNDS = new Set(Buffer.from(" \t[](){}<>|:,;/-\"'*"));

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x2545f491;
  for (let i = start; i < end; i++) {
    const c = bytes[i];
    h = Math.imul(h ^ (c >= 65 && c <= 90 ? c + 32 : c), 0x01000193);
  }
  return h;
}

/** Whether the value of this key is a level. */
export function isLevelKey(bytes: Uint8Array, start: number, end: number): boolean {
  return end > start && end - start <= LONGEST && KEYS.has(hashOf(bytes, start, end));
}

/** Text that is nothing but a level, in any case, or the number of one. */
export function levelOfWord(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length >= SHORTEST && length <= LONGEST) return BY_HASH.get(hashOf(bytes, start, end)) ?? 0;
  if (length === 1) return SYSLOG[bytes[start] - 48] ?? 0;
  return length === 2 && bytes[start + 1] === 48 ? (TENS[bytes[start] - 48] ?? 0) : 0;
}

/**
 * The level at the beginning of a line: "E1123 10:00:00 ...", "fail: ...", the first in capitals or brackets, "2026-11-23 ERROR x", or else
 * that of syslog's "<131>".
 */
export function levelOfText(bytes: Uint8Array, start: number, until: number): number {
  const end = Math.min(until, start + BEGINNING);
  const letter = isKlog(bytes, start, end) ? LETTERS.get(bytes[start]) : undefined;
  if (letter !== undefined) return letter;
  for (let p = start; p < end && bytes[p] !== 10; ) {
    if (!isLetter(bytes[p])) {
      p++;
      continue;
    }
    const from = p;
    let capitals = true;
    for (; p < until && isOfWord(bytes[p]); p++) if (bytes[p] >= 97) capitals = false;
    if (p - from < SHORTEST || p - from > LONGEST) continue;
    const before = from === start ? 0 : bytes[from - 1];
    const behind = p === until ? 0 : bytes[p];
    const isBound = (before === 0 || BOUNDS.has(before)) && (behind === 0 || behind === 10 || BOUNDS.has(behind));
    const marked = capitals || (before === 0x5b && behind === 0x5d) || (from === start && behind === 0x3a);
    const level = isBound && marked ? levelOfWord(bytes, from, p) : 0;
    if (level > 0) return level;
  }
  return priority(bytes, start, end);
}

const isDigit = (c: number) => c >= 48 && c <= 57;
const isLetter = (c: number) => (c | 32) >= 97 && (c | 32) <= 122;
const isOfWord = (c: number) => isLetter(c) || isDigit(c) || c === 95;

function isKlog(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 9 || bytes[start + 5] !== 32 || bytes[start + 8] !== 0x3a) return false;
  for (let i = 1; i < 5; i++) if (!isDigit(bytes[start + i])) return false;
  return true;
}

/** Of "<131>". */
function priority(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] !== 0x3c) return 0;
  let value = 0;
  let p = start + 1;
  for (; p < end && p < start + 4 && isDigit(bytes[p]); p++) value = 10 * value + bytes[p] - 48;
  return p > start + 1 && p < end && bytes[p] === 0x3e && value < 192 ? SYSLOG[value & 7] : 0;
}
