// What client and producer spans say of whom they call: read from their attributes, once and again for each series.
import type { Attributes, Batch } from "vedette";
import { ATTRIBUTE_FIELD, decodeAttributes } from "vedette/otlp";

/** OTLP span kinds. */
const CLIENT = 3;
const PRODUCER = 4;
/** The first rows of a series are read, and then one in so many, until it has shown several peers: then all are. */
const FIRST = 8;
const ONE_IN = 64;
/** Names of peers that are known by the hash of the attributes that make them. */
const MOST_NAMES = 10_000;
const LONGEST = 200;
/** Spans of series with several peers that are remembered until their trace is complete; a power of two. */
const SPANS = 65_536;
/** As the assembler of traces cuts names. */
const LONGEST_OPERATION = 256;

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

/** How a peer is called; empty where nothing names it. */
export function peerName(attributes: Attributes): string {
  const said = (...keys: string[]) => {
    const key = keys.find((key) => attributes[key] !== undefined && attributes[key] !== "");
    return key === undefined ? "" : String(attributes[key]).slice(0, LONGEST);
  };
  const peer = said("peer.service");
  if (peer !== "") return peer;
  const host = said("server.address", "net.peer.name", "network.peer.address");
  const destination = said("messaging.destination.name");
  const within = (system: string, what: string) => (what === "" ? system : `${system}/${what}`);
  if (destination !== "") return within(said("messaging.system") || "queue", destination);
  const database = said("db.system.name", "db.system");
  return database === "" ? host : within(database, said("db.namespace", "db.name") || host);
}

/** What the spans of one series call. */
export interface Callees {
  readonly key: string;
  rows: number;
  /** Hash of the first peer, 0 for none, and its name; and whether there were others. */
  peer: number;
  name: string;
  several: boolean;
  /** The series is no more. */
  gone: boolean;
}

/** Nothing of it is kept across restarts: it is read anew. */
export class Peers {
  /** By series; null for those of no call. */
  readonly #series: (Callees | null | undefined)[] = [];
  /** By `keyOf`. */
  readonly #operations = new Map<string, Callees>();
  readonly #names = new Map<number, string>();
  readonly #ids = new Int32Array(2 * SPANS);
  readonly #peers = new Int32Array(SPANS);

  read(batch: Batch<"traces">): void {
    const { rows } = batch;
    const { length, series, kind } = rows;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== CLIENT && kind[i] !== PRODUCER) continue;
      const callees = this.#series[series[i]] ?? this.#meet(batch, i);
      const count = callees.rows++;
      if (callees.several || count < FIRST || count % ONE_IN === 0) this.#look(batch, i, callees);
    }
  }

  #meet(batch: Batch<"traces">, row: number): Callees {
    const { resource, name } = batch.labels(row);
    const { "service.namespace": namespace = "", "service.name": service = "" } = resource;
    const key = keyOf(String(namespace), String(service), name.slice(0, LONGEST_OPERATION), batch.rows.kind[row]);
    const callees = { key, rows: 0, peer: 0, name: "", several: false, gone: false };
    this.#series[batch.rows.series[row]] = callees;
    this.#operations.set(key, callees);
    return callees;
  }

  #look(batch: Batch<"traces">, row: number, callees: Callees): void {
    const { bytes, rows } = batch;
    const peer = peerHash(bytes, rows.offset[row]);
    if (peer !== 0 && !this.#names.has(peer)) {
      if (this.#names.size >= MOST_NAMES) this.#names.clear();
      const [start, end] = messageAt(bytes, rows.offset[row]);
      this.#names.set(peer, peerName(decodeAttributes(bytes, start, end, ATTRIBUTE_FIELD.traces)));
    }
    if (callees.peer === 0) {
      callees.peer = peer;
      callees.name = this.#name(peer);
    } else if (peer !== callees.peer) callees.several = true;
    const at = rows.spanId[row];
    if (at === 0) return;
    const id0 = fourBytes(bytes, at);
    const id1 = fourBytes(bytes, at + 4);
    const slot = slotOf(id0, id1);
    this.#ids[2 * slot] = id0;
    this.#ids[2 * slot + 1] = id1;
    this.#peers[slot] = peer;
  }

  forget(series: number): void {
    const callees = this.#series[series];
    this.#series[series] = undefined;
    if (!callees) return;
    callees.gone = true;
    if (this.#operations.get(callees.key) === callees) this.#operations.delete(callees.key);
  }

  /** Of the spans of an operation, by its `keyOf`; undefined where its series is not known. */
  of(operation: string): Callees | undefined {
    return this.#operations.get(operation);
  }

  /** Whom a span calls, by its id of 16 hex digits; empty where that is not known. */
  ofSpan(spanId: string): string {
    const id0 = Number.parseInt(spanId.slice(0, 8), 16) | 0;
    const id1 = Number.parseInt(spanId.slice(8), 16) | 0;
    const slot = slotOf(id0, id1);
    if (this.#ids[2 * slot] !== id0 || this.#ids[2 * slot + 1] !== id1) return "";
    return this.#name(this.#peers[slot]);
  }

  #name(peer: number): string {
    return this.#names.get(peer) ?? "";
  }
}

/** Which series is that of an operation whose name was taken as it is. */
export const keyOf = (namespace: string, service: string, name: string, kind: number) =>
  [namespace, service, name, kind].join("\n");

const slotOf = (id0: number, id1: number) => (Math.imul(id0 ^ (id1 >>> 15), 0x9e3779b1) ^ id1) & (SPANS - 1);

const fourBytes = (bytes: Uint8Array, at: number) =>
  (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];

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

function messageAt(bytes: Uint8Array, offset: number): [start: number, end: number] {
  const size = varint(bytes, offset);
  return [position, position + size];
}

/**
 * A hash of the attributes that name a peer, 0 where there are none: no string is made of what is known already. The request was
 * checked, so that every field ends within the span.
 */
function peerHash(bytes: Uint8Array, offset: number): number {
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
