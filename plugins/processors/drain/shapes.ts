// Shapes of values that any system's logs have: hex, addresses, class names, quoted text, values in brackets.
import { Class, closing } from "./byte_class.ts";
import { Kind, type Tokens } from "./tokens.ts";
import { classesIn, dots, escapes, isHyphened, isPath, slashes } from "./word.ts";

/** Longest value in quotes, and in brackets. */
const LONGEST_QUOTED = 256;
const LONGEST_BRACKETS = 128;

/** Whether the word that `scanRest` read last is a parameter whatever stands beside it: numbers, ids, paths, URLs, addresses of mail. */
export function isParameterByShape(start: number, end: number): boolean {
  if ((classesIn & Class.digit) !== 0 || escapes > 0) return true;
  if (end - start === 1) return false;
  return isPath || slashes >= 2 || (slashes === 1 && (dots > 0 || isHyphened || (classesIn & Class.underscore) !== 0));
}

export function isHex(bytes: Uint8Array, classes: Uint16Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((classes[bytes[i]] & Class.hex) === 0) return false;
  return true;
}

/** Whether the two bytes at `start` are part of a MAC or IPv6 address: more of it follows, or came before. */
export function isPartOfAddress(
  bytes: Uint8Array,
  classes: Uint16Array,
  start: number,
  to: number,
  goesOn: boolean,
): boolean {
  if (!isHex(bytes, classes, start, start + 2)) return false;
  return goesOn || (start + 4 < to && bytes[start + 2] === 58 && isHex(bytes, classes, start + 3, start + 5));
}

/** Whether "name.tld" ends at `end` and a port follows its colon. */
export function isHostAndPort(
  bytes: Uint8Array,
  classes: Uint16Array,
  start: number,
  end: number,
  to: number,
): boolean {
  const topLevel = (length: number) => end - start > length + 1 && bytes[end - length - 1] === 46;
  if (!topLevel(2) && !topLevel(3) && !topLevel(4)) return false;
  let i = end + 1;
  while (i < to && (classes[bytes[i]] & Class.digit) !== 0) i++;
  const digits = i - end - 1;
  return digits >= 1 && digits <= 5 && (i === to || (classes[bytes[i]] & (Class.blank | Class.delimiter)) !== 0);
}

/** Whether what follows the last dot of a dotted name starts with a capital: org.x.ClassName, android.intent.action.BOOT. */
export function namesClass(bytes: Uint8Array, classes: Uint16Array, afterDot: number, end: number): boolean {
  return afterDot < end && (classes[bytes[afterDot]] & Class.upper) !== 0;
}

/** Where a value in quotes, which starts with one at `start`, has ended; -1 where it is empty, too long or never ends. */
export function endOfQuoted(bytes: Uint8Array, start: number, to: number): number {
  const quote = bytes[start];
  const limit = Math.min(to, start + 1 + LONGEST_QUOTED);
  let i = start + 1;
  while (i < limit && bytes[i] !== quote) i++;
  return i < limit && i > start + 1 ? i + 1 : -1;
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

/** Where the colour that an escape byte before `at` begins has ended, as in "[32m"; `at` where it is something else. */
export function endOfEscape(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to || bytes[at] !== 91) return at;
  let i = at + 1;
  while (i < to && ((bytes[i] >= 48 && bytes[i] <= 57) || bytes[i] === 59)) i++;
  return i < to && bytes[i] === 109 ? i + 1 : at;
}

/** Where "(12)" at `at` has ended: the number that some print behind a name; `at` where none is. */
export function endOfOrdinal(bytes: Uint8Array, classes: Uint16Array, at: number, to: number): number {
  let i = at + 1;
  while (i < to && (classes[bytes[i]] & Class.digit) !== 0) i++;
  return i > at + 1 && i < to && bytes[i] === 41 ? i + 1 : at;
}

/** Whether the last tokens are "12 bytes (1.2 KB", of which a bracket closes now: one size, told twice. */
export function isRepeatedSize({ kind, start }: Tokens, bytes: Uint8Array, length: number): boolean {
  return (
    kind[length - 2] === Kind.mark &&
    bytes[start[length - 2]] === 40 &&
    kind[length - 3] === Kind.word &&
    kind[length - 4] === Kind.parameter
  );
}
