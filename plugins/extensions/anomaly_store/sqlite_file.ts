// The SQLite file: opened for one owner, made where there is none, set aside where it cannot be used.
import { chmodSync, closeSync, fstatSync, openSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { sqlite } from "vedette";

/** "VdAn" in the header of the file, where file(1) and others look for what it is. */
const APPLICATION = 0x5664416e;
const VERSION = 2;
/** Bytes; the log is cut to this once what it holds is in the database. */
const LOG_SIZE = 8 * 1024 ** 2;
/** `kept` holds the latest of each episode and incident, `changed` being the time of that change; `body` is what the API answers. */
const TABLES = `
CREATE TABLE kept (
  id TEXT PRIMARY KEY, is_incident INTEGER NOT NULL, incident TEXT, fingerprint TEXT NOT NULL, state TEXT NOT NULL,
  severity TEXT NOT NULL, signal TEXT NOT NULL, type TEXT NOT NULL, detector TEXT NOT NULL, service TEXT NOT NULL,
  name TEXT NOT NULL, direction TEXT NOT NULL, peak REAL NOT NULL, deviation REAL, bands REAL, fixed INTEGER NOT NULL, start INTEGER NOT NULL, last_seen INTEGER NOT NULL,
  changed INTEGER NOT NULL, body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_by_start ON kept (is_incident, start, id);
CREATE INDEX kept_by_last_seen ON kept (last_seen);
CREATE INDEX kept_by_fingerprint ON kept (fingerprint, start);
CREATE INDEX kept_by_incident ON kept (incident) WHERE incident IS NOT NULL;
CREATE TABLE feedback (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, about TEXT NOT NULL, opinion TEXT NOT NULL, note TEXT NOT NULL, "by" TEXT NOT NULL,
  "at" INTEGER NOT NULL, "until" INTEGER NOT NULL, subjects TEXT NOT NULL, taken_back INTEGER
) STRICT;
CREATE INDEX feedback_by_about ON feedback (about);
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, "at" INTEGER NOT NULL, "by" TEXT NOT NULL, about TEXT NOT NULL, action TEXT NOT NULL,
  outcome TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_about ON audit (about);
CREATE INDEX kept_open ON kept (is_incident, incident, severity) WHERE state <> 'resolved';
`;

/** Primary result codes of SQLite. */
const CODE = { busy: 5, readOnly: 8, io: 10, corrupt: 11, full: 13, notDatabase: 26 } as const;

/** The primary result code of what node:sqlite threw; 0 for any other error. */
const codeOf = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff;

export const isBusy = (error: unknown): boolean => codeOf(error) === CODE.busy;
/** Whether the file is not, or no longer, a database. */
export const isDamage = (error: unknown): boolean => [CODE.corrupt, CODE.notDatabase].includes(codeOf(error) as 11);

/** What is behind the codes that an operator can do something about. */
const WHY: Readonly<Record<number, string>> = {
  [CODE.busy]: "another agent, or another anomaly_store of this one, is using it; give each a directory of its own",
  [CODE.full]: "the disk is full; make room",
  [CODE.readOnly]: "the file or its file system is read-only; make it writable",
  [CODE.io]: "the disk reports an error, or a quota is reached; the system's log may say more",
};

/** For an operator: why, and what to do. */
export const explained = (error: unknown): string => WHY[codeOf(error)] ?? (error as Error).message;

/** The file is not what we wrote. */
export class UnusableFile extends Error {}

/** Opens or makes the file, locked until it is closed and readable by this user alone. Throws UnusableFile, or what SQLite throws. */
export function openFile(path: string): DatabaseSync {
  const file = openSync(path, "a", 0o600);
  const { mode } = fstatSync(file);
  closeSync(file);
  if (mode & 0o077) chmodSync(path, 0o600);
  const sql = new (sqlite().DatabaseSync)(path, { timeout: 0 });
  try {
    sql.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
    const isNew = judge(sql);
    if (isNew) sql.exec("PRAGMA auto_vacuum = INCREMENTAL");
    const { journal_mode } = sql.prepare("PRAGMA journal_mode = WAL").get() as { journal_mode: string };
    if (journal_mode !== "wal") throw new Error(`${path}: this file system does not allow a write-ahead log`);
    sql.exec(`PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = ${LOG_SIZE}; BEGIN IMMEDIATE`);
    if (isNew) sql.exec(`${TABLES}; PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION}`);
    sql.exec("COMMIT");
    return sql;
  } catch (error) {
    sql.close();
    throw isDamage(error) ? new UnusableFile("it is damaged, or no database") : error;
  }
}

/** Whether it is empty; throws UnusableFile when it is not ours. */
function judge(sql: DatabaseSync): boolean {
  const { application_id } = sql.prepare("PRAGMA application_id").get() as { application_id: number };
  const { user_version } = sql.prepare("PRAGMA user_version").get() as { user_version: number };
  const tables = sql.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
  if (application_id === 0 && user_version === 0 && tables.length === 0) return true;
  if (application_id !== APPLICATION) throw new UnusableFile("it is a database of another program");
  if (user_version !== VERSION) {
    const whose = user_version > VERSION ? "a newer" : "an older";
    throw new UnusableFile(`${whose} version wrote it (format ${user_version})`);
  }
  if (tables.length !== 3) throw new UnusableFile("its tables are not ours");
  const { quick_check } = sql.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (quick_check !== "ok") throw new UnusableFile("it is damaged");
  return false;
}

/** Copies what can still be read of a file that was set aside; returns how many rows. */
export function salvage(aside: string, into: DatabaseSync): number {
  let saved = 0;
  const damaged = attempt(() => new (sqlite().DatabaseSync)(aside));
  into.exec("BEGIN IMMEDIATE");
  for (const table of damaged ? ["feedback", "kept", "audit"] : []) {
    attempt(() => {
      for (const row of damaged!.prepare(`SELECT * FROM ${table}`).iterate()) {
        const columns = Object.keys(row);
        const names = columns.map((column) => `"${column}"`).join();
        const places = columns.map(() => "?").join();
        attempt(() => {
          into.prepare(`INSERT OR IGNORE INTO ${table} (${names}) VALUES (${places})`).run(...Object.values(row));
          saved++;
        });
      }
    });
  }
  into.exec("COMMIT");
  attempt(() => damaged?.close());
  return saved;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
