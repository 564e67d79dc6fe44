// Buffers for requests as they come and as they go on, reused by size: large ones made anew for each request would keep the
// garbage collector busy, which counts what lies outside of its heap and collects all of that for it.

const SMALLEST_BITS = 12;
const LARGEST_BITS = 31;

/** Buffers whose sizes are powers of two from 4 KiB. What is given back is kept up to `capacity` bytes in all. */
export class BufferPool {
  readonly #capacity: number;
  readonly #free: Buffer[][] = Array.from({ length: LARGEST_BITS + 1 }, () => []);
  #kept = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** A buffer of at least `size` bytes with anything in it; the caller's until given back, or for good. */
  take(size: number): Buffer {
    const bits = Math.max(SMALLEST_BITS, 32 - Math.clz32(Math.max(size, 1) - 1));
    const buffer = this.#free[bits].pop();
    if (!buffer) return Buffer.allocUnsafeSlow(2 ** bits);
    this.#kept -= buffer.length;
    return buffer;
  }

  /** Takes back a buffer, by it or by a part of it. When the pool is full the larger, rarer ones make room. */
  give(bytes: Uint8Array): void {
    const buffer = Buffer.from(bytes.buffer);
    const bits = 31 - Math.clz32(buffer.length);
    for (let other = LARGEST_BITS; other > bits && this.#kept + buffer.length > this.#capacity; other--) {
      while (this.#kept + buffer.length > this.#capacity && this.#free[other].pop()) this.#kept -= 2 ** other;
    }
    if (this.#kept + buffer.length > this.#capacity) return;
    this.#free[bits].push(buffer);
    this.#kept += buffer.length;
  }
}

/** Of requests on their way, received or made, whoever holds them: one bound for what is kept. */
export const requestBuffers = new BufferPool(64 * 1024 ** 2);
