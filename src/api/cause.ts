// One cause told once: what a finder tells of a service within minutes is taken to have one cause.

/** Milliseconds without anything more after which it is over, and the longest that one cause is believed in. */
const QUIET = 900_000;
const LONGEST = 3_600_000;
/** Beside what was told, something else is told that is so many times as surprising. */
const MORE = 2;

interface Told {
  readonly about: string;
  readonly began: number;
  until: number;
  rarity: number;
}

export class Cause {
  #told: Told | undefined;

  /** Whether it is news beside what was told, and not part of it. Times in Unix milliseconds, in order. */
  isNews(about: string, rarity: number, time: number): boolean {
    const told = this.#told;
    if (!told || time > told.until || time - told.began >= LONGEST) return true;
    told.until = time + QUIET;
    return about !== told.about && rarity >= MORE * told.rarity;
  }

  /** It was told. */
  tell(about: string, rarity: number, time: number): void {
    this.#told = { about, began: time, until: time + QUIET, rarity };
  }

  /** What it remembers, to be given to another one. */
  get state(): unknown {
    return this.#told;
  }

  set state(state: unknown) {
    this.#told = state as Told | undefined;
  }
}
