// The 64-bit identity of a series: seeded, and blind to the order of attributes.
import { check, checkKeyValue, Part } from "./check.ts";
import { enter, position, readTag, skip } from "./wire.ts";

const C1 = 0x9e3779b1 | 0;
const C2 = 0x85ebca77 | 0;
const C3 = 0xc2b2ae3d | 0;

/** The two halves of the last hash computed here, as signed 32-bit numbers. */
export let hash0 = 0;
export let hash1 = 0;

function settle(a: number, b: number): void {
  let x = a ^ (a >>> 16);
  x = Math.imul(x, C2);
  let y = (b + x) | 0;
  y = Math.imul(y ^ (y >>> 15), C3);
  x = Math.imul(x ^ y ^ (y >>> 13), C1);
  hash0 = x ^ (x >>> 16);
  hash1 = ((y ^ (y >>> 16)) + hash0) | 0;
}

/** Hashes bytes[start, end). */
export function hashBytes(bytes: Uint8Array, view: DataView, start: number, end: number, seed: number): void {
  hashOnto(bytes, view, start, end, seed, seed ^ C3);
}

/** Hashes bytes[start, end) onto an identity: what comes out names both, in this order. */
export function hashOnto(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  onto0: number,
  onto1: number,
): void {
  let a = onto0 ^ (end - start);
  let b = onto1;
  let p = start;
  for (; p + 8 <= end; p += 8) {
    let x = a ^ view.getInt32(p, true);
    a = (Math.imul((x << 15) | (x >>> 17), C1) + b) | 0;
    x = b ^ view.getInt32(p + 4, true);
    b = Math.imul((x << 13) | (x >>> 19), C2) ^ a;
  }
  if (p < end) {
    let w0 = 0;
    let w1 = 0;
    if (end - start >= 8) {
      w0 = view.getInt32(end - 8, true);
      w1 = view.getInt32(end - 4, true);
    } else {
      for (let shift = 0; p < end; p++, shift += 8) {
        if (shift < 32) w0 |= bytes[p] << shift;
        else w1 |= bytes[p] << (shift - 32);
      }
    }
    let x = a ^ w0;
    a = (Math.imul((x << 15) | (x >>> 17), C1) + b) | 0;
    x = b ^ w1;
    b = Math.imul((x << 13) | (x >>> 19), C2) ^ a;
  }
  settle(a, b);
}

/** Hashes an identity with what distinguishes it at the next level; order matters. */
export function mix(a0: number, a1: number, b0: number, b1: number): void {
  const a = Math.imul((a0 << 15) | (a0 >>> 17), C1) ^ b0;
  const b = Math.imul((a1 << 13) | (a1 >>> 19), C2) ^ b1;
  settle((a + Math.imul(b, C3)) | 0, b ^ Math.imul(a, C1));
}

const RESOURCE = 0x0a;
const ATTRIBUTE = 0x0a;
const ENTITY_REF = 0x1a;

/**
 * Hashes the resource of a Resource* message (1 resource), of all its occurrences if it was sent in parts:
 * every attribute (Resource: 1 attributes), or only service.name and service.namespace.
 */
export function hashResource(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  seed: number,
  serviceOnly: boolean,
): void {
  let a0 = 0;
  let a1 = 0;
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag !== RESOURCE) {
      p = skip(bytes, tag, p, end);
      continue;
    }
    const resourceEnd = enter(bytes, p, end);
    p = position;
    while (p < resourceEnd) {
      const inner = readTag(bytes, p, resourceEnd);
      p = position;
      if (inner !== ATTRIBUTE) {
        const next = skip(bytes, inner, p, resourceEnd);
        if (inner === ENTITY_REF) check(bytes, Part.flat, position, next);
        p = next;
        continue;
      }
      const to = enter(bytes, p, resourceEnd);
      const from = position;
      checkKeyValue(bytes, from, to);
      if (!serviceOnly || namesService(bytes, from, to)) {
        hashBytes(bytes, view, from, to, seed);
        a0 = (a0 + hash0) | 0;
        a1 = (a1 + hash1) | 0;
      }
      p = to;
    }
  }
  mix(a0, a1, seed, C1);
}

const SERVICE_KEYS = ["service.name", "service.namespace"].map((key) => new TextEncoder().encode(key));

/** Whether a KeyValue (1 key) has the key service.name or service.namespace. */
function namesService(bytes: Uint8Array, start: number, end: number): boolean {
  let keyStart = 0;
  let keyEnd = 0;
  let p = start;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if (tag === 0x0a) {
      keyEnd = enter(bytes, p, end);
      keyStart = position;
      p = keyEnd;
    } else p = skip(bytes, tag, p, end);
  }
  return SERVICE_KEYS.some((key) => {
    if (key.length !== keyEnd - keyStart) return false;
    for (let i = 0; i < key.length; i++) if (key[i] !== bytes[keyStart + i]) return false;
    return true;
  });
}
