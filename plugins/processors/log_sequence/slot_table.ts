// Slots by hash: open addressing, at most half full, which whoever uses it sees to.

export class SlotTable {
  /** A power of two. */
  readonly size: number;
  readonly mask: number;
  /** Two words of each: slot + 1, 0 for none, and its hash. What has a hash stands at its place or behind it, without a gap. */
  readonly cells: Int32Array;

  constructor(size: number) {
    this.size = size;
    this.mask = size - 1;
    this.cells = new Int32Array(2 * size);
  }

  place(slot: number, hash: number): void {
    const { cells, mask } = this;
    let i = hash & mask;
    while (cells[2 * i] !== 0) i = (i + 1) & mask;
    cells[2 * i] = slot + 1;
    cells[2 * i + 1] = hash;
  }

  /** What stands behind it moves up, so that no search ends too early. */
  remove(slot: number, hash: number): void {
    const { cells, mask } = this;
    let hole = hash & mask;
    while (cells[2 * hole] !== slot + 1) hole = (hole + 1) & mask;
    for (let i = (hole + 1) & mask; cells[2 * i] !== 0; i = (i + 1) & mask) {
      const home = cells[2 * i + 1] & mask;
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      cells[2 * hole] = cells[2 * i];
      cells[2 * hole + 1] = cells[2 * i + 1];
      hole = i;
    }
    cells[2 * hole] = 0;
  }
}
