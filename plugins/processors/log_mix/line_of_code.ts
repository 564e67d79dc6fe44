// Which line of code wrote a record, where its first parameters say so behind the logger: "t.s.TravelServiceImpl#532".
import type { Mined } from "vedette";

const HASH = 35;
const MOST_DIGITS = 5;
/** Parameters of a record's head: its time, thread and logger. */
const HEAD = 4;
/** Numbers of lines are below it. */
export const LINES = 10 ** MOST_DIGITS;

/** Which parameter of the record says it, from 0 on; -1 for none. */
export function linePlace(bytes: Uint8Array, mined: Mined, row: number): number {
  const first = mined.firstParameter[row];
  const end = Math.min(mined.endParameter[row], first + HEAD);
  for (let at = first; at < end; at++) {
    const hash = hashBefore(bytes, mined.parameterStart[at], mined.parameterEnd[at]);
    if (hash > mined.parameterStart[at] && isLetter(bytes[hash - 1])) return at - first;
  }
  return -1;
}

/** The line that parameter `place` of the record says; 0 where it says none. */
export function lineOf(bytes: Uint8Array, mined: Mined, row: number, place: number): number {
  const at = mined.firstParameter[row] + place;
  if (at >= mined.endParameter[row]) return 0;
  const end = mined.parameterEnd[at];
  const hash = hashBefore(bytes, mined.parameterStart[at], end);
  if (hash < 0) return 0;
  let line = 0;
  for (let i = hash + 1; i < end; i++) line = 10 * line + bytes[i] - 48;
  return line;
}

/** Where the mark is that stands before the digits at the end; -1 where there is none. */
function hashBefore(bytes: Uint8Array, start: number, end: number): number {
  let i = end - 1;
  while (i >= start && end - i <= MOST_DIGITS && bytes[i] >= 48 && bytes[i] <= 57) i--;
  return i >= start && i < end - 1 && bytes[i] === HASH ? i : -1;
}

const isLetter = (byte: number) => (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
