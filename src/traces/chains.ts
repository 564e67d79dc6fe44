// What tables of slots are made of: arrays that grow, and chains of the slots of one hash.

/** The same numbers with room for `length`. */
export function enlarged<T extends Int32Array | Float64Array>(column: T, length: number): T {
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}

/** A hash of two numbers, as even in its low bits as in its high ones. */
export function scrambled(a: number, b: number): number {
  let x = Math.imul(a ^ (b >>> 16), 0x85ebca77) ^ b;
  x = Math.imul(x ^ (x >>> 15), 0xc2b2ae3d);
  return x ^ (x >>> 13);
}

/** A slot is taken out of its chain without a search through others. */
export class Chains {
  #heads = new Int32Array(0);
  #mask = 0;
  #hash = new Int32Array(0);
  /** The next slot under the same head, -1 of the last. */
  next = new Int32Array(0);

  get byteLength(): number {
    return this.#heads.byteLength + this.#hash.byteLength + this.next.byteLength;
  }

  /** The first slot that may have the hash; -1 for none. */
  first(hash: number): number {
    return this.#heads[hash & this.#mask];
  }

  add(slot: number, hash: number): void {
    const head = hash & this.#mask;
    this.#hash[slot] = hash;
    this.next[slot] = this.#heads[head];
    this.#heads[head] = slot;
  }

  /** Takes out a slot that is in. */
  remove(slot: number): void {
    const { next } = this;
    const head = this.#hash[slot] & this.#mask;
    let at = this.#heads[head];
    if (at === slot) {
      this.#heads[head] = next[slot];
      return;
    }
    while (next[at] !== slot) at = next[at];
    next[at] = next[slot];
  }

  /** Makes room for slots below `capacity`, a power of two. */
  grow(capacity: number): void {
    const heads = this.#heads;
    const next = this.next;
    const hash = new Int32Array(capacity);
    hash.set(this.#hash);
    this.#hash = hash;
    this.next = new Int32Array(capacity);
    this.#heads = new Int32Array(capacity).fill(-1);
    this.#mask = capacity - 1;
    for (const head of heads) for (let slot = head; slot >= 0; slot = next[slot]) this.add(slot, hash[slot]);
  }
}
