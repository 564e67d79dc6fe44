// What a gRPC status means to the sender: try again, wait first, or give up. As the OTLP specification lists them.
import { ExportError, tlsRemedy } from "vedette";
import { Code, decodeStatus } from "vedette/otlp";
import type { CallError } from "./call.ts";
import { CLOSED_AFTER_HANDSHAKE } from "./connection.ts";

const TRY_AGAIN = new Set<number>([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.ABORTED,
  Code.OUT_OF_RANGE,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
]);

const REMEDY: Partial<Record<number, string>> = {
  [Code.UNIMPLEMENTED]: "is it an OTLP/gRPC endpoint that takes this signal?",
  [Code.UNAUTHENTICATED]: "check auth and the headers",
  [Code.PERMISSION_DENIED]: "check auth and the headers",
  [Code.RESOURCE_EXHAUSTED]:
    "if the message is too large, raise the receiver's limit, or let the service send smaller batches",
};

const NAMES = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]));

/** Milliseconds of the RetryInfo in a status' details; undefined without one. */
function retryInfo(details: Uint8Array | undefined): number | undefined {
  if (!details) return undefined;
  try {
    return decodeStatus(details).retryAfter;
  } catch {
    return undefined;
  }
}

/** Foreign text for a message: one line, not endless. */
export const quoted = (text: string): string =>
  text
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, " ")
    .trim()
    .slice(0, 300);

function remedy({ code, message }: CallError, secure: boolean): string | undefined {
  if (code !== Code.UNAVAILABLE) return REMEDY[code];
  if (message.includes("ECONNREFUSED")) return "is a collector listening there?";
  if (message.startsWith("Name resolution failed")) return "is the host name right?";
  const certificate = secure ? tlsRemedy(message) : undefined;
  if (certificate) return certificate;
  if (message.startsWith(CLOSED_AFTER_HANDSHAKE))
    return "if it wants a certificate from its clients, is that of tls.cert_file one that it trusts?";
  if (secure && /ssl|tls|EPROTO|ECONNRESET/i.test(message)) return "if it speaks plaintext, set tls.insecure: true";
  return undefined;
}

/** The failure of one call; `signal` tells our own cancelling from the server's. */
export function failureOf(error: CallError, endpoint: string, secure: boolean, signal: AbortSignal): ExportError {
  if (signal.aborted) {
    const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
    return new ExportError(`no answer from ${endpoint}: ${reason}`, { retryable: true, cause: error });
  }
  const { code } = error;
  const retryAfter = retryInfo(error.details);
  const retryable = TRY_AGAIN.has(code) || (code === Code.RESOURCE_EXHAUSTED && retryAfter !== undefined);
  const words = [quoted(error.message), remedy(error, secure)].filter(Boolean).join("; ");
  return new ExportError(`cannot send to ${endpoint} (${NAMES.get(code) ?? code}): ${words}`, {
    retryable,
    retryAfter: retryable ? retryAfter : undefined,
    cause: error,
  });
}
