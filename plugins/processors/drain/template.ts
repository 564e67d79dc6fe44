// One template: the tokens of the first record that had it, those that turned out to be parameters marked so.
import { hexOf, PARAMETER, widened1, widened2 } from "./hash.ts";
import { Kind } from "./tokens.ts";

/** Longest text of a template, in characters. */
const LONGEST_TEXT = 1024;
/** A key, in front of a value: marks that may stand between them, and those that end it. */
const BETWEEN = /^\s*["'=:([{#<]+$/;
const NAME = /^[\s"']*([\p{L}_$@][\p{L}\p{N}_$@.\-/]*)/u;

/** What is kept of a template for good. */
export interface Seed {
  /** Both halves of its key, and of its key with every value of Kind.value a parameter. */
  key: [number, number];
  shape: [number, number];
  kind: Uint8Array;
  hash: Int32Array;
  /** By token: as it stands in the text, a space before it where one is. */
  words: string[];
  /** Hash of its first words; 0 when it has too few. */
  prefix: number;
  /** Whether all that follows its last token is one more parameter. */
  open: boolean;
}

export class Template implements Seed {
  /** Of those that are known now; another may have it later. */
  readonly slot: number;
  readonly number: number;
  readonly id: string;
  key: [number, number];
  readonly shape: [number, number];
  readonly kind: Uint8Array;
  readonly hash: Int32Array;
  readonly words: string[];
  readonly prefix: number;
  readonly open: boolean;
  #text: string | undefined;
  #parameters: Uint16Array | undefined;
  /** As an attribute, encoded; for who annotates. Undefined once the text has changed. */
  encoded: Uint8Array | undefined;

  constructor(slot: number, number: number, id: string | undefined, seed: Seed) {
    this.slot = slot;
    this.number = number;
    this.key = seed.key;
    this.shape = seed.shape;
    this.kind = seed.kind;
    this.hash = seed.hash;
    this.words = seed.words;
    this.prefix = seed.prefix;
    this.open = seed.open;
    this.id = id ?? hexOf(...seed.key);
  }

  get length(): number {
    return this.kind.length;
  }

  get text(): string {
    if (this.#text === undefined) {
      const whole = this.words.join("").trim() + (this.open ? " <*>" : "");
      this.#text = whole.length > LONGEST_TEXT ? `${whole.slice(0, LONGEST_TEXT)}...` : whole;
    }
    return this.#text;
  }

  /** Places of its parameters among the tokens; what an open end stands for is one past the last token. */
  get parameters(): Uint16Array {
    if (this.#parameters === undefined) {
      const places: number[] = [];
      for (let i = 0; i < this.length; i++) if (this.kind[i] === Kind.parameter) places.push(i);
      if (this.open) places.push(this.length);
      this.#parameters = Uint16Array.from(places);
    }
    return this.#parameters;
  }

  /** The key, or the word, that parameter k stands behind. */
  parameterName(k: number): string | undefined {
    let i = this.parameters[k] - 1;
    if (!(i >= 0)) return undefined;
    for (let marks = 0; i >= 0 && this.kind[i] === Kind.mark; marks++, i--) {
      if (marks > 2 || !BETWEEN.test(this.words[i])) return undefined;
    }
    if (i < 0 || this.kind[i] === Kind.parameter) return undefined;
    if (this.kind[i] === Kind.key) return this.words[i].trim().slice(0, -1);
    return NAME.exec(this.words[i])?.[1];
  }

  /** Its key, were the tokens at these places parameters. */
  widenedKey(places: ArrayLike<number>): [number, number] {
    let [k1, k2] = this.key;
    for (let i = 0; i < places.length; i++) {
      const p = places[i];
      k1 = (k1 + widened1(this.hash[p], p)) | 0;
      k2 = (k2 + widened2(this.hash[p], p)) | 0;
    }
    return [k1, k2];
  }

  /** Makes parameters of the tokens at these places. */
  widen(places: ArrayLike<number>): void {
    this.key = this.widenedKey(places);
    for (let i = 0; i < places.length; i++) {
      const p = places[i];
      this.kind[p] = Kind.parameter;
      this.hash[p] = PARAMETER;
      this.words[p] = this.words[p].startsWith(" ") ? " <*>" : "<*>";
    }
    this.#text = undefined;
    this.#parameters = undefined;
    this.encoded = undefined;
  }
}
