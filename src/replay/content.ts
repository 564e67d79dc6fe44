// What a file holds, told from its first bytes: CSV, OTLP in JSON lines, or OTLP in protobuf.
import type { Telemetry } from "../api/index.ts";
import { tellsTime } from "./csv_layout.ts";

export type Content =
  | "csv"
  /** A request a line. */
  | "json"
  /** Each request behind its length in 4 bytes, big-endian: protobuf, or JSON or protobuf in zstd. */
  | "framed"
  /** One request in protobuf and nothing else. */
  | "bare";

/** What zstd data begins with, read as a little-endian number. */
export const ZSTD = 0xfd2fb528;
/** Bytes of one request, packed or not. */
export const LARGEST = 64 * 1024 ** 2;
const KEY = /"resource_?(metrics|logs|spans)"/i;
const TABLE = /\.(csv|tsv)$/i;

/** `head` is the beginning of the file, or all of it. A string says why it is none of them, and what to do. */
export function contentOf(name: string, head: Buffer): { content: Content; signal?: Telemetry } | string {
  const start = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  if (isText(head)) {
    const text = head.toString("latin1", start).trimStart();
    if (text.startsWith("{")) {
      const signal = signalOfJson(text);
      if (signal) return { content: "json", signal };
      return 'it is JSON, but no OTLP: a line must be a request, as in {"resourceMetrics":[...]}';
    }
    if (TABLE.test(name)) return { content: "csv" };
    const [first = ""] = text.split(/\r?\n/, 1);
    if (/\.(txt|log)?$|^[^.]+$/i.test(name) && tellsTime(first)) return { content: "csv" };
    return text === "" ? "it is empty" : "it is text of an unknown kind; a CSV file is to be called .csv";
  }
  if (head.length >= 4 && head.readUInt32BE(0) <= LARGEST) {
    const size = head.readUInt32BE(0);
    const first = head.subarray(4, 4 + size);
    if (size === 0 || (first.length >= 4 && first.readUInt32LE(0) === ZSTD)) return { content: "framed" };
    if (first[0] === 0x0a) return { content: "framed", signal: signalOf(first) };
  }
  if (head[0] === 0x0a && head.length > 2) return { content: "bare", signal: signalOf(head) };
  if (head[0] + head[1] === 0xff + 0xfe) return "it is text in UTF-16; save it as UTF-8";
  return "it is neither CSV nor OTLP in JSON or protobuf; is it compressed with something else than gzip?";
}

/** Of one line of OTLP/JSON; undefined when it names none of the three. */
export function signalOfJson(text: string): Telemetry | undefined {
  const key = KEY.exec(text)?.[1].toLowerCase();
  return key === "spans" ? "traces" : (key as "metrics" | "logs" | undefined);
}

/** Whether there are no bytes but those of text. */
function isText(head: Buffer): boolean {
  return head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}

/**
 * Of one request in protobuf, or its beginning. The three differ in what their innermost messages are made of: field numbers and
 * wire types of a Metric, a LogRecord and a Span.
 */
export function signalOf(bytes: Uint8Array): Telemetry {
  // request -> Resource* -> Scope* -> row
  const row = inner(inner(inner(bytes, 1), 2), 2);
  const seen = new Set<number>();
  eachField(row, (tag) => void seen.add(tag));
  const has = (field: number, wire: number) => seen.has(field * 8 + wire);
  if (has(7, 1) || has(8, 1)) return "traces";
  if (has(1, 1) || has(11, 1) || has(2, 0)) return "logs";
  if (has(5, 2) && !has(1, 2)) return "logs";
  return has(1, 2) && has(2, 2) && (has(6, 0) || has(15, 2)) ? "traces" : "metrics";
}

/** The content of the first message in the field that holds anything; empty when there is none. */
function inner(bytes: Uint8Array, field: number): Uint8Array {
  let found: Uint8Array = bytes.subarray(0, 0);
  eachField(bytes, (tag, start, end) => {
    if (tag === field * 8 + 2 && found.length === 0) found = bytes.subarray(start, end);
  });
  return found;
}

/** Every field, the last perhaps cut short; ends where the bytes are no protobuf. */
function eachField(bytes: Uint8Array, visit: (tag: number, start: number, end: number) => void): void {
  let p = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; p < bytes.length; shift += 7) {
      const byte = bytes[p++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    return value;
  };
  while (p < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 2) {
      const size = varint();
      visit(tag, p, Math.min(p + size, bytes.length));
      p += size;
      continue;
    }
    visit(tag, p, p);
    if (wire === 0) varint();
    else if (wire === 1) p += 8;
    else if (wire === 5) p += 4;
    else return;
  }
}
