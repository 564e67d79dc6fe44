// The messages of a complete group as a combination: which there were, each once, a few times, or often.

/** As many messages as a service may have. */
const MESSAGES = 512;

export class Combiner {
  /** Of the group combined last: 53 bits of what it is, and its messages, each once. */
  key = 0;
  messages: number[] = [];
  readonly #counts = new Uint16Array(MESSAGES);

  /** The order in which messages come does not matter. */
  combine(group: readonly number[]): void {
    const counts = this.#counts;
    const messages: number[] = [];
    for (const message of group) if (counts[message]++ === 0) messages.push(message);
    let high = 0;
    let low = 0;
    for (const message of messages) {
      const x = scrambled(4 * message + grade(counts[message]));
      high = (high + x) | 0;
      low = (low + scrambled(x)) | 0;
      counts[message] = 0;
    }
    this.messages = messages;
    this.key = (high >>> 11) * 2 ** 32 + (low >>> 0);
  }
}

/** Once, a few times, often, very often: what is repeated varies. */
const grade = (count: number) => (count === 1 ? 0 : count <= 4 ? 1 : count <= 16 ? 2 : 3);

/** The finaliser of MurmurHash3. */
function scrambled(x: number): number {
  let h = (x + 0x9e3779b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
