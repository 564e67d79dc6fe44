// The scores of every input as a CSV file of its own: written beside its place, and put there once the input was read to its end.
import { appendFile, mkdir, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InputError } from "./input_error.ts";
import { type Input, inputBehind } from "./inputs.ts";
import type { ReplayedRow } from "./row.ts";

const HEADER = "timestamp,value,score,expected,lower,upper,detector,type";
/** What a file is called until it is whole. */
const UNFINISHED = ".partial";
/** Bytes that wait to be written: of all files together; of one at least and at most. */
const ALL_WAITING = 4 * 1024 ** 2;
const LEAST_WAITING = 4096;
const MOST_WAITING = 128 * 1024;

interface Output {
  readonly path: string;
  /** Whether it names the series of each row. */
  readonly several: boolean;
  /** What waits to be written: as bytes, since a text that grows piece by piece keeps the garbage collector busy. */
  bytes: Buffer;
  length: number;
  begun: boolean;
}

/** Files are open only while a part is written, so that there may be any number. */
export class ScoreFiles {
  readonly #directory: string;
  readonly #outputs = new Map<string, Output>();
  readonly #full = new Set<Output>();
  #most = LEAST_WAITING;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Throws InputError when two inputs would have the same file, or one would be replaced. */
  plan(inputs: readonly Input[]): void {
    const seen = new Map<string, string>();
    const replacedBy = inputBehind(inputs);
    for (const { name, path } of inputs) {
      const output = join(this.#directory, ...(/\.csv$/i.test(name) ? name : `${name}.csv`).split("/"));
      if (replacedBy(output)) {
        const problem = `it is an input, which the scores of ${path} would replace; give --scores a directory apart from the inputs`;
        throw new InputError(output, problem);
      }
      const before = seen.get(output);
      if (before !== undefined) {
        const problem = `its scores would be in the same file as those of ${before}; rename one, or name a directory that holds both`;
        throw new InputError(path, problem);
      }
      seen.set(output, path);
      this.#outputs.set(name, { path: output, several: false, bytes: NOTHING, length: 0, begun: false });
    }
    this.#most = Math.min(MOST_WAITING, Math.max(LEAST_WAITING, Math.floor(ALL_WAITING / inputs.length)));
  }

  row(row: ReplayedRow): void {
    let output = this.#outputs.get(row.input)!;
    if (isNew(output)) {
      output = { ...output, several: row.series !== "" };
      this.#outputs.set(row.input, output);
      this.#add(output, `${HEADER}${output.several ? ",series" : ""}\n`);
    }
    const { score, expected, lower, upper, detector, type } = row;
    const value = row.text === "" ? number(row.value) : quoted(row.text);
    this.#add(
      output,
      `${quoted(row.timestamp)},${value},${number(score)},${number(expected)},${number(lower)},` +
        `${number(upper)},${quoted(detector)},${quoted(type)}${output.several ? `,${quoted(row.series)}` : ""}\n`,
    );
    if (output.length >= this.#most) this.#full.add(output);
  }

  #add(output: Output, text: string): void {
    const most = output.length + 3 * text.length;
    if (most > output.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(most, 2 * output.bytes.length, this.#most));
      output.bytes.copy(larger, 0, 0, output.length);
      output.bytes = larger;
    }
    output.length += output.bytes.write(text, output.length);
  }

  /** Writes what has become much. */
  async settle(): Promise<void> {
    for (const output of this.#full) await this.#write(output);
    this.#full.clear();
  }

  /** The input was read to its end: its scores are whole. */
  async finish({ name }: Pick<Input, "name">): Promise<void> {
    const output = this.#outputs.get(name)!;
    if (isNew(output)) this.#add(output, `${HEADER}\n`);
    await this.#write(output);
    this.#full.delete(output);
    this.#outputs.delete(name);
    await failing(output.path, () => rename(output.path + UNFINISHED, output.path));
  }

  /** Removes what is not whole. */
  async abandon(): Promise<void> {
    for (const { path, begun } of this.#outputs.values()) if (begun) await unlink(path + UNFINISHED).catch(() => {});
  }

  async #write(output: Output): Promise<void> {
    const { path, bytes, length, begun } = output;
    await failing(path, async () => {
      if (!begun) await mkdir(dirname(path), { recursive: true });
      output.begun = true;
      await appendFile(path + UNFINISHED, bytes.subarray(0, length), { flag: begun ? "a" : "w" });
    });
    output.length = 0;
  }
}

const NOTHING = Buffer.alloc(0);

const isNew = ({ begun, length }: Output) => !begun && length === 0;

async function failing(path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const remedy =
      code === "ENOSPC" ? "the disk is full; make room" : `${message}; give --scores a directory to write to`;
    throw new InputError(path, `scores cannot be written: ${remedy}`);
  }
}

/** Empty for NaN. */
function number(value: number): string {
  return Number.isNaN(value) ? "" : `${value}`;
}

function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
