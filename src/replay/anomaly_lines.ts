// Anomalies as JSON lines, in a file or on standard output.

import { once } from "node:events";
import { createWriteStream, statSync, type WriteStream } from "node:fs";
import { rename, unlink } from "node:fs/promises";
import type { Anomaly } from "../api/index.ts";
import { InputError } from "./input_error.ts";
import { type Input, inputBehind } from "./inputs.ts";

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

/** A file is written beside its place and put there at the end. */
export class AnomalyLines {
  readonly #path: string;
  readonly #stream: WriteStream | NodeJS.WriteStream;
  /** Where a file is put at the end; a pipe or a device is written to straight away. */
  readonly #place: string | undefined;
  readonly #closed: Promise<void>;
  #error: Error | undefined;

  /** "-" is standard output. Throws InputError for a directory. */
  constructor(path: string) {
    const there = path === "-" ? undefined : statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory())
      throw new InputError(path, "it is a directory; give --anomalies the name of a file in it");
    this.#path = path;
    this.#place = path === "-" || there?.isFile() === false ? undefined : path;
    this.#stream = path === "-" ? process.stdout : createWriteStream(this.#place ? path + UNFINISHED : path);
    this.#closed = new Promise((resolve) => this.#stream.once("close", resolve));
    this.#stream.on("error", (error) => {
      this.#error ??= error;
    });
  }

  /** Throws InputError when it would replace an input. */
  plan(inputs: readonly Input[]): void {
    if (!this.#place || !inputBehind(inputs)(this.#place)) return;
    throw new InputError(
      this.#place,
      "it is an input, which the anomalies would replace; give --anomalies another file",
    );
  }

  add(anomaly: Anomaly): void {
    this.#stream.write(`${anomalyJson(anomaly)}\n`);
  }

  /** Waits until what was added is handed over. Throws InputError when it cannot be. */
  async settle(): Promise<void> {
    if (this.#stream.writableNeedDrain && !this.#error) {
      await Promise.race([once(this.#stream, "drain"), once(this.#stream, "close")]).catch(() => {});
    }
    if (this.#error) throw this.#failed(this.#error);
  }

  /** `whole`: put it in its place; else it is removed. */
  async close(whole: boolean): Promise<void> {
    const place = this.#place;
    if (this.#stream !== process.stdout) {
      this.#stream.end();
      await this.#closed;
    }
    if (whole) {
      await this.settle();
      if (place) {
        await rename(place + UNFINISHED, place).catch((error) => {
          throw this.#failed(error);
        });
      }
    } else if (place) await unlink(place + UNFINISHED).catch(() => {});
  }

  #failed({ message }: Error): InputError {
    const where = this.#path === "-" ? "standard output" : this.#path;
    return new InputError(where, `anomalies cannot be written: ${message}; give --anomalies another file`);
  }
}
