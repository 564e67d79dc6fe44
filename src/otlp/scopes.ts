// The outer messages that the three Export*ServiceRequests have in common.
import type { ScannedRows } from "./columns.ts";
import { hash0, hash1, hashResource } from "./identity.ts";
import { DecodeError, enter, position, readTag, skip, viewOf } from "./wire.ts";

/** Positions are kept in signed 32-bit numbers. */
const MAX_SIZE = 0x7fffffff;

/** Scans the rows of one Scope* message, bytes[start, end), whose index among the containers is `container`. */
export type ScanScope<Scan> = (
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  scan: Scan,
  container: number,
  resource0: number,
  resource1: number,
  seed: number,
) => void;

/**
 * Resets `scan` and calls `scanScope` for every Scope* message.
 *
 *     Export*ServiceRequest { repeated Resource* = 1 }
 *     Resource* { Resource resource = 1; repeated Scope* = 2 }
 */
export function scanScopes<Scan extends ScannedRows>(
  request: Uint8Array,
  scan: Scan,
  seed: number,
  serviceOnly: boolean,
  scanScope: ScanScope<Scan>,
): void {
  const view = viewOf(request);
  // A Buffer has another hidden class than a Uint8Array; one class keeps the loops monomorphic.
  const bytes = new Uint8Array(request.buffer, request.byteOffset, request.byteLength);
  const end = bytes.length;
  if (end > MAX_SIZE) throw new DecodeError("request larger than 2 GiB", 0);
  scan.reset(end);
  let p = 0;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag !== 0x0a) {
      p = skip(bytes, tag, p, end);
      continue;
    }
    const prefix = p;
    const to = enter(bytes, p, end);
    p = position;
    const resource = scan.containers.add(prefix, p, to, -1);
    hashResource(bytes, view, p, to, seed, serviceOnly);
    const resource0 = hash0;
    const resource1 = hash1;
    while (p < to) {
      const inner = readTag(bytes, p, to);
      p = position;
      if (inner !== 0x12) {
        p = skip(bytes, inner, p, to);
        continue;
      }
      const scopePrefix = p;
      const scopeEnd = enter(bytes, p, to);
      const scope = scan.containers.add(scopePrefix, position, scopeEnd, resource);
      scanScope(bytes, view, position, scopeEnd, scan, scope, resource0, resource1, seed);
      p = scopeEnd;
    }
  }
}
