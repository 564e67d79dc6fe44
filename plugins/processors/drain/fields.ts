// The fields of a structured body as columns, whatever it is written in.
import { hashOf, mixed } from "./hash.ts";
import { senseOf } from "./vocabulary.ts";

/** Most fields of a body that count. */
export const MOST_FIELDS = 64;
/** Deepest nesting whose fields are looked at one by one; what is deeper is one value. */
export const MOST_DEPTH = 4;
/** Most bytes of a structured body that are looked at. */
export const MOST_STRUCTURED = 65_536;
/** A key with so many digits is an id, not a name. */
const DIGITS_OF_ID = 4;

export const Value = {
  text: 1,
  /** A number in text. */
  number: 2,
  boolean: 3,
  /** Null, a list, an object too deep, bytes. */
  other: 4,
  /** A number or boolean that is not written as text. */
  encoded: 5,
} as const;

/** Reused from body to body. */
export class Fields {
  length = 0;
  /** Hash of the key with those of the objects it is in, and of the key itself; senses of that. */
  readonly hash = new Int32Array(MOST_FIELDS);
  readonly own = new Int32Array(MOST_FIELDS);
  readonly sense = new Uint16Array(MOST_FIELDS);
  readonly keyStart = new Uint32Array(MOST_FIELDS);
  readonly keyEnd = new Uint32Array(MOST_FIELDS);
  /** The field that it is in, which is itself none that counts; -1 at the top. */
  readonly parent = new Int8Array(MOST_FIELDS);
  /** Of Value; 0 for one that only holds others. */
  readonly type = new Uint8Array(MOST_FIELDS);
  /** The value without quotes. */
  readonly start = new Uint32Array(MOST_FIELDS);
  readonly end = new Uint32Array(MOST_FIELDS);
  /** After `sort`: fields by their keys. */
  readonly order = new Uint8Array(MOST_FIELDS);
  /** The first bytes of the key, as a number. */
  readonly #initials = new Uint32Array(MOST_FIELDS);

  /** Begins a field whose value is not known yet: its number, -1 where there is no room. */
  key(bytes: Uint8Array, start: number, end: number, parent: number): number {
    if (this.length === MOST_FIELDS) return -1;
    const field = this.length++;
    const own = hashOfKey(bytes, start, end);
    this.hash[field] = parent < 0 ? own : mixed(this.hash[parent], own);
    this.own[field] = own;
    this.sense[field] = senseOf(own);
    this.keyStart[field] = start;
    this.keyEnd[field] = end;
    this.parent[field] = parent;
    this.type[field] = 0;
    let initials = 0;
    for (let i = 0; i < 4; i++) initials = (initials << 8) | (start + i < end ? bytes[start + i] : 0);
    this.#initials[field] = initials;
    return field;
  }

  value(field: number, type: number, start: number, end: number): void {
    this.type[field] = type;
    this.start[field] = start;
    this.end[field] = end;
  }

  /** Puts them in the order of their keys, so that it does not matter in which they were sent. */
  sort(bytes: Uint8Array): void {
    const { order, length } = this;
    for (let i = 0; i < length; i++) {
      let j = i;
      for (; j > 0 && this.#after(bytes, order[j - 1], i); j--) order[j] = order[j - 1];
      order[j] = i;
    }
  }

  #after(bytes: Uint8Array, a: number, b: number): boolean {
    const initials = this.#initials;
    if (initials[a] !== initials[b]) return initials[a] > initials[b];
    const { keyStart, keyEnd, hash } = this;
    const length = Math.min(keyEnd[a] - keyStart[a], keyEnd[b] - keyStart[b]);
    for (let i = 4; i < length; i++) {
      const difference = bytes[keyStart[a] + i] - bytes[keyStart[b] + i];
      if (difference !== 0) return difference > 0;
    }
    const longer = keyEnd[a] - keyStart[a] - (keyEnd[b] - keyStart[b]);
    return longer === 0 ? hash[a] > hash[b] : longer > 0;
  }

  /** The key with those of the objects it is in, divided by dots. */
  name(bytes: Uint8Array, field: number): string {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const own = isId(bytes, this.keyStart[field], this.keyEnd[field])
      ? "<*>"
      : text.toString("utf8", this.keyStart[field], this.keyEnd[field]);
    const parent = this.parent[field];
    return parent < 0 ? own : `${this.name(bytes, parent)}.${own}`;
  }
}

/** Keys that are ids are all alike. */
function hashOfKey(bytes: Uint8Array, start: number, end: number): number {
  return isId(bytes, start, end) ? DIGITS_OF_ID : hashOf(bytes, start, end);
}

function isId(bytes: Uint8Array, start: number, end: number): boolean {
  let digits = 0;
  for (let i = start; i < end; i++) if (bytes[i] >= 48 && bytes[i] <= 57) digits++;
  return digits >= DIGITS_OF_ID || (digits > 0 && digits === end - start);
}
