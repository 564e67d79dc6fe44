// What one record has, as columns: its attributes and the fields at the top of its body, with their types.

/** Most attributes, and fields of a body, of one record. */
const MOST_FIELDS = 512;
const LONGEST_NAME = 200;
/** Before the name of a field of the body: no attribute is called so. */
const BODY = "\0body.";

/** Types of values, by the field number of their AnyValue. */
export const Type = { nothing: 0, text: 1, boolean: 2, number: 4, list: 5, map: 6, empty: 8 } as const;
const NAMES = ["nothing", "text", "true or false", "a number", "a number", "a list", "a map", "bytes", "empty text"];
const INTEGER = 3;

/** What a row has. */
export interface Content {
  /** By name: types. */
  readonly fields: ReadonlyMap<string, string>;
  /** Whether what of a body is not in it is missing: false where it has no fields, or could not be read to its end. */
  readonly wholeBody: boolean;
}

/** Reused from record to record. */
export class Fields {
  length = 0;
  wholeBody = false;
  readonly #hash = new Int32Array(MOST_FIELDS);
  readonly #keyStart = new Uint32Array(MOST_FIELDS);
  readonly #keyEnd = new Uint32Array(MOST_FIELDS);
  readonly #type = new Uint8Array(MOST_FIELDS);
  readonly #ofBody = new Uint8Array(MOST_FIELDS);

  clear(): void {
    this.length = 0;
    this.wholeBody = false;
  }

  /** False where there is no room. */
  add(bytes: Uint8Array, keyStart: number, keyEnd: number, type: number, ofBody: boolean): boolean {
    const i = this.length;
    if (i === MOST_FIELDS) return false;
    let h = ofBody ? 0x6c078965 : 0x2545f491;
    for (let p = keyStart; p < keyEnd; p++) h = Math.imul(h ^ bytes[p], 0x01000193);
    this.#hash[i] = h ^ (h >>> 15);
    this.#keyStart[i] = keyStart;
    this.#keyEnd[i] = keyEnd;
    this.#type[i] = type === INTEGER ? Type.number : type;
    this.#ofBody[i] = ofBody ? 1 : 0;
    this.length = i + 1;
    return true;
  }

  /** The same for records with the same fields of the same types, in whatever order; others have another one but for one in 2^50. */
  get signature(): number {
    let one = this.wholeBody ? 1 : 0;
    let other = this.length;
    for (let i = 0; i < this.length; i++) {
      const h = Math.imul(this.#hash[i] ^ Math.imul(this.#type[i] + 1, 0x85ebca6b), 0x9e3779b1);
      const g = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
      one = (one + g) | 0;
      other = (other + Math.imul(g ^ (g >>> 13), 0x27d4eb2f)) | 0;
    }
    return (one >>> 0) * 2 ** 18 + (other >>> 14);
  }

  contentOf(bytes: Uint8Array): Content {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const fields = new Map<string, string>();
    for (let i = 0; i < this.length; i++) {
      const key = text.toString("utf8", this.#keyStart[i], this.#keyEnd[i]).slice(0, LONGEST_NAME);
      fields.set(this.#ofBody[i] === 1 ? BODY + key : key, NAMES[this.#type[i]] ?? "nothing");
    }
    return { fields, wholeBody: this.wholeBody };
  }
}

export const isOfBody = (name: string): boolean => name.startsWith(BODY);

/** Its own name: `""` for none. */
export const shown = (name: string): string => (isOfBody(name) ? name.slice(BODY.length) : name) || '""';

/** As a sentence calls it: "attribute user.id", "field user of the body". */
export const called = (name: string): string =>
  isOfBody(name) ? `field ${shown(name)} of the body` : `attribute ${shown(name)}`;
