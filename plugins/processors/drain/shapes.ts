// Shapes of words that any system's logs have: hex, addresses, names of classes and loggers.
import { Class } from "./byte_class.ts";
import { classesIn, dots, escapes, isHyphened, isPath, slashes } from "./word.ts";

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

/** Whether the two to four letters at `start` are part of a MAC or IPv6 address: more of it follows, or came before. */
export function isPartOfAddress(
  bytes: Uint8Array,
  classes: Uint16Array,
  start: number,
  end: number,
  to: number,
  goesOn: boolean,
): boolean {
  if (!isHex(bytes, classes, start, end)) return false;
  if (end > start + 2) return goesOn && end < to && bytes[end] === 58;
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

/** Whether the name that ends at `end` is a logger's: " : " or " - " follows it. */
export function isLogger(bytes: Uint8Array, end: number, to: number): boolean {
  let i = end;
  while (i < to && bytes[i] === 32) i++;
  const divides = bytes[i] === 58 || (bytes[i] === 45 && i > end);
  return divides && i + 1 < to && bytes[i + 1] === 32;
}
