// A request's body while it arrives: one pooled buffer, bounded alone and together with all others.
import type { Readable } from "node:stream";
import { requestBuffers } from "vedette/otlp";
import { overloaded, tooLarge } from "./refusal.ts";

const UNKNOWN_LENGTH = 64 * 1024;
/** What a sender gets on the strength of a length it has only announced; more comes with the bytes. */
const TRUSTED_LENGTH = 1024 ** 2;

/** The buffers of all requests of a receiver that are not taken yet, of at most `limit` bytes in all. */
export class Bodies {
  readonly #limit: number;
  #unfinished = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  free(bytes: number): void {
    this.#unfinished -= bytes;
  }

  /** Counts what the agent lets wait for room until `outcome` settles: it must not grow either. */
  async whileWaiting(bytes: number, outcome: Promise<boolean>): Promise<boolean> {
    this.#unfinished += bytes;
    try {
      return await outcome;
    } finally {
      this.free(bytes);
    }
  }

  /** Counts the buffer until `free`; throws a Refusal beyond the limit. */
  take(size: number): Buffer {
    if (this.#unfinished + size > this.#limit) throw overloaded("too many requests are being received at once");
    const buffer = requestBuffers.take(size);
    this.#unfinished += buffer.length;
    return buffer;
  }

  give(buffer: Buffer): void {
    requestBuffers.give(buffer);
  }
}

/** Fills with `append`. Its buffer goes back with `release`, called once by this side or by whoever got it from `handOver`. */
export class Body {
  readonly #bodies: Bodies;
  readonly #limit: number;
  #buffer: Buffer;
  #length = 0;
  #state: "unfinished" | "handed over" | "released" = "unfinished";

  /** Throws a Refusal when `expected`, the announced length, is over `limit` or finds no room. */
  constructor(bodies: Bodies, limit: number, expected?: number) {
    if (expected !== undefined && expected > limit) throw tooLarge(limit);
    this.#bodies = bodies;
    this.#limit = limit;
    this.#buffer = bodies.take(Math.min(expected ?? UNKNOWN_LENGTH, limit, TRUSTED_LENGTH));
  }

  get length(): number {
    return this.#length;
  }

  /** What has arrived, in the pooled buffer. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Throws a Refusal beyond the limits. */
  append(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#limit) throw tooLarge(this.#limit);
    if (length > this.#buffer.length) this.#grow(length);
    chunk.copy(this.#buffer, this.#length);
    this.#length = length;
  }

  #grow(length: number): void {
    const outgrown = this.#buffer;
    this.#buffer = this.#bodies.take(length);
    outgrown.copy(this.#buffer, 0, 0, this.#length);
    this.#bodies.free(outgrown.length);
    this.#bodies.give(outgrown);
  }

  /** The body is complete and somebody else's: no longer counted. Returns what gives the buffer back. */
  handOver(): () => void {
    this.#bodies.free(this.#buffer.length);
    this.#state = "handed over";
    return () => this.release();
  }

  /** Gives the buffer back; once it is, nothing happens. */
  release(): void {
    if (this.#state === "released") return;
    if (this.#state === "unfinished") this.#bodies.free(this.#buffer.length);
    this.#state = "released";
    this.#bodies.give(this.#buffer);
  }
}

/** What a request is read into. */
export interface Sink {
  append(chunk: Buffer): void;
  release(): void;
}

/**
 * Appends what `stream` brings to `sink`; resolves to true at its end, to false when the sender gave up.
 * Rejects with what `append` throws, and discards the rest of the stream. Unless it resolves to true, `sink` is released.
 */
export function read(stream: Readable, sink: Sink): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let done = false;
    const stop = () => {
      if (done) return false;
      done = true;
      sink.release();
      return true;
    };
    stream.on("data", (chunk: Buffer) => {
      if (done) return;
      try {
        sink.append(chunk);
      } catch (error) {
        stop();
        reject(error);
      }
    });
    stream.once("end", () => {
      if (done) return;
      done = true;
      resolve(true);
    });
    const abandoned = () => stop() && resolve(false);
    stream.once("error", abandoned);
    stream.once("close", abandoned);
  });
}
