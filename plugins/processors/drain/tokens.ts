// The tokens of one line as columns, and the key of the line made of them.
import { lengthPart, MOST_TOKENS, place1, place2, second } from "./hash.ts";

export const Kind = {
  /** Punctuation. */
  mark: 0,
  /** A constant that may turn out to be a parameter. */
  word: 1,
  /** One of the few values of a key, until there are many. */
  value: 2,
  parameter: 3,
  /** A constant for good: frames, exception types, rulers. */
  fixed: 4,
  /** The key of a field of a structured body; `start` is the field's number. */
  key: 5,
} as const;

const { value: fewValues } = Kind;

/** Reused from line to line: fill it, then `seal`. */
export class Tokens {
  length = 0;
  readonly kind = new Uint8Array(MOST_TOKENS + 2);
  readonly hash = new Int32Array(MOST_TOKENS + 2);
  /** The token is bytes[start, end) of the batch. */
  readonly start = new Uint32Array(MOST_TOKENS + 2);
  readonly end = new Uint32Array(MOST_TOKENS + 2);
  /** After `seal`: both halves of the key, and how many tokens are of Kind.value. */
  key1 = 0;
  key2 = 0;
  values = 0;

  push(kind: number, hash: number, start: number, end: number): void {
    const n = this.length;
    if (n >= MOST_TOKENS) return;
    this.kind[n] = kind;
    this.hash[n] = hash;
    this.start[n] = start;
    this.end[n] = end;
    this.length = n + 1;
  }

  seal(): void {
    const { kind, hash, length } = this;
    let k1 = lengthPart(length);
    let k2 = 0;
    let values = 0;
    for (let i = 0; i < length; i++) {
      const h = hash[i];
      k1 = (k1 + Math.imul(h, place1[i])) | 0;
      k2 = (k2 + Math.imul(second(h), place2[i])) | 0;
      if (kind[i] === fewValues) values++;
    }
    this.key1 = k1;
    this.key2 = k2;
    this.values = values;
  }
}
