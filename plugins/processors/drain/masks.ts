// Wildcards that were learnt: at which places lines of a length have parameters that look like words. Found as tuples are in packet classifiers.
import { widened1, widened2 } from "./hash.ts";
import type { Store } from "./store.ts";
import { Table } from "./table.ts";
import type { Template } from "./template.ts";
import { Kind, type Tokens } from "./tokens.ts";

/** Sets of places that are tried for a line that is not known. */
const MOST_A_LENGTH = 64;
const BITS = 14;

export interface Mask {
  readonly places: readonly number[];
  /** The line that it was of use to last. */
  used: number;
}

export class Masks {
  /** By number of tokens. */
  readonly byLength = new Map<number, Mask[]>();
  /** From keys with the places widened to the number and slot of a template. */
  readonly templates = new Table(BITS, 2);
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The slot of a template that the line has, once words at places of a mask are parameters; -1 for none. */
  find({ length, kind, hash }: Tokens, key1: number, key2: number, line: number): number {
    const masks = this.byLength.get(length);
    if (masks === undefined) return -1;
    for (let m = 0; m < masks.length; m++) {
      const places: readonly number[] = masks[m].places;
      let k1 = key1;
      let k2 = key2;
      let fits = true;
      for (let i = 0; fits && i < places.length; i++) {
        const p = places[i];
        if (kind[p] === Kind.word) {
          k1 = (k1 + widened1(hash[p], p)) | 0;
          k2 = (k2 + widened2(hash[p], p)) | 0;
        } else fits = kind[p] === Kind.parameter;
      }
      if (!fits) continue;
      const at = this.templates.find(k1, k2);
      if (at < 0) continue;
      const slot = this.templates.cells[at + 1];
      if (this.#store.numbers[slot] !== this.templates.cells[at]) continue;
      masks[m].used = line;
      return slot;
    }
    return -1;
  }

  /** From now on lines whose words at these places, in ascending order, are any others have this template. */
  add(places: readonly number[], template: Template, line: number): void {
    const { length } = template;
    let masks = this.byLength.get(length);
    if (masks === undefined) {
      masks = [];
      this.byLength.set(length, masks);
    }
    const same = masks.find(
      (mask) => mask.places.length === places.length && places.every((p, i) => mask.places[i] === p),
    );
    if (same) same.used = line;
    else {
      if (masks.length === MOST_A_LENGTH) {
        const idle = masks.reduce((a, b) => (b.used < a.used ? b : a));
        masks.splice(masks.indexOf(idle), 1);
      }
      masks.push({ places, used: line });
    }
    const at = this.templates.put(template.key[0], template.key[1], template.number);
    this.templates.cells[at + 1] = template.slot;
  }
}
