// The tokens of a record as text, for a template that is new.
import type { Fields } from "./fields.ts";
import { Kind, type Tokens } from "./tokens.ts";

/** By token: its text, a space before it where one is; "<*>" for a parameter. `fields`: of the same record, where it is structured. */
export function wordsOf({ length, kind, start, end }: Tokens, fields: Fields, bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length }, (_, i) => {
    if (kind[i] === Kind.key) return ` ${fields.name(bytes, start[i])}=`;
    const own = kind[i] === Kind.parameter ? "<*>" : text.toString("utf8", start[i], end[i]);
    const gap = i > 0 && kind[i - 1] !== Kind.key && isSpaced(bytes, start[i], end[i - 1]);
    return gap ? ` ${own}` : own;
  });
}

/** Whether a blank stands before the token at `start`; the one before it ended at `ended`. A "<" of a comparison may stand between. */
function isSpaced(bytes: Uint8Array, start: number, ended: number): boolean {
  if (start <= ended) return false;
  const compares = bytes[start - 1] === 60 || bytes[start - 1] === 62;
  return bytes[start - (compares ? 2 : 1)] <= 32;
}
