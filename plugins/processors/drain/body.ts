// The body of a record as tokens, whatever it is.
import { byteClasses } from "./byte_class.ts";
import { Fields, Value } from "./fields.ts";
import { hashOf, hashOfMark, PARAMETER } from "./hash.ts";
import { readJson } from "./json.ts";
import { readMap } from "./kvlist.ts";
import { MOST_BYTES, readLine } from "./line.ts";
import { readLogfmt, startsWithPair } from "./logfmt.ts";
import { messageOf, readFields } from "./structure.ts";
import { Kind, type Tokens } from "./tokens.ts";

/** Field numbers of AnyValue, as `LogRecords.bodyKind` has them. */
const [TEXT, MAP] = [1, 6];
const [BRACE, BACKSLASH, LETTER_N] = Buffer.from("{\\n");
const NO_FIELD = -1;

export class BodyReader {
  /** Of the body that was read last, where it is structured. */
  readonly fields = new Fields();
  readonly #tokens: Tokens;
  readonly #classes: Uint16Array;
  /** A key of map bodies whose value is read instead of the whole; empty for none. */
  readonly #field: Buffer;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(tokens: Tokens, delimiters: string, field: string) {
    this.#tokens = tokens;
    this.#classes = byteClasses(delimiters);
    this.#field = Buffer.from(field);
  }

  /** The bytes that the bodies read next are in. */
  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Fills the tokens and seals them. Returns whether there are any. */
  read(kind: number, start: number, end: number): boolean {
    const tokens = this.#tokens;
    tokens.length = 0;
    if (kind === TEXT) this.#readText(start, end);
    else if (kind === MAP) this.#readMap(start, end);
    if (tokens.length === 0 && kind > TEXT) tokens.push(Kind.parameter, PARAMETER ^ hashOfMark[kind], start, start);
    if (tokens.length === 0) return false;
    tokens.seal();
    return true;
  }

  #readText(start: number, end: number): void {
    const { fields } = this;
    const bytes = this.#bytes;
    fields.length = 0;
    let i = start;
    while (i < end && bytes[i] <= 32) i++;
    const read = bytes[i] === BRACE ? readJson : startsWithPair(bytes, i, end) ? readLogfmt : undefined;
    if (read?.(fields, bytes, i, end)) this.#readFields();
    if (this.#tokens.length === 0) this.#readLine(start, end);
  }

  #readMap(start: number, end: number): void {
    const { fields } = this;
    fields.length = 0;
    readMap(fields, this.#bytes, start, end);
    const field = this.#wanted();
    if (field === NO_FIELD) this.#readFields();
    else this.#readText(fields.start[field], fields.end[field]);
  }

  /** The field at the top that the user asks for, where it is text. */
  #wanted(): number {
    const wanted = this.#field;
    if (wanted.length === 0) return NO_FIELD;
    const { own, parent, type, length } = this.fields;
    const hash = hashOf(wanted, 0, wanted.length);
    for (let i = 0; i < length; i++) if (own[i] === hash && parent[i] < 0 && type[i] === Value.text) return i;
    return NO_FIELD;
  }

  #readFields(): void {
    const message = messageOf(this.fields);
    if (message >= 0) {
      const start = this.fields.start[message];
      this.#readLine(start, endOfFirstLine(this.#bytes, start, this.fields.end[message]));
    }
    readFields(this.#tokens, this.fields, this.#bytes, message);
  }

  #readLine(start: number, end: number): void {
    readLine(this.#tokens, this.#bytes, this.#view, this.#classes, start, end);
  }
}

/** Where JSON text has its first escaped line feed, if anything is before it. */
function endOfFirstLine(bytes: Uint8Array, start: number, end: number): number {
  const to = Math.min(end, start + MOST_BYTES);
  for (let i = start; i + 1 < to; i++) {
    if (bytes[i] !== BACKSLASH) continue;
    if (bytes[i + 1] === LETTER_N && i > start) return i;
    i++;
  }
  return end;
}
