// One unary call on an HTTP/2 connection, as https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md has it.
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import { Code } from "vedette/otlp";

/** A call that ended with another status than OK, or without any. */
export class CallError extends Error {
  /** One of `Code`; a server may use others. */
  readonly code: number;
  /** A google.rpc.Status, where the server sent one. */
  readonly details: Uint8Array | undefined;
  /** Whether the server is certain not to have looked at it: it may be called again at once. */
  readonly untouched: boolean;

  constructor(
    code: number,
    message: string,
    { details, untouched = false, cause }: { details?: Uint8Array; untouched?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.name = "CallError";
    this.code = code;
    this.details = details;
    this.untouched = untouched;
  }
}

/** Bytes of an answer that are taken; those to an export are a few dozen. */
const MOST_OF_AN_ANSWER = 4 * 1024 ** 2;

const OF_HTTP: Readonly<Record<number, number>> = {
  400: Code.INTERNAL,
  401: Code.UNAUTHENTICATED,
  403: Code.PERMISSION_DENIED,
  404: Code.UNIMPLEMENTED,
  429: Code.UNAVAILABLE,
  502: Code.UNAVAILABLE,
  503: Code.UNAVAILABLE,
  504: Code.UNAVAILABLE,
};

const OF_RESET: Readonly<Record<number, number>> = {
  [constants.NGHTTP2_REFUSED_STREAM]: Code.UNAVAILABLE,
  [constants.NGHTTP2_CANCEL]: Code.CANCELLED,
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: Code.RESOURCE_EXHAUSTED,
  [constants.NGHTTP2_INADEQUATE_SECURITY]: Code.PERMISSION_DENIED,
};

/** The bytes of a message before it: whether it is compressed, and its length. */
function prefixOf(message: Uint8Array, compressed: boolean): Buffer {
  const prefix = Buffer.allocUnsafe(5);
  prefix[0] = compressed ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return prefix;
}

/** `message` goes out as it is: not to be changed until then. Resolves to the message of the answer. */
export function call(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  message: Uint8Array,
  compressed: boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let stream: ClientHttp2Stream;
    try {
      signal.throwIfAborted();
      stream = session.request(headers);
    } catch (error) {
      const code = signal.aborted ? Code.CANCELLED : Code.UNAVAILABLE;
      reject(new CallError(code, (error as Error).message, { untouched: !signal.aborted, cause: error }));
      return;
    }
    const answer = new Answer();
    const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
    stream.on("response", (headers) => answer.hear(headers));
    stream.on("trailers", (headers) => answer.hear(headers));
    stream.on("data", (chunk: Buffer) => {
      if (!answer.take(chunk)) cancel();
    });
    stream.on("error", (error) => {
      answer.failure = error;
    });
    stream.on("close", () => {
      signal.removeEventListener("abort", cancel);
      const error = answer.error(stream.rstCode ?? 0, session.destroyed);
      if (error) reject(error);
      else resolve(answer.message());
    });
    signal.addEventListener("abort", cancel);
    stream.cork();
    stream.write(prefixOf(message, compressed));
    stream.end(message);
    stream.uncork();
  });
}

/** What comes back, in headers and trailers. */
class Answer {
  /** Why the stream broke off, where it did. */
  failure: Error | undefined;
  #http: number | undefined;
  #status: number | undefined;
  #message = "";
  #details: Uint8Array | undefined;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  hear(headers: Readonly<Record<string, unknown>>): void {
    this.#http ??= Number(headers[":status"]);
    const status = headers["grpc-status"];
    if (status === undefined) return;
    this.#status = /^\d{1,3}$/.test(String(status)) ? Number(status) : Code.UNKNOWN;
    this.#message = decoded(String(headers["grpc-message"] ?? ""));
    const details = headers["grpc-status-details-bin"];
    if (details !== undefined) this.#details = Buffer.from(String(details), "base64");
  }

  /** False once there is more than anyone wants to read. */
  take(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#size <= MOST_OF_AN_ANSWER) this.#chunks.push(chunk);
    return this.#size <= MOST_OF_AN_ANSWER;
  }

  /** No message of protobuf where it cannot be read: cut off, or compressed, which nobody asked for. */
  message(): Uint8Array {
    const bytes = Buffer.concat(this.#chunks);
    if (bytes.length === 0) return bytes;
    return bytes[0] === 0 && bytes.length >= 5 && bytes.readUInt32BE(1) === bytes.length - 5
      ? bytes.subarray(5)
      : UNREADABLE;
  }

  /** Undefined when all went well; `reset` is HTTP/2's code for how the stream ended, `lost` says that its connection did. */
  error(reset: number, lost: boolean): CallError | undefined {
    if (this.#status === Code.OK) return undefined;
    if (this.#status !== undefined) return new CallError(this.#status, this.#message, { details: this.#details });
    if (this.#size > MOST_OF_AN_ANSWER) {
      return new CallError(Code.RESOURCE_EXHAUSTED, `the answer has more than ${MOST_OF_AN_ANSWER} bytes`);
    }
    if (this.#http !== undefined && this.#http !== 200) {
      return new CallError(OF_HTTP[this.#http] ?? Code.UNKNOWN, `HTTP status ${this.#http}, which is not gRPC`);
    }
    const cause = this.failure;
    const ended = { untouched: reset === constants.NGHTTP2_REFUSED_STREAM, cause };
    if (lost) return new CallError(Code.UNAVAILABLE, cause?.message ?? "the connection was closed", ended);
    return new CallError(OF_RESET[reset] ?? Code.UNKNOWN, cause?.message ?? "the call ended without a status", ended);
  }
}

/** What no message of an answer begins with. */
const UNREADABLE = Uint8Array.of(0xff);

/** Of `grpc-message`, which is percent-encoded; as it is where it is not. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
