// What each byte may be in a log line: part of a word, a blank, or a mark that stands for itself.

export const Class = {
  /** Letters, digits, underscore and every byte past ASCII. */
  word: 1,
  digit: 2,
  blank: 4,
  /** Ends a word and is a token. */
  delimiter: 8,
  /** Belongs to the word around it, as `.` `/` `-` `@`. */
  inner: 16,
  hex: 32,
  upper: 64,
  lower: 128,
  underscore: 256,
} as const;

const DELIMITERS = "=:,;()[]{}<>\"'|!?`";

function classOf(c: number): number {
  const hex = (c >= 65 && c <= 70) || (c >= 97 && c <= 102) ? Class.hex : 0;
  if (c >= 48 && c <= 57) return Class.word | Class.digit | Class.hex;
  if (c >= 65 && c <= 90) return Class.word | Class.upper | hex;
  if (c >= 97 && c <= 122) return Class.word | Class.lower | hex;
  if (c === 95) return Class.word | Class.underscore;
  if (c >= 128) return Class.word;
  if (c <= 32 || c === 127) return Class.blank;
  return DELIMITERS.includes(String.fromCharCode(c)) ? Class.delimiter : Class.inner;
}

/** A table of classes by byte, in which the bytes of `delimiters` end words too. */
export function byteClasses(delimiters = ""): Uint16Array {
  const classes = Uint16Array.from({ length: 256 }, (_, c) => classOf(c));
  for (const delimiter of Buffer.from(delimiters)) classes[delimiter] = Class.delimiter;
  return classes;
}

/** By byte: 1 where it ends a path or URL. `=`, `?`, `&`, `|` and `!` do not. */
export const endsPath = Uint8Array.from({ length: 256 }, (_, c) =>
  "\"')]}>,;:([{<".includes(String.fromCharCode(c)) ? 1 : 0,
);
