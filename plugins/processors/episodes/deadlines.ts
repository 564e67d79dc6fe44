// Which of many is to be looked at first: a binary heap of times.

export interface Dated {
  /** When it is to be looked at, in Unix milliseconds, as the heap has it; Infinity while it is in none. */
  due: number;
}

/** What is put off stays in its place until that is reached, so that putting off costs nothing. */
export class Deadlines<T extends Dated> {
  readonly #heap: { readonly at: number; readonly of: T }[] = [];

  /** Has it looked at no later than `at`. */
  set(of: T, at: number): void {
    if (of.due <= at) return;
    of.due = at;
    let place = this.#heap.length;
    const entry = { at, of };
    this.#heap.push(entry);
    for (let up = (place - 1) >> 1; place > 0 && this.#heap[up].at > at; up = (place - 1) >> 1) {
      this.#heap[place] = this.#heap[up];
      place = up;
    }
    this.#heap[place] = entry;
  }

  /** Those that are to be looked at by `now`, taken out, in no order. */
  take(now: number): T[] {
    const taken: T[] = [];
    while (this.#heap.length > 0 && this.#heap[0].at <= now) {
      const { at, of } = this.#pop();
      // what was set earlier since has another entry
      if (of.due !== at) continue;
      of.due = Number.POSITIVE_INFINITY;
      taken.push(of);
    }
    return taken;
  }

  #pop(): { readonly at: number; readonly of: T } {
    const [first] = this.#heap;
    const last = this.#heap.pop()!;
    const { length } = this.#heap;
    if (length === 0) return first;
    let place = 0;
    for (let down = 1; down < length; down = 2 * place + 1) {
      if (down + 1 < length && this.#heap[down + 1].at < this.#heap[down].at) down++;
      if (this.#heap[down].at >= last.at) break;
      this.#heap[place] = this.#heap[down];
      place = down;
    }
    this.#heap[place] = last;
    return first;
  }
}
