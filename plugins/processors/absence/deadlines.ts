// Which child of one parent is to be looked at first: a binary heap of times on the parent's clock.

/** Where each node is in the heap that holds it: one column for all heaps, since a node has one parent. */
export class Places {
  at = new Int32Array(0);

  grow(capacity: number): void {
    const at = new Int32Array(capacity).fill(-1);
    at.set(this.at);
    this.at = at;
  }
}

export class Deadlines {
  readonly #places: Places;
  readonly #due: number[] = [];
  readonly #nodes: number[] = [];

  constructor(places: Places) {
    this.#places = places;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** The node that is due first; -1 when there is none. */
  get first(): number {
    return this.#nodes.length === 0 ? -1 : this.#nodes[0];
  }

  /** When it is due. */
  get next(): number {
    return this.#nodes.length === 0 ? Number.POSITIVE_INFINITY : this.#due[0];
  }

  /** When a node that is in it is due. */
  dueOf(node: number): number {
    return this.#due[this.#places.at[node]];
  }

  /** Every node in it, in no order. */
  nodes(): readonly number[] {
    return this.#nodes;
  }

  /** Adds a node, or moves it. */
  set(node: number, due: number): void {
    let at = this.#places.at[node];
    if (at < 0) {
      at = this.#nodes.length;
      this.#nodes.push(node);
      this.#due.push(due);
    }
    this.#settle(at, node, due);
  }

  remove(node: number): void {
    const at = this.#places.at[node];
    if (at < 0) return;
    this.#places.at[node] = -1;
    const last = this.#nodes.pop()!;
    const due = this.#due.pop()!;
    if (last !== node) this.#settle(at, last, due);
  }

  /** Puts a node where it belongs, from a place that is free for it. */
  #settle(from: number, node: number, due: number): void {
    let at = from;
    for (let up = (at - 1) >> 1; at > 0 && this.#due[up] > due; up = (at - 1) >> 1) {
      this.#put(at, this.#nodes[up], this.#due[up]);
      at = up;
    }
    for (let down = 2 * at + 1; down < this.#nodes.length; down = 2 * at + 1) {
      if (down + 1 < this.#nodes.length && this.#due[down + 1] < this.#due[down]) down++;
      if (this.#due[down] >= due) break;
      this.#put(at, this.#nodes[down], this.#due[down]);
      at = down;
    }
    this.#put(at, node, due);
  }

  #put(at: number, node: number, due: number): void {
    this.#nodes[at] = node;
    this.#due[at] = due;
    this.#places.at[node] = at;
  }
}
