// What a sampler reads of a span's own bytes, and how it writes them anew.
import type { AttributeValue } from "vedette";
import {
  ATTRIBUTE_FIELD,
  decodeAttributes,
  encodeAttributes,
  enter,
  position,
  readTag,
  skip,
  Wire,
  Writer,
} from "vedette/otlp";
import { parseTraceState, type TraceState } from "./tracestate.ts";

/** Field number of a span's W3C tracestate. */
export const TRACE_STATE = 3;
const TRACE_STATE_TAG = (TRACE_STATE << 3) | 2;
const ATTRIBUTE_TAG = (ATTRIBUTE_FIELD.traces << 3) | 2;

/** The attribute by which samplers behind know that a span is wanted. */
export const PRIORITY = "sampling.priority";
const PRIORITY_KEY = new TextEncoder().encode(PRIORITY);
const PRIORITY_SIZE = PRIORITY_KEY.length;

/** It, encoded: the span is wanted. */
export const WANTED = encodeAttributes(ATTRIBUTE_FIELD.traces, { [PRIORITY]: 1n });

/** Of the span read last: its content, its tracestate (both 0 where it has none), and whether it may have a sampling.priority. */
export let start = 0;
export let end = 0;
export let stateStart = 0;
export let stateEnd = 0;
export let prioritised = false;

/** Reads the span whose length prefix is at `offset`, of a request that was scanned. */
export function readSpan(bytes: Uint8Array, offset: number): void {
  const to = enter(bytes, offset, bytes.length) | 0;
  readContent(bytes, position | 0, to);
}

/** Reads a span whose content is bytes[from, to). */
export function readContent(bytes: Uint8Array, from: number, to: number): void {
  let p = from | 0;
  let stateAt = 0;
  let stateTo = 0;
  let found = false;
  while (p < to) {
    let tag = bytes[p++];
    if (tag > 127) {
      tag = readTag(bytes, p - 1, to) | 0;
      p = position | 0;
    }
    const kind = tag & 7;
    if (kind === 2) {
      let size = bytes[p++];
      if (size > 127) {
        size = (enter(bytes, p - 1, to) - position) | 0;
        p = position | 0;
      }
      if (tag === ATTRIBUTE_TAG) {
        // of other lengths, if it is written as encoders do, key first
        const key = bytes[p + 1];
        if ((key === PRIORITY_SIZE || key > 127 || bytes[p] !== 0x0a) && mayBePriority(bytes, p, size)) found = true;
      } else if (tag === TRACE_STATE_TAG) {
        stateAt = p;
        stateTo = (p + size) | 0;
      }
      p = (p + size) | 0;
    } else if (kind === 1) p = (p + 8) | 0;
    else if (kind === 5) p = (p + 4) | 0;
    else if (kind === 0 && bytes[p] < 128) p++;
    else p = skip(bytes, tag, p, to) | 0;
  }
  start = from;
  end = to;
  stateStart = stateAt;
  stateEnd = stateTo;
  prioritised = found;
}

/** Whether the KeyValue has that key, or is written in another way than encoders do. */
function mayBePriority(bytes: Uint8Array, at: number, size: number): boolean {
  if (bytes[at] !== 0x0a || bytes[at + 1] > 127) return size > 0;
  for (let i = 0; i < PRIORITY_KEY.length; i++) if (bytes[at + 2 + i] !== PRIORITY_KEY[i]) return false;
  return true;
}

/** The sampling.priority of the span read last: above 0 it is to be kept, at 0 to be dropped, NaN says nothing; as the Collector reads it. */
export function priority(bytes: Uint8Array): number {
  const value: AttributeValue | undefined = decodeAttributes(bytes, start, end, ATTRIBUTE_FIELD.traces)[PRIORITY];
  if (typeof value === "bigint" || typeof value === "number") return Number(value);
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
}

/** What the value of that field says. */
export function stateOf(value: Uint8Array): TraceState {
  return parseTraceState(Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1"));
}

/** The field with that text; nothing for no text. */
export function traceStateField(text: string): Uint8Array {
  if (text === "") return new Uint8Array(0);
  return new Writer().field(TRACE_STATE, Wire.bytes).bytes(Buffer.from(text, "latin1")).finish();
}

/** The content of a span without its tracestate, and with other fields instead. */
export function withoutTraceState(span: Uint8Array, fields: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer(span.length + 64);
  for (let p = 0; p < span.length; ) {
    const tag = readTag(span, p, span.length);
    const next = skip(span, tag, position, span.length);
    if (tag >>> 3 !== TRACE_STATE) writer.append(span.subarray(p, next));
    p = next;
  }
  for (const field of fields) writer.append(field);
  return writer.finish();
}
