// Memory in pieces of equal size, cut from few large ones, handed out and taken back.

/** Pieces that are cut from one. */
const EACH = 64;

/** A piece: words of 4 bytes from `at` on, which is even, of three views of the same memory. All zero when it is handed out. */
export interface Slot {
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  /** Two words each. */
  readonly f64: Float64Array;
  readonly at: number;
  /** It is another's from now on. */
  free(): void;
}

export class Slabs {
  readonly #words: number;
  readonly #free: Slot[] = [];

  /** `words` is even. */
  constructor(words: number) {
    this.#words = words;
  }

  take(): Slot {
    if (this.#free.length === 0) this.#grow();
    const slot = this.#free.pop()!;
    slot.u32.fill(0, slot.at, slot.at + this.#words);
    return slot;
  }

  #grow(): void {
    const u32 = new Uint32Array(EACH * this.#words);
    const f32 = new Float32Array(u32.buffer);
    const f64 = new Float64Array(u32.buffer);
    for (let k = EACH - 1; k >= 0; k--) {
      const slot: Slot = { u32, f32, f64, at: k * this.#words, free: () => void this.#free.push(slot) };
      this.#free.push(slot);
    }
  }
}
