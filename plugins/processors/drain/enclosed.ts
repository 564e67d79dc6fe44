// Values that marks enclose: in quotes, brackets and angles, and the name of a thread; and the colours of terminals.
import { Class } from "./byte_class.ts";
import { hashOf } from "./hash.ts";
import { Sense, senseOf } from "./vocabulary.ts";

/** Longest value in quotes, and in brackets. */
const LONGEST_QUOTED = 256;
const LONGEST_BRACKETS = 128;
/** Longest word in quotes, and name of a thread. */
const LONGEST_WORD = 64;

/** The bracket that closes one; 0 for what opens none. */
export function closing(c: number): number {
  if (c === 123) return 125;
  if (c === 91) return 93;
  return c === 40 ? 41 : 0;
}

/** Where a value in quotes, which starts with one at `start`, has ended; -1 where it is empty, too long or never ends. */
export function endOfQuoted(bytes: Uint8Array, start: number, to: number): number {
  const quote = bytes[start];
  const limit = Math.min(to, start + 1 + LONGEST_QUOTED);
  let i = start + 1;
  while (i < limit && bytes[i] !== quote) i++;
  return i < limit && i > start + 1 ? i + 1 : -1;
}

/** Where the quote is that closes the one at `start`, if one word stands between: such are values. -1 where it is more, or a key. */
export function endOfQuotedWord(bytes: Uint8Array, classes: Uint16Array, start: number, to: number): number {
  const quote = bytes[start];
  const limit = Math.min(to, start + LONGEST_WORD);
  let i = start + 1;
  while (i < limit && bytes[i] !== quote && bytes[i] !== 92 && (classes[bytes[i]] & Class.blank) === 0) i++;
  const last = bytes[i] === 92 ? i + 1 : i; // the quotes themselves may be escaped
  if (i === start + 1 || last >= limit || bytes[last] !== quote) return -1;
  const goesOn = last + 1 < to && (bytes[last + 1] === 58 || (classes[bytes[last + 1]] & Class.word) !== 0);
  return goesOn ? -1 : i;
}

/** Where text in quotes that comes after a value has ended: it is one more. -1 where it is a request, as "GET /a", a key, or as `endOfQuoted` has it. */
export function endOfQuotedValue(bytes: Uint8Array, start: number, to: number): number {
  let i = start + 1;
  while (i < to && bytes[i] >= 65 && bytes[i] <= 90) i++;
  if ((senseOf(hashOf(bytes, start + 1, i)) & Sense.method) !== 0) return -1;
  const end = endOfQuoted(bytes, start, to);
  return end > 0 && end < to && bytes[end] === 58 ? -1 : end;
}

/** Where the square bracket closes inside of which `start` is, if one word stands there, no level, and the sentence goes on: such are values. -1 otherwise. */
export function endOfBracketed(bytes: Uint8Array, classes: Uint16Array, start: number, to: number): number {
  const limit = Math.min(to, start + LONGEST_WORD);
  const end = endOfWord(bytes, classes, start, limit);
  if (end === start || end + 1 >= to || bytes[end] !== 93 || bytes[end + 1] === 91 || bytes[end + 1] === 58) return -1;
  return (senseOf(hashOf(bytes, start, end)) & Sense.level) !== 0 ? -1 : end;
}

/** Where "<a@b>" at `start` has ended; -1 where it holds a blank, nothing, or never ends. */
export function endOfAngle(bytes: Uint8Array, classes: Uint16Array, start: number, to: number): number {
  const limit = Math.min(to, start + LONGEST_BRACKETS);
  let i = start + 1;
  while (i < limit && bytes[i] !== 62 && (classes[bytes[i]] & Class.blank) === 0) i++;
  return i < limit && bytes[i] === 62 && i > start + 1 ? i + 1 : -1;
}

/** Where brackets that open at `at` have closed, nested ones included; `at` where they do not, or none open. */
export function endOfBrackets(bytes: Uint8Array, at: number, to: number): number {
  const open = bytes[at];
  const close = closing(open);
  if (close === 0) return at;
  const limit = Math.min(to, at + LONGEST_BRACKETS);
  let depth = 1;
  for (let i = at + 1; i < limit; i++) {
    if (bytes[i] === open) depth++;
    else if (bytes[i] === close && --depth === 0) return i + 1;
  }
  return at;
}

/** Where "(12)" at `at` has ended: the number that some print behind a name; `at` where none is. */
export function endOfOrdinal(bytes: Uint8Array, classes: Uint16Array, at: number, to: number): number {
  let i = at + 1;
  while (i < to && (classes[bytes[i]] & Class.digit) !== 0) i++;
  return i > at + 1 && i < to && bytes[i] === 41 ? i + 1 : at;
}

/** Where the colour that an escape byte before `at` begins has ended, as in "[32m"; `at` where it is something else. */
export function endOfEscape(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to || bytes[at] !== 91) return at;
  let i = at + 1;
  while (i < to && ((bytes[i] >= 48 && bytes[i] <= 57) || bytes[i] === 59)) i++;
  return i < to && bytes[i] === 109 ? i + 1 : at;
}

/**
 * Where the bracket is that closes the one at `start`, if the dotted name of a logger follows, as in "INFO [main] org.x.Y" and "[main] INFO org.x.Y": such is a
 * thread. -1 otherwise. `isAfterLevel`: the level came before.
 */
export function endOfThread(
  bytes: Uint8Array,
  classes: Uint16Array,
  start: number,
  to: number,
  isAfterLevel: boolean,
): number {
  const limit = Math.min(to, start + LONGEST_WORD);
  let stop = start + 1;
  while (stop < limit && bytes[stop] !== 93) stop++;
  if (stop === start + 1 || stop >= limit) return -1;
  let name = endOfBlanks(bytes, stop + 1, to);
  if (!isAfterLevel) {
    const end = endOfWord(bytes, classes, name, to);
    if ((senseOf(hashOf(bytes, name, end)) & Sense.level) === 0) return -1;
    name = endOfBlanks(bytes, end, to);
  }
  if (name === stop + 1 || name >= to || (classes[bytes[name]] & Class.digit) !== 0) return -1;
  const end = endOfWord(bytes, classes, name, to);
  return bytes.subarray(name, end).includes(46) ? stop : -1;
}

function endOfBlanks(bytes: Uint8Array, start: number, to: number): number {
  let i = start;
  while (i < to && bytes[i] === 32) i++;
  return i;
}

function endOfWord(bytes: Uint8Array, classes: Uint16Array, start: number, to: number): number {
  let i = start;
  while (i < to && (classes[bytes[i]] & (Class.blank | Class.delimiter)) === 0) i++;
  return i;
}
