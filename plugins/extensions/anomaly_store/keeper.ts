// All that is written and read, in the thread that owns the file: each call is one transaction.
import type { DatabaseSync } from "node:sqlite";
import { type AuditRecord, EffectIndex, type KeptEpisode, type Tally } from "vedette";
import { effectsOf, type Lesson, type Subject } from "./effects.ts";
import { prune } from "./retention.ts";
import type { Row } from "./row.ts";
import { feedbackOf, finite, infinite, replaces, type Said, seqOf, subjectOf, told } from "./said.ts";
import { type Columns, Statements } from "./statements.ts";

const COLUMNS = [
  "id",
  "is_incident",
  "incident",
  "fingerprint",
  "state",
  "severity",
  "signal",
  "type",
  "detector",
  "service",
  "name",
  "direction",
  "peak",
  "deviation",
  "bands",
  "fixed",
  "start",
  "last_seen",
  "changed",
  "body",
] as const satisfies readonly (keyof Row)[];

/** Of these the largest so far is kept. */
const LARGEST = ["deviation", "bands"];

/** A change that is older than what is kept does not replace it, but may say of which incident it is. */
const KEEP = `INSERT INTO kept (${COLUMNS.join()}) VALUES (${COLUMNS.map(() => "?").join()})
ON CONFLICT (id) DO UPDATE SET incident = coalesce(excluded.incident, incident), ${LARGEST.map((column) => `${column} = coalesce(max(${column}, excluded.${column}), ${column}, excluded.${column})`).join(", ")}, ${COLUMNS.filter(
  (column) => !["id", "incident", ...LARGEST].includes(column),
)
  .map((column) => `${column} = iif(excluded.changed >= changed, excluded.${column}, ${column})`)
  .join(", ")}`;

/** Columns that `subjectOf` reads. */
const SUBJECT = "fingerprint, detector, type, service, name, direction, peak, deviation, bands, fixed";

/** Episodes of an incident that its feedback is about, the highest peak first. */
const MOST_SUBJECTS = 50;
/** Episodes of an incident that are shown with it. */
const MOST_MEMBERS = 200;
/** Pieces of feedback that can hold at a time. */
const MOST_FEEDBACK = 2000;
/** For whoever asked: the answer is theirs to correct. */
export class Refused extends Error {}

type Kind = "episodes" | "incidents";

/** `null`: not asked for. */
export interface Question {
  readonly kind: Kind;
  readonly where: Readonly<
    Partial<
      Record<
        "state" | "severity" | "service" | "type" | "detector" | "signal" | "fingerprint" | "incident",
        readonly string[]
      >
    >
  >;
  readonly since: number | null;
  readonly until: number | null;
  readonly limit: number;
  readonly after: readonly [start: number, id: string] | null;
}

export class Keeper {
  readonly #db: Statements;

  constructor(sql: DatabaseSync) {
    this.#db = new Statements(sql);
  }

  close(): void {
    this.#db.sql.close();
  }

