// Deletes what is kept for too long, and the oldest where it is too much, a little at a time.
import type { Statements } from "./statements.ts";

/** Rows that are too old deleted in one step, and pages given back. */
const STEP = 500;
/** Rows of a file that is too large deleted at a time, and how many times in one step. */
const FEW = 20;
const FULL_STEPS = 25;

/** `oldest` in Unix milliseconds, `maxSize` in bytes. Whether there is more to delete. */
export function prune(db: Statements, oldest: number, maxSize: number): boolean {
  const gone = db.whole(() => deleteOld(db, oldest));
  let left = gone >= STEP;
  let full = 0;
  while (!left && bytesOf(db) > maxSize && full < FULL_STEPS) {
    const removed = db.whole(() => deleteOldest(db));
    left = ++full === FULL_STEPS && removed > 0;
    if (removed === 0) break;
  }
  if (gone + full > 0) db.sql.exec(`PRAGMA incremental_vacuum(${STEP})`);
  if (!left && numberOf(db, "freelist_count") > 0) {
    db.sql.exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
  }
  return left;
}

function deleteOld(db: Statements, oldest: number): number {
  const kept = `DELETE FROM kept WHERE id IN (SELECT id FROM kept WHERE last_seen < ? ORDER BY last_seen LIMIT ${STEP})`;
  const ended = `DELETE FROM feedback WHERE min("until", coalesce(taken_back, "until")) < ?`;
  const all = [kept, ended, `DELETE FROM audit WHERE "at" < ?`];
  return all.reduce((sum, sql) => sum + db.run(sql, oldest).changes, 0);
}

function deleteOldest(db: Statements): number {
  const kept = `DELETE FROM kept WHERE id IN (SELECT id FROM kept ORDER BY last_seen LIMIT ${FEW})`;
  const audit = `DELETE FROM audit WHERE seq IN (SELECT seq FROM audit ORDER BY seq LIMIT ${FEW})`;
  return db.run(kept).changes + db.run(audit).changes;
}

const bytesOf = (db: Statements) =>
  (numberOf(db, "page_count") - numberOf(db, "freelist_count")) * numberOf(db, "page_size");

const numberOf = (db: Statements, pragma: string) => Object.values(db.get(`PRAGMA ${pragma}`)!)[0] as number;
