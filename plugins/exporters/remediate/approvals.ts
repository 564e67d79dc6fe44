// Approval by files: a request lies in a directory, and who may write there approves or denies it with a file beside it.
import { createHash } from "node:crypto";
import { lstat, mkdir, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const WORLD_WRITABLE = 0o002;

export type Answer = { readonly approved: boolean; readonly by: string } | undefined;

export class Approvals {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes the directory where there is none, for this user alone. Rejects where everyone could approve. */
  async open(): Promise<void> {
    const unusable = `${this.#directory} cannot be used for approvals`;
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new Error(`${unusable}: ${(error as Error).message}; name a directory that this user may write to`);
    }
    const { mode } = await stat(this.#directory);
    if ((mode & WORLD_WRITABLE) !== 0) throw new Error(`${unusable}: everyone may write to it; chmod o-w it`);
  }

  /** The request's file without its ending, which names it. */
  path(action: string, id: string): string {
    const safe = /^[A-Za-z0-9_-]{1,100}$/.test(id) ? id : createHash("sha256").update(id).digest("hex").slice(0, 16);
    return join(this.#directory, `${action}-${safe}`);
  }

  /** Whoever has answered an earlier request did not see this one: its answer goes. */
  async request(path: string, text: string): Promise<void> {
    await this.clear(path);
    await writeFile(`${path}.json`, text, { mode: 0o600, flag: "wx" });
  }

  async answer(path: string): Promise<Answer> {
    // a denial counts more
    for (const ending of ["denied", "approved"] as const) {
      const found = await lstat(`${path}.${ending}`).catch(() => undefined);
      if (found?.isFile()) return { approved: ending === "approved", by: `the user of id ${found.uid}` };
    }
    return undefined;
  }

  /** Whether the request was still there: whoever takes it is the one to apply it. */
  async take(path: string): Promise<boolean> {
    try {
      await unlink(`${path}.json`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    } finally {
      await this.clear(path);
    }
    return true;
  }

  async clear(path: string): Promise<void> {
    for (const ending of ["json", "approved", "denied"]) await rm(`${path}.${ending}`, { force: true });
  }
}