  keep(rows: readonly Row[]): void {
    this.#db.whole(() => {
      const keep = this.#db.prepared(KEEP);
      for (const row of rows) keep.run(...COLUMNS.map((column) => row[column]));
    });
  }

  /** What it replaces is taken back. Throws Refused when nothing of that id is kept. */
  teach(said: Said): Lesson {
    const subjects = this.subjects(said.about) ?? (said.subject && [said.subject]);
    if (!subjects) throw new Refused(`nothing is kept of ${JSON.stringify(said.about)}`);
    const { held } = this.#db.get(
      "SELECT count(*) AS held FROM feedback WHERE taken_back IS NULL AND until > ?",
      said.at,
    ) as { held: number };
    if (held >= MOST_FEEDBACK) throw new Refused(`${MOST_FEEDBACK} pieces of feedback hold already`);
    return this.#db.whole(() => {
      for (const row of this.#db.all("SELECT * FROM feedback WHERE about = ? AND taken_back IS NULL", said.about)) {
        if (replaces(said, feedbackOf(row)))
          this.#db.run("UPDATE feedback SET taken_back = ? WHERE seq = ?", said.at, row.seq as number);
      }
      const { key } = this.#db.run(
        `INSERT INTO feedback (about, opinion, note, "by", "at", until, subjects) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ...[said.about, said.opinion, said.note, said.by, said.at, said.until, JSON.stringify(subjects, finite)],
      );
      return { feedback: feedbackOf({ ...said, seq: key }), subjects };
    });
  }

  /** False when there is no such feedback, or none that holds. */
  takeBack(id: string, now: number): boolean {
    return (
      this.#db.run("UPDATE feedback SET taken_back = ? WHERE seq = ? AND taken_back IS NULL", now, seqOf(id)).changes >
      0
    );
  }

  /** The feedback that holds. */
  lessons(now: number): Lesson[] {
    const rows = this.#db.all("SELECT * FROM feedback WHERE taken_back IS NULL AND until > ? ORDER BY seq", now);
    return rows.map((row) => ({ feedback: feedbackOf(row), subjects: JSON.parse(row.subjects as string, infinite) }));
  }

  /** What the thing of that id is, for feedback: itself, or the episodes of the incident; undefined when nothing is kept of it. */
  subjects(id: string): Subject[] | undefined {
    const columns = `${SUBJECT}, json_extract(body, '$.unit') AS unit`;
    const itself = this.#db.get(`SELECT is_incident, ${columns} FROM kept WHERE id = ?`, id);
    if (!itself) return undefined;
    const parts = `SELECT ${columns} FROM kept WHERE incident = ? ORDER BY peak DESC, id LIMIT ${MOST_SUBJECTS}`;
    const members = itself.is_incident ? this.#db.all(parts, id) : [];
    return (members.length > 0 ? members : [itself]).map(subjectOf);
  }

  /** The latest thing of that fingerprint, an incident before its episodes. */
  latest(fingerprint: string): string | undefined {
    const sql = "SELECT id FROM kept WHERE fingerprint = ? ORDER BY is_incident DESC, start DESC, id LIMIT 1";
    return this.#db.get(sql, fingerprint)?.id as string | undefined;
  }

  /** The highest peak of episodes that a silence fits, since then. */
  peak(subject: Omit<Subject, "peak">, since: number): number | undefined {
    const fields = Object.entries(subject).filter(([, value]) => value !== undefined) as [string, string][];
    const where = ["is_incident = 0", "last_seen >= ?", ...fields.map(([field]) => `${field} = ?`)].join(" AND ");
    const row = this.#db.get(
      `SELECT max(peak) AS peak FROM kept WHERE ${where}`,
      since,
      ...fields.map(([, value]) => value),
    );
    return (row?.peak ?? undefined) as number | undefined;
  }

  /** A page of JSON texts, the latest start first, and where the next begins. */
  page({ kind, where, since, until, limit, after }: Question): { items: string[]; next: [number, string] | null } {
    const tests = ["is_incident = ?"];
    const values: (string | number)[] = [kind === "incidents" ? 1 : 0];
    for (const [column, allowed] of Object.entries(where)) {
      tests.push(`${column} IN (${allowed.map(() => "?").join()})`);
      values.push(...allowed);
    }
    if (since !== null) tests.push("last_seen >= ?") && values.push(since);
    if (until !== null) tests.push("start <= ?") && values.push(until);
    if (after) tests.push("(start, id) < (?, ?)") && values.push(...after);
    const sql = `SELECT id, start, incident, body FROM kept WHERE ${tests.join(" AND ")} ORDER BY start DESC, id DESC LIMIT ?`;
    const rows = this.#db.all(sql, ...values, limit + 1);
    const items = rows.slice(0, limit);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return { items: items.map(textOf), next: last ? [last.start as number, last.id as string] : null };
  }

  /** The JSON of one thing, with its members and what was said of it; undefined when it is not kept. */
  one(kind: Kind, id: string): string | undefined {
    const row = this.#db.get("SELECT * FROM kept WHERE id = ? AND is_incident = ?", id, kind === "incidents" ? 1 : 0);
    if (!row) return undefined;
    const feedback = this.#db.all("SELECT * FROM feedback WHERE about = ? ORDER BY seq DESC LIMIT 100", id).map(told);
    const parts = `SELECT incident, body FROM kept WHERE incident = ? ORDER BY peak DESC, id LIMIT ${MOST_MEMBERS}`;
    const members = kind === "incidents" ? `,"members":[${this.#db.all(parts, id).map(textOf).join()}]` : "";
    return `${textOf(row).slice(0, -1)}${members},"feedback":${JSON.stringify(feedback)}}`;
  }

  feedback(limit: number, before: number | null): { items: object[]; next: number | null } {
    return page(
      this.#db.all("SELECT * FROM feedback WHERE seq < ? ORDER BY seq DESC LIMIT ?", before ?? LAST, limit + 1),
      limit,
      told,
    );
  }

  audits(limit: number, before: number | null, about: string | null): { items: object[]; next: number | null } {
    const sql = `SELECT * FROM audit WHERE seq < ? ${about === null ? "" : "AND about = ?"} ORDER BY seq DESC LIMIT ?`;
    const rows = this.#db.all(sql, before ?? LAST, ...(about === null ? [] : [about]), limit + 1);
    return page(rows, limit, ({ seq, ...record }) => record);
  }

  audit({ at, by, about, action, outcome, detail }: AuditRecord): void {
    const sql = `INSERT INTO audit ("at", "by", about, action, outcome, detail) VALUES (?, ?, ?, ?, ?, ?)`;
    this.#db.run(sql, at, by, about, action, outcome, detail);
  }

  /** How many episodes since then an effect would have held back that the others did not, of how many. */
  heldBack(before: readonly Lesson[], after: readonly Lesson[], raise: number, since: number) {
    const [old, next] = [before, after].map((lessons) => new EffectIndex(effectsOf(lessons, raise)));
    const rows = this.#db.all(
      `SELECT ${SUBJECT} FROM kept WHERE is_incident = 0 AND last_seen >= ? LIMIT 20000`,
      since,
    );
    const drops = (index: EffectIndex, row: any) => {
      const effect = index.strongest(
        { ...row, deviation: row.deviation ?? Number.NaN, bands: row.bands ?? Number.NaN },
        row.peak,
      );
      return effect !== undefined && !(row.peak * effect.factor >= 1);
    };
    const held = rows.filter((row) => drops(next, row) && !drops(old, row));
    return { held_back: held.length, of: rows.length, since };
  }

  episodesOf(fingerprint: string, since: number, until: number): KeptEpisode[] {
    const end = "coalesce(json_extract(body, '$.end'), iif(state = 'resolved', last_seen, NULL))";
    const sql = `SELECT id, start, ${end} AS "end", severity, incident FROM kept
WHERE fingerprint = ? AND +is_incident = 0 AND start <= ? AND last_seen >= ? ORDER BY start DESC LIMIT 200`;
    return this.#db.all(sql, fingerprint, until, since) as unknown as KeptEpisode[];
  }

  tally(since: number, until: number, offset: number): Tally {
    const open = { critical: 0, warning: 0, info: 0 };
    const unresolved = `SELECT severity, count(*) AS told FROM kept WHERE ${ALONE} AND state <> 'resolved' GROUP BY severity`;
    for (const { severity, told } of this.#db.all(unresolved)) open[severity as keyof typeof open] = told as number;
    const began = "is_incident IN (0, 1) AND start >= ? AND start < ?";
    const days = `SELECT CAST((start + ?) / 86400000 AS INTEGER) AS day, ${OPINION} AS opinion, count(*) AS told FROM kept
WHERE ${ALONE} AND ${began} GROUP BY 1, 2`;
    const detectors = `SELECT detector AS id, count(*) AS told, sum(ifnull(${OPINION} = 'bad', 0)) AS bad FROM kept
WHERE is_incident = 0 AND ${began} GROUP BY detector ORDER BY told DESC, id LIMIT 100`;
    return {
      open,
      days: this.#db.all(days, offset, since, until) as unknown as Tally["days"],
      detectors: this.#db.all(detectors, since, until) as unknown as Tally["detectors"],
    };
  }

  /** Deletes a little of what is too old or too much. Whether there is more to delete. */
  prune(oldest: number, maxSize: number): boolean {
    return prune(this.#db, oldest, maxSize);
  }
}

/** What was told by itself: incidents, and episodes of none. */
const ALONE = "(is_incident = 1 OR incident IS NULL)";
/** The latest that was said of it, or of the incident that it is part of; a judgement before a plan. */
const OPINION = `(SELECT opinion FROM feedback WHERE about IN (kept.id, kept.incident) AND taken_back IS NULL
ORDER BY opinion = 'expected', seq DESC LIMIT 1)`;

const LAST = Number.MAX_SAFE_INTEGER;

/** Its text, and of which incident it is. */
const textOf = ({ incident, body }: Columns) =>
  `${(body as string).slice(0, -1)},"incident":${JSON.stringify(incident ?? null)}}`;

function page(rows: Columns[], limit: number, shown: (row: Columns) => object) {
  const items = rows.slice(0, limit);
  return { items: items.map(shown), next: rows.length > limit ? (items.at(-1)!.seq as number) : null };
}
