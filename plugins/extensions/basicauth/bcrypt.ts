// Checks passwords with bcrypt one at a time in a thread of its own, which those who guess cannot keep busy.
import { Worker } from "node:worker_threads";

export interface Check {
  readonly password: string;
  readonly hash: string;
}

type Waiting = Check & PromiseWithResolvers<boolean>;

const MOST_WAITING = 32;
/** After a wrong password the thread rests so many times as long as that took: guessing gets a quarter of a core at most. */
const REST = 3;
const THREAD = new URL(`./bcrypt_thread${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

export class Bcrypt {
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #current: Waiting | undefined;
  #resting: NodeJS.Timeout | undefined;

  /** Rejects when too many passwords wait to be checked, or when the thread has ended. */
  compare(check: Check): Promise<boolean> {
    if (this.#waiting.length >= MOST_WAITING) return Promise.reject(new Error("too many passwords are being checked"));
    const waiting = { ...check, ...Promise.withResolvers<boolean>() };
    this.#waiting.push(waiting);
    this.#next();
    return waiting.promise;
  }

  async close(): Promise<void> {
    clearTimeout(this.#resting);
    this.#resting = undefined;
    const worker = this.#worker;
    this.#end(new Error("the agent is stopping"));
    await worker?.terminate();
  }

  #next(): void {
    if (this.#current || this.#resting) return;
    this.#current = this.#waiting.shift();
    if (!this.#current) return;
    const started = performance.now();
    const worker = this.#thread();
    worker.ref();
    worker.once("message", (right: boolean) => {
      worker.unref();
      this.#current?.resolve(right);
      this.#current = undefined;
      if (right) return this.#next();
      this.#resting = setTimeout(
        () => {
          this.#resting = undefined;
          this.#next();
        },
        REST * (performance.now() - started),
      );
    });
    worker.postMessage({ password: this.#current.password, hash: this.#current.hash } satisfies Check);
  }

  #thread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(THREAD, { env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 32 } });
    worker.on("error", (error) => this.#worker === worker && this.#end(error));
    this.#worker = worker;
    return worker;
  }

  #end(error: unknown): void {
    this.#worker = undefined;
    const rejected = [...(this.#current ? [this.#current] : []), ...this.#waiting.splice(0)];
    this.#current = undefined;
    for (const { reject } of rejected) reject(error);
  }
}
