// The parameters of a statement's records that have so many of them: their fields, and the block that records are held against.
import { Block, type Blocks, MARGIN, WIDTH } from "./blocks.ts";
import { Field, type Side } from "./field.ts";
import { settle } from "./latest.ts";
import { MOST_DIGITS } from "./plain.ts";
import { BINS, edge } from "./spread.ts";
import type { Statement } from "./statement.ts";

/** Fewer numbers than this are never told for being high or low. */
export const LEAST = 3;
/** Where bins meet, the logarithm has the say: more than what an f32 leaves out. */
const TOUCH = 1e-6;

/** Of a margin, by bins: from where on a number is high, below which it is low, and from where on and below which it is to be told at once. */
export const margin = (high: number, low: number, higher: number, lower: number) =>
  high | (low << 8) | (higher << 16) | (lower << 24);
export const highOf = (word: number) => word & 0xff;
export const lowOf = (word: number) => (word >>> 8) & 0xff;
export const higherOf = (word: number) => (word >>> 16) & 0xff;
export const lowerOf = (word: number) => word >>> 24;

export class Parameters {
  readonly statement: Statement;
  readonly fields: readonly Field[];
  readonly slot: number;
  readonly #blocks: Blocks;

  constructor(blocks: Blocks, statement: Statement, count: number, fields: readonly Field[]) {
    this.#blocks = blocks;
    this.statement = statement;
    this.fields = fields;
    this.slot = blocks.add(count);
    for (let k = 0; k < fields.length; k++) this.draw(k);
  }

  #at(k: number): number {
    return this.#blocks.at(this.slot) + Block.parameters + WIDTH * k;
  }

  /** An interval ends: whether parameter `k` is to be judged. */
  isDue(k: number): boolean {
    return this.#blocks.isDue(this.slot, k);
  }

  /** It is to be judged when the next interval ends, or was. */
  heat(k: number, isHot: boolean): void {
    this.#blocks.heat(this.slot, k, isHot);
  }

  /** Which shares of the numbers of parameter `k` usually are high, and low. */
  expect(k: number, high: number, low: number): void {
    this.#blocks.expect(this.slot, k, high, low);
  }

  /** Bits, by parameter: those whose numbers are judged. */
  get watched(): number {
    return this.#blocks.watched(this.slot);
  }

  /** To be called when something of a field has changed. */
  draw(k: number): void {
    const { slot } = this;
    const { rows, floats, margins } = this.#blocks;
    const { spread, values, isWatched, high, low } = this.fields[k];
    const isFew = values.known !== undefined;
    const at = this.#at(k);
    if (!isFew && ((this.#blocks.few(slot) >>> k) & 1) !== 0) rows[at + 2] = 0;
    this.#blocks.mark(slot, k, isWatched && !isFew, isFew);
    if (isFew || !spread) return;
    floats[at] = spread.low > 0 ? edge(spread.low) * (1 + TOUCH) : Number.NEGATIVE_INFINITY;
    floats[at + 1] = edge(spread.high) * (1 - TOUCH);
    this.#blocks.octets[this.#blocks.plainAt(this.slot) + k] = lengthsWithin(floats[at], floats[at + 1]);
    const higher = needsExample(high) ? spread.high : Math.min(spread.huge, spread.largest + 1, BINS);
    const lower = needsExample(low) ? spread.low : spread.tiny;
    margins[this.#blocks.marginsAt(slot) + MARGIN * k] = margin(spread.high, spread.low, higher, lower);
  }

  /** Tells the field what was counted in the block. */
  settle(k: number): void {
    const { rows, margins } = this.#blocks;
    const field = this.fields[k];
    const at = this.#at(k);
    if (((this.#blocks.few(this.slot) >>> k) & 1) !== 0) {
      settle(rows, at, field.values);
      return;
    }
    const own = this.#blocks.marginsAt(this.slot) + MARGIN * k;
    field.clean += this.#blocks.takeClean(this.slot, k);
    field.high.mild += margins[own + 1] >>> 16;
    field.low.mild += margins[own + 2] >>> 16;
    const count = rows[at + 2];
    rows[at + 2] = 0;
    field.numbers += count;
    if (count > 0) this.#blocks.heat(this.slot, k, true);
    field.high.count += margins[own + 1] & 0xffff;
    field.low.count += margins[own + 2] & 0xffff;
    margins[own + 1] = margins[own + 2] = 0;
  }

  save() {
    const { rows } = this.#blocks;
    const at = this.#blocks.at(this.slot);
    const [records, looked, last] = [rows[at + Block.records], rows[at + Block.looked], rows[at + Block.last]];
    const fields = this.fields.map((field, k) => {
      this.settle(k);
      return field.save();
    });
    return { records, looked, last, fields };
  }

  static load(
    blocks: Blocks,
    statement: Statement,
    count: number,
    { records, looked, last, fields }: ReturnType<Parameters["save"]>,
  ): Parameters {
    const own = new Parameters(blocks, statement, count, fields.map(Field.load));
    const at = blocks.at(own.slot);
    blocks.rows[at + Block.records] = records;
    blocks.rows[at + Block.looked] = looked;
    blocks.rows[at + Block.last] = last;
    for (let k = 0; k < own.fields.length; k++) own.heat(k, true);
    return own;
  }
}

export const needsExample = ({ wanted, labels }: Side) => wanted && !labels;
/** Beyond nearly all: of what was never judged it is one that may be told with those before. */
export const needsFirst = ({ wanted, row, count, labels }: Side) =>
  (wanted || (row < 0 && count >= LEAST - 1)) && !labels;

/** Bits, by length less one: whole numbers of so many digits are all between the two. */
function lengthsWithin(low: number, high: number): number {
  let bits = 0;
  for (let length = 1; length <= MOST_DIGITS; length++) {
    if (10 ** (length - 1) > low && 10 ** length - 1 < high) bits |= 1 << (length - 1);
  }
  return bits;
}
