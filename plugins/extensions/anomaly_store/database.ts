// The file as the agent's thread sees it: questions go to the thread that owns it, answers come back as promises.
import { Worker } from "node:worker_threads";
import type { Keeper } from "./keeper.ts";

/** A file could not be used: why, where it is now, and how many of its rows are in the new one. */
export interface Aside {
  readonly why: string;
  readonly path: string;
  readonly saved: number;
}

/** Who hears of what befell the file, and of a thread that ended by itself: nothing can be asked any more. */
export interface Hearing {
  aside(aside: Aside): void;
  ended(error: Error): void;
}

/** What can be asked of the thread. */
type Name = Exclude<keyof Keeper, "close">;

export interface Asked {
  readonly id: number;
  readonly name: Name | "open" | "close";
  readonly args: readonly unknown[];
  /** Unix milliseconds. */
  readonly now: number;
}

export interface Answered {
  readonly id: number;
  readonly value?: unknown;
  readonly aside?: Aside;
  readonly error?: { readonly message: string; readonly kind: DatabaseError["kind"] };
}

/** "refused": for whoever asked to correct; "busy": somebody else has the file open. */
export class DatabaseError extends Error {
  readonly kind: "refused" | "busy" | "failed";
  constructor(message: string, kind: DatabaseError["kind"]) {
    super(message);
    this.kind = kind;
  }
}

const MOST_WAITING = 10_000;
const THREAD = new URL(`./database_thread${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);

export class Database {
  readonly #worker: Worker;
  readonly #now: () => number;
  readonly #hearing: Hearing;
  readonly #waiting = new Map<number, PromiseWithResolvers<any>>();
  #last = 0;
  #closed = false;
  #ended: Error | undefined;

  private constructor(path: string, now: () => number, hearing: Hearing) {
    this.#now = now;
    this.#hearing = hearing;
    const resourceLimits = { maxOldGenerationSizeMb: 128 };
    this.#worker = new Worker(THREAD, { env: {}, execArgv: [], workerData: { path }, resourceLimits });
    this.#worker.on("message", (answer: Answered) => this.#take(answer));
    this.#worker.on("error", (error: Error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("its thread has ended")));
    this.#worker.unref();
  }

  /** Makes the file where there is none. Rejects, in words for an operator. */
  static async open(path: string, now: () => number, hearing: Hearing): Promise<Database> {
    const database = new Database(path, now, hearing);
    try {
      await database.#ask("open", []);
      return database;
    } catch (error) {
      database.#closed = true;
      await database.#worker.terminate();
      throw error;
    }
  }

  /** Calls a method of the thread's `Keeper`. Rejects with DatabaseError. */
  ask<N extends Name>(name: N, ...args: Parameters<Keeper[N]>): Promise<ReturnType<Keeper[N]>> {
    return this.#ask(name, args);
  }

  /** What was asked before is done first. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#ask("close", []).catch(() => {});
    await this.#worker.terminate();
  }

  #ask(name: Asked["name"], args: readonly unknown[]): Promise<any> {
    if (this.#ended) return Promise.reject(new DatabaseError(this.#ended.message, "failed"));
    if (this.#waiting.size >= MOST_WAITING) {
      return Promise.reject(new DatabaseError("too much waits to be written; is the disk slow?", "failed"));
    }
    const answer = Promise.withResolvers<any>();
    const id = ++this.#last;
    this.#waiting.set(id, answer);
    this.#worker.ref();
    this.#worker.postMessage({ id, name, args, now: this.#now() } satisfies Asked);
    return answer.promise;
  }

  #take({ id, value, aside, error }: Answered): void {
    const answer = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (aside) this.#hearing.aside(aside);
    if (error) answer?.reject(new DatabaseError(error.message, error.kind));
    else answer?.resolve(value);
  }

  #end(error: Error): void {
    if (!this.#ended && !this.#closed) this.#hearing.ended(error);
    this.#ended ??= error;
    for (const answer of this.#waiting.values()) answer.reject(new DatabaseError(error.message, "failed"));
    this.#waiting.clear();
  }
}
