// SIGINT and SIGTERM end what is under way in good order, a second one at once.

/** Milliseconds within which the same signal is one: npm passes on what the terminal sends to both. */
const TWICE = 500;

/** Listens from its making on. */
export class Interruption {
  readonly #ending = new AbortController();
  readonly #heard: readonly (readonly [NodeJS.Signals, () => void])[];
  /** What to exit with, once a signal came. */
  code = 0;
  #since = 0;

  constructor() {
    this.#heard = [this.#listen("SIGINT", 2), this.#listen("SIGTERM", 15)];
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** From here on signals do what they do by default. */
  end(): void {
    for (const [signal, listener] of this.#heard) process.off(signal, listener);
  }

  #listen(signal: NodeJS.Signals, number: number): readonly [NodeJS.Signals, () => void] {
    const listener = () => {
      this.code = 128 + number;
      if (this.#ending.signal.aborted && performance.now() - this.#since >= TWICE) process.exit(this.code);
      if (!this.#ending.signal.aborted) this.#since = performance.now();
      this.#ending.abort();
    };
    process.on(signal, listener);
    return [signal, listener];
  }
}
