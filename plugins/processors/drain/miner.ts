// Finds the template of a line by its key, and learns from lines whose key is not known.
import { Budget } from "./budget.ts";
import { FreeText } from "./free_text.ts";
import { PARAMETER, widened1, widened2 } from "./hash.ts";
import { Masks } from "./masks.ts";
import { Siblings } from "./siblings.ts";
import { Store } from "./store.ts";
import { Table } from "./table.ts";
import type { Seed, Template } from "./template.ts";
import { Kind, Tokens } from "./tokens.ts";
import { Values } from "./values.ts";

/** What each token of the line stands as in a template's text. */
export type Words = () => string[];

/** Lines of so many tokens and more are alike to templates that are made beyond the budget. */
const MOST_COARSE = 31;

export interface MinerOptions {
  /** Templates that are known at once. */
  readonly most: number;
  /** Share of a line's tokens that templates must have in common to become one. */
  readonly threshold: number;
}

/** Fill `tokens` and seal it, then `mine`. */
export class Miner {
  readonly tokens = new Tokens();
  readonly store: Store;
  /** From keys to number and slot of the template. */
  readonly known = new Table(15, 2);
  readonly masks: Masks;
  readonly values = new Values();
  readonly siblings: Siblings;
  readonly freeText = new FreeText();
  readonly coarse = new Table(8, 2);
  readonly budget = new Budget();
  /** Lines that were mined. */
  lines = 0;

  constructor({ most, threshold }: MinerOptions) {
    this.store = new Store(most);
    this.masks = new Masks(this.store);
    this.siblings = new Siblings(threshold);
  }

  /** The slot of the line's template. Makes nothing where the key is known. */
  mine(words: Words): number {
    const { key1, key2 } = this.tokens;
    this.lines++;
    let slot = this.#look(this.known, key1, key2);
    if (slot < 0) slot = this.#learn(words);
    this.store.seen[slot] = this.lines;
    this.store.hits[slot]++;
    return slot;
  }

