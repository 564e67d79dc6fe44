// Keeps the queues of exporters in files, so that what was accepted survives the agent's end.
import { constants } from "node:fs";
import { access, mkdir, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { byteSize, defineExtension, duration, type Extension, type Host, type Store, z } from "vedette";
import { isBusy } from "./database.ts";
import { fileNameOf } from "./file_name.ts";
import { deadlineIn, own } from "./ownership.ts";
import { FileStore } from "./store.ts";

const MIB = 1024 ** 2;
const LONGEST_TIMER = 2 ** 31 - 1;
/** Milliseconds between two looks at a file that another process holds. */
const PAUSE = 50;

const compaction = z.object({
  on_start: z.boolean().default(false).describe("Give free space in a file back to the disk when it is opened."),
  on_rebound: z
    .boolean()
    .default(false)
    .describe("Give it back while the agent runs: once a file was large and its records have become few."),
  rebound_needed_threshold_mib: z.int().nonnegative().default(100).describe("Size of a file, in MiB, that is large."),
  rebound_trigger_threshold_mib: z.int().nonnegative().default(10).describe("Size of records, in MiB, that are few."),
  check_interval: duration().prefault("5s").describe("How often `on_rebound` looks."),
  directory: z.string().optional().describe("Without effect: space is given back within the file."),
  max_transaction_size: z
    .union([z.int().nonnegative(), z.string().regex(/^\d[\d_]*$/)])
    .default(65_536)
    .describe("Without effect: space is always given back in small steps."),
  cleanup_on_start: z.boolean().default(false).describe("Without effect: compaction leaves no files behind."),
});

const options = z.object({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of the files. Absent: `file_storage` in systemd's `$STATE_DIRECTORY`, else in `/var/lib/vedette` for root and in `~/.local/state/vedette` for others.",
    ),
  create_directory: z.boolean().default(true).describe("Whether a missing directory is created."),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'not permissions; write them as in "0750"')
    .default("0750")
    .describe("Permissions of a directory that is created, octal, less the umask. Files are always 0600."),
  timeout: duration().prefault("1s").describe("Longest wait for a file that somebody else has open."),
  fsync: z
    .boolean()
    .default(false)
    .describe(
      "Force every record to the disk before it is acknowledged. Without it records survive a crash of the agent, but the last ones not a loss of power.",
    ),
  max_size: byteSize()
    .prefault("1GiB")
    .describe("Most bytes of records in one file; beyond it no more are taken. 0 is no limit but the disk."),
  compaction: compaction
    .prefault({})
    .describe("How the space of removed records is given back; until then it is reused."),
  recreate: z
    .boolean()
    .default(false)
    .describe("Without effect: a damaged file is always set aside and a new one begun."),
});

type Options = z.output<typeof options>;

function defaultDirectory(): string {
  const given = process.env["STATE_DIRECTORY"]?.split(":")[0];
  const own = process.getuid?.() === 0 ? "/var/lib/vedette" : join(homedir(), ".local/state/vedette");
  return join(given || own, "file_storage");
}

class FileStorage implements Extension {
  readonly #options: Options;
  readonly #host: Host;
  #directory: string;
  readonly #stores = new Set<Store>();
  /** Why nothing can be written, by name. */
  readonly #broken = new Map<string, string>();
  #stopped = false;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#directory = resolve(options.directory ?? defaultDirectory());
  }

  async start(): Promise<void> {
    const { create_directory, directory_permissions } = this.#options;
    try {
      if (create_directory)
        await mkdir(this.#directory, { recursive: true, mode: Number.parseInt(directory_permissions, 8) });
      await access(this.#directory, constants.R_OK | constants.W_OK | constants.X_OK);
      this.#directory = await realpath(this.#directory);
    } catch (error) {
      const remedy = create_directory
        ? "name one that this user may write"
        : "create it, or set create_directory: true";
      throw new Error(
        `directory ${this.#directory} cannot be used (${(error as NodeJS.ErrnoException).code}); ${remedy}`,
        {
          cause: error,
        },
      );
    }
    this.#stopped = false;
    this.#host.log.info("stores queues", { directory: this.#directory });
  }

  async open(name: string): Promise<Store> {
    const path = join(this.#directory, fileNameOf(name));
    const deadline = deadlineIn(Math.min(this.#options.timeout, LONGEST_TIMER));
    const release = await own(path, deadline);
    if (!release) throw this.#taken(name, path, "another component of this agent");
    try {
      for (;;) {
        if (this.#stopped) throw new Error(`${this.#host.id} is stopped`);
        try {
          return this.#store(name, path, release);
        } catch (error) {
          if (!isBusy(error)) throw new Error(`cannot open ${path}: ${(error as Error).message}`, { cause: error });
          if (deadline.expired) throw this.#taken(name, path, "another process");
          await deadline.wait(undefined, PAUSE);
        }
      }
    } catch (error) {
      release();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const closed = await Promise.allSettled([...this.#stores].map((store) => store.close()));
    for (const { status, reason } of closed as PromiseRejectedResult[]) {
      if (status === "rejected") this.#host.log.error("the last records may not be stored", { error: String(reason) });
    }
  }

  #store(name: string, path: string, release: () => void): Store {
    const { compaction, max_size, fsync } = this.#options;
    const store: FileStore = new FileStore({
      name,
      path,
      maxSize: max_size || Number.POSITIVE_INFINITY,
      fsync,
      compactOnStart: compaction.on_start,
      rebound: compaction.on_rebound
        ? {
            needed: compaction.rebound_needed_threshold_mib * MIB,
            trigger: compaction.rebound_trigger_threshold_mib * MIB,
            interval: Math.min(Math.max(compaction.check_interval, 1), LONGEST_TIMER),
          }
        : undefined,
      log: this.#host.log,
      now: () => this.#host.now(),
      onHealth: (reason) => this.#health(name, reason),
      onClosed: () => {
        this.#stores.delete(store);
        this.#health(name, undefined);
        release();
      },
    });
    this.#stores.add(store);
    return store;
  }

  #health(name: string, reason: string | undefined): void {
    const wasBroken = this.#broken.size > 0;
    if (reason === undefined) this.#broken.delete(name);
    else this.#broken.set(name, reason);
    const [first] = this.#broken.values();
    if (first !== undefined) this.#host.report("recoverable_error", first);
    else if (wasBroken) this.#host.report("ok");
  }

  #taken(name: string, path: string, by: string): Error {
    return new Error(
      `the storage of ${name}, ${path}, is in use by ${by} (waited ${this.#options.timeout} ms, option timeout); ` +
        "give each agent a directory of its own",
    );
  }
}

export default defineExtension({
  type: "file_storage",
  stability: "beta",
  summary: "Keeps sending queues in files, so that what was accepted survives a crash.",
  offers: ["storage"],
  config: options,
  create: (options, host) => new FileStorage(options, host),
});
