// The parameters of a statement's records that have so many of them: their fields, and the block that records are held against.
import { Block, type Blocks, MARGIN, WIDTH } from "./blocks.ts";
import type { Field, Side } from "./field.ts";
import { settle } from "./latest.ts";
import { BINS, edge, PER_DECADE } from "./spread.ts";
import type { Statement } from "./statement.ts";

/** Fewer numbers than this are never told for being high or low. */
export const LEAST = 3;
/** One that is so many bins beyond all before may have to be told by itself. */
export const DECADE = PER_DECADE;
/** Where bins meet, the logarithm has the say: more than what an f32 leaves out. */
const TOUCH = 1e-6;

/** Of a margin, by bins: from where on a number is high, below which it is low, from where on it is huge, and below which tiny. */
export const margin = (high: number, low: number, huge: number, tiny: number) =>
  high | (low << 8) | (huge << 16) | (tiny << 24);
export const highOf = (word: number) => word & 0xff;
export const lowOf = (word: number) => (word >>> 8) & 0xff;
export const hugeOf = (word: number) => (word >>> 16) & 0xff;
export const tinyOf = (word: number) => word >>> 24;

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
    const { spread, values, isWatched, high, low, huge, tiny } = this.fields[k];
    const isFew = values.known !== undefined;
    const at = this.#at(k);
    if (!isFew && ((this.#blocks.few(slot) >>> k) & 1) !== 0) rows[at + 2] = 0;
    this.#blocks.mark(slot, k, isWatched && !isFew, isFew);
    if (isFew || !spread) return;
    floats[at] = spread.low > 0 ? edge(spread.low) * (1 + TOUCH) : Number.NEGATIVE_INFINITY;
    floats[at + 1] = edge(spread.high) * (1 - TOUCH);
    const own = this.#blocks.marginsAt(slot) + MARGIN * k;
    margins[own] = margin(spread.high, spread.low, spread.huge, spread.tiny);
    const higher = needsExample(high) ? spread.high : needsExample(huge) ? spread.huge : spread.largest + DECADE;
    const lower = needsExample(low) ? spread.low : needsExample(tiny) ? spread.tiny : 0;
    margins[own + 6] = margin(Math.min(higher, BINS), lower, 0, 0);
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
    field.huge.count += margins[own + 5] & 0xffff;
    field.tiny.count += margins[own + 5] >>> 16;
    margins[own + 1] = margins[own + 2] = margins[own + 5] = 0;
  }

  save() {
    const { rows } = this.#blocks;
    const at = this.#blocks.at(this.slot);
    const [records, looked] = [rows[at + Block.records], rows[at + Block.looked]];
    const fields = this.fields.map((field, k) => {
      this.settle(k);
      return field.save();
    });
    return { records, looked, fields };
  }

  static load(
    blocks: Blocks,
    statement: Statement,
    count: number,
    { records, looked, fields }: { records: number; looked: number; fields: readonly Field[] },
  ): Parameters {
    const own = new Parameters(blocks, statement, count, fields);
    const at = blocks.at(own.slot);
    blocks.rows[at + Block.records] = records;
    blocks.rows[at + Block.looked] = looked;
    for (let k = 0; k < own.fields.length; k++) own.heat(k, true);
    return own;
  }
}

export const needsExample = ({ wanted, labels }: Side) => wanted && !labels;
/** Beyond nearly all: of what was never judged it is one that may be told with those before. */
export const needsFirst = ({ wanted, row, count, labels }: Side) =>
  (wanted || (row < 0 && count >= LEAST - 1)) && !labels;
