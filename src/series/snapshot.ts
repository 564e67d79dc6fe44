// What a component remembers, at rest: columns that say what they are, in one checksummed file that is refused unless it fits.
import { endianness } from "node:os";
import { crc32 } from "node:zlib";
import { type ColumnType, type Connector, type Exporter, type Processor, type Telemetry, z } from "../api/index.ts";

/** One column of a snapshot; `bytes` are its own copy, in this machine's order. */
export interface KeptColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** Entries a row; of a shared column, entries in all. */
  readonly width: number;
  readonly shared: boolean;
  readonly bytes: Uint8Array;
}

/** All that a component remembers at one moment. Written by the agent, never by a plugin. */
export interface Snapshot {
  /** Of the component: "ewma". */
  readonly type: string;
  readonly stateVersion: number;
  /** Unix milliseconds. */
  readonly takenAt: number;
  /** The signal whose hash seed the identities in it are under; absent: it holds none. */
  readonly signal?: Telemetry;
  readonly columns: readonly KeptColumn[];
}

/** A component whose memory is kept. Both are called between batches. */
export interface Kept {
  /** Copies: what is learnt later does not change them. */
  takeSnapshot(): Snapshot;
  /** For a component that has seen nothing yet. Throws SnapshotError, or what a plugin's `load` throws, and has then learnt nothing. */
  restore(snapshot: Snapshot): void;
}

/** Why a snapshot cannot be used, as the end of a sentence that begins "its state". */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** A column of one entry a row. Takes the array over. */
export function column(name: string, type: ColumnType, array: ArrayBufferView): KeptColumn {
  const bytes = new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
  return { name, type, width: 1, shared: false, bytes };
}

/** How a component is kept: a detector by its columns, another by the bytes of its `save`; undefined when there is nothing to keep. */
export function keptOf(
  type: string,
  part: Processor<any> | Connector<any> | Exporter<any>,
  now: () => number,
): Kept | undefined {
  if ("takeSnapshot" in part) return part as Processor<any> & Kept;
  if (!part.save || !part.load) return undefined;
  return {
    takeSnapshot: () => ({
      type,
      stateVersion: 1,
      takenAt: now(),
      columns: [column("saved", "u8", Uint8Array.from(part.save!()))],
    }),
    restore(snapshot) {
      const saved = snapshot.columns.find(({ name }) => name === "saved");
      if (snapshot.type !== type || !saved) throw new SnapshotError(`is that of ${snapshot.type}, not of ${type}`);
      part.load!(Uint8Array.from(saved.bytes));
    },
  };
}

// The file: magic, version and length of the header as 32-bit little-endian numbers, the header in JSON, the columns, each of
// these padded to 8 bytes, and the CRC-32 of all before it.
const MAGIC = Buffer.from("vedette\n");
const VERSION = 1;
const START = 16;
const TRAILER = 4;

const header = z.object({
  key: z.string(),
  type: z.string(),
  stateVersion: z.number(),
  takenAt: z.number(),
  signal: z.enum(["metrics", "logs", "traces"]).optional(),
  seed: z.number().optional(),
  endianness: z.enum(["LE", "BE"]),
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.enum(["f64", "f32", "u32", "i32", "u16", "u8"]),
      width: z.int().nonnegative(),
      shared: z.boolean(),
      length: z.int().nonnegative(),
    }),
  ),
});

/** A snapshot with whose it is: the component's key, and the hash seed of its identities where it holds any. */
export interface Stored {
  readonly key: string;
  readonly seed?: number | undefined;
  readonly snapshot: Snapshot;
}

const padding = (length: number) => -length & 7;

/** The file in parts, but for its trailer; the columns are not copied. */
export function encodeSnapshot({ key, seed, snapshot }: Stored): Uint8Array[] {
  const columns = snapshot.columns.map(({ bytes, ...rest }) => ({ ...rest, length: bytes.length }));
  const text = JSON.stringify({ key, seed, endianness: endianness(), ...snapshot, columns });
  const head = Buffer.from(text + " ".repeat(padding(Buffer.byteLength(text))));
  const start = Buffer.alloc(START);
  MAGIC.copy(start);
  start.writeUInt32LE(VERSION, 8);
  start.writeUInt32LE(head.length, 12);
  const pieces = snapshot.columns.flatMap(({ bytes }) => [bytes, new Uint8Array(padding(bytes.length))]);
  return [start, head, ...pieces.filter(({ length }) => length > 0)];
}

/** The end of a file whose parts have this CRC-32. */
export function trailer(crc: number): Uint8Array {
  const bytes = Buffer.alloc(TRAILER);
  bytes.writeUInt32LE(crc);
  return bytes;
}

/** Reads a whole file; the columns are views of it. Throws SnapshotError. */
export function decodeSnapshot(file: Uint8Array): Stored {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  if (bytes.length < START + TRAILER || !bytes.subarray(0, 8).equals(MAGIC)) {
    throw new SnapshotError("is in a file that is no snapshot of ours, or was cut short");
  }
  const version = bytes.readUInt32LE(8);
  if (version !== VERSION) {
    throw new SnapshotError(
      `is in format ${version}, written by another version of the agent: this one reads ${VERSION}`,
    );
  }
  const end = bytes.length - TRAILER;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) {
    throw new SnapshotError("is damaged: its checksum is not that of its bytes");
  }
  const body = START + bytes.readUInt32LE(12);
  const parsed = header.safeParse(jsonOf(bytes.subarray(START, body)));
  if (!parsed.success) throw new SnapshotError("has a header that makes no sense");
  const { key, seed, endianness: order, columns, signal, ...rest } = parsed.data;
  if (order !== endianness()) throw new SnapshotError("comes from a machine with another order of bytes");
  let at = body;
  const kept = columns.map(({ length, ...each }) => {
    const part = { ...each, bytes: bytes.subarray(at, at + length) };
    at += length + padding(length);
    return part;
  });
  if (at !== end) throw new SnapshotError("has columns of other lengths than its header says");
  return { key, seed, snapshot: { ...rest, ...(signal && { signal }), columns: kept } };
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}
