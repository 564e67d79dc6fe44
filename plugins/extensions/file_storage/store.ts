// The records of one name: what one turn of the event loop adds and removes is one transaction.
import type { Store } from "vedette";
import { compact, type ReboundOptions, rebound } from "./compaction.ts";
import { type Database, explained, isDamage, UnusableFile } from "./database.ts";
import { LogSync } from "./log_sync.ts";
import { checksum, isWhole, type Row, weightOf } from "./record.ts";
import { type Content, openUsable, type Place, replace } from "./set_aside.ts";

/** Milliseconds until what could not be removed is tried again. */
const RETRY = 1000;

export interface StoreOptions extends Place {
  /** Bytes. */
  readonly maxSize: number;
  readonly fsync: boolean;
  readonly compactOnStart: boolean;
  readonly rebound: (ReboundOptions & { readonly interval: number }) | undefined;
  /** Why nothing can be written; undefined once it can again. */
  readonly onHealth: (reason: string | undefined) => void;
  readonly onClosed: () => void;
}

/** What one turn of the event loop does. */
interface Batch {
  readonly committed: PromiseWithResolvers<void>;
  readonly removed: number[];
  /** Bytes. */
  added: number;
  freed: number;
  /** Whether somebody will hear of its failure. */
  awaited: boolean;
  error: Error | undefined;
}

export class FileStore implements Store {
  readonly #options: StoreOptions;
  #db!: Database;
  #last = 0;
  /** Bytes of the records kept. */
  #held = 0;
  #batch: Batch | undefined;
  /** To be removed as soon as the disk lets us. */
  readonly #doomed = new Set<number>();
  #retry: NodeJS.Timeout | undefined;
  #rebound: NodeJS.Timeout | undefined;
  #broken = false;
  /** Why records were lost that nobody has asked about yet. */
  #unheard: Error | undefined;
  #log: LogSync | undefined;
  #closing: Promise<void> | undefined;

  /** Throws when the file can be neither opened nor replaced. */
  constructor(options: StoreOptions) {
    this.#options = options;
    this.#use(openUsable(options));
    if (options.compactOnStart) this.#compact();
    if (options.rebound) this.#watchSize(rebound(options.rebound), options.rebound.interval);
  }

  entries(): { key: number; size: number; note: string }[] {
    this.#assertOpen();
    const rows = this.#db.entries.all() as { key: number; size: number; note: string }[];
    return this.#doomed.size === 0 ? rows : rows.filter(({ key }) => !this.#doomed.has(key));
  }

