// One file and the feedback in it that holds: shared by an extension and the one that replaces it on a reload.
import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "vedette";
import { Database, DatabaseError } from "./database.ts";
import type { Lesson } from "./effects.ts";
import { replaces } from "./said.ts";

const FILE = "anomalies.db";

/** By path: who has it open, and how many of that id. */
const open = new Map<string, { readonly owner: string; readonly book: Promise<Book>; users: number }>();

export class Book {
  readonly path: string;
  readonly #host: Host;
  #database!: Database;
  #lessons: readonly Lesson[] = [];

  private constructor(path: string, host: Host) {
    this.path = path;
    this.#host = host;
  }

  /** Makes directory and file where there are none. Rejects, in words for an operator, when they cannot be used. */
  static async take(directory: string, host: Host): Promise<Book> {
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const path = join(await realpath(directory), FILE);
      let place = open.get(path);
      if (place && place.owner !== host.id) throw new Error(`${place.owner} of this agent is using it`);
      if (!place) {
        place = { owner: host.id, book: new Book(path, host).#open(), users: 0 };
        open.set(path, place);
        place.book.catch(() => open.delete(path));
      }
      place.users++;
      return await place.book;
    } catch (error) {
      const why =
        error instanceof DatabaseError && error.kind === "busy" ? "another agent is using it" : messageOf(error);
      const remedy = "give the option directory a folder that this user may write and no other agent uses";
      throw new Error(`cannot keep anomalies in ${directory}: ${why}; ${remedy}`, { cause: error });
    }
  }

  /** Closes the file once nobody uses it any more. */
  async letGo(): Promise<void> {
    const place = open.get(this.path);
    if (!place || --place.users > 0) return;
    await this.#database.close();
    open.delete(this.path);
  }

  get ask(): Database["ask"] {
    return this.#database.ask.bind(this.#database);
  }

  /** The feedback that holds, and some whose time is over; the same array until something changes. */
  get lessons(): readonly Lesson[] {
    return this.#lessons;
  }

  async reread(): Promise<void> {
    this.#lessons = await this.#database.ask("lessons", this.#host.now());
  }

  add(lesson: Lesson): void {
    const others = this.#lessons.filter(({ feedback }) => !replaces(lesson.feedback, feedback));
    this.#lessons = [...others, lesson];
  }

  remove(id: string): void {
    this.#lessons = this.#lessons.filter(({ feedback }) => feedback.id !== id);
  }

  async #open(): Promise<Book> {
    const { log } = this.#host;
    const now = () => this.#host.now();
    this.#database = await Database.open(this.path, now, {
      aside: ({ why, path, saved }) => {
        const fields = { why, set_aside: path, rows_saved: saved };
        log.error("the file of kept anomalies cannot be used and was set aside; a new one is begun", fields);
        // of an open database; at the start the lessons are read below
        if (this.#database)
          this.reread().catch((error) => log.error("feedback cannot be read", { error: messageOf(error) }));
      },
      ended: (error) => {
        const why = `nothing can be kept or asked any more until the agent is started anew: ${messageOf(error)}`;
        log.error(why);
        this.#host.report("permanent_error", why);
      },
    });
    await this.reread();
    return this;
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
