// Protobuf to OTLP/JSON, for whoever writes telemetry for people or files. Off the hot path: it makes objects.
import type { Telemetry } from "../api/signals.ts";
import { ExportRequest, type Field, type FieldKind, type Message, wireType } from "./fields.ts";
import * as wire from "./wire.ts";
import { Wire } from "./writer.ts";

/** A message as OTLP/JSON has it: absent fields are left out, 64-bit integers and bytes are strings. */
export type JsonMessage = { [name: string]: unknown };

/** One line of OTLP/JSON, as the Collector's file exporter writes: without zero values and unknown fields. Throws DecodeError. */
export function protobufToJson(signal: Telemetry, bytes: Uint8Array): string {
  return JSON.stringify(decodeMessage(ExportRequest[signal], bytes));
}

/** What the scans let through: values of that depth, in the attributes of an exemplar. */
const MAX_LEVELS = wire.MAX_DEPTH + 7;

/** A message of `fields`, ready for JSON.stringify, as one that lies `level` deep in its request. Throws DecodeError. */
export function decodeMessage(message: Message, bytes: Uint8Array, level = 1): JsonMessage {
  return new Decoder(bytes).message(message, 0, bytes.length, level, {});
}

class Decoder {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text: Buffer;
  #next = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = wire.viewOf(bytes);
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads [at, end) on top of what `into` has: parts of a message that came in several pieces are one. */
  message(message: Message, at: number, end: number, depth: number, into: JsonMessage): JsonMessage {
    if (depth > MAX_LEVELS) throw new wire.DecodeError(`more than ${MAX_LEVELS} levels deep at byte ${at}`, at);
    let p = at;
    while (p < end) {
      const tag = wire.readTag(this.#bytes, p, end);
      p = wire.position;
      const field = message.byNumber.get(tag >>> 3);
      if (!field) p = wire.skip(this.#bytes, tag, p, end);
      else if (field.kind === "message" && (tag & 7) === Wire.bytes) {
        const stop = wire.enter(this.#bytes, p, end);
        const from = wire.position;
        if (field.oneof) dropOthers(message, field, into);
        this.message(field.message!, from, stop, depth + 1, target(field, into));
        p = stop;
      } else if ((tag & 7) === wireType[field.kind]) {
        const value = this.#value(field.kind, p, end);
        p = this.#next;
        if (field.oneof) dropOthers(message, field, into);
        put(field, value, into);
      } else if (field.repeated && (tag & 7) === Wire.bytes) {
        const stop = wire.enter(this.#bytes, p, end);
        p = wire.position;
        while (p < stop) {
          put(field, this.#value(field.kind, p, stop), into);
          p = this.#next;
        }
      } else p = wire.skip(this.#bytes, tag, p, end);
    }
    return into;
  }

  /** Leaves its end in `#next`. */
  #value(kind: FieldKind, at: number, end: number): unknown {
    switch (kind) {
      case "string":
        return this.#slice("utf8", at, end);
      case "bytes":
        return this.#slice("base64", at, end);
      case "traceId":
      case "spanId":
        return this.#slice("hex", at, end);
      case "bool":
        return this.#varint(at, end) !== 0n;
      case "int32":
      case "enum":
        return Number(BigInt.asIntN(32, this.#varint(at, end)));
      case "uint32":
        return Number(BigInt.asUintN(32, this.#varint(at, end)));
      case "sint32": {
        const zigzag = Number(BigInt.asUintN(32, this.#varint(at, end)));
        return (zigzag >>> 1) ^ -(zigzag & 1);
      }
      case "int64":
        return String(BigInt.asIntN(64, this.#varint(at, end)));
      case "uint64":
        return String(this.#varint(at, end));
      case "fixed64":
        return String(this.#view.getBigUint64(this.#fixed(at, 8, end), true));
      case "sfixed64":
        return String(this.#view.getBigInt64(this.#fixed(at, 8, end), true));
      case "fixed32":
        return this.#view.getUint32(this.#fixed(at, 4, end), true);
      case "double":
        return jsonNumber(this.#view.getFloat64(this.#fixed(at, 8, end), true));
    }
  }

  #slice(encoding: BufferEncoding, at: number, end: number): string {
    this.#next = wire.enter(this.#bytes, at, end);
    return this.#text.toString(encoding, wire.position, this.#next);
  }

  #varint(at: number, end: number): bigint {
    wire.readVarint64(this.#bytes, at, end);
    this.#next = wire.position;
    return (BigInt(wire.high >>> 0) << 32n) | BigInt(wire.low >>> 0);
  }

  #fixed(at: number, size: number, end: number): number {
    this.#next = wire.after(at, size, end);
    return at;
  }
}

/** Where a message field's content goes: a new element, or what is already there. */
function target(field: Field, into: JsonMessage): JsonMessage {
  const present = field.repeated ? undefined : into[field.name];
  if (present) return present as JsonMessage;
  const content: JsonMessage = {};
  put(field, content, into);
  return content;
}

function put(field: Field, value: unknown, into: JsonMessage): void {
  if (field.repeated) {
    into[field.name] ??= [];
    (into[field.name] as unknown[]).push(value);
  } else if (field.presence || !isDefault(field.kind, value)) into[field.name] = value;
  else if (field.name in into) delete into[field.name];
}

function dropOthers(message: Message, field: Field, into: JsonMessage): void {
  for (const other of message.byNumber.values()) {
    if (other.oneof && other !== field && other.name in into) delete into[other.name];
  }
}

function isDefault(kind: FieldKind, value: unknown): boolean {
  if (value === "0") return kind !== "string";
  return value === "" || value === false || Object.is(value, 0);
}

/** JSON.rawJSON of ES2026, which TypeScript's library does not have yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

function jsonNumber(value: number): unknown {
  if (Object.is(value, -0)) return rawJSON("-0");
  return Number.isFinite(value) ? value : String(value);
}
