// A snapshot at rest: one checksummed file, written some rows at a time and refused unless it fits.
import { endianness } from "node:os";
import { crc32 } from "node:zlib";
import { z } from "../api/index.ts";
import { joinedCrc } from "./crc.ts";
import {
  bytesOf,
  type KeptColumn,
  type LiveColumn,
  type LiveSnapshot,
  lengthOf,
  rowSize,
  type Snapshot,
  SnapshotError,
} from "./snapshot.ts";

// The file: magic, version and length of the header as 32-bit little-endian numbers, the header in JSON, the columns, each of
// these padded to 8 bytes, and the CRC-32 of all before it.
const MAGIC = Buffer.from("vedette\n");
const VERSION = 1;
const START = 16;
const TRAILER = 4;
/** Bytes copied, checked and written at a time: the event loop is free between two. */
const SLICE = 1 << 20;

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
export interface Stored<S extends Snapshot | LiveSnapshot = Snapshot> {
  readonly key: string;
  readonly seed?: number | undefined;
  readonly snapshot: S;
}

/** A part of a file, to be written at its place before the next one is asked for; after the last one the file is whole. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

const padding = (length: number) => -length & 7;

/** The file in pieces, not in the order of their places. Ends without a last one when the snapshot has ended before. */
export function* encodeSnapshot({ key, seed, snapshot }: Stored<Snapshot | LiveSnapshot>): Generator<Piece> {
  const { type, stateVersion, takenAt, signal } = snapshot;
  const rows = "rows" in snapshot ? snapshot.rows : 0;
  const written = snapshot.columns.map((each) => new Written(each, rows));
  const columns = written.map(({ column: { name, type, width, shared }, length }) => ({
    name,
    type,
    width,
    shared,
    length,
  }));
  const about = { key, seed, endianness: endianness(), type, stateVersion, takenAt, signal, columns };
  const head = headOf(JSON.stringify(about));
  yield { at: 0, bytes: head, last: false };
  let end = head.length;
  for (const each of written) {
    each.at = end;
    end += each.length + padding(each.length);
  }
  for (const each of written) yield* each.whole();
  const byRow = written.filter((each) => each.size > 0);
  const row = byRow.reduce((sum, { size }) => sum + size, 0);
  const step = Math.min(rows, Math.ceil(SLICE / Math.max(1, row)));
  const room = new Uint8Array(row * step);
  for (let from = 0; from < rows; from += step) {
    if ("ended" in snapshot && snapshot.ended()) return;
    let at = 0;
    const pieces = byRow.map((each) => {
      const piece = each.copy(from, Math.min(rows, from + step), room, at);
      at += piece.bytes.length;
      return piece;
    });
    yield* pieces;
  }
  let crc = crc32(head);
  for (const { length, crc: own } of written) {
    const filled = new Uint8Array(padding(length));
    crc = joinedCrc(crc, crc32(filled, own), length + filled.length);
  }
  yield { at: end, bytes: trailer(crc), last: true };
}

/** How far a column is written. */
class Written {
  readonly column: KeptColumn | LiveColumn;
  /** Bytes of the column, and of a row that is read later. */
  readonly length: number;
  readonly size: number;
  at = 0;
  crc = 0;

  constructor(column: KeptColumn | LiveColumn, rows: number) {
    this.column = column;
    this.length = lengthOf(column, rows);
    this.size = rowSize(column);
  }

  /** Of a column that is no live one, or is shared: all of it, as it is now. */
  *whole(): Generator<Piece> {
    if (this.size > 0) return;
    const { column } = this;
    const bytes = "read" in column ? Uint8Array.from(bytesOf(column.read(0, 0))) : column.bytes;
    for (let from = 0; from < bytes.length; from += SLICE) yield this.#piece(from, bytes.subarray(from, from + SLICE));
  }

  /** Some rows, copied to `room`. */
  copy(from: number, to: number, room: Uint8Array, at: number): Piece {
    const bytes = room.subarray(at, at + (to - from) * this.size);
    bytes.set(bytesOf((this.column as LiveColumn).read(from, to)));
    return this.#piece(from * this.size, bytes);
  }

  #piece(from: number, bytes: Uint8Array): Piece {
    this.crc = crc32(bytes, this.crc);
    return { at: this.at + from, bytes, last: false };
  }
}

function headOf(text: string): Buffer {
  const head = Buffer.from(text + " ".repeat(padding(Buffer.byteLength(text))));
  const start = Buffer.alloc(START);
  MAGIC.copy(start);
  start.writeUInt32LE(VERSION, 8);
  start.writeUInt32LE(head.length, 12);
  return Buffer.concat([start, head]);
}

/** The end of a file whose other bytes have this CRC-32. */
function trailer(crc: number): Uint8Array {
  const bytes = Buffer.alloc(TRAILER);
  bytes.writeUInt32LE(crc);
  return bytes;
}

/** A file to read; what `read` gives is there until it is called again. */
export interface SnapshotSource {
  readonly length: number;
  read(at: number, length: number): Uint8Array;
}

/** Looks through a whole file; the columns are read from it when they are asked for. Throws SnapshotError. */
export function decodeSnapshot(source: SnapshotSource): Stored {
  const bytesAt = (at: number, length: number) => Buffer.from(source.read(at, length));
  const start = bytesAt(0, Math.min(START, source.length));
  if (source.length < START + TRAILER || !start.subarray(0, 8).equals(MAGIC)) {
    throw new SnapshotError("is in a file that is no snapshot of ours, or was cut short");
  }
  const version = start.readUInt32LE(8);
  if (version !== VERSION) {
    throw new SnapshotError(
      `is in format ${version}, written by another version of the agent: this one reads ${VERSION}`,
    );
  }
  const end = source.length - TRAILER;
  let crc = 0;
  for (let at = 0; at < end; at += SLICE) crc = crc32(source.read(at, Math.min(SLICE, end - at)), crc);
  if (crc !== bytesAt(end, TRAILER).readUInt32LE()) {
    throw new SnapshotError("is damaged: its checksum is not that of its bytes");
  }
  const length = Math.min(start.readUInt32LE(12), end - START);
  const parsed = header.safeParse(jsonOf(bytesAt(START, length)));
  if (!parsed.success) throw new SnapshotError("has a header that makes no sense");
  const { key, seed, endianness: order, columns, signal, ...rest } = parsed.data;
  if (order !== endianness()) throw new SnapshotError("comes from a machine with another order of bytes");
  let at = START + length;
  const kept = columns.map(({ length, ...shape }): KeptColumn => {
    const from = at;
    at += length + padding(length);
    return {
      ...shape,
      length,
      part: (first, last) => source.read(from + first, last - first),
      get bytes() {
        return Uint8Array.from(source.read(from, length));
      },
    };
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
