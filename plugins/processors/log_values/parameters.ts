// The parameters of a statement's records, and what every record of it is held against, in one row of numbers: most records touch nothing else.
import type { Field } from "./field.ts";
import { edge } from "./spread.ts";

/**
 * Numbers of a parameter in a row. Of one that is watched: what is not between the first two may be low or high, and how many were between. Of one of few
 * values: hash and look of the latest that was known, and how often it came again.
 */
const WIDTH = 3;
/** Where bins meet, the logarithm has the say. */
const TOUCH = 1e-9;

export class Parameters {
  readonly fields: readonly Field[];
  /** Bits, by parameter: those whose numbers are judged, and those of few values; none is both. */
  watched = 0;
  few = 0;
  readonly #row: number[];

  constructor(fields: readonly Field[]) {
    this.fields = fields;
    // 0.5: an array of doubles from the start
    this.#row = new Array<number>(WIDTH * fields.length).fill(0.5).fill(0);
    for (let k = 0; k < fields.length; k++) this.draw(k);
  }

  /** Counts a number of parameter `k` that is watched, unless it may be low or high: then it returns false. */
  isWithin(k: number, value: number): boolean {
    if (this.isBeyond(k, value)) return false;
    this.#row[WIDTH * k + 2]++;
    return true;
  }

  isBeyond(k: number, value: number): boolean {
    const row = this.#row;
    const at = WIDTH * k;
    return value <= row[at] || value >= row[at + 1];
  }

  /** Counts a value of parameter `k`, of few, that is the latest, in the same look. */
  isLatest(k: number, hash: number, look: number): boolean {
    const row = this.#row;
    const at = WIDTH * k;
    if (row[at] !== hash || row[at + 1] !== look) return false;
    row[at + 2]++;
    return true;
  }

  /** A value of parameter `k` that is known was seen. */
  follow(k: number, hash: number, look: number): void {
    this.settle(k);
    this.#row[WIDTH * k] = hash;
    this.#row[WIDTH * k + 1] = look;
  }

  /** To be called when something of a field has changed. */
  draw(k: number): void {
    const { spread, values, isWatched } = this.fields[k];
    const bit = 1 << k;
    this.watched = isWatched ? this.watched | bit : this.watched & ~bit;
    if (values.known !== undefined) {
      this.few |= bit;
      return;
    }
    if ((this.few & bit) !== 0) {
      this.few &= ~bit;
      this.#row[WIDTH * k + 2] = 0;
    }
    if (!spread) return;
    this.#row[WIDTH * k] = spread.low > 0 ? edge(spread.low) * (1 + TOUCH) : Number.NEGATIVE_INFINITY;
    this.#row[WIDTH * k + 1] = edge(spread.high) * (1 - TOUCH);
  }

  /** Tells the field what was counted here. */
  settle(k: number): void {
    const at = WIDTH * k;
    const count = this.#row[at + 2];
    if (count === 0) return;
    this.#row[at + 2] = 0;
    const field = this.fields[k];
    if ((this.few & (1 << k)) !== 0) field.values.repeat(this.#row[at], count);
    else field.numbers += count;
  }

  save() {
    return this.fields.map((field, k) => {
      this.settle(k);
      return field.save();
    });
  }
}
