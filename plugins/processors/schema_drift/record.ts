// What a log record has: its attributes, the fields of a structured body, the level it names and the severity it was sent with.
import { createHash } from "node:crypto";
import type { Batch, Mined } from "vedette";
import { enter, position, readTag, skip } from "vedette/otlp";
import { type Content, Fields, Type } from "./fields.ts";
import { blanks, readJson } from "./json.ts";
import { isLevelKey, LEVELS, levelOfText, levelOfWord } from "./level.ts";
import { readLogfmt } from "./logfmt.ts";

/** LogRecord { string severity_text = 3; repeated KeyValue attributes = 6 }; KeyValue { string key = 1; AnyValue value = 2 }. */
const SEVERITY_TEXT = 0x1a;
const ATTRIBUTES = 0x32;
const KEY = 0x0a;
const VALUE = 0x12;
/** AnyValue { string string_value = 1; KeyValueList kvlist_value = 6 }; KeyValueList { repeated KeyValue values = 1 }. */
const STRING = 0x0a;
const LIST = 0x32;
const PAIR = 0x0a;
const TEXT_BODY = 1;
const LIST_BODY = 6;

/** Bytes of a text body that are looked at. */
const MOST_BODY = 16_384;
/** Fields of a body that say what happened: of those that are there the first of these. */
const MESSAGES =
  "@mt {OriginalFormat} message msg Message MESSAGE @message short_message @m textPayload text log event eventName event_type type action op";
const RANKS = new Map(MESSAGES.split(" ").map((key, i) => [key, i]));
const LONGEST_KEY = 16;
const LONGEST_MESSAGE = 1000;
/** Contents that are kept. */
const MOST_CONTENTS = 4096;
const MARK = Buffer.from("anomaly.");

/** Reads one record after the other. */
export class LogRecordReader {
  /** What it names in its body, or else in its severity text: of LEVELS; and its severity as it was sent, of RANGES. */
  level = 0;
  range = 0;
  readonly #fields = new Fields();
  /** By signature. */
  readonly #contents = new Map<number, Content>();
  #bytes: Uint8Array = new Uint8Array(0);
  #textLevel = 0;
  #bodyLevel = 0;
  #messageStart = 0;
  #messageEnd = 0;
  #rank = RANKS.size;
  /** Whether the message is looked for. */
  #wanted = false;
  readonly #onField = (keyStart: number, keyEnd: number, type: number, start: number, end: number) =>
    this.#field(keyStart, keyEnd, type, start, end);

