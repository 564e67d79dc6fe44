// The directory of a stateful agent: hash seeds and one snapshot a component, replaced atomically, refused when they do not fit.
import { createHash, randomBytes } from "node:crypto";
import { readSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Logger, Telemetry } from "../api/index.ts";
import type { Kept, LiveSnapshot, Snapshot } from "./snapshot.ts";
import { decodeSnapshot, encodeSnapshot, type Piece, type SnapshotSource, type Stored } from "./snapshot_file.ts";

const SIGNALS = ["metrics", "logs", "traces"] as const;
type Seeds = Readonly<Record<Telemetry, number>>;

const SNAPSHOT = ".snapshot";
/** What a refused file is called: its name, this and when. */
const ASIDE = /\.(?:snapshot|json)\.refused-(\d+)$/;
/** A file that is being written, or was when the agent died. */
const UNFINISHED = ".tmp";
/** Refused files kept; beyond it the oldest go. */
const MOST_ASIDE = 10;
/** Snapshots of components that are not configured are kept so long after they were last saved, and so many of them. */
const UNWANTED_AFTER = 30 * 86_400_000;
const MOST_UNWANTED = 1000;
const PRIVATE = 0o600;

/** The name under which the state of a component of a pipeline is kept. Doubled colons keep any two of them apart. */
export const keyOf = (pipeline: string, component: string) => `${pipeline.replaceAll(":", "::")}: ${component}`;

/** What an agent wants of it. */
export type Store = Pick<StateStore, "seed" | "restore" | "saveAll">;

