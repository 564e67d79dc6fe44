// The one message of a unary gRPC call: a flag, a length in four bytes, and that many bytes, cut up in any way.
import { Code } from "vedette/otlp";
import { type Bodies, Body } from "./body.ts";
import { Refusal } from "./refusal.ts";

const PREFIX_BYTES = 5;

const violation = (message: string) => new Refusal(400, Code.INTERNAL, message);

/** The prefix of a message without content. */
export const EMPTY_MESSAGE = Buffer.alloc(PREFIX_BYTES);

export class Message {
  readonly #bodies: Bodies;
  readonly #limit: number;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixLength = 0;
  #length = 0;
  #body: Body | undefined;

  constructor(bodies: Bodies, limit: number) {
    this.#bodies = bodies;
    this.#limit = limit;
  }

  /** Throws a Refusal as soon as the bytes can not become one message within the limits. */
  append(chunk: Buffer): void {
    let rest = chunk;
    if (!this.#body) {
      const wanted = Math.min(PREFIX_BYTES - this.#prefixLength, chunk.length);
      this.#prefix.set(chunk.subarray(0, wanted), this.#prefixLength);
      this.#prefixLength += wanted;
      if (this.#prefixLength < PREFIX_BYTES) return;
      if (this.#prefix[0] > 1) throw violation(`${this.#prefix[0]} is no compression flag of a gRPC message`);
      this.#length = new DataView(this.#prefix.buffer).getUint32(1);
      this.#body = new Body(this.#bodies, this.#limit, this.#length);
      rest = chunk.subarray(wanted);
    }
    if (this.#body.length + rest.length > this.#length) throw violation("a unary call has one message, not two");
    this.#body.append(rest);
  }

  /** The whole message and its compression; throws a Refusal, and is released, when it is not whole. */
  finish(encoding: string): { body: Body; encoding: string } {
    const compressed = this.#prefix[0] === 1;
    if (this.#prefixLength === 0) throw this.#released(violation("a unary call has one message, not none"));
    if (!this.#body || this.#body.length < this.#length) {
      throw this.#released(violation("the message ends before its length"));
    }
    if (compressed && encoding === "identity") {
      throw this.#released(violation("the message is compressed, but grpc-encoding does not say how"));
    }
    return { body: this.#body, encoding: compressed ? encoding : "identity" };
  }

  release(): void {
    this.#body?.release();
  }

  #released(refusal: Refusal): Refusal {
    this.release();
    return refusal;
  }
}
