// Files that cannot be used any more: kept for whoever wants to look, and what is whole in them copied out.
import type { DatabaseSync } from "node:sqlite";
import { type Logger, setAside, sqlite } from "vedette";
import { type Database, isDamage, openDatabase, UnusableFile } from "./database.ts";
import { isWhole, type Row } from "./record.ts";

export interface Place {
  readonly name: string;
  readonly path: string;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** What is in a database, all of which has been looked at but for the values. */
export interface Content {
  readonly db: Database;
  /** The largest key ever given away. */
  readonly last: number;
  /** Sum of sizes and notes, bytes. */
  readonly bytes: number;
  readonly count: number;
}

/** Opens the file, or a new one where it cannot be used. Throws what `openDatabase` throws. */
export function openUsable(place: Place): Content {
  try {
    return read(openDatabase(place.path));
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
    return replace(place, error);
  }
}

/** Begins a new file with what can be saved from the one that is there, which is closed and cannot be used. */
export function replace({ name, path, log, now }: Place, { message, damaged }: UnusableFile): Content {
  const aside = setAside(path, now());
  const db = openDatabase(path);
  const saved = damaged ? salvage(aside, db) : 0;
  log.error("a storage file cannot be used and was set aside; a new one is begun", {
    name,
    why: message,
    set_aside: aside,
    records_saved: saved,
  });
  return read(db);
}

function read(db: Database): Content {
  try {
    const held =
      "SELECT count(*) AS count, coalesce(sum(size + octet_length(note)), 0) AS bytes, max(key) AS last FROM records";
    const { count, bytes, last } = db.sql.prepare(held).get() as { count: number; bytes: number; last: number | null };
    const given = db.sql.prepare("SELECT max(seq) AS last FROM sqlite_sequence").get() as { last: number | null };
    return { db, count, bytes, last: Math.max(last ?? 0, given.last ?? 0) };
  } catch (error) {
    db.sql.close();
    throw isDamage(error) ? new UnusableFile("it is damaged", true) : error;
  }
}

/**
 * Copies every record that can be read in a damaged file and is whole into the other, under its key; returns how
 * many. Reads from both ends towards the damage, one record at a time. Throws when the other does not take them.
 */
function salvage(aside: string, into: Database): number {
  const damaged = attempt(() => new (sqlite().DatabaseSync)(aside));
  const select =
    damaged && attempt(() => damaged.prepare("SELECT key, note, size, crc, value FROM records WHERE key = ?"));
  let saved = 0;
  into.sql.exec("BEGIN");
  try {
    for (const key of select ? keysOf(damaged) : []) {
      const row = attempt(() => select!.get(key)) as Row | undefined;
      if (!row || !isWhole(row)) continue;
      into.insert.run(row.key, row.note, row.size, row.crc, row.value);
      saved++;
    }
    into.sql.exec("COMMIT");
  } catch (error) {
    if (into.sql.isTransaction) into.sql.exec("ROLLBACK");
    throw error;
  } finally {
    attempt(() => damaged?.close());
  }
  return saved;
}

/** Those that can be found, each once. */
function keysOf(damaged: DatabaseSync): Set<number> {
  const keys = new Set<number>();
  for (const order of ["ASC", "DESC"]) {
    attempt(() => {
      for (const { key } of damaged.prepare(`SELECT key FROM records ORDER BY key ${order}`).iterate()) {
        if (keys.has(key as number)) break;
        keys.add(key as number);
      }
    });
  }
  return keys;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
