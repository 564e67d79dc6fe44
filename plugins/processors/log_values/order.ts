// Whether numbers come in an order: ids and offsets that grow are never like those before, and no outliers.

/** Numbers that the share of rises remembers; numbers of a block, and blocks that the share of rising blocks remembers. */
const REMEMBERED = 64;
const BLOCK = 32;
const BLOCKS = 16;
/** Half of the steps of numbers in no order go up. */
const ORDERED = 0.3;
const ORDERED_BLOCKS = 0.35;

export class Order {
  /** Shares of steps that went up. */
  rises = 0.5;
  blockRises = 0.5;
  last = Number.NaN;
  sum = 0;
  count = 0;
  lastBlock = Number.NaN;

  add(value: number): void {
    if (value !== this.last) {
      if (!Number.isNaN(this.last)) this.rises += ((value > this.last ? 1 : 0) - this.rises) / REMEMBERED;
      this.last = value;
    }
    this.sum += value;
    if (++this.count < BLOCK) return;
    const mean = this.sum / BLOCK;
    if (!Number.isNaN(this.lastBlock) && mean !== this.lastBlock) {
      this.blockRises += ((mean > this.lastBlock ? 1 : 0) - this.blockRises) / BLOCKS;
    }
    this.lastBlock = mean;
    this.sum = this.count = 0;
  }

  get isOrdered(): boolean {
    return Math.abs(this.rises - 0.5) > ORDERED || Math.abs(this.blockRises - 0.5) > ORDERED_BLOCKS;
  }
}