  /** The slot that a table has for a key, where its template is still there; else -1. */
  #look(table: Table, k1: number, k2: number): number {
    const at = table.find(k1, k2);
    if (at < 0) return -1;
    const slot = table.cells[at + 1];
    return this.store.numbers[slot] === table.cells[at] ? slot : -1;
  }

  #keep(table: Table, k1: number, k2: number, { number, slot }: Template): void {
    const at = table.put(k1, k2, number);
    table.cells[at + 1] = slot;
  }

  #learn(words: Words): number {
    const { tokens } = this;
    const { key1, key2 } = tokens;
    let slot = this.masks.find(tokens, key1, key2, this.lines);
    if (slot < 0) {
      if (!this.budget.allows(this.lines)) return this.#overflow();
      slot = tokens.values > 0 ? this.#byValues(words).slot : this.#make(words, [key1, key2], [key1, key2]).slot;
    }
    this.#keep(this.known, key1, key2, this.store.at(slot));
    return slot;
  }

  /** One template for all lines of about a length, while too many are new. */
  #overflow(): number {
    const count = Math.min(this.tokens.length, MOST_COARSE);
    const first = this.tokens.hash[0] >>> 29;
    const slot = this.#look(this.coarse, count, first);
    if (slot >= 0) return slot;
    const text = `<overflow ${count}${count === MOST_COARSE ? "+" : ""} tokens>`;
    const template = this.store.add(
      {
        key: [count, first],
        shape: [count, first],
        kind: Uint8Array.of(Kind.fixed),
        hash: new Int32Array(1),
        words: [text],
        prefix: 0,
        open: false,
      },
      this.lines,
    );
    this.#keep(this.coarse, count, first, template);
    return template.slot;
  }

  /** The template of a line that has values of keys. */
  #byValues(words: Words): Template {
    const { tokens, values } = this;
    const { length, kind, hash } = tokens;
    let shape1 = tokens.key1;
    let shape2 = tokens.key2;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== Kind.value) continue;
      shape1 = (shape1 + widened1(hash[i], i)) | 0;
      shape2 = (shape2 + widened2(hash[i], i)) | 0;
    }
    // numbers stood where the values are: those are no enumerations
    const all = this.#look(this.known, shape1, shape2);
    if (all >= 0) return this.store.at(all);
    values.add(shape1, shape2);
    let turned = false;
    for (let i = 0; i < length; i++) {
      if (kind[i] === Kind.value && values.meet(shape1, shape2, i, hash[i])) turned = true;
    }
    if (turned) this.#joinShape(shape1, shape2);
    const places: number[] = [];
    let { key1, key2 } = tokens;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== Kind.value || !values.isMany(shape1, shape2, i)) continue;
      places.push(i);
      key1 = (key1 + widened1(hash[i], i)) | 0;
      key2 = (key2 + widened2(hash[i], i)) | 0;
    }
    if (places.length > 0) {
      const known = this.#look(this.known, key1, key2);
      if (known >= 0) return this.store.at(known);
      for (const i of places) {
        kind[i] = Kind.parameter;
        hash[i] = PARAMETER;
      }
      const masked = this.masks.find(tokens, key1, key2, this.lines);
      if (masked >= 0) return this.store.at(masked);
    }
    const template = this.#make(words, [key1, key2], [shape1, shape2]);
    this.#keep(this.known, key1, key2, template);
    return template;
  }

  /** Makes one of the templates of a shape that differ only in values of which there are many now. */
  #joinShape(shape1: number, shape2: number): void {
    const { store, values } = this;
    // one that is merged meanwhile is not met any more
    for (const member of store.all) {
      if (member.shape[0] !== shape1 || member.shape[1] !== shape2) continue;
      const places: number[] = [];
      for (let i = 0; i < member.length; i++) {
        if (member.kind[i] === Kind.value && values.isMany(shape1, shape2, i)) places.push(i);
      }
      if (places.length > 0) member.widen(places);
      const known = this.#look(this.known, ...member.key);
      this.#keep(this.known, ...member.key, known < 0 ? member : store.merge(store.at(known), member));
    }
  }

  /** A new template, unless the line is free text behind a prefix. */
  #make(words: Words, key: [number, number], shape: [number, number]): Template {
    const { tokens, store, freeText, budget, values } = this;
    freeText.read(tokens);
    const { prefix } = freeText;
    if (prefix !== 0) {
      const at = freeText.find();
      const slot = at < 0 ? 0 : freeText.prefixes.cells[at + 1];
      if (at >= 0 && store.numbers[slot] === freeText.prefixes.cells[at]) return store.at(slot);
    }
    budget.spend();
    if (prefix !== 0 && freeText.add()) {
      freeText.begin();
      for (const each of store.all) {
        if (each.prefix === prefix) freeText.judge(store.hits[each.slot], this.lines - store.seen[each.slot]);
      }
      if (freeText.isMostlyRare) return this.#openEnd(words, freeText.end);
    }
    const { length } = tokens;
    const seed: Seed = {
      key,
      shape,
      kind: tokens.kind.slice(0, length),
      hash: tokens.hash.slice(0, length),
      words: words(),
      prefix,
      open: false,
    };
    let template = store.add(seed, this.lines);
    if (tokens.values === 0 && values.knows(...key)) {
      for (const member of store.all) {
        if (member.shape[0] === key[0] && member.shape[1] === key[1]) template = store.merge(template, member);
      }
    }
    template = this.#widen(template, key);
    const novel = this.siblings.novelPlaces(tokens, key);
    return novel.length === 0 ? template : this.#joinAt(template, novel, key);
  }

  #openEnd(words: Words, end: number): Template {
    const { tokens, store, freeText } = this;
    const seed: Seed = {
      key: [freeText.prefix, end],
      shape: [freeText.prefix, end],
      kind: tokens.kind.slice(0, end),
      hash: tokens.hash.slice(0, end),
      words: words().slice(0, end),
      prefix: 0,
      open: true,
    };
    const template = store.add(seed, this.lines);
    freeText.opened(template.number, template.slot);
    return template;
  }

  /** Makes parameters of words at whose places there were many, one place after the other. */
  #widen(given: Template, key: readonly [number, number]): Template {
    let template = given;
    const places: number[] = [];
    for (let at: readonly [number, number] = key; ; ) {
      const place = this.siblings.place(this.tokens, at, places);
      if (place < 0) return template;
      places.push(place);
      places.sort((a, b) => a - b);
      template = this.#joinAt(template, places.slice(), key);
      at = template.key;
    }
  }

  /** Makes one of the templates that differ only at these places. */
  #joinAt(template: Template, places: readonly number[], key: readonly [number, number]): Template {
    const { store, tokens } = this;
    let [k1, k2] = key;
    for (const p of places) {
      k1 = (k1 + widened1(tokens.hash[p], p)) | 0;
      k2 = (k2 + widened2(tokens.hash[p], p)) | 0;
    }
    let stays = template;
    for (const each of store.all) {
      if (each.length !== tokens.length || each.open) continue;
      const [e1, e2] = each.widenedKey(places);
      if (e1 === k1 && e2 === k2) stays = store.merge(stays, each);
    }
    if (stays.key[0] !== k1 || stays.key[1] !== k2) stays.widen(places);
    this.masks.add(places, stays, this.lines);
    this.#keep(this.known, k1, k2, stays);
    return stays;
  }
}
