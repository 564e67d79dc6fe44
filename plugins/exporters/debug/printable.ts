// Foreign text made safe for a terminal: no character of it moves a cursor, begins a line or reverses the text.

const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const SHORT: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const code = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** One line, with control and direction characters written as JSON writes them. */
export const printable = (text: string): string => text.replace(UNSAFE, (c) => SHORT[c] ?? code(c));

/** JSON in many lines, still the same JSON: JSON itself leaves the characters past ASCII as they are. */
export const prettyJson = (json: string): string =>
  JSON.stringify(JSON.parse(json), null, 2).replace(UNSAFE, (c) => (c === "\n" ? c : code(c)));

/** ISO 8601 in UTC; a dash for a time that no calendar has. */
export function isoTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? "-" : date.toISOString();
}
