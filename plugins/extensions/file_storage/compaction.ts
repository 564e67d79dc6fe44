// Gives the space that removed records leave in a file back to the disk, while the agent runs.
import type { DatabaseSync } from "node:sqlite";
import { setImmediate as turn } from "node:timers/promises";

/** Pages moved at once: a few milliseconds. */
const STEP = 256;

export interface ReboundOptions {
  /** Bytes that the file must have reached. */
  readonly needed: number;
  /** Bytes of records below which the space is then given back. */
  readonly trigger: number;
}

function numberOf(sql: DatabaseSync, pragma: string): number {
  return Object.values(sql.prepare(`PRAGMA ${pragma}`).get()!)[0] as number;
}

/** Says at each call whether it is time: once the file has grown past `needed` and its records are below `trigger`. */
export function rebound({ needed, trigger }: ReboundOptions): (sql: DatabaseSync, held: number) => boolean {
  let grown = false;
  return (sql, held) => {
    grown ||= numberOf(sql, "page_count") * numberOf(sql, "page_size") >= needed;
    const due = grown && held < trigger;
    if (due) grown = false;
    return due;
  };
}

/** A few pages in each turn of the event loop, until none is free or `current` gives no database; rejects as SQLite does. */
export async function compact(current: () => DatabaseSync | undefined): Promise<void> {
  let free = Number.POSITIVE_INFINITY;
  for (;;) {
    await turn();
    const sql = current();
    if (!sql) return;
    if (sql.isTransaction) continue;
    const left = numberOf(sql, "freelist_count");
    if (left === 0 || left >= free) return sql.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    free = left;
    sql.exec(`PRAGMA incremental_vacuum(${STEP})`);
  }
}
