// One CSV file, line by line: its rows in the order of the file, at the time they are fed.
import { type CsvLayout, layoutOf, splitLine } from "./csv_layout.ts";
import { InputError } from "./input_error.ts";
import type { Input } from "./inputs.ts";
import { type ReplayedRow, unjudged } from "./row.ts";
import { parseTimestamp } from "./timestamp.ts";

/** Characters of a line. */
const LONGEST_LINE = 2 ** 20;
/** Unix milliseconds past what OTLP's 64 bits of nanoseconds can tell. */
const LAST_TIME = 2 ** 64 / 1e6;

/** The gauge that a column of a file is fed as. */
export interface Gauge {
  /** service.name of its resource; empty: it has no resource. */
  readonly service: string;
  readonly metric: string;
}

export class CsvFile {
  readonly input: Input;
  /** When the current line is fed, Unix milliseconds: its own time, or that of a line before where it goes back. */
  time = Number.NEGATIVE_INFINITY;
  /** Of the current line, and the gauge of each. */
  rows: ReplayedRow[] = [];
  gauges: Gauge[] = [];
  /** Lines whose time is that of the line before, or lies before it. */
  repeated = 0;
  backwards = 0;
  /** Values that are no number though they have digits, and the first of them with its place. */
  strange = 0;
  firstStrange = "";
  layout: CsvLayout | undefined;
  readonly #chunks: AsyncGenerator<Buffer, void>;
  readonly #decoder = new TextDecoder();
  #text = "";
  #at = 0;
  #line = 0;
  /** The first line that says anything. */
  #first = 0;
  #last = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(input: Input, chunks: AsyncGenerator<Buffer, void>) {
    this.input = input;
    this.#chunks = chunks;
  }

  /** Moves to the next line that is there already; false when there is none. Throws InputError. */
  next(): boolean {
    for (;;) {
      let end = this.#text.indexOf("\n", this.#at);
      if (end < 0) {
        if (!this.#ended || this.#at >= this.#text.length) return false;
        end = this.#text.length;
      }
      const from = this.#at;
      this.#at = end + 1;
      this.#line++;
      const last = end > from && this.#text.charCodeAt(end - 1) === 13 ? end - 1 : end;
      const line = this.#text.slice(from, last);
      if (line.trim() !== "" && this.#take(line)) return true;
    }
  }

  /** Reads until there is a next line and moves to it; false at the end of the file. */
  async more(): Promise<boolean> {
    while (!this.#ended) {
      const chunk = await this.#chunks.next();
      const rest = this.#text.slice(this.#at);
      if (rest.length > LONGEST_LINE) {
        const problem = `a line is longer than ${LONGEST_LINE} characters; is this a CSV file?`;
        throw new InputError(this.input.path, problem, this.#line + 1);
      }
      this.#ended = chunk.done === true;
      this.#text = rest + (chunk.done ? this.#decoder.decode() : this.#decoder.decode(chunk.value, { stream: true }));
      this.#at = 0;
      if (this.next()) return true;
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#chunks.return();
  }

  /** Makes the line the current one; false when it only names the columns. */
  #take(line: string): boolean {
    const layout = this.layout ?? this.#lay(line);
    const { columns, separator, header } = layout;
    if (header && this.#line === this.#first) return false;
    const cells = splitLine(line, separator);
    if (!cells) throw this.#error("a quote is not closed; close it on the same line");
    if (cells.length !== columns) {
      throw this.#error(
        `${cells.length} columns where the first line has ${columns}; correct the line, or take it out`,
      );
    }
    const timestamp = cells[layout.time].trim();
    const time = parseTimestamp(timestamp);
    if (Number.isNaN(time)) {
      const written = JSON.stringify(timestamp.slice(0, 50));
      throw this.#error(
        `${written} is no timestamp; write it as in "2026-11-22T18:40:00Z", or as a Unix time in s, ms, us or ns`,
      );
    }
    if (!(time >= 0 && time < LAST_TIME)) {
      throw this.#error(`${timestamp} lies before 1970 or after 2554, which OTLP has no times for; correct it`);
    }
    if (time === this.#last) this.repeated++;
    else if (time < this.#last) this.backwards++;
    this.#last = time;
    if (time > this.time) this.time = time;
    const label = layout.label < 0 ? undefined : labelOf(cells[layout.label]);
    const rows: ReplayedRow[] = [];
    for (const { column, name } of layout.values) {
      const text = cells[column].trim();
      const value = numberIn(text);
      if (Number.isNaN(value) && /\d/.test(text)) this.#strange(text);
      rows.push(unjudged({ input: this.input.name, series: name, time, timestamp, value, text, label }));
    }
    this.rows = rows;
    return true;
  }

  #lay(line: string): CsvLayout {
    const layout = layoutOf(line);
    if (typeof layout === "string") throw this.#error(layout);
    this.layout = layout;
    this.#first = this.#line;
    const stem = this.input.name.replace(/\.(csv|tsv|txt)$/i, "");
    this.gauges = layout.values.map(({ name }) =>
      name === "" ? { service: "", metric: stem } : { service: stem, metric: name },
    );
    return layout;
  }

  #strange(text: string): void {
    if (this.strange++ > 0) return;
    this.firstStrange = `${this.input.path}:${this.#line} ${JSON.stringify(text.slice(0, 50))}`;
  }

  #error(problem: string): InputError {
    return new InputError(this.input.path, problem, this.#line);
  }
}

/** NaN where there is none: what is empty or no number is a row without a value. */
export function numberIn(text: string): number {
  if (text === "") return Number.NaN;
  const value = Number(text);
  if (!Number.isNaN(value)) return value;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  return infinite ? Number(`${infinite[1]}Infinity`) : Number.NaN;
}

function labelOf(text: string): boolean | undefined {
  const label = text.trim().toLowerCase();
  if (label === "") return undefined;
  const number = Number(label);
  return Number.isNaN(number) ? ["true", "yes", "anomaly", "anomalous"].includes(label) : number !== 0;
}
