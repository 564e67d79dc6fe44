// Forces SQLite's write-ahead log to the disk beside SQLite, so that the event loop does not wait for the disk.
import { type FileHandle, open } from "node:fs/promises";

export class LogSync {
  readonly #path: string;
  #file: FileHandle | undefined;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #closed = false;

  /** Path of a log that is there once something was committed. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Settles with a sync that began after this call; all that wait for one share it. Once closed there is nothing to wait for. */
  sync(): Promise<void> {
    this.#next ??= this.#current
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        this.#current = this.#sync();
        return this.#current;
      });
    return this.#next;
  }

  async #sync(): Promise<void> {
    if (this.#closed) return;
    this.#file ??= await open(this.#path, "r+");
    await this.#file.datasync();
  }

  /** SQLite syncs what is left when it closes the database. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#current.catch(() => {});
    await this.#file?.close();
  }
}
