// Statements of one database, prepared once, and transactions.
import type { DatabaseSync, StatementSync } from "node:sqlite";

export type Columns = Record<string, unknown>;
type Value = string | number | null;

/** What users ask for are values; which columns they ask about makes the few statements that there are. */
const MOST = 200;

export class Statements {
  readonly sql: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(sql: DatabaseSync) {
    this.sql = sql;
  }

  get(sql: string, ...values: Value[]): Columns | undefined {
    return this.prepared(sql).get(...values) as Columns | undefined;
  }

  all(sql: string, ...values: Value[]): Columns[] {
    return this.prepared(sql).all(...values) as Columns[];
  }

  /** How many rows it changed, and the last key that it gave. */
  run(sql: string, ...values: Value[]): { changes: number; key: number } {
    const { changes, lastInsertRowid } = this.prepared(sql).run(...values);
    return { changes: Number(changes), key: Number(lastInsertRowid) };
  }

  prepared(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement) return statement;
    if (this.#prepared.size >= MOST) this.#prepared.clear();
    statement = this.sql.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  /** One transaction: all of it, or nothing when it throws. */
  whole<T>(work: () => T): T {
    this.sql.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.sql.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.sql.isTransaction) this.sql.exec("ROLLBACK");
      throw error;
    }
  }
}
