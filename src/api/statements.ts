// Numbers for what a series says by a template: found once a record, so that all who follow look up what they know of it by that number.
import type { Mined } from "./templates.ts";

/** So many numbers are given; then they begin anew. */
const MOST = 2 ** 17;
const FIRST = 1024;
/** Words of an entry: template, series, how often the id had been another series' before, and the number, 0 where there is no entry. */
const WIDTH = 4;

/** What numbers of statements mean something beside: another object, other statements. */
export interface Numbering {
  /** The largest number so far. */
  readonly largest: number;
}

/** For a miner of templates: gives each template of each series a number, from 1 on. */
export class Statements {
  #numbering = { largest: 0 };
  /** Open addressing. */
  #entries = new Int32Array(WIDTH * FIRST);
  #mask = FIRST - 1;
  /** By id of a series: how often it became another's. */
  #births = new Int32Array(0);

  /** To be called before a batch: what its numbers are of. */
  begin(): Numbering {
    if (this.#numbering.largest >= MOST) {
      this.#numbering = { largest: 0 };
      this.#entries = new Int32Array(WIDTH * FIRST);
      this.#mask = FIRST - 1;
    }
    return this.#numbering;
  }

  /** The number of a template, which is not 0, in the series with that id. */
  of(series: number, template: number): number {
    const entries = this.#entries;
    const mask = this.#mask;
    const birth = series < this.#births.length ? this.#births[series] : 0;
    for (let i = hashOf(series, template) & mask; ; i = (i + 1) & mask) {
      const at = WIDTH * i;
      const number = entries[at + 3];
      if (number === 0) return this.#add(series, template, birth, at);
      if (entries[at] === template && entries[at + 1] === series && entries[at + 2] === birth) return number;
    }
  }

  /** The id is another series' from now on, with statements of its own. */
  forget(series: number): void {
    if (series >= this.#births.length) {
      const births = new Int32Array(2 ** Math.ceil(Math.log2(series + 1)));
      births.set(this.#births);
      this.#births = births;
    }
    this.#births[series]++;
  }

  #add(series: number, template: number, birth: number, at: number): number {
    const number = ++this.#numbering.largest;
    this.#entries.set([template, series, birth, number], at);
    if (2 * number > this.#mask) this.#grow();
    return number;
  }

  #grow(): void {
    const before = this.#entries;
    const entries = new Int32Array(2 * before.length);
    const mask = entries.length / WIDTH - 1;
    for (let from = 0; from < before.length; from += WIDTH) {
      if (before[from + 3] === 0) continue;
      let i = hashOf(before[from + 1], before[from]) & mask;
      while (entries[WIDTH * i + 3] !== 0) i = (i + 1) & mask;
      entries.set(before.subarray(from, from + WIDTH), WIDTH * i);
    }
    this.#entries = entries;
    this.#mask = mask;
  }
}

/** For those who follow: a whole number by statement, 0 until it is set. */
export class StatementColumn {
  values = new Int32Array(0);
  #numbering: Numbering | undefined;

  /** To be called before a batch is read; true where statements have other numbers than before: then all are 0 again. */
  begin({ numbering }: Mined): boolean {
    const isOther = numbering !== this.#numbering;
    this.#numbering = numbering;
    if (isOther) this.values.fill(0);
    if (numbering.largest >= this.values.length) {
      const values = new Int32Array(2 ** Math.ceil(Math.log2(numbering.largest + 1)));
      values.set(this.values);
      this.values = values;
    }
    return isOther;
  }
}

/** The finalizer of MurmurHash3, of both. */
function hashOf(series: number, template: number): number {
  let h = Math.imul(template, 0x9e3779b1) ^ Math.imul(series, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  return h ^ (h >>> 15);
}
