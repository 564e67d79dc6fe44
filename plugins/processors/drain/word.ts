// Scans a word that is not of letters only: where it ends, and what is in it.
import { Class, endsPath } from "./byte_class.ts";

const { blank, delimiter, inner } = Class;

/** Where the last word scanned ends. */
export let wordEnd = 0;
/** Every class of byte that is in it. */
export let classesIn = 0;
/** Dots, and where what follows the last one starts. */
export let dots = 0;
export let afterDot = 0;
/** Slashes; those of `://` count. */
export let slashes = 0;
/** Whether it has a hyphen. */
export let isHyphened = false;
/** Backslashes and @. */
export let escapes = 0;
/** Whether it is a path from the root, or a URL. */
export let isPath = false;

const ENDS = blank | delimiter;
const STOPS = ENDS | inner;
const [DOT, SLASH, COLON, AT, BACKSLASH, HYPHEN] = Buffer.from("./:@\\-");

/** The word that starts at `start` and has only letters, of classes `letters`, before `from`, where something else is: all that is exported here. */
export function scanRest(
  bytes: Uint8Array,
  classes: Uint16Array,
  start: number,
  from: number,
  to: number,
  letters: number,
): void {
  let any = letters;
  let dotsIn = 0;
  let slashesIn = 0;
  let escapesIn = 0;
  let path = bytes[start] === SLASH;
  let hyphen = false;
  let i = from;
  for (; i < to; i++) {
    const c = bytes[i];
    const f = classes[c];
    if ((f & STOPS) !== 0) {
      if ((f & blank) !== 0) break;
      if ((f & delimiter) !== 0) {
        if (c === COLON && i > start && i + 2 < to && bytes[i + 1] === SLASH && bytes[i + 2] === SLASH) {
          path = true;
          slashesIn = 2;
        } else if (!path || endsPath[c] !== 0) break;
      } else if (c === DOT) {
        if (i + 1 < to && bytes[i + 1] === DOT) break;
        dotsIn++;
        afterDot = i + 1;
      } else if (c === SLASH) slashesIn++;
      else if (c === HYPHEN) hyphen = true;
      else if (c === BACKSLASH || c === AT) escapesIn++;
    }
    any |= f;
  }
  wordEnd = i;
  classesIn = any;
  dots = dotsIn;
  slashes = slashesIn;
  escapes = escapesIn;
  isPath = path;
  isHyphened = hyphen;
}

/** Where the word whose first byte, a digit, is at `start` has ended; its last full stop is part of it. */
export function endOfNumber(bytes: Uint8Array, classes: Uint16Array, start: number, to: number): number {
  let i = start + 1;
  for (; i < to; i++) {
    const c = bytes[i];
    if ((classes[c] & ENDS) !== 0 || (c === DOT && i + 1 < to && bytes[i + 1] === DOT)) break;
  }
  return i;
}
