// Which rows are looked at: of each kind one in an interval; which of them is left to chance.

/** Milliseconds by which a sender's clock may be set back. */
export const SET_BACK = 600_000;
const FIRST_ROOM = 256;
/** Most rows that are let pass once the interval is over. */
const MOST_SKIPPED = 1000;

/** What a slot holds. */
export interface Sampled {
  /** Unix milliseconds of event time of the row that was looked at last; NaN before. */
  readonly last: number;
  /** Rows since then; and how many more to let pass once the interval is over. */
  readonly passed: number;
  readonly skip: number;
}

/** A slot a kind, as columns: most rows of a kind need no more of it than these. */
export class Sampler {
  #last = new Float64Array(FIRST_ROOM);
  #passed = new Uint32Array(FIRST_ROOM);
  #skip = new Uint32Array(FIRST_ROOM);
  #length = 0;
  readonly #free: number[] = [];

  /** A slot. */
  add({ last, passed, skip }: Sampled = { last: Number.NaN, passed: 0, skip: 0 }): number {
    const slot = this.#free.pop() ?? this.#length++;
    if (slot >= this.#last.length) this.#grow();
    this.#last[slot] = last;
    this.#passed[slot] = passed;
    this.#skip[slot] = skip;
    return slot;
  }

  remove(slot: number): void {
    this.#free.push(slot);
  }

  of(slot: number): Sampled {
    return { last: this.#last[slot], passed: this.#passed[slot], skip: this.#skip[slot] };
  }

  /** Whether a row of event time `time` is to be looked at. */
  samples(slot: number, time: number, interval: number, chance: () => number): boolean {
    const passed = ++this.#passed[slot];
    const since = time - this.#last[slot];
    if (since < interval && since > -SET_BACK) return false;
    if (this.#skip[slot] > 0) {
      this.#skip[slot]--;
      return false;
    }
    this.#skip[slot] = Math.floor(chance() * Math.min(passed, MOST_SKIPPED));
    this.#passed[slot] = 0;
    this.#last[slot] = time;
    return true;
  }

  #grow(): void {
    const room = 2 * this.#last.length;
    const [last, passed, skip] = [this.#last, this.#passed, this.#skip];
    this.#last = new Float64Array(room);
    this.#passed = new Uint32Array(room);
    this.#skip = new Uint32Array(room);
    this.#last.set(last);
    this.#passed.set(passed);
    this.#skip.set(skip);
  }
}
