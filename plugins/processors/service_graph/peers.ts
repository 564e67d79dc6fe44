// What client and producer spans say of whom they call: read from their attributes, once and again for each series.
import type { Attributes, Batch } from "vedette";
import { ATTRIBUTE_FIELD, decodeAttributes } from "vedette/otlp";
import { messageAt, peerHash } from "./peer_hash.ts";

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
  /** Rows that were read. */
  read: number;
  /** Hash of the first peer, 0 for none, and its name; and whether there were others. */
  peer: number;
  name: string;
  several: boolean;
  /** The series is no more. */
  gone: boolean;
}

/** Nothing of it is kept across restarts: it is read anew. */
export class Peers {
  /** How often something else came to be known of the spans of a series. */
  changes = 0;
  /** By series: what is known of it, and how many rows may pass until the next one is read. */
  readonly #series: (Callees | undefined)[] = [];
  #pass = new Uint8Array(0);
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
      const row = series[i];
      if (row >= this.#pass.length) this.#grow(row);
      if (this.#pass[row] > 0) {
        this.#pass[row]--;
        continue;
      }
      const callees = this.#series[row] ?? this.#meet(batch, i);
      this.#look(batch, i, callees);
      const read = ++callees.read;
      if (!callees.several && read >= FIRST) this.#pass[row] = read === FIRST ? ONE_IN - FIRST : ONE_IN - 1;
    }
  }

  #grow(row: number): void {
    const pass = new Uint8Array(Math.max(1024, 2 * row));
    pass.set(this.#pass);
    this.#pass = pass;
  }

  #meet(batch: Batch<"traces">, row: number): Callees {
    const { resource, name } = batch.labels(row);
    const { "service.namespace": namespace = "", "service.name": service = "" } = resource;
    const key = keyOf(String(namespace), String(service), name.slice(0, LONGEST_OPERATION), batch.rows.kind[row]);
    const callees = { key, read: 0, peer: 0, name: "", several: false, gone: false };
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
      if (peer !== 0 && callees.read > 0) this.changes++;
      callees.peer = peer;
      callees.name = this.#name(peer);
    } else if (peer !== callees.peer && !callees.several) {
      this.changes++;
      callees.several = true;
    }
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
    this.#pass[series] = 0;
    this.changes++;
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
