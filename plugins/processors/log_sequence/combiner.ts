// The messages of a complete group as a combination: which there were, each once, a few times, or often.
import { COUNTED } from "./groups.ts";
import { MOST_MESSAGES } from "./service.ts";

export class Combiner {
  /** Of the group combined last: 53 bits of what it is. */
  key = 0;
  readonly #counts = new Uint32Array(MOST_MESSAGES);
  readonly #messages = new Uint16Array(MOST_MESSAGES);
  readonly #grades = new Uint8Array(MOST_MESSAGES);
  #length = 0;

  /** The order in which messages come does not matter. */
  combine(group: readonly number[]): void {
    const counts = this.#counts;
    let length = 0;
    for (let i = 0; i < group.length; i++) if (counts[group[i]]++ === 0) this.#messages[length++] = group[i];
    let high = 0;
    let low = 0;
    for (let i = 0; i < length; i++) {
      const message = this.#messages[i];
      const grade = gradeOf(counts[message]);
      const x = scrambled(4 * message + grade);
      this.#grades[i] = grade;
      high = (high + x) | 0;
      low = (low + scrambled(x)) | 0;
      counts[message] = 0;
    }
    this.#length = length;
    this.key = (high >>> 11) * 2 ** 32 + (low >>> 0);
  }

  /** Of the group combined last: its messages, each once, and how often each came; by number, so that order does not matter. */
  get parts(): { messages: number[]; grades: number[] } {
    const order = Array.from({ length: this.#length }, (_, i) => i);
    order.sort((a, b) => this.#messages[a] - this.#messages[b]);
    return { messages: order.map((i) => this.#messages[i]), grades: order.map((i) => this.#grades[i]) };
  }
}

/** 0: once; 1: a few times; 2: often. */
const gradeOf = (count: number) => (count === 1 ? 0 : count < COUNTED ? 1 : 2);

/** The fewest that a grade stands for. */
export const leastOf = (grade: number) => [1, 2, COUNTED][grade];

/** The finaliser of MurmurHash3. */
function scrambled(x: number): number {
  let h = (x + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
