// OTLP/JSON to protobuf, so that everything after the receiver knows one encoding.
import { isUtf8 } from "node:buffer";
import type { Telemetry } from "../api/signals.ts";
import { ExportRequest, type Field, type Message, wireType } from "./fields.ts";
import { DecodeError, MAX_DEPTH } from "./wire.ts";
import { Wire, Writer } from "./writer.ts";

const MIN_INT32 = -(2 ** 31);
const MAX_INT32 = 2 ** 31 - 1;
const MAX_UINT32 = 2 ** 32 - 1;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** Levels of JSON; those of the deepest value that is taken are 3 for 2 messages. */
const MAX_JSON_DEPTH = 4 * MAX_DEPTH;
/** Whatever a request of this size holds, it costs little. */
const SMALL = 2 ** 16;
/** An object or array that says anything takes more bytes than this. */
const LEAST_BYTES = 8;

type JsonObject = { [key: string]: unknown };

/**
 * The protobuf of one Export*ServiceRequest in OTLP/JSON. Names may be lowerCamelCase or snake_case, 64-bit integers and doubles
 * numbers or strings, enums numbers or names; null is absent, unknown fields are passed over. Throws DecodeError, which names
 * the field at fault.
 */
export function jsonToProtobuf(signal: Telemetry, json: Uint8Array): Uint8Array {
  if (json.length > SMALL) checkShape(json);
  const text = utf8(json);
  const message = ExportRequest[signal];
  // Protobuf takes less than half the room of JSON.
  const capacity = json.length >> 1;
  try {
    return new Encoder(capacity, false).encode(message, parse(text));
  } catch (error) {
    if (error !== INEXACT) throw error;
    return new Encoder(capacity, true).encode(message, parse(text, exactIntegers));
  }
}

/** Protobuf of any message of `fields`, from a parsed value. Throws DecodeError. */
export function encodeMessage(message: Message, value: unknown): Uint8Array {
  return new Encoder(256, true).encode(message, value);
}

function utf8(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new DecodeError("the JSON is not valid UTF-8", 0);
  try {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  } catch {
    throw new DecodeError(`${bytes.length} bytes of JSON are more than one string can hold`, 0);
  }
}

/**
 * Refuses what no telemetry looks like before it is parsed: JSON.parse takes a hundred bytes for an empty object of two, and
 * for each level of nesting. Leaves all other errors to it.
 */
function checkShape(json: Uint8Array): void {
  const most = SMALL + Math.floor(json.length / LEAST_BYTES);
  let depth = 0;
  let opened = 0;
  for (let p = 0; p < json.length; p++) {
    const byte = json[p];
    if (byte === 0x22) {
      for (p++; p < json.length && json[p] !== 0x22; p++) if (json[p] === 0x5c) p++;
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) throw new DecodeError(`JSON nested more than ${MAX_JSON_DEPTH} deep`, p);
      if (++opened > most) {
        throw new DecodeError(`more than ${most} objects and arrays in one request: nearly all of them are empty`, p);
      }
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

function parse(text: string, reviver?: Reviver): unknown {
  try {
    return JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]);
  } catch (error) {
    throw new DecodeError(`not JSON: ${(error as Error).message}`, 0);
  }
}

/** Thrown at the first integer that lost digits on its way through a double: a few senders write nanoseconds as numbers. */
const INEXACT = new Error("an integer past 2^53 was read as a double");

/** Keeps the digits of what INEXACT is thrown for. Slower, and so not the first try. */
function exactIntegers(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !source) return value;
  return /^-?\d{1,20}$/.test(source) ? BigInt(source) : value;
}

class Encoder {
  readonly #writer: Writer;
  /** Whether the parser kept every digit. */
  readonly #exact: boolean;
  /** Where we are: a field's name and, in a repeated one, the index; one entry a level. */
  readonly #names: string[] = [];
  readonly #indexes: number[] = [];
  #depth = 0;

  constructor(capacity: number, exact: boolean) {
    this.#writer = new Writer(capacity);
    this.#exact = exact;
  }

  encode(message: Message, json: unknown): Uint8Array {
    this.#message(message, json);
    return this.#writer.finish();
  }

