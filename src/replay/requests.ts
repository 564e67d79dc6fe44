// OTLP files of one kind, one request after the other: JSON lines, framed protobuf, or a single bare request.
import { zstdDecompressSync } from "node:zlib";
import type { Telemetry } from "../api/index.ts";
import { jsonToProtobuf } from "../otlp/from_json.ts";
import { LARGEST, signalOf, signalOfJson, ZSTD } from "./content.ts";
import { InputError } from "./input_error.ts";
import type { Input } from "./inputs.ts";

const NEWLINE = 10;

export interface Request {
  readonly signal: Telemetry;
  /** Protobuf; its reader's own. */
  readonly bytes: Uint8Array;
  /** From 1: the line or the request in the file. */
  readonly number: number;
}

/** Throws InputError. */
export async function* requestsOf(input: Input, chunks: AsyncGenerator<Buffer, void>): AsyncGenerator<Request, void> {
  let number = 0;
  for await (const record of recordsOf(input, chunks)) {
    number++;
    try {
      const request = requestIn(input, record);
      if (request) yield { ...request, number };
    } catch (error) {
      const what = input.content === "json" ? remedyFor(record) : "copy the file anew";
      throw new InputError(
        input.path,
        `request ${number} is no OTLP (${(error as Error).message}); ${what}`,
        lineOf(input, number),
      );
    }
  }
}

/** A line that ends where an object has only begun is the first of many. */
const remedyFor = (line: Buffer) =>
  /^\s*[{[]\s*$/.test(line.toString("latin1", 0, 100))
    ? "write each request in one line, as jq -c does"
    : "correct the line, or take it out";

/** Where a message points to in the file. */
export const lineOf = ({ content }: Input, number: number) => (content === "json" ? number : undefined);

function requestIn(input: Input, record: Buffer): Omit<Request, "number"> | undefined {
  if (input.content === "json") return fromJson(record);
  if (record.length === 0) return undefined;
  if (record.length > 4 && record.readUInt32LE(0) === ZSTD) {
    const unpacked = zstdDecompressSync(record, { maxOutputLength: LARGEST });
    return unpacked[0] === 0x7b ? fromJson(unpacked) : { signal: signalOf(unpacked), bytes: unpacked };
  }
  if (record[0] === 0x7b) return fromJson(record);
  // a copy: detectors and queues may keep the request longer than the file's piece should be
  const bytes = new Uint8Array(record);
  return { signal: signalOf(bytes), bytes };
}

/** Undefined for a line that says nothing. */
function fromJson(record: Buffer): Omit<Request, "number"> | undefined {
  const json = record[0] === 0xef && record[1] === 0xbb && record[2] === 0xbf ? record.subarray(3) : record;
  const head = json.toString("latin1", 0, 200);
  if (head.trim() === "") return undefined;
  const signal = signalOfJson(head) ?? signalOfJson(json.toString("latin1"));
  if (signal) return { signal, bytes: jsonToProtobuf(signal, json) };
  if (Object.keys(JSON.parse(json.toString())).length === 0) return undefined;
  throw new Error("it holds neither resourceMetrics nor resourceLogs nor resourceSpans");
}

/** Lines, frames, or the whole file. */
async function* recordsOf(input: Input, chunks: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  let parts: Buffer[] = [];
  let size = 0;
  let count = 0;
  const tooLarge = () =>
    new InputError(
      input.path,
      `request ${count + 1} has more than ${LARGEST} bytes; is the file damaged, or are its lines not ended?`,
      lineOf(input, count + 1),
    );
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    // joined once it may hold a whole record: looking for one in each chunk alone keeps a long record from being copied again and again
    const whole =
      input.content === "json" ? chunk.includes(NEWLINE) : input.content === "framed" && size >= needed(parts);
    if (!whole) {
      if (size > LARGEST + 4) throw tooLarge();
      continue;
    }
    let rest = parts.length === 1 ? chunk : Buffer.concat(parts);
    for (;;) {
      const [start, end, next] = boundsIn(rest, input.content);
      if (end - start > LARGEST) throw tooLarge();
      if (next < 0 || next > rest.length) break;
      count++;
      yield rest.subarray(start, end);
      rest = rest.subarray(next);
    }
    parts = [rest];
    size = rest.length;
  }
  const rest = Buffer.concat(parts);
  if (rest.length === 0) return;
  if (input.content === "framed") {
    throw new InputError(input.path, `it ends within request ${count + 1}; copy the file anew, or cut that off`);
  }
  yield rest;
}

/** Bytes that the first record of what was read takes, with its length. */
function needed(parts: readonly Buffer[]): number {
  const head = parts[0].length >= 4 ? parts[0] : Buffer.concat(parts);
  return head.length < 4 ? 4 : 4 + head.readUInt32BE(0);
}

/** Start and end of the first record, and where the next begins: -1 when it is not whole. */
function boundsIn(bytes: Buffer, content: Input["content"]): [start: number, end: number, next: number] {
  if (content === "json") {
    const end = bytes.indexOf(NEWLINE);
    return [0, end < 0 ? bytes.length : end, end < 0 ? -1 : end + 1];
  }
  if (bytes.length < 4) return [0, 0, -1];
  const end = 4 + bytes.readUInt32BE(0);
  return [4, end, end];
}
