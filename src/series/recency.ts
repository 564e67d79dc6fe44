// Which row was least recently seen: exact to the row, one write a touch, a rare linear pass when rows must go.

/** Rows taken from one pass over the stamps: a pass costs about a nanosecond a row and serves this share of them. */
const SHARE = 1 / 64;
const SAMPLES = 1024;

export class Recency {
  #clock = 0;
  #stamp = new Float64Array(0);
  #queue: number[] = [];
  #queued: number[] = [];
  #next = 0;

  grow(capacity: number): void {
    const stamp = new Float64Array(capacity);
    stamp.set(this.#stamp);
    this.#stamp = stamp;
  }

  /** The number of touches so far: a row whose stamp is larger than a clock read earlier was touched since. */
  get clock(): number {
    return this.#clock;
  }

  touch(row: number): void {
    this.#stamp[row] = ++this.#clock;
  }

  stampOf(row: number): number {
    return this.#stamp[row];
  }

  /** The least recently touched of rows [0, length), which must not be empty. It stays so until it is touched. */
  oldest(length: number): number {
    for (;;) {
      while (this.#next < this.#queue.length) {
        const row = this.#queue[this.#next];
        if (this.#stamp[row] === this.#queued[this.#next]) return row;
        this.#next++;
      }
      this.#refill(length);
    }
  }

  /** Queues every row below a cut through the stamps, oldest first: all that is not queued is younger. */
  #refill(length: number): void {
    const stamp = this.#stamp;
    const sample = new Float64Array(Math.min(SAMPLES, length));
    for (let i = 0; i < sample.length; i++) sample[i] = stamp[Math.floor((i * length) / sample.length)];
    sample.sort();
    const cut = sample[Math.floor(sample.length * SHARE)];
    const queue: number[] = [];
    for (let row = 0; row < length; row++) if (stamp[row] <= cut) queue.push(row);
    queue.sort((a, b) => stamp[a] - stamp[b]);
    this.#queue = queue;
    this.#queued = queue.map((row) => stamp[row]);
    this.#next = 0;
  }
}
