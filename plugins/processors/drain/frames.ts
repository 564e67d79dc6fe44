// What follows the first line of a record: the types of exceptions and the top frames of the stack are part of its template.
import { hashOf, mixed, WORD_SEED } from "./hash.ts";
import { Kind, type Tokens } from "./tokens.ts";

const TOP_FRAMES = 3;
const MOST_LINES = 64;

/** Whether the word that ends at `end` is the name of an exception: "...Exception", "...Error". */
export function namesException(bytes: Uint8Array, start: number, end: number): boolean {
  return endsWith(bytes, start, end, "eption") || endsWith(bytes, start, end, "Error");
}

/** Appends a token for each exception type and for the first frames in bytes[from, to), without line numbers. */
export function readFrames(tokens: Tokens, bytes: Uint8Array, from: number, to: number): void {
  let frames = 0;
  for (let i = from, lines = 0; i < to && lines < MOST_LINES; lines++) {
    while (i < to && (bytes[i] === 32 || bytes[i] === 9)) i++;
    const indented = i > from && (bytes[i - 1] === 32 || bytes[i - 1] === 9);
    const stop = until(bytes, i, to, 10);
    if (starts(bytes, i, stop, "at ")) {
      // at org.x.Class.method(File.java:12), at fn (/a/b.js:1:2), at Namespace.Class.Method() in C:\a.cs:line 3
      if (frames++ < TOP_FRAMES) pushFrame(tokens, bytes, i + 3, until(bytes, i + 3, stop, 40));
    } else if (starts(bytes, i, stop, "File ")) {
      // File "/a/b.py", line 12, in method
      let name = stop;
      while (name > i && bytes[name - 1] !== 32) name--;
      if (frames++ >= TOP_FRAMES) dropOldest(tokens); // the frame at the top comes last
      pushFrame(tokens, bytes, name, stop);
    } else {
      const colon = until(bytes, i, stop, 58);
      const end = trimmed(bytes, i, colon);
      if (starts(bytes, i, stop, "Caused by")) {
        const type = until(bytes, colon + 2, stop, 58);
        tokens.push(Kind.fixed, hashOf(bytes, i, end), i, end);
        if (type > colon + 2) tokens.push(Kind.fixed, hashOf(bytes, colon + 2, type), colon + 2, type);
      } else if (!indented && namesException(bytes, i, end) && until(bytes, i, end, 32) === end) {
        tokens.push(Kind.fixed, hashOf(bytes, i, end), i, end);
      }
    }
    i = stop + 1;
  }
}

/** Takes the third to last token out. */
function dropOldest(tokens: Tokens): void {
  const { length } = tokens;
  for (const column of [tokens.kind, tokens.hash, tokens.start, tokens.end]) {
    column.copyWithin(length - TOP_FRAMES, length - TOP_FRAMES + 1, length);
  }
  tokens.length--;
}

/** Whether a frame is the first thing in bytes[from, to). */
export function startsFrame(bytes: Uint8Array, from: number, to: number): boolean {
  let i = from;
  while (i < to && bytes[i] <= 32) i++;
  return starts(bytes, i, to, "at ") || starts(bytes, i, to, "File ") || starts(bytes, i, to, "...");
}

/** The name of a function. Numbers in it are those of generated code. */
function pushFrame(tokens: Tokens, bytes: Uint8Array, start: number, end: number): void {
  let h = WORD_SEED;
  for (let i = start; i < end; i++) if (bytes[i] < 48 || bytes[i] > 57) h = mixed(h, bytes[i]);
  const shown = trimmed(bytes, start, end);
  if (shown > start) tokens.push(Kind.fixed, h, start, shown);
}

function until(bytes: Uint8Array, start: number, end: number, c: number): number {
  let i = start;
  while (i < end && bytes[i] !== c) i++;
  return Math.min(i, end);
}

function trimmed(bytes: Uint8Array, start: number, end: number): number {
  let i = end;
  while (i > start && bytes[i - 1] <= 32) i--;
  return i;
}

function starts(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (end - at < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

function endsWith(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[end - text.length + i] !== text.charCodeAt(i)) return false;
  return true;
}
