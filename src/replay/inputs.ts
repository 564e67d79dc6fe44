// From the paths that a user names to the files to read: what each is called, and of what kind it is.
import { realpathSync } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { unreadable } from "../api/file_failure.ts";
import type { Telemetry } from "../api/index.ts";
import { chunksOf } from "./chunks.ts";
import { type Content, contentOf } from "./content.ts";
import { InputError } from "./input_error.ts";

export interface Input {
  readonly path: string;
  /** Below the directory that was named, with slashes, or the file's own name; without ".gz". */
  readonly name: string;
  readonly content: Content;
  /** Of an OTLP file: what its first request holds. */
  readonly signal?: Telemetry;
  /** Bytes, packed as they are. */
  readonly size: number;
}

export interface Found {
  /** In order of name. */
  readonly inputs: readonly Input[];
  /** Paths below a directory that were left out, since they hold no telemetry. */
  readonly leftOut: readonly string[];
}

/** Enough to see what a file holds. */
const HEAD = 4096;

/** Throws InputError for a path that cannot be read, for a named file that holds no telemetry, and where nothing is left. */
export async function findInputs(paths: readonly string[]): Promise<Found> {
  const inputs: Input[] = [];
  const leftOut: string[] = [];
  for (const path of paths) {
    const about = await aboutOf(path);
    if (about.isDirectory()) {
      for (const file of await filesIn(path)) {
        const name = relative(path, file).split(sep).join("/");
        const input = await inputAt(file, name, (await aboutOf(file)).size);
        if (typeof input === "string") leftOut.push(file);
        else inputs.push(input);
      }
    } else if (about.isFile()) {
      const input = await inputAt(path, basename(path), about.size);
      if (typeof input === "string") throw new InputError(path, input);
      inputs.push(input);
    } else
      throw new InputError(path, "it is neither a file nor a directory; write what comes out of it into a file first");
  }
  if (inputs.length === 0) {
    throw new InputError(
      paths.join(", "),
      "there is no telemetry in it; name CSV files, OTLP JSON lines or OTLP protobuf",
    );
  }
  inputs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.path < b.path ? -1 : 1));
  return { inputs, leftOut };
}

/** Finds the input that a path to write to leads to, by whatever name. */
export function inputBehind(inputs: readonly Input[]): (path: string) => Input | undefined {
  const real = new Map(inputs.map((input) => [realpathSync(input.path), input]));
  return (path) => {
    try {
      return real.get(realpathSync(path));
    } catch {
      return undefined;
    }
  };
}

async function aboutOf(path: string) {
  return stat(path).catch((error) => cannotBeRead(path, error));
}

function cannotBeRead(path: string, error: NodeJS.ErrnoException): never {
  throw new InputError(path, `it cannot be read: ${unreadable(error)}`);
}

/** Every file below, links followed; hidden ones are left alone. */
async function filesIn(directory: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [directory];
  const seen = new Set<string>();
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const real = await realpath(folder);
    // a link to a folder above it
    if (seen.has(real)) continue;
    seen.add(real);
    const entries = await readdir(folder, { withFileTypes: true }).catch((error) => cannotBeRead(real, error));
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const path = join(folder, entry.name);
      const about = entry.isSymbolicLink() ? await aboutOf(path) : entry;
      if (about.isDirectory()) folders.push(path);
      else if (about.isFile()) files.push(path);
    }
  }
  return files.sort();
}

/** The input, or why it is none. */
async function inputAt(path: string, file: string, size: number): Promise<Input | string> {
  const name = file.replace(/\.gz$/i, "");
  const chunks = chunksOf(path, { size: HEAD });
  try {
    const first = await chunks.next();
    const known = contentOf(name, first.done ? Buffer.alloc(0) : first.value);
    return typeof known === "string" ? known : { path, name, size, ...known };
  } finally {
    await chunks.return();
  }
}
