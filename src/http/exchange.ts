// One HTTP exchange: a body goes out whole, a status comes back with as much of its body as is worth reading.
import * as http from "node:http";
import * as https from "node:https";
import { urlToHttpOptions } from "node:url";
import { ExportError, tlsRemedy } from "../api/index.ts";

/** Enough for any google.rpc.Status or partial success; a longer body is cut off, and its connection closed. */
export const MOST_OF_AN_ANSWER = 64 * 1024;

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Empty when it was longer than MOST_OF_AN_ANSWER, broke off, or is compressed, which we did not ask for. */
  readonly body: Buffer;
}

/** A place to send to, with all that stays the same from request to request. */
export interface Target {
  /** The URL for messages. */
  readonly name: string;
  readonly secure: boolean;
  readonly options: http.RequestOptions;
}

export function targetOf(url: URL, name: string): Target {
  return {
    name,
    secure: url.protocol === "https:",
    options: urlToHttpOptions(url),
  };
}

export interface Request {
  readonly method: string;
  readonly headers: http.OutgoingHttpHeaders;
  readonly body: Uint8Array;
  readonly agent: http.Agent;
  /** Bytes of an answer that are worth reading, where that is not MOST_OF_AN_ANSWER. */
  readonly mostOfAnswer?: number | undefined;
}

const REMEDY: Record<string, string> = {
  ECONNREFUSED: "is a collector listening there?",
  ENOTFOUND: "is the host name right?",
  EAI_AGAIN: "the host name could not be looked up; does DNS work?",
  ERR_PROXY_TUNNEL: "the proxy of proxy_url does not let it through; check its address, user and password",
  EPROTO: "does the port speak TLS? If not, write http://",
};

/** Some servers say no more to a client whose certificate they refuse. */
const MUTUAL = "if it wants a certificate from its clients, is that of tls.cert_file one that it trusts?";

function unreachable(target: Target, error: NodeJS.ErrnoException, signal: AbortSignal): ExportError {
  if (signal.aborted) {
    const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
    return new ExportError(`no answer from ${target.name}: ${reason}`, { retryable: true, cause: error });
  }
  const code = error.code ?? "";
  const broken = `the connection broke before an answer came${target.secure ? `; ${MUTUAL}` : ""}`;
  const remedy = code.startsWith("HPE_")
    ? "what answers there is not HTTP/1.1; a gRPC port wants the otlp_grpc exporter"
    : (tlsRemedy(`${code} ${error.message}`) ?? REMEDY[code] ?? broken);
  const cause = code || error.message;
  return new ExportError(`cannot send to ${target.name} (${cause}): ${remedy}`, { retryable: true, cause: error });
}

/**
 * Resolves with whatever status came back; rejects with a retryable ExportError when none did.
 * Once settled, `body` is no longer read: an answer that overtakes its request ends the connection.
 */
export function exchange(
  target: Target,
  { method, headers, body, agent, mostOfAnswer = MOST_OF_AN_ANSWER }: Request,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const options = {
      ...target.options,
      method,
      headers: { ...headers, "content-length": body.byteLength },
      agent,
      signal,
    };
    const request = (target.secure ? https : http).request(options, (response) => {
      answered = true;
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > mostOfAnswer) response.destroy();
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
