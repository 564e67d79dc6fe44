// Anomalies as JSON lines, in a file or on standard output.

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { rename, unlink } from "node:fs/promises";
import type { Anomaly } from "../api/index.ts";
import { InputError } from "./input_error.ts";

const UNFINISHED = ".partial";

/**
 * One line: the fields of an Anomaly. NaN is null, the infinities are "Infinity" and "-Infinity"; an integer of OTLP is a number, or text
 * past 2^53; bytes are base64.
 */
export function anomalyJson(anomaly: Anomaly): string {
  return JSON.stringify(anomaly, function (key, value) {
    // what has a toJSON, as a Buffer, comes in another shape as `value`
    const own = (this as Record<string, unknown>)[key];
    if (own instanceof Uint8Array) return Buffer.from(own).toString("base64");
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`;
    if (typeof value === "number" && !Number.isFinite(value)) return Number.isNaN(value) ? null : `${value}`;
    return value;
  });
}

/** Written beside its place and put there at the end. */
export class AnomalyLines {
  readonly #path: string | undefined;
  readonly #stream: WriteStream | NodeJS.WriteStream;
  readonly #closed: Promise<void>;
  #error: Error | undefined;

  /** "-" is standard output. */
  constructor(path: string) {
    this.#path = path === "-" ? undefined : path;
    this.#stream = this.#path === undefined ? process.stdout : createWriteStream(this.#path + UNFINISHED);
    this.#closed = new Promise((resolve) => this.#stream.once("close", resolve));
    this.#stream.on("error", (error) => {
      this.#error ??= error;
    });
  }

  add(anomaly: Anomaly): void {
    this.#stream.write(`${anomalyJson(anomaly)}\n`);
  }

  /** Waits until what was added is handed over. Throws InputError when it cannot be. */
  async settle(): Promise<void> {
    if (this.#stream.writableNeedDrain && !this.#error) {
      await Promise.race([once(this.#stream, "drain"), once(this.#stream, "close")]).catch(() => {});
    }
    if (this.#error) {
      const where = this.#path ?? "standard output";
      throw new InputError(where, `anomalies cannot be written: ${this.#error.message}; give --anomalies another file`);
    }
  }

  /** `whole`: put it in its place; else it is removed. */
  async close(whole: boolean): Promise<void> {
    const path = this.#path;
    if (path === undefined) return whole ? this.settle() : undefined;
    this.#stream.end();
    await this.#closed;
    if (whole) {
      await this.settle();
      await rename(path + UNFINISHED, path);
    } else await unlink(path + UNFINISHED).catch(() => {});
  }
}
