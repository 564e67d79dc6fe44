// Where the spans that are being put together lie: rows of numbers, those of a trace side by side in blocks, reused when it is done.
import { Chains, enlarged, scrambled } from "./chains.ts";
import * as layout from "./span_layout.ts";

// constants of its own are folded into the code, those of another module are read each time
const { ID1, IDS, STATE, PARENT, TIMES, CHILDREN } = layout;

/** Slots of a block; a power of two. */
const BLOCK = 4;
const LAST = BLOCK - 1;
/** A trace of at most so many spans is looked through, spans of larger ones are found by hash. */
const LOOKED_THROUGH = 32;
const LEAST = 256;

/** One slot for each span that came, and for each that was only named as a parent so far. */
export class SpanSlots {
  /** Slots in use. */
  size = 0;
  /** Read them afresh after `take`, which may replace them. */
  ids = new Int32Array(0);
  times = new Float64Array(0);
  children = new Float64Array(0);
  /** By block: its trace, and the last slot of the block before it in that trace, -1 of the first; of a free one the next free one. */
  #trace = new Int32Array(0);
  #before = new Int32Array(0);
  readonly #chains = new Chains();
  #capacity = 0;
  /** The first free block, and how many were ever used. */
  #free = -1;
  #used = 0;

  get byteLength(): number {
    const columns = [this.ids, this.times, this.children, this.#trace, this.#before, this.#chains];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** The span of the same trace that was taken before, -1 of the first. */
  previous(slot: number): number {
    if ((slot & LAST) !== 0) return slot - 1;
    return this.#before[(slot / BLOCK) | 0];
  }

  /** The slot of a span of the trace, which has so many, `last` the slot of the latest; -1 when there is none. */
  find(trace: number, last: number, spans: number, id0: number, id1: number, seed: number): number {
    if (spans > LOOKED_THROUGH) return this.#lookUp(trace, id0, id1, hashOf(trace, id0, id1, seed));
    const { ids } = this;
    let slot = last;
    while (slot >= 0) {
      const first = slot & ~LAST;
      for (; slot >= first; slot--) if (ids[slot * IDS + ID1] === id1 && ids[slot * IDS] === id0) return slot;
      slot = this.#before[(first / BLOCK) | 0];
    }
    return -1;
  }

  #lookUp(trace: number, id0: number, id1: number, hash: number): number {
    const { ids } = this;
    const { next } = this.#chains;
    for (let slot = this.#chains.first(hash); slot >= 0; slot = next[slot]) {
      if (ids[slot * IDS + ID1] !== id1 || ids[slot * IDS] !== id0) continue;
      if (this.#trace[(slot / BLOCK) | 0] === trace) return slot;
    }
    return -1;
  }

  /** The slot of one more span of a trace, with nothing known of it but its id. Arguments as of `find`. */
  take(trace: number, last: number, spans: number, id0: number, id1: number, seed: number): number {
    const slot = (spans & LAST) !== 0 ? last + 1 : this.#takeBlock(trace, last);
    const at = slot * IDS;
    this.ids[at] = id0;
    this.ids[at + ID1] = id1;
    this.ids[at + STATE] = 0;
    this.ids[at + PARENT] = -1;
    this.size++;
    if (spans >= LOOKED_THROUGH) this.#hash(trace, slot, spans, seed);
    return slot;
  }

  #takeBlock(trace: number, last: number): number {
    let block = this.#free;
    if (block >= 0) this.#free = this.#before[block];
    else {
      if (this.#used * BLOCK === this.#capacity) this.#grow();
      block = this.#used++;
    }
    this.#trace[block] = trace;
    this.#before[block] = last;
    return block * BLOCK;
  }

  /** Has a span found by hash, and all before it where none of its trace was so far. */
  #hash(trace: number, slot: number, before: number, seed: number): void {
    const all = before === LOOKED_THROUGH;
    for (let at = slot; at >= 0; at = all ? this.previous(at) : -1) {
      this.#chains.add(at, hashOf(trace, this.ids[at * IDS], this.ids[at * IDS + ID1], seed));
    }
  }

  /** Gives back all slots of a trace. Arguments as of `find`. */
  release(last: number, spans: number): void {
    if (spans > LOOKED_THROUGH) for (let slot = last; slot >= 0; slot = this.previous(slot)) this.#chains.remove(slot);
    for (let slot = last; slot >= 0; ) {
      const block = (slot / BLOCK) | 0;
      slot = this.#before[block];
      this.#before[block] = this.#free;
      this.#free = block;
    }
    this.size -= spans;
  }

  #grow(): void {
    const capacity = Math.max(LEAST, this.#capacity * 2);
    this.ids = enlarged(this.ids, capacity * IDS);
    this.times = enlarged(this.times, capacity * TIMES);
    this.children = enlarged(this.children, capacity * CHILDREN);
    this.#trace = enlarged(this.#trace, capacity / BLOCK);
    this.#before = enlarged(this.#before, capacity / BLOCK);
    this.#chains.grow(capacity);
    this.#capacity = capacity;
  }
}

function hashOf(trace: number, id0: number, id1: number, seed: number): number {
  return scrambled(id0 ^ Math.imul(trace, 0x9e3779b1) ^ seed, id1);
}
