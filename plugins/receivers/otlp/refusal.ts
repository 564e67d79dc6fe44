// Why a request is not taken, in the words of both protocols.
import { Code, DecodeError } from "vedette/otlp";

/** What the sender is told: an HTTP status, a gRPC status code, and where it helps how long to wait before the next try. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: number;
  /** Milliseconds. */
  readonly retryAfter: number | undefined;
  /** What proof of identity is asked for, as `WWW-Authenticate` says it. */
  readonly challenge: string | undefined;
  constructor(status: number, code: number, message: string, retryAfter?: number, challenge?: string, fault?: unknown) {
    super(message, fault === undefined ? undefined : { cause: fault });
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.challenge = challenge;
  }
}

const RETRY_AFTER = 1000;

export const malformed = (message: string) => new Refusal(400, Code.INVALID_ARGUMENT, message);
export const tooLarge = (limit: number) =>
  new Refusal(413, Code.RESOURCE_EXHAUSTED, `the request is larger than ${limit} bytes; send smaller batches`);
export const overloaded = (message: string) => new Refusal(503, Code.UNAVAILABLE, message, RETRY_AFTER);
export const unknownTarget = (message: string) => new Refusal(404, Code.UNIMPLEMENTED, message);
export const unauthenticated = (message: string, challenge: string) =>
  new Refusal(401, Code.UNAUTHENTICATED, message, undefined, challenge);
/** `fault` is for the log: the sender is not told. */
export const unanswered = (fault: unknown) =>
  new Refusal(
    503,
    Code.UNAVAILABLE,
    "it cannot be told now who may send; the agent's log says why",
    RETRY_AFTER,
    undefined,
    fault,
  );
export const tooLate = () =>
  new Refusal(504, Code.DEADLINE_EXCEEDED, "the call's own deadline passed while it waited for room");
export const unsupported = (message: string) => new Refusal(415, Code.UNIMPLEMENTED, message);

/** Turns whatever was thrown into what the sender is told; `report` hears of what nobody expected. */
export function refusalOf(error: unknown, report: (error: unknown) => void): Refusal {
  if (error instanceof Refusal) {
    if (error.cause !== undefined) report(error.cause);
    return error;
  }
  if (error instanceof DecodeError) return malformed(error.message);
  report(error);
  return new Refusal(500, Code.INTERNAL, "the agent failed on this request; its log says why");
}

/** Why requests are turned away, as the agent's own telemetry counts them. */
export type Reason = "auth" | "malformed" | "too_large" | "timeout" | "overloaded" | "unsupported" | "failed";

const REASONS: Readonly<Record<number, Reason>> = {
  400: "malformed",
  401: "auth",
  404: "unsupported",
  405: "unsupported",
  408: "timeout",
  413: "too_large",
  415: "unsupported",
  431: "too_large",
  503: "overloaded",
  504: "timeout",
};

/** The reason behind the HTTP status of a refusal. */
export const reasonOf = (status: number): Reason => REASONS[status] ?? "failed";