  append(value: Uint8Array, note: string): number {
    const { name, maxSize } = this.#options;
    const batch = this.#begin();
    const weight = weightOf(value.length, note);
    if (this.#held + weight > maxSize) {
      throw new Error(`the storage of ${name} is full: ${this.#held} of ${maxSize} bytes (max_size) are taken`);
    }
    this.#try(batch, () => {
      this.#db.insert.run(this.#last + 1, note, value.length, checksum(value, note), value);
      this.#held += weight;
      batch.added += weight;
    });
    return ++this.#last;
  }

  read(key: number): Uint8Array | undefined {
    this.#assertOpen();
    if (this.#doomed.has(key)) return undefined;
    const { name, path, log } = this.#options;
    try {
      const row = this.#db.select.get(key) as Row | undefined;
      if (!row || isWhole(row)) return row?.value;
    } catch (error) {
      if (!isDamage(error)) throw explained(error, path);
    }
    log.error("a stored record is damaged and cannot be read", { name, key });
    return undefined;
  }

  /** Never throws: what the disk does not let it remove now it tries again. On a closed store it does nothing. */
  remove(keys: readonly number[]): void {
    if (this.#closing) return;
    for (const key of keys) this.#doomed.add(key);
    try {
      this.#begin();
    } catch {
      // the batch has failed: reported, and tried again later
    }
  }

  async flush(): Promise<void> {
    const lost = this.#unheard;
    this.#unheard = undefined;
    if (lost) throw lost;
    if (this.#batch) {
      this.#batch.awaited = true;
      await this.#batch.committed.promise;
    }
    try {
      await this.#log?.sync();
    } catch (error) {
      throw this.#hurt(error);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#retry);
    clearInterval(this.#rebound);
    try {
      await this.flush();
    } finally {
      try {
        await this.#letGo();
      } finally {
        this.#options.onClosed();
      }
    }
  }

  #assertOpen(): void {
    if (this.#closing) throw new Error(`the storage of ${this.#options.name} is closed`);
  }

  #use({ db, last, bytes, count }: Content): void {
    this.#db = db;
    this.#last = Math.max(this.#last, last);
    this.#held = bytes + count * weightOf(0, "");
    if (this.#options.fsync) this.#log = new LogSync(`${this.#options.path}-wal`);
  }

  #letGo(): Promise<void> | undefined {
    if (this.#db.sql.isOpen) this.#db.sql.close();
    return this.#log?.close();
  }

  /** The batch of this turn, with everything that is to be removed out of the way. Throws when it has failed. */
  #begin(): Batch {
    this.#assertOpen();
    let batch = this.#batch;
    if (!batch) {
      const committed = Promise.withResolvers<void>();
      committed.promise.catch(() => {});
      batch = this.#batch = { committed, removed: [], added: 0, freed: 0, awaited: false, error: undefined };
      setImmediate(() => this.#commit());
      this.#try(batch, () => this.#db.sql.exec("BEGIN"));
    }
    if (batch.error) throw batch.error;
    for (const key of this.#doomed) this.#delete(batch, key);
    return batch;
  }

  #delete(batch: Batch, key: number): void {
    this.#try(batch, () => {
      const row = this.#db.remove.get(key) as { size: number; note: string } | undefined;
      this.#doomed.delete(key);
      if (!row) return;
      const weight = weightOf(row.size, row.note);
      this.#held -= weight;
      batch.freed += weight;
      batch.removed.push(key);
    });
  }

  #try(batch: Batch, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(batch, error);
      throw batch.error;
    }
  }

  #commit(): void {
    const batch = this.#batch!;
    this.#batch = undefined;
    try {
      if (batch.error) throw batch.error;
      this.#try(batch, () => this.#db.sql.exec("COMMIT"));
    } catch (error) {
      if (batch.added > 0 && !batch.awaited) this.#unheard = error as Error;
      return;
    }
    batch.committed.resolve();
    this.#heal();
  }

  /** Nothing of the batch is kept; what it removed is removed later. */
  #fail(batch: Batch, error: unknown): void {
    batch.error = this.#hurt(error);
    batch.committed.reject(batch.error);
    this.#held += batch.freed - batch.added;
    for (const key of batch.removed) this.#doomed.add(key);
    try {
      if (this.#db.sql.isTransaction) this.#db.sql.exec("ROLLBACK");
      if (!isDamage(error)) return;
      void this.#letGo()?.catch(() => {});
      this.#use(replace(this.#options, new UnusableFile("it is damaged", true)));
    } catch (second) {
      this.#hurt(second);
    }
  }

  /** Says that nothing can be stored, once, and tries again later. */
  #hurt(cause: unknown): Error {
    const { path, log, name, onHealth } = this.#options;
    const error = explained(cause, path);
    if (!this.#broken)
      log.error("cannot store; senders are refused until this has passed", { name, error: error.message });
    this.#broken = true;
    onHealth(error.message);
    if (!this.#closing) this.#retry ??= setTimeout(() => this.#tryAgain(), RETRY).unref();
    return error;
  }

  #heal(): void {
    if (!this.#broken) return;
    const { log, name, onHealth } = this.#options;
    this.#broken = false;
    log.info("can store again", { name });
    onHealth(undefined);
  }

  #tryAgain(): void {
    this.#retry = undefined;
    try {
      // what the log holds may fit into the database where no room is for a longer log
      if (!this.#batch) this.#db.sql.exec("PRAGMA wal_checkpoint(RESTART)");
    } catch {
      // the batch will say what is wrong
    }
    this.remove([]);
  }

  #watchSize(due: ReturnType<typeof rebound>, interval: number): void {
    const check = () => {
      try {
        if (due(this.#db.sql, this.#held)) this.#compact();
      } catch {
        // a file that cannot be asked for its size is found out by the next record
      }
    };
    this.#rebound = setInterval(check, interval).unref();
  }

  #compact(): void {
    const { log, name } = this.#options;
    compact(() => (this.#closing || !this.#db.sql.isOpen ? undefined : this.#db.sql)).catch((error: Error) => {
      log.warn("could not give the space of removed records back", { name, error: error.message });
    });
  }
}
