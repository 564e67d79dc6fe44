// An SQLite file that holds records: opened for one owner, made where there is none, refused where it is not ours.
import { chmodSync, closeSync, fstatSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { sqlite } from "vedette";

/** "VdQs" in the header of the file, where file(1) and others look for what it is. */
const APPLICATION = 0x56645173;
const VERSION = 1;
const TABLE =
  "CREATE TABLE records (key INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL, value BLOB NOT NULL) STRICT";
/** Bytes; the log is cut to this once what it holds is in the database. */
const LOG_SIZE = 8 * 1024 ** 2;

/** The file is not what we wrote. `damaged`: it was once, and some of it may be read still. */
export class UnusableFile extends Error {
  readonly damaged: boolean;
  constructor(reason: string, damaged: boolean) {
    super(reason);
    this.damaged = damaged;
  }
}

export interface Database {
  readonly sql: DatabaseSync;
  readonly insert: StatementSync;
  /** Gives the size and note of what it deleted. */
  readonly remove: StatementSync;
  readonly select: StatementSync;
  readonly entries: StatementSync;
}

/** Primary result codes of SQLite. */
const CODE = { busy: 5, readOnly: 8, io: 10, corrupt: 11, full: 13, notDatabase: 26 } as const;

/** The primary result code of what node:sqlite threw; 0 for any other error. */
const codeOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

export const isBusy = (error: unknown): boolean => codeOf(error) === CODE.busy;

/** Whether the file is not, or no longer, a database. */
export const isDamage = (error: unknown): boolean =>
  codeOf(error) === CODE.corrupt || codeOf(error) === CODE.notDatabase;

/** What is behind the codes that an operator can do something about. */
const WHY: Record<number, string> = {
  [CODE.full]: "the disk is full; make room",
  [CODE.readOnly]: "the file or its file system is read-only; make it writable",
  [CODE.io]: "the disk reports an error, or a quota is reached; the system's log may say more",
};

/** For an operator: what failed, why and what to do. */
export function explained(error: unknown, path: string): Error {
  return new Error(`cannot store in ${path}: ${WHY[codeOf(error)] ?? (error as Error).message}`, { cause: error });
}

/**
 * Opens or makes the file, locked until it is closed and readable by this user alone. Throws UnusableFile, or what SQLite
 * throws, which is `isBusy` while another process holds it.
 */
export function openDatabase(path: string): Database {
  claim(path);
  const sql = new (sqlite().DatabaseSync)(path, { timeout: 0 });
  try {
    sql.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    const isNew = judge(sql);
    if (isNew) sql.exec("PRAGMA auto_vacuum = INCREMENTAL");
    const { journal_mode } = sql.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    if (journal_mode !== "wal") throw new Error(`${path}: this file system does not allow a write-ahead log`);
    sql.exec(`PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${LOG_SIZE}; BEGIN IMMEDIATE`);
    if (isNew) sql.exec(`${TABLE}; PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}`);
    sql.exec("COMMIT");
    return {
      sql,
      insert: sql.prepare("INSERT INTO records (key, note, size, crc, value) VALUES (?, ?, ?, ?, ?)"),
      remove: sql.prepare("DELETE FROM records WHERE key = ? RETURNING size, note"),
      select: sql.prepare("SELECT key, note, size, crc, value FROM records WHERE key = ?"),
      entries: sql.prepare("SELECT key, size, note FROM records ORDER BY key"),
    };
  } catch (error) {
    sql.close();
    if (!isDamage(error)) throw error;
    throw new UnusableFile(codeOf(error) === CODE.corrupt ? "it is damaged" : "it is not a database", true);
  }
}

/** Makes the file where there is none. SQLite gives the log beside it the same mode. */
function claim(path: string): void {
  const file = openSync(path, "a", 0o600);
  const { mode, size } = fstatSync(file);
  closeSync(file);
  if (mode & 0o077) chmodSync(path, 0o600);
  if (size === 0) syncFolder(dirname(path));
}

/** Makes a new name in the folder last through a loss of power, where the system knows how to. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Windows has no such thing
  }
}

/** Whether it is empty; throws UnusableFile when somebody else wrote it. */
function judge(sql: DatabaseSync): boolean {
  const { application_id } = sql.prepare("PRAGMA application_id").get() as { application_id: number };
  const { user_version } = sql.prepare("PRAGMA user_version").get() as { user_version: number };
  const schema = sql.prepare("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").all();
  if (application_id === 0 && user_version === 0 && schema.length === 0) return true;
  if (application_id !== APPLICATION) throw new UnusableFile("it is a database of another program", false);
  if (user_version > VERSION) throw new UnusableFile(`a newer version wrote it (format ${user_version})`, false);
  if (schema.length !== 1 || schema[0]!["sql"] !== TABLE) throw new UnusableFile("its table is not ours", true);
  return false;
}
