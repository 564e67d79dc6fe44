// A file that only ever grows by whole records: rotated by size, its old copies bounded in number and age.
import { constants, type FileHandle, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";

export interface Rotation {
  /** Bytes. */
  readonly size: number;
  /** 0 keeps copies of any age. */
  readonly days: number;
  /** 0 keeps any number of copies. */
  readonly backups: number;
  readonly localtime: boolean;
}

export interface OutputOptions {
  readonly path: string;
  readonly append: boolean;
  readonly createDirectory: boolean;
  readonly rotation?: Rotation;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A rotation that failed; writing goes on in the same file. */
  readonly onRotationFailure: (error: unknown) => void;
}

const REMEDY: Record<string, string> = {
  ENOENT: "there is no such directory; create it, or set create_directory: true",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory; name a file in it",
  EACCES: "this user may not write there",
  EROFS: "the file system is read-only",
};

const DAY = 86_400_000;
const STAMP = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/;

/** Calls must not overlap. */
export class Output {
  readonly #options: OutputOptions;
  #file: FileHandle | undefined;
  #size = 0;
  #rotateAt: number;
  /** The file's end may hold a part of a record that could not be written. */
  #torn = false;
  #unsynced = false;
  /** Pipes and devices can be neither cut back nor forced to the disk. */
  #regular = true;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#rotateAt = options.rotation?.size ?? Number.POSITIVE_INFINITY;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Rejects with cause and remedy. `separator` is put after a file that ends in the middle of a line. */
  async open(separator?: number): Promise<void> {
    const { path, append, createDirectory, rotation } = this.#options;
    try {
      if (createDirectory) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      this.#file = await this.#openFile(append || rotation !== undefined);
      if (separator !== undefined) await this.#endLine(separator);
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      throw new Error(`cannot write to ${path} (${code || message}): ${REMEDY[code] ?? "is the path right?"}`, {
        cause: error,
      });
    }
  }

  /** Rejects when the record is not in the file; then no part of it is. */
  async write(record: Uint8Array): Promise<void> {
    if (this.#torn) await this.#cutBack();
    if (this.#size > 0 && this.#size + record.length > this.#rotateAt) await this.#rotate();
    try {
      await this.#file!.appendFile(record);
    } catch (error) {
      this.#torn = this.#regular;
      if (this.#torn) await this.#cutBack().catch(() => {});
      throw error;
    }
    this.#size += record.length;
    this.#unsynced = this.#regular;
  }

  /** Forces what was written to the disk. */
  async sync(): Promise<void> {
    if (!this.#unsynced) return;
    await this.#file?.datasync();
    this.#unsynced = false;
  }

  async close(): Promise<void> {
    const file = this.#file;
    if (!file) return;
    try {
      await this.sync();
    } finally {
      this.#file = undefined;
      await file.close();
    }
  }

  async #openFile(append: boolean): Promise<FileHandle> {
    const { O_RDWR, O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants;
    const file = await open(this.#options.path, (append ? O_RDWR : O_WRONLY | O_TRUNC) | O_CREAT | O_APPEND, 0o600);
    const stat = await file.stat();
    this.#regular = stat.isFile();
    this.#size = stat.isFile() ? stat.size : 0;
    return file;
  }

  async #endLine(separator: number): Promise<void> {
    if (this.#size === 0) return;
    const { buffer } = await this.#file!.read(Buffer.alloc(1), 0, 1, this.#size - 1);
    if (buffer[0] !== separator) await this.write(Uint8Array.of(separator));
  }

  async #cutBack(): Promise<void> {
    await this.#file!.truncate(this.#size);
    this.#torn = false;
  }

  async #rotate(): Promise<void> {
    const { path, rotation, now, onRotationFailure } = this.#options;
    try {
      await this.sync();
      const newest = (await this.#copies())[0]?.time ?? 0;
      const copy = join(dirname(path), this.#copyName(Math.max(now(), newest + 1)));
      await rename(path, copy);
      const full = this.#file!;
      try {
        this.#file = await this.#openFile(false);
      } catch (error) {
        await rename(copy, path);
        throw error;
      }
      await full.close();
      this.#rotateAt = rotation!.size;
      await this.#prune();
    } catch (error) {
      this.#rotateAt = this.#size + rotation!.size;
      onRotationFailure(error);
    }
  }

  #copyName(time: number): string {
    const { path, rotation } = this.#options;
    const { name, ext } = parse(path);
    const shift = rotation!.localtime ? new Date(time).getTimezoneOffset() * 60_000 : 0;
    const stamp = new Date(time - shift).toISOString().slice(0, -1).replaceAll(":", "-");
    return `${name}-${stamp}${ext}`;
  }

  /** The copies of this file, newest first. */
  async #copies(): Promise<{ name: string; time: number }[]> {
    const { path, rotation } = this.#options;
    const { name: stem, ext } = parse(basename(path));
    const copies: { name: string; time: number }[] = [];
    for (const name of await readdir(dirname(path))) {
      if (!name.startsWith(`${stem}-`) || !name.endsWith(ext)) continue;
      const stamp = STAMP.exec(name.slice(stem.length + 1, name.length - ext.length));
      if (!stamp) continue;
      const time = Date.parse(`${stamp[1]}T${stamp[2]}:${stamp[3]}:${stamp[4]}${rotation!.localtime ? "" : "Z"}`);
      if (!Number.isNaN(time)) copies.push({ name, time });
    }
    return copies.sort((a, b) => b.time - a.time);
  }

  async #prune(): Promise<void> {
    const { path, rotation, now } = this.#options;
    const { backups, days } = rotation!;
    const copies = await this.#copies();
    for (const [i, { name, time }] of copies.entries()) {
      const tooMany = backups > 0 && i >= backups;
      const tooOld = days > 0 && now() - time > days * DAY;
      if (tooMany || tooOld) await rm(join(dirname(path), name), { force: true });
    }
  }
}
