// A hash of what a span says of whom it calls, read from its bytes: no string is made of what is known already.

/** In the order in which they are hashed; today's names and those before. */
const KEYS = [
  "peer.service",
  "server.address",
  "db.system.name",
  "db.system",
  "db.namespace",
  "db.name",
  "messaging.destination.name",
  "messaging.system",
  "net.peer.name",
  "network.peer.address",
].map((key) => Buffer.from(key));
const LENGTHS = KEYS.reduce((mask, { length }) => mask | (1 << length), 0);

let position = 0;

/** A varint below 2^32; `position` is behind it. */
function varint(bytes: Uint8Array, at: number): number {
  let value = 0;
  let p = at;
  for (let unit = 1; ; unit *= 128) {
    const byte = bytes[p++];
    value += (byte & 127) * unit;
    if (byte < 128) break;
  }
  position = p;
  return value;
}

/** Where the bytes of a span begin and end, by the place of its length. */
export function messageAt(bytes: Uint8Array, offset: number): [start: number, end: number] {
  const size = varint(bytes, offset);
  return [position, position + size];
}

/**
 * A hash of the attributes that name a peer, 0 where there are none: no string is made of what is known already. The request was
 * checked, so that every field ends within the span.
 */
export function peerHash(bytes: Uint8Array, offset: number): number {
  const size = varint(bytes, offset);
  let p = position;
  const end = p + size;
  let hash = 0;
  while (p < end) {
    const tag = varint(bytes, p);
    p = position;
    switch (tag & 7) {
      case 0:
        varint(bytes, p);
        p = position;
        break;
      case 1:
        p += 8;
        break;
      case 5:
        p += 4;
        break;
      case 2: {
        const length = varint(bytes, p);
        p = position + length;
        // KeyValue { string key = 1; AnyValue value = 2 }, the key first as everybody writes it
        if (tag === 0x4a && bytes[position] === 0x0a) hash = (hash + keyValueHash(bytes, position + 1, p)) | 0;
        break;
      }
      default:
        return hash;
    }
  }
  return hash;
}

function keyValueHash(bytes: Uint8Array, at: number, end: number): number {
  const length = bytes[at];
  if (length > 31 || (LENGTHS & (1 << length)) === 0) return 0;
  const start = at + 1;
  const key = KEYS.findIndex((key) => key.length === length && same(bytes, start, key));
  if (key < 0) return 0;
  let hash = Math.imul(key + 1, 0x9e3779b1);
  for (let p = start + length; p < end; p++) hash = Math.imul(hash ^ bytes[p], 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x85ebca6b) | 1;
}

function same(bytes: Uint8Array, start: number, key: Uint8Array): boolean {
  for (let i = 0; i < key.length; i++) if (bytes[start + i] !== key[i]) return false;
  return true;
}
