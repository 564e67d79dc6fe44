// Segmented LRU as one would say it: a list in order of last touch. The judge of rows, tables and detectors.
const ESTABLISHED = 50;
const HOUR = 3_600_000;

export class NaiveRecency<Key> {
  /** Least recently touched first. */
  readonly order: Key[] = [];
  readonly #touches = new Map<Key, number>();
  /** How many ticks there were when it was last touched. */
  readonly #during = new Map<Key, number>();
  readonly #ticks: number[] = [];

  touch(key: Key): void {
    const at = this.order.indexOf(key);
    if (at >= 0) this.order.splice(at, 1);
    this.order.push(key);
    this.#touches.set(key, (this.#touches.get(key) ?? 0) + 1);
    this.#during.set(key, this.#ticks.length);
  }

  forget(key: Key): void {
    this.order.splice(this.order.indexOf(key), 1);
    this.#touches.delete(key);
  }

  /** Times at least an eighth of an hour apart. */
  tick(now: number): void {
    this.#ticks.push(now);
  }

  /** Which has to go of those there are, which fill the room. */
  oldest(): Key {
    const established = (key: Key) => this.#touches.get(key)! >= ESTABLISHED;
    if (this.order.filter(established).length > Math.floor(this.order.length * 0.8))
      return this.order.find(established)!;
    // it was not touched since the first tick after its last touch
    const unseen = (key: Key) => this.#ticks[this.#during.get(key)!] <= this.#ticks.at(-1)! - HOUR;
    return this.order.find((key) => !established(key) || unseen(key))!;
  }
}
