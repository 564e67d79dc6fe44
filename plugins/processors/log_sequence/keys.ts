// What holds records together: their trace, or session where they have none, the value of an attribute, or the minute they were written in.
import type { Batch } from "vedette";
import { enter, position, readTag, skip } from "vedette/otlp";

/** Reads what a record belongs to: after `read` says that it belongs to something, `high` and `low` are 64 bits of it. */
export interface Key {
  high: number;
  low: number;
  read(batch: Batch<"logs">, row: number): boolean;
}
/** A row of later than this ahead of the clock is taken for one of now. Milliseconds. */
const AHEAD = 600_000;

/** LogRecord { repeated KeyValue attributes = 6 }; KeyValue { string key = 1; AnyValue value = 2 }. */
const ATTRIBUTES = 0x32;
const KEY = 0x0a;
const VALUE = 0x12;

/** `by` is "trace_id", "window" (of `length` milliseconds), or the key of an attribute of the record. */
export function keyOf(by: string, length: number): Key {
  return by === "trace_id" ? new TraceKey() : by === "window" ? new WindowKey(length) : new AttributeKey(by);
}

class TraceKey implements Key {
  high = 0;
  low = 0;

  read({ bytes, rows }: Batch<"logs">, row: number): boolean {
    const at = rows.traceId[row];
    if (at === 0) return false;
    // the right half is random in every kind of trace id
    this.high = word(bytes, at + 8);
    this.low = word(bytes, at + 12);
    return (this.high | this.low) !== 0;
  }
}

export const word = (bytes: Uint8Array, at: number) =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];

class WindowKey implements Key {
  high = 0;
  low = 0;
  readonly #length: number;

  constructor(length: number) {
    this.#length = length;
  }

  read({ rows, receivedAt }: Batch<"logs">, row: number): boolean {
    const t = rows.time[row];
    const time = t > 0 && t <= receivedAt + AHEAD ? t : receivedAt;
    const window = Math.floor(time / this.#length);
    this.low = window | 0;
    this.high = Math.floor(window / 2 ** 32) | 0;
    return true;
  }
}

class AttributeKey implements Key {
  high = 0;
  low = 0;
  readonly #key: Uint8Array;
  #from = 0;
  #to = 0;

  constructor(key: string) {
    this.#key = Buffer.from(key);
  }

  read({ bytes, rows }: Batch<"logs">, row: number): boolean {
    const end = enter(bytes, rows.offset[row], bytes.length);
    let p = position;
    this.#to = 0;
    while (p < end) {
      const tag = readTag(bytes, p, end);
      const at = position;
      p = skip(bytes, tag, at, end);
      if (tag === ATTRIBUTES) this.#attribute(bytes, at, p);
    }
    if (this.#to === 0) return false;
    let high = 0x811c9dc5;
    let low = this.#to - this.#from;
    for (let i = this.#from; i < this.#to; i++) {
      high = Math.imul(high ^ bytes[i], 0x01000193);
      low = Math.imul(low + bytes[i], 0x85ebca6b) ^ (low >>> 13);
    }
    this.high = high | 0;
    this.low = low | 0;
    return true;
  }

  #attribute(bytes: Uint8Array, at: number, end: number): void {
    enter(bytes, at, end);
    let p = position;
    let matches = false;
    let from = 0;
    let to = 0;
    while (p < end) {
      const tag = readTag(bytes, p, end);
      const start = position;
      p = skip(bytes, tag, start, end);
      if (tag !== KEY && tag !== VALUE) continue;
      enter(bytes, start, end);
      if (tag === KEY) matches = this.#isKey(bytes, position, p);
      else {
        from = position;
        to = p;
      }
    }
    if (!matches || to === from) return;
    this.#from = from;
    this.#to = to;
  }

  #isKey(bytes: Uint8Array, from: number, to: number): boolean {
    const key = this.#key;
    if (to - from !== key.length) return false;
    for (let i = 0; i < key.length; i++) if (bytes[from + i] !== key[i]) return false;
    return true;
  }
}

/** A series without a session in so many records is not asked again until `reset`. */
const SESSIONLESS = 1000;

/** The session of a record: `session.id` of OpenTelemetry's semantic conventions. */
export class SessionKey extends AttributeKey {
  /** By id of a series: records in a row that had none. */
  readonly #without: number[] = [];

  constructor() {
    super("session.id");
  }

  override read(batch: Batch<"logs">, row: number): boolean {
    const id = batch.rows.series[row];
    const without = this.#without[id] ?? 0;
    if (without >= SESSIONLESS) return false;
    const found = super.read(batch, row);
    this.#without[id] = found ? 0 : without + 1;
    return found;
  }

  /** Of a series whose id is free again. */
  forget(id: number): void {
    this.#without[id] = 0;
  }

  reset(): void {
    this.#without.length = 0;
  }
}
