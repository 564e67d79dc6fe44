// One record: what it costs, and whether it is still what was written.
import { crc32 } from "node:zlib";

/** One row of the table. */
export type Row = { key: number; note: string; size: number; crc: number; value: Uint8Array };

/** What a record costs beyond its value and note, bytes. */
const OVERHEAD = 64;

/** Bytes that count towards `max_size`. */
export const weightOf = (size: number, note: string): number => size + Buffer.byteLength(note) + OVERHEAD;

/** The text is never empty: versions of Node disagree on how nothing continues a CRC. */
export const checksum = (value: Uint8Array, note: string): number => crc32(`${value.length} ${note}`, crc32(value));

export const isWhole = (row: Row): boolean => checksum(row.value, row.note) === row.crc;
