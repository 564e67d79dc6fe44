// The chance of a generated world: the same seed gives the same numbers on every machine.

export class Chance {
  #state: number;
  #spare = Number.NaN;

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) | 0;
  }

  /** 32 bits as a number from 0. A Weyl sequence through a mixer. */
  word(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let x = Math.imul(this.#state ^ (this.#state >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return (x ^ (x >>> 16)) >>> 0;
  }

  /** In [0, 1). */
  uniform(): number {
    return this.word() / 4294967296;
  }

  whole(below: number): number {
    return Math.floor(this.uniform() * below);
  }

  /** Box and Muller 1958, both halves used. */
  gaussian(): number {
    if (!Number.isNaN(this.#spare)) {
      const spare = this.#spare;
      this.#spare = Number.NaN;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Log-normal around a median. */
  around(median: number, sd: number): number {
    return median * Math.exp(sd * this.gaussian());
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  poisson(mean: number): number {
    if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.gaussian()));
    const floor = Math.exp(-mean);
    let count = 0;
    for (let product = this.uniform(); product > floor; product *= this.uniform()) count++;
    return count;
  }
}

/** A log-normal factor around 1 that changes slowly: an autoregressive process of order one. */
export class Drift {
  #x: number;
  readonly #keep: number;
  readonly #step: number;

  /** `memory` and `every` in milliseconds: how long it takes to forget, and how often it is moved. */
  constructor(chance: Chance, sd: number, memory: number, every: number) {
    this.#keep = Math.exp(-every / memory);
    this.#step = sd * Math.sqrt(1 - this.#keep ** 2);
    this.#x = sd * chance.gaussian();
  }

  move(chance: Chance): number {
    this.#x = this.#keep * this.#x + this.#step * chance.gaussian();
    return Math.exp(this.#x);
  }
}
