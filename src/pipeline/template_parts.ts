// Of a detector that counts by template: which part of its series each template is, and the record that stands for it.
import type { Batch, Templates } from "../api/index.ts";
import { bodyText } from "../otlp/labels.ts";

/** What there was no room for. */
export const NOWHERE = -1;
/** Numbers remembered of a series: those of templates that are gone go with the others. */
const MOST_NUMBERS = 2048;
/** Intervals after which room is looked for again. */
const TRIES_AGAIN = 360;
const LONGEST_EXAMPLE = 512;
/** Intervals between the last record under one name and the first under another, at most. */
const NEAR = 12;

export class TemplateParts {
  /** Intervals after which one has been judged. */
  readonly #judged: number;
  #templates: Templates | undefined;
  /** By whole: its parts by number of the template, and since which interval it knows them. */
  readonly #parts: ({ readonly byNumber: Map<number, number>; readonly since: number } | undefined)[] = [];
  /** By part. */
  readonly #records = new Map<number, { template: number; interval: number; example: string }>();

  constructor(judged: number) {
    this.#judged = judged;
  }

  /** The templates that numbers are of from now on. */
  use(templates: Templates): void {
    if (templates === this.#templates) return;
    this.#templates = templates;
    this.#parts.length = 0;
    for (const record of this.#records.values()) record.template = 0;
  }

  /** The part of a template, NOWHERE when it has none, undefined when that is not known. */
  of(whole: number, template: number): number | undefined {
    return this.#parts[whole]?.byNumber.get(template);
  }

  know(whole: number, template: number, part: number, interval: number): void {
    let parts = this.#parts[whole];
    if (!parts || parts.byNumber.size >= MOST_NUMBERS) {
      parts = { byNumber: new Map(), since: interval };
      this.#parts[whole] = parts;
    }
    parts.byNumber.set(template, part);
    if (part === NOWHERE) return;
    const record = this.#records.get(part);
    if (record) record.template = template;
    else this.#records.set(part, { template, interval: Number.NaN, example: "" });
  }

  /** Whether room may be looked for again for what has none. */
  triesAgain(whole: number, interval: number): boolean {
    const parts = this.#parts[whole];
    if (parts && interval - parts.since < TRIES_AGAIN) return false;
    this.#parts[whole] = undefined;
    return true;
  }

  /** A member is forgotten: a whole, or a part of `whole`. */
  forget(member: number, whole: number): void {
    this.#parts[whole < 0 ? member : whole] = undefined;
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
