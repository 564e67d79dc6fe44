// What a gRPC status means to the sender: try again, wait first, or give up. As the OTLP specification lists them.
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ExportError, tlsRemedy } from "vedette";
import { decodeStatus } from "vedette/otlp";

const TRY_AGAIN = new Set<number>([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

const REMEDY: Partial<Record<number, string>> = {
  [status.UNIMPLEMENTED]: "is it an OTLP/gRPC endpoint that takes this signal?",
  [status.UNAUTHENTICATED]: "check auth and the headers",
  [status.PERMISSION_DENIED]: "check auth and the headers",
  [status.RESOURCE_EXHAUSTED]:
    "if the message is too large, raise the receiver's limit, or let the service send smaller batches",
};

/** Milliseconds of the RetryInfo in a status' details; undefined without one. */
function retryInfo(metadata: Metadata): number | undefined {
  const details = metadata.get("grpc-status-details-bin")[0];
  if (!(details instanceof Uint8Array)) return undefined;
  try {
    return decodeStatus(details).retryAfter;
  } catch {
    return undefined;
  }
}

/** What the gRPC library says around the error of the connection itself, balancer by balancer. */
const NESTED =
  /^(?:\w+: )?No connection established\. (?:.*Last error: )?(?:Error: )?(.*?)(?:\. Resolution note:\s*)?$/s;

/** Foreign text for a message: one line, not endless. */
export const quoted = (text: string): string =>
  text
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, " ")
    .trim()
    .slice(0, 300);

function remedy(error: ServiceError, secure: boolean): string | undefined {
  if (error.code !== status.UNAVAILABLE) return REMEDY[error.code];
  if (error.details.includes("ECONNREFUSED")) return "is a collector listening there?";
  if (error.details.startsWith("Name resolution failed")) return "is the host name right?";
  const certificate = secure ? tlsRemedy(error.details) : undefined;
  if (certificate) return certificate;
  if (secure && /ssl|tls|EPROTO|ECONNRESET/i.test(error.details))
    return "if it speaks plaintext, set tls.insecure: true";
  if (secure && error.details.includes("Failed to connect"))
    return "if it wants a certificate from its clients, is that of tls.cert_file one that it trusts?";
  return undefined;
}

/** The failure of one call; `signal` tells our own cancelling from the server's. */
export function failureOf(error: ServiceError, endpoint: string, secure: boolean, signal: AbortSignal): ExportError {
  if (signal.aborted) {
    const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
    return new ExportError(`no answer from ${endpoint}: ${reason}`, { retryable: true, cause: error });
  }
  const retryAfter = error.metadata ? retryInfo(error.metadata) : undefined;
  const retryable = TRY_AGAIN.has(error.code) || (error.code === status.RESOURCE_EXHAUSTED && retryAfter !== undefined);
  const words = [quoted((error.details ?? "").replace(NESTED, "$1")), remedy(error, secure)].filter(Boolean).join("; ");
  return new ExportError(`cannot send to ${endpoint} (${status[error.code] ?? error.code}): ${words}`, {
    retryable,
    retryAfter: retryable ? retryAfter : undefined,
    cause: error,
  });
}
