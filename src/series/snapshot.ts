// What a component remembers: columns that say what they are, copied at once or some rows at a time.
import type { ColumnType, Connector, Exporter, Processor, Telemetry } from "../api/index.ts";

/** What there is to know of a column but its entries. */
export interface ColumnShape {
  readonly name: string;
  readonly type: ColumnType;
  /** Entries a row; of a shared column, entries in all. */
  readonly width: number;
  readonly shared: boolean;
}

/** One column of a snapshot, in this machine's order of bytes. */
export interface KeptColumn extends ColumnShape {
  /** Its own copy. Of a column in a file it is read each time. */
  readonly bytes: Uint8Array;
  /** Of a column in a file: its bytes in all, and those at [from, to), which are there until another part of the file is asked for. */
  readonly length?: number;
  part?(from: number, to: number): Uint8Array;
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

/** A column of one entry or more a row, as it is now: what `read` gives is to be copied before anything else is learnt. */
export interface LiveColumn extends ColumnShape {
  /** The entries of the rows [from, to); of a shared column all, whatever the rows. */
  read(from: number, to: number): ArrayBufferView;
}

/**
 * A snapshot that is yet to be copied, some rows at a time, while the component goes on learning. All columns of a row must be
 * copied at one moment; rows may be of different ones. None goes away meanwhile.
 */
export interface LiveSnapshot extends Omit<Snapshot, "columns"> {
  readonly rows: number;
  readonly columns: readonly LiveColumn[];
  /** From now on its rows may be those of others: what was copied is to be thrown away. */
  ended(): boolean;
}

/** A component whose memory is kept. All are called between batches. */
export interface Kept {
  /** Copies: what is learnt later does not change them. */
  takeSnapshot(): Snapshot;
  /** The same, for one that has so much to copy that it would be a pause. */
  live?(): LiveSnapshot;
  /** For a component that has seen nothing yet. Throws SnapshotError, or what a plugin's `load` throws, and has then learnt nothing. */
  restore(snapshot: Snapshot): void;
}

/** Why a snapshot cannot be used, as the end of a sentence that begins "its state". */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** A column of one entry a row. Takes the array over. */
export function column(name: string, type: ColumnType, array: ArrayBufferView): KeptColumn {
  return { name, type, width: 1, shared: false, bytes: bytesOf(array) };
}

/** The column with its first `rows` rows, copied. */
export function copied({ read, ...column }: LiveColumn, rows: number): KeptColumn {
  return { ...column, bytes: Uint8Array.from(bytesOf(read(0, rows))) };
}

/** The whole of it, copied at this moment. */
export function copiedSnapshot({ rows, columns, ended: _, ...rest }: LiveSnapshot): Snapshot {
  return { ...rest, columns: columns.map((each) => copied(each, rows)) };
}

/** The whole of it, not copied: for whoever reads it at once. */
export function viewedSnapshot({ rows, columns, ended: _, ...rest }: LiveSnapshot): Snapshot {
  return { ...rest, columns: columns.map(({ read, ...each }) => ({ ...each, bytes: bytesOf(read(0, rows)) })) };
}

const SIZE: Readonly<Record<ColumnType, number>> = { f64: 8, f32: 4, u32: 4, i32: 4, u16: 2, u8: 1 };

/** Bytes of a row that is still to be read; 0 of a column that is copied already, or shared. */
export const rowSize = (column: KeptColumn | LiveColumn) =>
  "read" in column && !column.shared ? column.width * SIZE[column.type] : 0;

/** Bytes of the column when it is copied. */
export const lengthOf = (column: KeptColumn | LiveColumn, rows = 0) =>
  "read" in column
    ? (column.shared ? 1 : rows) * column.width * SIZE[column.type]
    : (column.length ?? column.bytes.length);

/** Bytes of all its columns. */
export function sizeOf(snapshot: Snapshot | LiveSnapshot): number {
  const rows = "rows" in snapshot ? snapshot.rows : 0;
  return snapshot.columns.reduce((sum, each) => sum + lengthOf(each, rows), 0);
}

/** A view of the same memory. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

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
