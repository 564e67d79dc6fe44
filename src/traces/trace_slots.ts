// Where the traces that are being put together lie: rows of numbers, found by id, in the order in which they were added to.
import { Chains, enlarged } from "./chains.ts";

const LEAST = 256;

/** Of each slot in `#rows`, one cache line: the four parts of its id, and these. */
const ROW = 16;
const LAST = 4;
const SPANS = 5;
const LEFT = 6;
const REQUEST = 7;
const OLDER = 8;
const NEWER = 9;
/** In `#times`, which is the same memory. */
const TIMES = 8;
const BORN = 6;
const TOUCHED = 7;

/** One for each trace, linked in the order in which something was last added to them. */
export class TraceSlots {
  /** Slots in use. */
  size = 0;
  /** By when they were last added to; -1 while there is none. */
  oldest = -1;
  newest = -1;
  #rows = new Int32Array(0);
  #times = new Float64Array(0);
  #capacity = 0;
  readonly #chains = new Chains();
  /** The first free slot, whose newer one is the next; and how many were ever used. */
  #free = -1;
  #used = 0;

  get byteLength(): number {
    return this.#rows.byteLength + this.#chains.byteLength;
  }

  /** Writes the four parts of its id. */
  copyId(slot: number, id: Int32Array): void {
    for (let i = 0; i < 4; i++) id[i] = this.#rows[slot * ROW + i];
  }

  /** The slot of its latest span, -1 while it has none. */
  last(slot: number): number {
    return this.#rows[slot * ROW + LAST];
  }

  /** How many spans it has, those included that were only named as parents. */
  spans(slot: number): number {
    return this.#rows[slot * ROW + SPANS];
  }

  /** It has one span more. */
  grew(slot: number, last: number): void {
    this.#rows[slot * ROW + LAST] = last;
    this.#rows[slot * ROW + SPANS]++;
  }

  /** Spans that found no room. */
  left(slot: number): number {
    return this.#rows[slot * ROW + LEFT];
  }

  leave(slot: number): void {
    this.#rows[slot * ROW + LEFT]++;
  }

  /** Number of the request that added to it last. */
  request(slot: number): number {
    return this.#rows[slot * ROW + REQUEST];
  }

  /** The trace that was added to next after it, -1 of the newest. */
  newer(slot: number): number {
    return this.#rows[slot * ROW + NEWER];
  }

  /** Unix milliseconds of receipt of its first span. */
  born(slot: number): number {
    return this.#times[slot * TIMES + BORN];
  }

  /** And of its latest. */
  touched(slot: number): number {
    return this.#times[slot * TIMES + TOUCHED];
  }

  is(slot: number, id0: number, id1: number, id2: number, id3: number): boolean {
    const rows = this.#rows;
    const at = slot * ROW;
    return rows[at + 3] === id3 && rows[at + 2] === id2 && rows[at + 1] === id1 && rows[at] === id0;
  }

  find(id0: number, id1: number, id2: number, id3: number, hash: number): number {
    const { next } = this.#chains;
    for (let slot = this.#chains.first(hash); slot >= 0; slot = next[slot]) {
      if (this.is(slot, id0, id1, id2, id3)) return slot;
    }
    return -1;
  }

  /** A slot for a trace that was just born, the newest. The caller sees to it that there is room. */
  take(id0: number, id1: number, id2: number, id3: number, hash: number, now: number): number {
    let slot = this.#free;
    if (slot >= 0) this.#free = this.#rows[slot * ROW + NEWER];
    else {
      if (this.#used === this.#capacity) this.#grow();
      slot = this.#used++;
    }
    this.#chains.add(slot, hash);
    this.size++;
    const rows = this.#rows;
    const at = slot * ROW;
    rows[at] = id0;
    rows[at + 1] = id1;
    rows[at + 2] = id2;
    rows[at + 3] = id3;
    rows[at + LAST] = -1;
    rows[at + SPANS] = rows[at + LEFT] = 0;
    this.#times[slot * TIMES + BORN] = now;
    this.#link(slot);
    return slot;
  }

  release(slot: number): void {
    this.#unlink(slot);
    this.#chains.remove(slot);
    this.#rows[slot * ROW + NEWER] = this.#free;
    this.#free = slot;
    this.size--;
  }

  #grow(): void {
    this.#capacity = Math.max(LEAST, this.#capacity * 2);
    this.#rows = enlarged(this.#rows, this.#capacity * ROW);
    this.#times = new Float64Array(this.#rows.buffer as ArrayBuffer);
    this.#chains.grow(this.#capacity);
  }

  /** Makes it the one that was added to last. */
  touch(slot: number, request: number, now: number): void {
    if (this.newest !== slot) {
      this.#unlink(slot);
      this.#link(slot);
    }
    this.#rows[slot * ROW + REQUEST] = request;
    this.#times[slot * TIMES + TOUCHED] = now;
  }

  #link(slot: number): void {
    const rows = this.#rows;
    const { newest } = this;
    rows[slot * ROW + OLDER] = newest;
    rows[slot * ROW + NEWER] = -1;
    if (newest >= 0) rows[newest * ROW + NEWER] = slot;
    else this.oldest = slot;
    this.newest = slot;
  }

  #unlink(slot: number): void {
    const rows = this.#rows;
    const older = rows[slot * ROW + OLDER];
    const newer = rows[slot * ROW + NEWER];
    if (older >= 0) rows[older * ROW + NEWER] = newer;
    else this.oldest = newer;
    if (newer >= 0) rows[newer * ROW + OLDER] = older;
    else this.newest = older;
  }
}
