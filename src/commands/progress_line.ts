// How far a long command is: one line on a terminal that is written over.
import type { Progress } from "../replay/replay.ts";

/** Milliseconds between two lines. */
const EVERY = 200;

export class ProgressLine {
  readonly #wanted: boolean;
  #shown = 0;

  /** Shows nothing unless it is `wanted` and standard error is a terminal. */
  constructor(wanted = true) {
    this.#wanted = wanted && process.stderr.isTTY;
  }

  show({ rows, anomalies, read, total }: Progress): void {
    if (!this.#wanted || performance.now() - this.#shown < EVERY) return;
    this.#shown = performance.now();
    const percent = Math.min(100, Math.floor((100 * read) / Math.max(1, total)));
    process.stderr.write(`\r\x1b[K${percent} %, ${rows} rows, ${anomalies} anomalies`);
  }

  /** Before anything else is written. */
  clear(): void {
    if (this.#shown > 0) process.stderr.write("\r\x1b[K");
    this.#shown = 0;
  }
}
