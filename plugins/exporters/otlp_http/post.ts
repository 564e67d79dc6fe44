// One HTTP exchange: a body goes out whole, a status comes back with as much of its body as is worth reading.
import * as http from "node:http";
import * as https from "node:https";
import { urlToHttpOptions } from "node:url";
import { ExportError } from "vedette";

/** Enough for any google.rpc.Status or partial success; a longer body is cut off, and its connection closed. */
export const MOST_OF_AN_ANSWER = 64 * 1024;

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Empty when it was longer than MOST_OF_AN_ANSWER, broke off, or is compressed, which we did not ask for. */
  readonly body: Buffer;
}

/** A place to post to, with all that stays the same from request to request. */
export interface Target {
  /** The URL without credentials and query, for messages. */
  readonly name: string;
  readonly options: http.RequestOptions;
  readonly request: typeof http.request;
}

/** `agents` are shared by the targets of one exporter and destroyed by it. */
export function targetOf(
  url: URL,
  headers: http.OutgoingHttpHeaders,
  agents: { http: http.Agent; https: https.Agent },
) {
  const secure = url.protocol === "https:";
  return {
    name: `${url.origin}${url.pathname}`,
    options: { ...urlToHttpOptions(url), method: "POST", headers, agent: secure ? agents.https : agents.http },
    request: secure ? https.request : http.request,
  } satisfies Target;
}

const REMEDY: Record<string, string> = {
  ECONNREFUSED: "is a collector listening there?",
  ENOTFOUND: "is the host name right?",
  EAI_AGAIN: "the host name could not be looked up; does DNS work?",
  EPROTO: "does the port speak TLS? If not, write http://",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by nobody this system trusts",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by nobody this system trusts",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by nobody this system trusts",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
  CERT_HAS_EXPIRED: "its certificate has expired",
};

function unreachable(target: Target, error: NodeJS.ErrnoException, signal: AbortSignal): ExportError {
  if (signal.aborted) {
    const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
    return new ExportError(`no answer from ${target.name}: ${reason}`, { retryable: true, cause: error });
  }
  const code = error.code ?? "";
  const remedy = code.startsWith("HPE_")
    ? "what answers there is not HTTP/1.1; a gRPC port wants the otlp_grpc exporter"
    : (REMEDY[code] ?? "the connection broke before an answer came");
  const cause = code || error.message;
  return new ExportError(`cannot send to ${target.name} (${cause}): ${remedy}`, { retryable: true, cause: error });
}

/**
 * Resolves with whatever status came back; rejects with a retryable ExportError when none did.
 * Once settled, `body` is no longer read: an answer that overtakes its request ends the connection.
 */
export function post(target: Target, body: Uint8Array, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const headers = { ...target.options.headers, "content-length": body.byteLength };
    const request = target.request({ ...target.options, headers, signal }, (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MOST_OF_AN_ANSWER) response.destroy();
      });
      response.on("error", () => {});
      response.on("close", () => {
        if (!request.writableFinished) request.destroy();
        const readable = response.complete && !response.headers["content-encoding"];
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: readable ? Buffer.concat(chunks) : Buffer.alloc(0),
        });
      });
    });
    request.on("error", (error) => {
      if (!answered) reject(unreachable(target, error, signal));
    });
    // An answer that changes the protocol is neither a response nor an error.
    request.on("close", () => {
      if (!answered) reject(unreachable(target, new Error("no answer"), signal));
    });
    request.end(body);
  });
}
