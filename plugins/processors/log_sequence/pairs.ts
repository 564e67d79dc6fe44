// Which messages were ever in one group: a bit a pair.

export class Pairs {
  /** There is room for numbers below it. */
  #side = 0;
  #bits = new Uint8Array(0);

  has(a: number, b: number): boolean {
    const at = this.#at(a, b);
    return at >= 0 && (this.#bits[at >>> 3] & (1 << (at & 7))) !== 0;
  }

  add(a: number, b: number): void {
    if (Math.max(a, b) >= this.#side) this.#grow(Math.max(a, b));
    const at = this.#at(a, b);
    this.#bits[at >>> 3] |= 1 << (at & 7);
  }

  /** The number stands for another message from now on. */
  clear(a: number): void {
    for (let b = 0; b < this.#side; b++) {
      const at = this.#at(a, b);
      if (at >= 0) this.#bits[at >>> 3] &= ~(1 << (at & 7));
    }
  }

  get bits(): Uint8Array {
    return this.#bits;
  }

  /** False where they are no bits of pairs. */
  load(bits: Uint8Array): boolean {
    const side = Math.sqrt(8 * bits.length);
    if (side !== 0 && !(Number.isInteger(Math.log2(side)) && side >= 16)) return false;
    this.#side = side;
    this.#bits = Uint8Array.from(bits);
    return true;
  }

  #at(a: number, b: number): number {
    const high = Math.max(a, b);
    return high < this.#side ? Math.min(a, b) * this.#side + high : -1;
  }

  #grow(most: number): void {
    const { bits } = this;
    const before = this.#side;
    let side = 16;
    while (side <= most) side *= 2;
    this.#side = side;
    this.#bits = new Uint8Array((side * side) >>> 3);
    for (let low = 0; low < before; low++) {
      this.#bits.set(bits.subarray((low * before) >>> 3, ((low + 1) * before) >>> 3), (low * side) >>> 3);
    }
  }
}
