// Where the scopes of a request of traces lie, and what encloses their spans.
import { enter, position, readTag, skip } from "vedette/otlp";
import type { Envelope } from "./held.ts";

/** Tags of ResourceSpans, ScopeSpans and Span in what encloses them. */
const RESOURCE = 0x0a;
const INNER = 0x12;

/** Where the content of a ScopeSpans message lies, and that of the ResourceSpans around it. */
export interface Scope {
  readonly start: number;
  readonly end: number;
  readonly resourceStart: number;
  readonly resourceEnd: number;
}

/** Calls back with each scope, in the order of the bytes. */
export function eachScope(bytes: Uint8Array, found: (scope: Scope) => void): void {
  for (let p = 0; p < bytes.length; ) {
    const tag = readTag(bytes, p, bytes.length);
    const at = position;
    p = skip(bytes, tag, at, bytes.length);
    if (tag !== RESOURCE) continue;
    enter(bytes, at, bytes.length);
    const resourceStart = position;
    for (let q = resourceStart; q < p; ) {
      const inner = readTag(bytes, q, p);
      const from = position;
      q = skip(bytes, inner, from, p);
      if (inner !== INNER) continue;
      enter(bytes, from, p);
      found({ start: position, end: q, resourceStart, resourceEnd: p });
    }
  }
}

/** A copy of what encloses the spans of a scope. */
export function envelopeOf(bytes: Uint8Array, { start, end, resourceStart, resourceEnd }: Scope): Envelope {
  const resource = others(bytes, resourceStart, resourceEnd);
  return { resource, scope: others(bytes, start, end), segment: -1, at: 0 };
}

/** The fields of a message that are no ScopeSpans, or no Span. */
function others(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let p = start; p < end; ) {
    const from = p;
    const tag = readTag(bytes, p, end);
    p = skip(bytes, tag, position, end);
    if (tag !== INNER) parts.push(bytes.subarray(from, p));
  }
  return Buffer.concat(parts);
}
