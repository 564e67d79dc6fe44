// What other components see of the store: changes to keep, feedback, the effects that follow from it, audit records.
import { resolve } from "node:path";
import type { Anomaly, AnomalyStore, AuditRecord, ChangedAnomalies, Delivery, Effect, Feedback, Host } from "vedette";
import { type Api, apiOf } from "./api.ts";
import { Book } from "./book.ts";
import { Deliveries } from "./deliveries.ts";
import { effectsOf, type Lesson, type Subject } from "./effects.ts";
import { defaultDirectory, type Options } from "./options.ts";
import { type Row, rowOf } from "./row.ts";
import { replaces, type Said } from "./said.ts";

/** Between two looks at what is to be deleted, and between two steps of it; milliseconds. */
const PRUNE_EVERY = 60_000;
const NEXT_STEP = 50;
/** Feedback lasts no longer: some ten years. */
const LONGEST = 3650 * 86_400_000;
const LONGEST_NOTE = 2048;

export class KeptAnomalies implements AnomalyStore {
  readonly #options: Options;
  readonly #host: Host;
  #book: Book | undefined;
  /** Members that were kept as they are, by the incident that they were in. */
  readonly #kept = new WeakMap<Anomaly, string>();
  readonly #deliveries = new Deliveries();
  #effects: readonly Effect[] = [];
  #of: readonly Lesson[] | undefined;
  /** Of `#effects`: when feedback ends, in Unix milliseconds. */
  #until = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<(changed: ChangedAnomalies) => void>();
  readonly api: Api;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.api = apiOf(this, options, host);
  }

  async open(): Promise<void> {
    this.#book = await Book.take(resolve(this.#options.directory ?? defaultDirectory()), this.#host);
    this.#plan(0);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const book = this.#book;
    this.#book = undefined;
    await book?.letGo();
  }

  get book(): Book {
    if (!this.#book) throw new Error(`${this.#host.id} is not running`);
    return this.#book;
  }

  async keep(changes: readonly Anomaly[]): Promise<void> {
    const rows: Row[] = [];
    const handed: [member: Anomaly, incident: string][] = [];
    for (const change of changes) {
      rows.push(rowOf(change));
      for (const member of change.incident?.members ?? []) {
        if (this.#kept.get(member) === change.id) continue;
        rows.push(rowOf(member, change.id));
        handed.push([member, change.id]);
      }
    }
    await this.book.ask("keep", rows);
    for (const [member, incident] of handed) this.#kept.set(member, incident);
    this.#tell(rows);
  }

  get answer(): AnomalyStore["answer"] {
    return this.api.answer;
  }

  watch(listener: (changed: ChangedAnomalies) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  episodes(fingerprint: string, since: number, until: number) {
    return this.book.ask("episodesOf", fingerprint, since, until);
  }

  tally(since: number, until: number, offset: number) {
    return this.book.ask("tally", since, until, offset);
  }

  #tell(rows: readonly Pick<Row, "id" | "is_incident">[]): void {
    if (this.#listeners.size === 0 || rows.length === 0) return;
    const ids = (kind: 0 | 1) => rows.filter((row) => row.is_incident === kind).map(({ id }) => id);
    const changed = { incidents: ids(1), episodes: ids(0) };
    for (const listener of this.#listeners) listener(changed);
  }

  /** What something was said of may be either. */
  #tellOf(about: string): void {
    for (const listener of this.#listeners) listener({ incidents: [about], episodes: [about] });
  }

  get effects(): readonly Effect[] {
    const lessons = this.#book?.lessons ?? this.#of ?? [];
    const now = this.#host.now();
    if (lessons === this.#of && now < this.#until) return this.#effects;
    const holding = holdingAt(lessons, now);
    this.#effects = effectsOf(holding, this.#options.raise);
    this.#of = lessons;
    this.#until = Math.min(...holding.map(({ feedback }) => feedback.until), Number.POSITIVE_INFINITY);
    return this.#effects;
  }

  /** `subject` counts where nothing is kept of what it is about. */
  async teach(
    { about, opinion, note, by, until }: Parameters<AnomalyStore["teach"]>[0],
    subject?: Subject,
  ): Promise<Feedback> {
    const { book } = this;
    const said = this.#said({ about, opinion, note, by, until });
    const lesson = await book.ask("teach", { ...said, ...(subject && { subject }) });
    book.add(lesson);
    this.audit(record(lesson.feedback, said.at, by, `feedback ${opinion}`, note));
    this.#tellOf(about);
    return lesson.feedback;
  }

  async takeBack(id: string, by = "api"): Promise<boolean> {
    const { book } = this;
    const lesson = book.lessons.find(({ feedback }) => feedback.id === id);
    const now = this.#host.now();
    const had = await book.ask("takeBack", id, now);
    if (!had) return false;
    book.remove(id);
    if (lesson) {
      this.audit(record(lesson.feedback, now, by, "feedback taken back", ""));
      this.#tellOf(lesson.feedback.about);
    }
    return true;
  }

  /** What feedback would change, and how many of the kept episodes since then it would have held back; undefined when nothing is kept of `about`. */
  async preview(about: string, opinion: Feedback["opinion"], until: number | undefined, since: number) {
    const { book } = this;
    const subjects = await book.ask("subjects", about);
    if (!subjects) return undefined;
    const said = this.#said({ about, opinion, note: "", by: "preview", until });
    const before = holdingAt(book.lessons, said.at);
    const others = before.filter(({ feedback }) => !replaces(said, feedback));
    const after = [...others, { feedback: { ...said, id: "preview" }, subjects }];
    const { raise } = this.#options;
    const old = new Set(effectsOf(before, raise).map(said_of));
    const effects = effectsOf(after, raise).filter((effect) => !old.has(said_of(effect)));
    const held = await book.ask("heldBack", before, after, raise, since);
    return { until: said.until, effects, ...held };
  }

  audit(record: AuditRecord): void {
    const cut = { ...record, detail: record.detail.slice(0, LONGEST_NOTE), about: record.about.slice(0, LONGEST_NOTE) };
    this.book.ask("audit", cut).catch((error: Error) => {
      this.#host.log.error("an audit record could not be kept", { ...cut, error: error.message });
    });
  }

  /** Puts on record which exporter was sent which alert. */
  delivered(delivery: Delivery): void {
    const { records, left } = this.#deliveries.recordsOf(delivery);
    if (left > 0) this.#host.log.warn("too many alerts were sent in a minute: not all are on record", { alerts: left });
    // a queue may end later than the store
    if (this.#book) for (const record of records) this.audit(record);
  }

  /** Throws for an end that cannot be. */
  #said({ about, opinion, note, by, until }: Parameters<AnomalyStore["teach"]>[0]): Said {
    const at = Math.trunc(this.#host.now());
    const end = Math.trunc(Math.min(until ?? at + this.#options.expire, at + LONGEST));
    return { about, opinion, note: note.slice(0, LONGEST_NOTE), by, at, until: end };
  }

  #plan(wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#prune(), wait).unref();
  }

  async #prune(): Promise<void> {
    const { retention, max_size } = this.#options;
    const book = this.#book;
    let more = false;
    try {
      more = (await book?.ask("prune", Math.trunc(this.#host.now() - retention), max_size)) ?? false;
    } catch (error) {
      this.#host.log.error("what is kept too long could not be deleted", { error: (error as Error).message });
    }
    if (this.#book) this.#plan(more ? NEXT_STEP : PRUNE_EVERY);
  }
}

const holdingAt = (lessons: readonly Lesson[], now: number) => lessons.filter(({ feedback }) => feedback.until > now);

const said_of = ({ scope, match, says }: Effect) => JSON.stringify([scope, match, says]);

const record = ({ about, id }: Feedback, at: number, by: string, action: string, note: string): AuditRecord => ({
  at,
  by,
  about,
  action,
  outcome: "done",
  detail: note === "" ? id : `${id}: ${note}`,
});
