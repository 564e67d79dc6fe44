// The time of an agent that lives through some hours before now within seconds.

/** Milliseconds between two looks of the agent at the clock. */
const TICK = 1000;

/** Milliseconds of the world before now that are sent first. */
export const HISTORY = 5_400_000;

export class Clock {
  /** Told of every second that passes. */
  tick: (now: number) => void = () => {};
  #time: number | undefined;

  /** Stands at `start`, Unix milliseconds, until it is moved or runs. */
  constructor(start: number) {
    this.#time = start;
  }

  readonly now = (): number => this.#time ?? Date.now();

  /** Goes on to a later time, second by second. */
  pass(until: number): void {
    for (let time = this.now() + TICK; time < until; time += TICK) {
      this.#time = time;
      this.tick(time);
    }
    this.#time = until;
  }

  /** Is everybody's from now on. */
  run(): void {
    this.#time = undefined;
  }
}