/** One agent's state directory. Files are 0600; the directory, where it is made here, 0700. */
export class StateStore {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #unlock: () => void;
  #seeds: Seeds = { metrics: 0, logs: 0, traces: 0 };
  /** The write under way: one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, log: Logger, now: () => number, unlock: () => void) {
    this.#directory = directory;
    this.#log = log;
    this.#now = now;
    this.#unlock = unlock;
  }

  /** Makes the directory where there is none and locks it. Rejects, in words for the operator, when it cannot be used. */
  static async open(directory: string, log: Logger, now: () => number = Date.now): Promise<StateStore> {
    let unlock: (() => void) | undefined;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      unlock = await lock(join(directory, "lock"));
      const store = new StateStore(directory, log, now, unlock);
      for (const file of await readdir(directory)) {
        if (file.endsWith(SNAPSHOT + UNFINISHED)) await unlink(join(directory, file));
      }
      await store.#readSeeds();
      return store;
    } catch (error) {
      unlock?.();
      const remedy = "give service.state.directory a directory that this user may write to and no other agent uses";
      throw new Error(`the state directory ${directory} cannot be used: ${messageOf(error)}; ${remedy}`, {
        cause: error,
      });
    }
  }

  /** Keys the hash of this signal's identities, in this run and in all later ones. */
  seed(signal: Telemetry): number {
    return this.#seeds[signal];
  }

  /**
   * Gives the component what was saved last under the key, if anything was; what cannot be used, or it refuses, is set aside.
   * Whether it goes on from there.
   */
  async restore(key: string, kept: Pick<Kept, "restore">): Promise<boolean> {
    const file = fileOf(key);
    let handle: FileHandle;
    try {
      handle = await open(join(this.#directory, file));
    } catch (error) {
      if (codeOf(error) !== "ENOENT") await this.#setAside(file, key, `cannot be read: ${messageOf(error)}`);
      return false;
    }
    try {
      kept.restore(this.#checked(key, decodeSnapshot(await sourceOf(handle))));
      return true;
    } catch (error) {
      const unreadable = (error as NodeJS.ErrnoException)?.syscall !== undefined;
      await this.#setAside(file, key, unreadable ? `cannot be read: ${messageOf(error)}` : messageOf(error));
      return false;
    } finally {
      await handle.close();
    }
  }

  #checked(key: string, stored: Stored): Snapshot {
    const { signal } = stored.snapshot;
    if (stored.key !== key) throw new Error(`belongs to ${stored.key}`);
    if (signal && stored.seed !== this.seed(signal)) {
      throw new Error(
        `knows its ${signal} by another hash seed than this directory keeps: the two were not saved together`,
      );
    }
    return stored.snapshot;
  }

  /**
   * Replaces what was saved under the key, atomically, after every write that was asked for before. Rejects when it cannot. Of a
   * snapshot that ends before it is copied what was saved before is left: who goes on from it is saved the next time.
   */
  save(key: string, snapshot: Snapshot | LiveSnapshot): Promise<void> {
    const write = this.#last.then(() => this.#write(key, snapshot));
    this.#last = write.catch(() => {});
    return write;
  }

  /**
   * Saves one component after the other, so that only one copy is held at a time. A failure is logged and the rest goes on.
   * Then forgets what components that are in none of the keys left behind long ago. Whether all were saved; never rejects.
   */
  async saveAll(components: Iterable<readonly [key: string, kept: Kept]>): Promise<boolean> {
    const keys = new Set<string>();
    let all = true;
    for (const [key, kept] of components) {
      keys.add(key);
      try {
        await this.save(key, kept.live?.() ?? kept.takeSnapshot());
      } catch (error) {
        all = false;
        const consequence = "after a restart the component goes on from the last snapshot that was saved";
        this.#log.error(`state could not be saved: ${consequence}`, { component: key, error: messageOf(error) });
      }
    }
    try {
      await this.#prune(new Set([...keys].map(fileOf)));
    } catch (error) {
      this.#log.warn("old state could not be removed", { error: messageOf(error) });
    }
    return all;
  }

  /** Waits for the write under way and lets go of the directory. Safe twice. */
  async close(): Promise<void> {
    await this.#last;
    this.#unlock();
  }

  async #readSeeds(): Promise<void> {
    const file = "seeds.json";
    try {
      const seeds = JSON.parse(await readFile(join(this.#directory, file), "utf8"));
      if (!SIGNALS.every((signal) => Number.isInteger(seeds?.[signal]))) throw new Error("holds no hash seeds");
      this.#seeds = seeds;
      return;
    } catch (error) {
      if (codeOf(error) !== "ENOENT") await this.#setAside(file, "hash seeds of every component", messageOf(error));
    }
    const random = () => randomBytes(4).readInt32LE();
    this.#seeds = { metrics: random(), logs: random(), traces: random() };
    await this.#replace(file, [{ at: 0, bytes: Buffer.from(JSON.stringify(this.#seeds)), last: true }]);
  }

  #write(key: string, snapshot: Snapshot | LiveSnapshot): Promise<void> {
    const seed = snapshot.signal && this.seed(snapshot.signal);
    return this.#replace(fileOf(key), encodeSnapshot({ key, seed, snapshot }));
  }

  async #replace(file: string, pieces: Iterable<Piece>): Promise<void> {
    const path = join(this.#directory, file);
    const unfinished = path + UNFINISHED;
    try {
      const handle = await open(unfinished, "w", PRIVATE);
      let whole = false;
      try {
        for (const piece of pieces) {
          await writeWhole(handle, piece);
          whole = piece.last;
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (!whole) return await unlink(unfinished);
      await rename(unfinished, path);
    } catch (error) {
      await unlink(unfinished).catch(() => {});
      throw error;
    }
    await syncDirectory(this.#directory);
  }

  /** Renames a file that cannot be used, so that the next save does not destroy it, and says so once. */
  async #setAside(file: string, component: string, reason: string): Promise<void> {
    const from = join(this.#directory, file);
    let name = `${file}.refused-${this.#now()}`;
    try {
      await rename(from, join(this.#directory, name));
      const aside = (await readdir(this.#directory)).flatMap((each) => {
        const time = ASIDE.exec(each)?.[1];
        return time === undefined ? [] : [{ each, time: Number(time) }];
      });
      aside.sort((a, b) => b.time - a.time);
      for (const { each } of aside.slice(MOST_ASIDE)) await unlink(join(this.#directory, each));
    } catch (error) {
      name = `${file}, which could not be renamed: ${messageOf(error)}`;
    }
    const fields = { component, reason: `its state ${reason}`, kept_as: name };
    this.#log.warn("saved state was set aside: the component learns anew", fields);
  }

  /** Deletes snapshots that nobody asked for in a long time. `wanted` are files. */
  async #prune(wanted: ReadonlySet<string>): Promise<void> {
    const unwanted: { path: string; age: number }[] = [];
    for (const file of await readdir(this.#directory)) {
      if (!file.endsWith(SNAPSHOT) || wanted.has(file)) continue;
      const path = join(this.#directory, file);
      unwanted.push({ path, age: this.#now() - (await stat(path)).mtimeMs });
    }
    unwanted.sort((a, b) => a.age - b.age);
    const gone = unwanted.filter(({ age }, i) => age > UNWANTED_AFTER || i >= MOST_UNWANTED);
    for (const { path } of gone) await unlink(path);
  }
}

/** Small letters, digits, "_", "-" and "." stay: file systems that ignore case keep two components apart. */
function fileOf(key: string): string {
  const escaped = Array.from(Buffer.from(key), (byte) => {
    const character = String.fromCharCode(byte);
    return /[a-z0-9_.-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
  }).join("");
  const short = `${escaped.slice(0, 150)}~${createHash("sha256").update(key).digest("hex").slice(0, 32)}`;
  return (escaped.length > 200 ? short : escaped) + SNAPSHOT;
}

/** Holds an exclusive lock that the system lifts when the process ends, however it ends. */
async function lock(path: string): Promise<() => void> {
  const { DatabaseSync } = await import("node:sqlite");
  try {
    // never opened but to make it: closing a file gives up the locks that the process has on it
    await (await open(path, "wx", PRIVATE)).close();
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  const database = new DatabaseSync(path);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    throw new Error(/locked/.test(messageOf(error)) ? "another agent is using it" : messageOf(error), { cause: error });
  }
  return () => {
    if (database.isOpen) database.close();
  };
}

async function sourceOf(handle: FileHandle): Promise<SnapshotSource> {
  const { size } = await handle.stat();
  let room = new Uint8Array(0);
  const read = (at: number, length: number) => {
    if (room.length < length) room = new Uint8Array(length);
    let done = 0;
    for (let read = -1; done < length && read !== 0; done += read) {
      read = readSync(handle.fd, room, done, length - done, at + done);
    }
    if (done < length) throw new Error("cannot be read: the file is shorter than it was");
    return room.subarray(0, length);
  };
  return { length: size, read };
}

/** The event loop is free meanwhile. */
async function writeWhole(handle: FileHandle, { at, bytes }: Piece): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** So that the new name survives a loss of power; some file systems cannot, and the file itself is safe by then. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    await handle.sync().finally(() => handle.close());
  } catch {}
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException)?.code;
