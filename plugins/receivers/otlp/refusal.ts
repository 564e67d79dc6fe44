// Why a request is not taken, in the words of both protocols.
import { Code, DecodeError } from "vedette/otlp";

/** What the sender is told: an HTTP status, a gRPC status code, and where it helps how long to wait before the next try. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: number;
  /** Milliseconds. */
  readonly retryAfter: number | undefined;
  constructor(status: number, code: number, message: string, retryAfter?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

const RETRY_AFTER = 1000;

export const malformed = (message: string) => new Refusal(400, Code.INVALID_ARGUMENT, message);
export const tooLarge = (limit: number) =>
  new Refusal(413, Code.RESOURCE_EXHAUSTED, `the request is larger than ${limit} bytes; send smaller batches`);
export const overloaded = (message: string) => new Refusal(503, Code.UNAVAILABLE, message, RETRY_AFTER);
export const unknownTarget = (message: string) => new Refusal(404, Code.UNIMPLEMENTED, message);
export const unsupported = (message: string) => new Refusal(415, Code.UNIMPLEMENTED, message);

/** Turns whatever was thrown into what the sender is told; `report` hears of what nobody expected. */
export function refusalOf(error: unknown, report: (error: unknown) => void): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof DecodeError) return malformed(error.message);
  report(error);
  return new Refusal(500, Code.INTERNAL, "the agent failed on this request; its log says why");
}
