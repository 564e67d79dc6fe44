// Where the spans and traces that are being put together lie: columns of slots, found by id, reused when a trace is done.

/** Columns by name; every one is as long as the capacity. */
type Columns = Record<string, Int32Array | Uint32Array | Float64Array | Uint8Array>;

/** A hash table of slots with chains: a slot is found by its hash and taken out again without a search through others. */
abstract class Slots {
  capacity = 0;
  /** Slots in use. */
  size = 0;
  #heads = new Int32Array(0);
  #mask = 0;
  /** Hash of the slot's id; the next slot of its chain; of a free slot the next free one. -1: none. */
  hash = new Int32Array(0);
  chain = new Int32Array(0);
  #free = -1;
  #used = 0;

  protected abstract columns(): Columns;

  /** The first slot of the chain that a hash is in. */
  first(hash: number): number {
    return this.#heads[hash & this.#mask];
  }

  /** A slot that nobody else has; its columns are what they were. The caller sees to it that there is room. */
  take(hash: number): number {
    let slot = this.#free;
    if (slot >= 0) this.#free = this.chain[slot];
    else {
      if (this.#used === this.capacity) this.#grow();
      slot = this.#used++;
    }
    const head = hash & this.#mask;
    this.hash[slot] = hash;
    this.chain[slot] = this.#heads[head];
    this.#heads[head] = slot;
    this.size++;
    return slot;
  }

  release(slot: number): void {
    const head = this.hash[slot] & this.#mask;
    let at = this.#heads[head];
    if (at === slot) this.#heads[head] = this.chain[slot];
    else {
      while (this.chain[at] !== slot) at = this.chain[at];
      this.chain[at] = this.chain[slot];
    }
    this.chain[slot] = this.#free;
    this.#free = slot;
    this.size--;
  }

  get byteLength(): number {
    const own = this.#heads.byteLength + this.hash.byteLength + this.chain.byteLength;
    return Object.values(this.columns()).reduce((sum, { byteLength }) => sum + byteLength, own);
  }

  #grow(): void {
    const capacity = Math.max(256, this.capacity * 2);
    const columns = { ...this.columns(), hash: this.hash, chain: this.chain };
    for (const [name, column] of Object.entries(columns)) {
      const larger = new (column.constructor as Float64ArrayConstructor)(capacity);
      larger.set(column);
      (this as unknown as Columns)[name] = larger;
    }
    this.#heads = new Int32Array(capacity).fill(-1);
    this.#mask = capacity - 1;
    // all are in use, or this would not have been called
    for (let slot = 0; slot < this.capacity; slot++) {
      const head = this.hash[slot] & this.#mask;
      this.chain[slot] = this.#heads[head];
      this.#heads[head] = slot;
    }
    this.capacity = capacity;
  }
}

/** One for each span that came, and for each that was only named as a parent so far. */
export class SpanSlots extends Slots {
  trace = new Int32Array(0);
  id0 = new Int32Array(0);
  id1 = new Int32Array(0);
  /** Slot of the parent, -1 of a span without one, -2 where there is no room for it. */
  parent = new Int32Array(0);
  /** The span of the same trace that came before, -1 of the first. */
  before = new Int32Array(0);
  came = new Uint8Array(0);
  kind = new Uint8Array(0);
  failed = new Uint8Array(0);
  operation = new Int32Array(0);
  /** Unix milliseconds, and milliseconds. */
  start = new Float64Array(0);
  duration = new Float64Array(0);
  /** What its children in the same process cover: in intervals that are over, and the latest one. */
  covered = new Float64Array(0);
  from = new Float64Array(0);
  to = new Float64Array(0);
  /** Start of the first of those that are over, and end of the last. */
  since = new Float64Array(0);
  over = new Float64Array(0);
  /** Durations of its server spans in other processes; whether there are any, and whether a child failed. */
  far = new Float64Array(0);
  called = new Uint8Array(0);
  blamed = new Uint8Array(0);

  protected columns(): Columns {
    const { trace, id0, id1, parent, before, came, kind, failed, operation } = this;
    const { start, duration, covered, from, to, since, over, far, called, blamed } = this;
    const ids = { trace, id0, id1, parent, before };
    const times = { start, duration, covered, from, to, since, over, far };
    return { ...ids, ...times, came, kind, failed, operation, called, blamed };
  }

  find(trace: number, id0: number, id1: number, hash: number): number {
    for (let slot = this.first(hash); slot >= 0; slot = this.chain[slot]) {
      if (this.id1[slot] === id1 && this.id0[slot] === id0 && this.trace[slot] === trace) return slot;
    }
    return -1;
  }
}

/** One for each trace, linked in the order in which something was last added to them. */
export class TraceSlots extends Slots {
  /** The 16 bytes of the id. */
  id0 = new Int32Array(0);
  id1 = new Int32Array(0);
  id2 = new Int32Array(0);
  id3 = new Int32Array(0);
  /** The span slot taken last; how many there are, how many of them came, and how many found no room. */
  last = new Int32Array(0);
  spans = new Int32Array(0);
  came = new Int32Array(0);
  left = new Int32Array(0);
  /** Number of the request that added to it last. */
  request = new Int32Array(0);
  /** Unix milliseconds of receipt: of the first span and of the latest. */
  born = new Float64Array(0);
  touched = new Float64Array(0);
  older = new Int32Array(0);
  newer = new Int32Array(0);
  oldest = -1;
  newest = -1;

  protected columns(): Columns {
    const { id0, id1, id2, id3, last, spans, came, left, request, born, touched, older, newer } = this;
    return { id0, id1, id2, id3, last, spans, came, left, request, born, touched, older, newer };
  }

  find(id0: number, id1: number, id2: number, id3: number, hash: number): number {
    for (let slot = this.first(hash); slot >= 0; slot = this.chain[slot]) {
      if (this.id3[slot] === id3 && this.id2[slot] === id2 && this.id1[slot] === id1 && this.id0[slot] === id0)
        return slot;
    }
    return -1;
  }

  /** Makes it the one that was added to last. */
  touch(slot: number): void {
    if (this.newest === slot) return;
    this.unlink(slot);
    this.link(slot);
  }

  link(slot: number): void {
    this.older[slot] = this.newest;
    this.newer[slot] = -1;
    if (this.newest >= 0) this.newer[this.newest] = slot;
    else this.oldest = slot;
    this.newest = slot;
  }

  unlink(slot: number): void {
    const older = this.older[slot];
    const newer = this.newer[slot];
    if (older >= 0) this.newer[older] = newer;
    else this.oldest = newer;
    if (newer >= 0) this.older[newer] = older;
    else this.newest = older;
  }
}
