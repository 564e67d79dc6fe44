// Rows of the edges that were called lately, by the numbers of their ends.

/** A power of two; and numbers of each slot: from, to, row, and one that is left free. */
const SLOTS = 4096;
const WIDTH = 4;

/** Each pair of ends has one slot, which it shares with others: the last one has it. */
export class RecentEdges {
  readonly #table = new Int32Array(SLOTS * WIDTH).fill(-1);

  /** -1 where it is not known. */
  find(from: number, to: number): number {
    const at = slotOf(from, to);
    return this.#table[at] === from && this.#table[at + 1] === to ? this.#table[at + 2] : -1;
  }

  put(from: number, to: number, row: number): void {
    const at = slotOf(from, to);
    this.#table[at] = from;
    this.#table[at + 1] = to;
    this.#table[at + 2] = row;
  }

  clear(): void {
    this.#table.fill(-1);
  }
}

function slotOf(from: number, to: number): number {
  const hash = Math.imul(Math.imul(from, 0x9e3779b1) ^ to, 0x85ebca77);
  return ((hash >>> 8) & (SLOTS - 1)) * WIDTH;
}
