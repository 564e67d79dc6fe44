// The content of a file piece by piece, unpacked; the file is open only while a piece is read, so that there may be any number.
import { open } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { unreadable } from "../api/file_failure.ts";
import { InputError } from "./input_error.ts";

export interface Reading {
  /** Bytes of the file read at a time. */
  readonly size: number;
  /** Is told how many bytes of the file were read. */
  readonly onRead?: (bytes: number) => void;
}

/** Pieces that are the reader's own. What is gzip is known by its first two bytes. Throws InputError. */
export async function* chunksOf(path: string, reading: Reading): AsyncGenerator<Buffer, void> {
  const pieces = piecesOf(path, reading);
  const first = await pieces.next();
  if (first.done) return;
  const all = resumed(first.value, pieces);
  if (first.value[0] !== 0x1f || first.value[1] !== 0x8b) return yield* all;
  const unpacked = createGunzip({ chunkSize: Math.max(reading.size, 1024) });
  pipeline(Readable.from(all, { objectMode: true, highWaterMark: 1 }), unpacked, () => {});
  try {
    for await (const chunk of unpacked) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { message } = error as Error;
    throw new InputError(path, `its gzip data is damaged or cut short (${message}); copy the file anew`);
  }
}

async function* resumed(first: Buffer, rest: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  yield first;
  yield* rest;
}

async function* piecesOf(path: string, { size, onRead }: Reading): AsyncGenerator<Buffer, void> {
  for (let at = 0; ; ) {
    const piece = await readAt(path, at, size);
    if (piece.length === 0) return;
    at += piece.length;
    onRead?.(piece.length);
    yield piece;
  }
}

async function readAt(path: string, position: number, size: number): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, position);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new InputError(path, `it cannot be read: ${unreadable(error as NodeJS.ErrnoException)}`);
  }
}
