// The chance of a made-up world: the same seed gives the same numbers on every machine.

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) | 0;
  }

  /** In [0, 1): a Weyl sequence through a mixer. */
  uniform(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `from` to `to`, both of them too. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.uniform() * (to - from + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.uniform() * items.length)];
  }

  /** Box and Muller 1958. */
  gaussian(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Log-normal around a median. */
  around(median: number, spread: number): number {
    return median * Math.exp(spread * this.gaussian());
  }

  poisson(mean: number): number {
    const floor = Math.exp(-mean);
    let count = 0;
    for (let product = this.uniform(); product > floor; product *= this.uniform()) count++;
    return count;
  }
}

/** A log-normal factor around 1 that wanders: an autoregressive process of order one. */
export class Drift {
  readonly #chance: Chance;
  readonly #spread: number;
  readonly #memory: number;
  #x: number;
  #at = Number.NaN;

  /** `memory` in milliseconds: how long it takes to forget. */
  constructor(chance: Chance, spread: number, memory: number) {
    this.#chance = chance;
    this.#spread = spread;
    this.#memory = memory;
    this.#x = spread * chance.gaussian();
  }

  /** At a time, Unix milliseconds; at one before the latest, as it is at the latest. */
  at(time: number): number {
    if (!(time <= this.#at)) this.#move(time);
    return Math.exp(this.#x);
  }

  #move(time: number): void {
    const keep = Number.isNaN(this.#at) ? 1 : Math.exp(-(time - this.#at) / this.#memory);
    this.#at = time;
    this.#x = keep * this.#x + this.#spread * Math.sqrt(1 - keep ** 2) * this.#chance.gaussian();
  }
}
