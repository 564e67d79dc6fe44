// The templates that are known: a bounded number, of which the longest unseen go; and what became of those that are gone.
import { type Seed, Template } from "./template.ts";

/** Templates that are gone and can still be told of. */
const MOST_GONE = 4096;
/** Share of the templates that goes when there is no room. */
const EVICTED = 1 / 8;

export class Store {
  readonly most: number;
  /** Number of the next template. */
  next = 1;
  /** Templates that had to go. */
  evicted = 0;
  /** By slot: the number of its template, 0 for none; the line at which it was seen last; its lines. */
  readonly numbers: Uint32Array;
  readonly seen: Float64Array;
  readonly hits: Uint32Array;
  readonly #slots: (Template | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #byNumber = new Map<number, Template>();
  /** By number: the template it was merged with, by number, or itself where it was evicted; the longest gone first. */
  readonly #gone = new Map<number, number | Template>();

  constructor(most: number) {
    this.most = most;
    this.numbers = new Uint32Array(most);
    this.seen = new Float64Array(most);
    this.hits = new Uint32Array(most);
  }

  get size(): number {
    return this.#byNumber.size;
  }

  /** The oldest first. Those that are removed while it runs are not met any more. */
  get all(): IterableIterator<Template> {
    return this.#byNumber.values();
  }

  at(slot: number): Template {
    return this.#slots[slot]!;
  }

  /** The template of a number, though it be merged or gone since; undefined where it is forgotten. */
  of(number: number): Template | undefined {
    let current = number;
    for (;;) {
      const known = this.#byNumber.get(current);
      if (known) return known;
      const gone = this.#gone.get(current);
      if (typeof gone !== "number") return gone;
      current = gone;
    }
  }

  /** `line`: how many have come. */
  add(seed: Seed, line: number): Template {
    if (this.size >= this.most) this.#evict();
    return this.#add(this.next++, undefined, seed, line, 0);
  }

  /** One that was saved. */
  restore(number: number, id: string, seed: Seed, seen: number, hits: number): Template {
    return this.#add(number, id, seed, seen, hits);
  }

  #add(number: number, id: string | undefined, seed: Seed, seen: number, hits: number): Template {
    const slot = this.#free.pop() ?? this.#slots.length;
    const template = new Template(slot, number, id, seed);
    this.#slots[slot] = template;
    this.#byNumber.set(number, template);
    this.numbers[slot] = number;
    this.seen[slot] = seen;
    this.hits[slot] = hits;
    return template;
  }

  /** Makes one of two: the older one stays. */
  merge(a: Template, b: Template): Template {
    if (a === b) return a;
    const [stays, goes] = a.number < b.number ? [a, b] : [b, a];
    this.hits[stays.slot] += this.hits[goes.slot];
    this.seen[stays.slot] = Math.max(this.seen[stays.slot], this.seen[goes.slot]);
    this.#remove(goes, stays.number);
    return stays;
  }

  #remove(template: Template, became: number | Template): void {
    const { slot, number } = template;
    this.#slots[slot] = undefined;
    this.numbers[slot] = 0;
    this.#free.push(slot);
    this.#byNumber.delete(number);
    this.#gone.set(number, became);
    if (this.#gone.size > MOST_GONE) for (const longest of this.#gone.keys()) return void this.#gone.delete(longest);
  }

  #evict(): void {
    const bySeen = [...this.all].sort((a, b) => this.seen[a.slot] - this.seen[b.slot]);
    const count = Math.max(1, Math.floor(bySeen.length * EVICTED));
    for (const template of bySeen.slice(0, count)) this.#remove(template, template);
    this.evicted += count;
  }
}
