// A storage extension in memory that outlives its queues, and that can be made to fail as a disk does.
import type { Extension, Store } from "vedette";

interface Kept {
  readonly value: Buffer;
  readonly note: string;
}

export class MemoryStore {
  /** By key, oldest first; what a crash leaves. */
  readonly records = new Map<number, Kept>();
  /** What `open` was asked for. */
  readonly names: string[] = [];
  reads = 0;
  flushes = 0;
  closed = 0;
  /** Calls that fail until they are taken out. */
  readonly broken = new Set<keyof Store>();
  #last = 0;

  readonly extension: Extension = {
    open: async (name) => {
      this.names.push(name);
      this.#check("entries");
      return this.#store();
    },
  };

  #check(call: keyof Store): void {
    if (this.broken.has(call)) throw new Error(`${call}: no space left on device`);
  }

  /** One owner's view; nothing of it works once it is closed. */
  #store(): Store {
    let open = true;
    const using = (call: keyof Store) => {
      if (!open) throw new Error("the store is closed");
      this.#check(call);
    };
    return {
      entries: () => [...this.records].map(([key, { value, note }]) => ({ key, size: value.length, note })),
      append: (value, note) => {
        using("append");
        this.#last = Math.max(this.#last, ...this.records.keys()) + 1;
        this.records.set(this.#last, { value: Buffer.from(value), note });
        return this.#last;
      },
      read: (key) => {
        using("read");
        this.reads++;
        return this.records.get(key)?.value;
      },
      remove: (keys) => {
        using("remove");
        for (const key of keys) this.records.delete(key);
      },
      flush: async () => {
        using("flush");
        this.flushes++;
      },
      close: async () => {
        if (open) this.closed++;
        open = false;
      },
    };
  }
}
