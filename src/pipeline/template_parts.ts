// Of a detector that counts by template: which part of its series each template is, and the record that stands for it.
import { type Batch, type Mined, StatementColumn, type Templates } from "../api/index.ts";
import { bodyText } from "../otlp/labels.ts";

/** What there was no room for. */
export const NOWHERE = -1;
/** Statements remembered of a series: those of templates that are gone go with the others. */
const MOST_STATEMENTS = 2048;
/** Room is looked for again when so many intervals have begun anew. */
const TRIES_AGAIN = 360;
const LONGEST_EXAMPLE = 512;
/** Intervals between the last record under one name and the first under another, at most. */
const NEAR = 12;

export class TemplateParts {
  /** Intervals after which one has been judged. */
  readonly #judged: number;
  #templates: Templates | undefined;
  /** Its part + 1; for NOWHERE what is below 0 says when that was found. */
  readonly #parts = new StatementColumn();
  /** By whole: the statements whose parts are known. */
  readonly #statements: (number[] | undefined)[] = [];
  /** By part. */
  readonly #records = new Map<number, { template: number; interval: number; example: string }>();

  constructor(judged: number) {
    this.#judged = judged;
  }

  /** To be called before a batch. */
  begin(mined: Mined): void {
    if (this.#parts.begin(mined)) this.#statements.length = 0;
    if (mined.templates === this.#templates) return;
    this.#templates = mined.templates;
    for (const record of this.#records.values()) record.template = 0;
  }

  /** The part of a statement, NOWHERE when it has none, undefined when that is not known, or may be another by that interval. */
  of(statement: number, interval: number): number | undefined {
    const part = this.#parts.values[statement];
    if (part > 0) return part - 1;
    return part < 0 && part === nowhere(interval) ? NOWHERE : undefined;
  }

  know(
    whole: number,
    { statement, template, part, interval }: { statement: number; template: number; part: number; interval: number },
  ): void {
    if ((this.#statements[whole]?.length ?? 0) >= MOST_STATEMENTS) this.#forgetAll(whole);
    this.#statements[whole] ??= [];
    this.#statements[whole].push(statement);
    this.#parts.values[statement] = part === NOWHERE ? nowhere(interval) : part + 1;
    if (part === NOWHERE) return;
    const record = this.#records.get(part);
    if (record) record.template = template;
    else this.#records.set(part, { template, interval: Number.NaN, example: "" });
  }

  #forgetAll(whole: number): void {
    for (const statement of this.#statements[whole] ?? []) this.#parts.values[statement] = 0;
    this.#statements[whole] = undefined;
  }

  /** A member is forgotten: a whole, or a part of `whole`. */
  forget(member: number, whole: number): void {
    this.#forgetAll(whole < 0 ? member : whole);
    this.#records.delete(member);
  }

  /** A row of the batch that counts in the part: it stands for it until the interval has been judged. */
  take({ bytes, rows }: Batch<"logs">, row: number, part: number, interval: number): void {
    const record = this.#records.get(part);
    if (!record || interval - record.interval < this.#judged) return;
    record.interval = interval;
    if (this.#templates?.hidden) return;
    record.example = bodyText(bytes, rows.bodyKind[row], rows.bodyStart[row], rows.bodyEnd[row], LONGEST_EXAMPLE);
  }

  /**
   * Whether the template of the part with that id was merged with another one, or one of `others` with it that came no more from about
   * interval `since` on: what changes then is the name of records, not their number.
   */
  renames(part: number, id: string, others: Iterable<number>, since: number): boolean {
    const own = this.#idOf(part);
    if (own === undefined) return false;
    if (own !== id) return true;
    for (const other of others) {
      if (other === part || this.#idOf(other) !== id) continue;
      if (Math.abs(this.intervalOf(other) - since) <= NEAR) return true;
    }
    return false;
  }

  /** Of the template that its records have by now; undefined where that is not known. */
  #idOf(part: number): string | undefined {
    const template = this.#records.get(part)?.template ?? 0;
    return template === 0 ? undefined : this.#templates!.id(template) || undefined;
  }

  /** The template of a part as it reads now, with an example; nothing where none of its records came yet. */
  labels(part: number): { template?: string; example?: string } {
    const record = this.#records.get(part);
    if (!record) return {};
    return {
      ...(record.template > 0 && { template: this.#templates!.text(record.template) }),
      ...(record.example !== "" && !this.#templates?.hidden && { example: record.example }),
    };
  }

  /** The interval of the record that stands for a part; NaN for none. */
  intervalOf(part: number): number {
    return this.#records.get(part)?.interval ?? Number.NaN;
  }
}

/** For what found no room in an interval: the same for TRIES_AGAIN of them. */
const nowhere = (interval: number) => -1 - (Math.floor(interval / TRIES_AGAIN) % 2 ** 30);
