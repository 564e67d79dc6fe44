// Several sources as one stream in event time: always the earliest first, of equals the one that was named first.

/** What stands in time order by itself. */
export interface Source {
  /** Of what it stands at; never goes back. */
  readonly time: number;
  /** Moves on to what was read already; false when more must be read first, or at the end. */
  next(): boolean;
  /** Reads and moves on; false at the end. */
  more(): Promise<boolean>;
}

/** A heap of sources. */
export class Merge<S extends Source> {
  readonly #heap: { readonly source: S; readonly order: number }[] = [];

  /** Takes a source that stands at its first item. */
  add(source: S): void {
    this.#heap.push({ source, order: this.#heap.length });
    for (let child = this.#heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** The source whose item is next; undefined when all have ended. */
  get first(): S | undefined {
    return this.#heap[0]?.source;
  }

  /** After the first has moved on. */
  moved(): void {
    this.#sink();
  }

  /** After the first has ended. */
  ended(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === parent) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #before(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one.source.time < other.source.time || (one.source.time === other.source.time && one.order < other.order);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b], this.#heap[a]];
  }
}