  #message(message: Message, json: unknown): void {
    if (typeof json !== "object" || json === null || Array.isArray(json)) throw this.#error("not an object");
    const level = this.#depth;
    if (level === MAX_DEPTH) throw this.#error(`more than ${MAX_DEPTH} levels deep`);
    this.#depth = level + 1;
    let member: Field | undefined;
    let lostDouble: Field | undefined;
    for (const key in json) {
      const field = message.byName.get(key);
      if (!field) continue;
      const value = (json as JsonObject)[key];
      if (value === null || value === undefined) {
        if (field.oneof && field.kind === "double") lostDouble = field;
        continue;
      }
      this.#names[level] = field.name;
      this.#indexes[level] = -1;
      if (field.oneof) {
        if (member) throw this.#error(`given beside ${member.name}; only one of them may be`);
        member = field;
      }
      if (field.repeated) this.#repeated(field, value, level);
      else if (field.presence || !isDefault(value)) this.#single(field, value);
    }
    // JSON has no NaN: JavaScript SDKs send null.
    if (lostDouble && !member) this.#single(lostDouble, Number.NaN);
    this.#depth = level;
  }

  #repeated(field: Field, values: unknown, level: number): void {
    if (!Array.isArray(values)) throw this.#error("not an array");
    if (values.length === 0) return;
    const packed = wireType[field.kind] !== Wire.bytes;
    const opened = packed ? this.#writer.open(field.number) : 0;
    for (let i = 0; i < values.length; i++) {
      this.#indexes[level] = i;
      if (packed) this.#value(field, values[i]);
      else this.#single(field, values[i]);
    }
    if (packed) this.#writer.close(opened);
  }

  #single(field: Field, value: unknown): void {
    if (field.kind === "message") {
      const opened = this.#writer.open(field.number);
      this.#message(field.message!, value);
      this.#writer.close(opened);
    } else {
      this.#writer.field(field.number, wireType[field.kind]);
      this.#value(field, value);
    }
  }

  #value(field: Field, value: unknown): void {
    const writer = this.#writer;
    switch (field.kind) {
      case "string":
        if (typeof value !== "string") throw this.#error("not a string");
        writer.string(value);
        return;
      case "double":
        writer.double(this.#double(value));
        return;
      case "fixed64":
        writer.fixed64(this.#integer(value, 0n, MAX_UINT64));
        return;
      case "sfixed64":
        writer.fixed64(this.#integer(value, MIN_INT64, MAX_INT64));
        return;
      case "int64":
        writer.varint(this.#integer(value, MIN_INT64, MAX_INT64));
        return;
      case "uint64":
        writer.varint(this.#integer(value, 0n, MAX_UINT64));
        return;
      case "uint32":
        writer.varint(this.#integer32(value, 0, MAX_UINT32));
        return;
      case "fixed32":
        writer.fixed32(this.#integer32(value, 0, MAX_UINT32));
        return;
      case "int32":
        writer.varint(this.#integer32(value, MIN_INT32, MAX_INT32));
        return;
      case "sint32":
        writer.zigzag(this.#integer32(value, MIN_INT32, MAX_INT32));
        return;
      case "enum":
        writer.varint(this.#enum(field, value));
        return;
      case "bool":
        if (typeof value !== "boolean") throw this.#error("not true or false");
        writer.varint(value ? 1 : 0);
        return;
      case "traceId":
        writer.bytes(this.#id(value, 16));
        return;
      case "spanId":
        writer.bytes(this.#id(value, 8));
        return;
      case "bytes":
        writer.bytes(this.#base64(value));
        return;
    }
  }

  #double(value: unknown): number {
    if (typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    if (typeof value === "string") {
      if (value === "NaN" || value === "Infinity" || value === "-Infinity") return Number(value);
      if (/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value)) return Number(value);
    }
    throw this.#error('not a number, "NaN", "Infinity" or "-Infinity"');
  }

  #integer(value: unknown, min: bigint, max: bigint): bigint {
    let integer: bigint;
    if (typeof value === "string" && /^-?\d{1,20}$/.test(value)) integer = BigInt(value);
    else if (typeof value === "bigint") integer = value;
    else if (Number.isInteger(value)) {
      if (!this.#exact && !Number.isSafeInteger(value)) throw INEXACT;
      integer = BigInt(value as number);
    } else throw this.#error("not an integer");
    if (integer < min || integer > max) throw this.#error(`not in ${min}..${max}`);
    return integer;
  }

  #integer32(value: unknown, min: number, max: number): number {
    const integer = typeof value === "string" && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
    if (typeof integer !== "number" || !Number.isInteger(integer)) throw this.#error("not a 32-bit integer");
    if (integer < min || integer > max) throw this.#error(`not in ${min}..${max}`);
    return integer;
  }

  #enum(field: Field, value: unknown): number {
    if (typeof value !== "string") return this.#integer32(value, MIN_INT32, MAX_INT32);
    if (!Object.hasOwn(field.values!, value)) throw this.#error("not a name of its enum");
    return field.values![value];
  }

  /** Empty where the sender has none. */
  #id(value: unknown, size: number): Uint8Array {
    if (value === "") return new Uint8Array(0);
    if (typeof value !== "string" || value.length !== size * 2)
      throw this.#error(`not an id of ${size * 2} hex digits`);
    const id = Buffer.from(value, "hex");
    if (id.length !== size) throw this.#error(`not an id of ${size * 2} hex digits`);
    return id;
  }

  /** Standard or URL-safe, padded or not. */
  #base64(value: unknown): Uint8Array {
    if (typeof value !== "string" || !/^[\w+/-]*={0,2}$/.test(value)) throw this.#error("not base64");
    return Buffer.from(value, "base64");
  }

  #error(problem: string): DecodeError {
    let path = "";
    for (let level = 0; level < this.#depth; level++) {
      const index = this.#indexes[level];
      path += `${level === 0 ? "" : "."}${this.#names[level]}${index < 0 ? "" : `[${index}]`}`;
    }
    return new DecodeError(`${path === "" ? "the request" : path} is ${problem}`, 0);
  }
}

/** What protobuf leaves out of a field without presence. -0 is not among them. */
function isDefault(value: unknown): boolean {
  return value === "" || value === false || Object.is(value, 0);
}
