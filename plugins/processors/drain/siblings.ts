// Learns which words are parameters: lines that are the same but for one word, or for a few that were never seen at their places.
import { widened1, widened2 } from "./hash.ts";
import { Table } from "./table.ts";
import { Kind, type Tokens } from "./tokens.ts";
import { Sense, senseOf } from "./vocabulary.ts";

/** Different words at one place that make it a parameter. */
const MANY = 8;
/** Places of one template that become parameters this way. */
const MOST_PLACES = 4;
/** A word is known at its place from so many templates on. */
const KNOWN = 4;
/** Words of a line that may be new at once. */
const [FEWEST_NEW, MOST_NEW] = [2, 6];

export class Siblings {
  /** Templates by their key with one or more places widened. */
  readonly counts = new Table(15, 1);
  /** Templates by word, place and length. */
  readonly words = new Table(15, 1);
  /** Templates by their key with the words that were new widened. */
  readonly novel = new Table(13, 1);
  /** Share of a line's tokens that are to stay as they are. */
  readonly #threshold: number;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  /**
   * One more template, or one that `widened` places have just become parameters of. The place that is a parameter from now on; -1 for
   * none. `key` is its key.
   */
  place({ length, kind, hash }: Tokens, [key1, key2]: readonly [number, number], widened: readonly number[]): number {
    if (widened.length === MOST_PLACES || length - widened.length - 1 < length * this.#threshold) return -1;
    let words = 0;
    let first = -1;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== Kind.word || widened.includes(i)) continue;
      words++;
      if (first < 0) first = i;
    }
    if (words < 2) return -1;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== Kind.word || widened.includes(i) || (senseOf(hash[i]) & Sense.boolean) !== 0) continue;
      const count = this.counts.count((key1 + widened1(hash[i], i)) | 0, (key2 + widened2(hash[i], i)) | 0);
      // what a line is about is its first word; a line of two words has little else
      if (count >= MANY * (i === first ? 2 : 1) * (words === 2 ? 2 : 1)) return i;
    }
    return -1;
  }

  /** Places of a new template that are parameters from now on, since lines that are known but for them came again and again. */
  novelPlaces({ length, kind, hash }: Tokens, [key1, key2]: readonly [number, number]): number[] {
    const places: number[] = [];
    let known = 0;
    let k1 = key1;
    let k2 = key2;
    for (let i = 0; i < length; i++) {
      if (kind[i] !== Kind.word) continue;
      if (this.words.count(hash[i], length * 256 + i) > KNOWN) known++;
      else {
        places.push(i);
        k1 = (k1 + widened1(hash[i], i)) | 0;
        k2 = (k2 + widened2(hash[i], i)) | 0;
      }
    }
    const some = places.length >= FEWEST_NEW && places.length <= MOST_NEW;
    if (!some || known < places.length || length - places.length < length * this.#threshold) return [];
    return this.novel.count(k1, k2) >= 2 * MANY ? places : [];
  }
}