  /** What it has; undefined where that is more than can be looked at. */
  read(batch: Batch<"logs">, row: number): Content | undefined {
    if (!this.#walk(batch, row)) return undefined;
    const { signature } = this.#fields;
    let content = this.#contents.get(signature);
    if (!content) {
      content = this.#fields.contentOf(batch.bytes);
      if (this.#contents.size >= MOST_CONTENTS) this.#contents.clear();
      this.#contents.set(signature, content);
    }
    return content;
  }

  /**
   * A name for what the message of a structured body says, without its parameters: the same whatever fields stand beside it. Undefined where the body
   * has no fields.
   */
  messageOf(batch: Batch<"logs">, row: number, mined: Mined): string | undefined {
    this.#wanted = true;
    const isRead = this.#walk(batch, row);
    this.#wanted = false;
    if (!isRead || !this.#fields.wholeBody) return undefined;
    const hash = createHash("sha256");
    const end = this.#messageEnd;
    let p = this.#messageStart;
    for (let k = mined.firstParameter[row]; k < mined.endParameter[row]; k++) {
      const from = Math.max(p, mined.parameterStart[k]);
      const to = Math.min(end, mined.parameterEnd[k]);
      if (from >= to) continue;
      hash.update(batch.bytes.subarray(p, from)).update("\0");
      p = to;
    }
    return `message ${hash.update(batch.bytes.subarray(p, end)).digest("hex").slice(0, 16)}`;
  }

  #walk({ bytes, rows }: Batch<"logs">, row: number): boolean {
    const fields = this.#fields;
    fields.clear();
    this.#bytes = bytes;
    this.#textLevel = this.#bodyLevel = this.#messageStart = this.#messageEnd = 0;
    this.#rank = RANKS.size;
    const end = enter(bytes, rows.offset[row], bytes.length);
    for (let p = position; p < end; ) {
      const tag = readTag(bytes, p, end);
      const at = position;
      p = skip(bytes, tag, at, end);
      if (tag === ATTRIBUTES) {
        if (!this.#pair(at, p, false)) return false;
      } else if (tag === SEVERITY_TEXT) {
        enter(bytes, at, p);
        this.#textLevel = levelOfWord(bytes, position, p);
      }
    }
    this.#body(rows.bodyKind[row], rows.bodyStart[row], rows.bodyEnd[row]);
    this.level = this.#bodyLevel || this.#textLevel;
    this.range = (rows.severity[row] + 3) >> 2;
    if (this.range === 0 && this.#bodyLevel > 0) this.range = LEVELS[this.#textLevel].range;
    this.#bytes = NOTHING;
    return true;
  }

  #body(kind: number, start: number, end: number): void {
    const fields = this.#fields;
    const bytes = this.#bytes;
    if (kind === LIST_BODY) fields.wholeBody = this.#list(start, end);
    if (kind !== TEXT_BODY) return;
    const until = Math.min(end, start + MOST_BODY);
    const from = blanks(bytes, start, until);
    const before = fields.length;
    if (bytes[from] === 0x7b && from < until) {
      fields.wholeBody = readJson(bytes, from, until, this.#onField);
      if (fields.length > before) return;
    } else if (readLogfmt(bytes, from, until, this.#onField)) {
      fields.wholeBody = until === end;
      return;
    }
    fields.length = before;
    this.#messageEnd = this.#messageStart;
    this.#bodyLevel = levelOfText(bytes, from, until);
  }

  /** The AnyValue of a key-value list. */
  #list(start: number, end: number): boolean {
    const bytes = this.#bytes;
    for (let p = start; p < end; ) {
      const tag = readTag(bytes, p, end);
      const at = position;
      p = skip(bytes, tag, at, end);
      if (tag !== LIST) continue;
      enter(bytes, at, p);
      for (let q = position; q < p; ) {
        const inner = readTag(bytes, q, p);
        const from = position;
        q = skip(bytes, inner, from, p);
        if (inner === PAIR && !this.#pair(from, q, true)) return false;
      }
    }
    return true;
  }

  /** A KeyValue of the record, or of its body. */
  #pair(at: number, end: number, ofBody: boolean): boolean {
    const bytes = this.#bytes;
    enter(bytes, at, end);
    let keyStart = 0;
    let keyEnd = 0;
    let type: number = Type.nothing;
    let from = 0;
    let to = 0;
    for (let p = position; p < end; ) {
      const tag = readTag(bytes, p, end);
      const start = position;
      p = skip(bytes, tag, start, end);
      if (tag !== KEY && tag !== VALUE) continue;
      enter(bytes, start, p);
      if (tag === KEY) {
        keyStart = position;
        keyEnd = p;
      } else if (position < p) {
        const kind = readTag(bytes, position, p);
        type = kind >>> 3;
        if (kind !== STRING) continue;
        enter(bytes, position, p);
        from = position;
        to = p;
        if (from === to) type = Type.empty;
      }
    }
    if (ofBody) return this.#field(keyStart, keyEnd, type, from, to);
    // our own marks are no part of it
    return isMark(bytes, keyStart, keyEnd) || this.#fields.add(bytes, keyStart, keyEnd, type, false);
  }

  /** A field of the body. */
  #field(keyStart: number, keyEnd: number, type: number, start: number, end: number): boolean {
    const bytes = this.#bytes;
    if (this.#bodyLevel === 0 && isLevelKey(bytes, keyStart, keyEnd)) this.#bodyLevel = levelOfWord(bytes, start, end);
    if (this.#wanted && type === Type.text) this.#message(keyStart, keyEnd, start, end);
    return this.#fields.add(bytes, keyStart, keyEnd, type, true);
  }

  #message(keyStart: number, keyEnd: number, start: number, end: number): void {
    if (keyEnd - keyStart > LONGEST_KEY) return;
    const rank = RANKS.get(Buffer.from(this.#bytes.subarray(keyStart, keyEnd)).toString()) ?? RANKS.size;
    if (rank >= this.#rank) return;
    this.#rank = rank;
    this.#messageStart = start;
    this.#messageEnd = Math.min(end, start + LONGEST_MESSAGE);
  }
}

const NOTHING = new Uint8Array(0);

function isMark(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < MARK.length) return false;
  for (let i = 0; i < MARK.length; i++) if (bytes[start + i] !== MARK[i]) return false;
  return true;
}
