// Columns that grow where they lie: a large one is not copied, which would be a pause, and is never there twice.
import type { ColumnType, ColumnTypes } from "../api/index.ts";

/** Bytes from which a column has pages of its own; a smaller one is copied within a millisecond or two. */
const LARGE = 2 ** 20;
const PAGE = 2 ** 16;
/**
 * Columns begin this much later each, a memory page and two cache lines, up to so many steps: their memories lie at multiples of gigabytes, so that
 * the same row of all of them would compete for the same few places of the processor's caches. What lies before is never touched.
 */
const STAGGER = 4096 + 128;
const STEPS = 64;
let made = 0;

/** Memory of WebAssembly: address space is reserved for more than a column ever takes, and pages are added at its end. */
interface Pages {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** Undefined where node runs without it. */
const Memory = (globalThis as { WebAssembly?: { Memory: new (size: { initial: number }) => Pages } }).WebAssembly
  ?.Memory;

const pagesOf = new WeakMap<ArrayBufferLike, Pages>();

/** A column of so many entries: those of `column`, then zeros. `column` is not to be used any more. */
export function grown<T extends ColumnTypes[ColumnType]>(column: T, length: number): T {
  const type = column.constructor as new (of: number | ArrayBuffer, from?: number, length?: number) => T;
  const bytes = length * column.BYTES_PER_ELEMENT;
  const from = pagesOf.has(column.buffer) ? column.byteOffset : (made++ % STEPS) * STAGGER;
  const buffer = bytes >= LARGE ? bufferOf(column, from + bytes) : undefined;
  const larger = buffer ? new type(buffer, from, length) : new type(length);
  if (column.buffer.byteLength > 0) larger.set(column as never);
  return larger;
}

/** Undefined when there is no room in the address space, or not for so much in one piece. */
function bufferOf(column: ColumnTypes[ColumnType], bytes: number): ArrayBuffer | undefined {
  if (!Memory) return undefined;
  try {
    let pages = pagesOf.get(column.buffer);
    if (pages) {
      const more = Math.ceil((bytes - column.buffer.byteLength) / PAGE);
      if (more > 0) pages.grow(more);
    } else pages = new Memory({ initial: Math.ceil(bytes / PAGE) });
    pagesOf.set(pages.buffer, pages);
    return pages.buffer;
  } catch {
    return undefined;
  }
}
