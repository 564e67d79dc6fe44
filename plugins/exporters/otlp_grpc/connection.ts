// One connection to one address of a gRPC server: opened until it can be used, pinged while it is silent, closed once its calls have ended.
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import * as net from "node:net";
import * as tls from "node:tls";
import { Code } from "vedette/otlp";
import { CallError, call } from "./call.ts";
import type { Options } from "./options.ts";
import type { Address, Target } from "./target.ts";

/** Milliseconds that opening one may take. */
const PATIENCE = 20_000;

/** Said of a connection that ends after the handshake: what TLS 1.3 looks like to a client whose certificate is not wanted. */
export const CLOSED_AFTER_HANDSHAKE = "the connection was closed after the TLS handshake";

export interface Security {
  readonly context: tls.SecureContext;
  readonly options: Options["tls"];
}

export class Connection {
  readonly #session: ClientHttp2Session;
  readonly #socket: net.Socket;
  #calls = 0;
  #pings: NodeJS.Timeout | undefined;

  private constructor(session: ClientHttp2Session, socket: net.Socket, keepalive: Options["keepalive"]) {
    this.#session = session;
    this.#socket = socket;
    session.on("close", () => clearInterval(this.#pings));
    if (keepalive) this.#keepAlive(keepalive);
  }

  /** Resolves once the server has spoken; rejects with a CallError, UNAVAILABLE, when it does not within 20 s, or when it is not wanted any more. */
  static async open(
    target: Target,
    address: Address,
    security: Security | undefined,
    { keepalive }: Pick<Options, "keepalive">,
  ): Promise<Connection> {
    const socket = security ? tls.connect(secured(target, address, security)) : net.connect({ ...address });
    socket.setNoDelay(true);
    let handshake = false;
    if (security) {
      socket.once("secureConnect", () => {
        handshake = true;
      });
    }
    const session = connect(security ? "https://localhost" : "http://localhost", {
      createConnection: () => socket,
      settings: { enablePush: false },
      // what is under way is bounded by the queue
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    });
    // an alert of TLS after the handshake ends neither the session nor the socket by itself
    const end = (error?: Error) => {
      session.destroy(error);
      socket.destroy();
    };
    socket.once("error", end);
    return new Promise((resolve, reject) => {
      const late = setTimeout(end, PATIENCE, new Error(`no answer within ${PATIENCE / 1000} s`));
      let failure: Error | undefined;
      // whatever comes later: calls under way hear of it themselves
      session.on("error", (error) => {
        failure ??= error;
      });
      session.once("close", () => {
        clearTimeout(late);
        const why = failure?.message ?? "the connection was closed";
        const message = handshake ? `${CLOSED_AFTER_HANDSHAKE}: ${why}` : why;
        reject(new CallError(Code.UNAVAILABLE, message, { cause: failure, untouched: true }));
      });
      session.once("remoteSettings", () => {
        clearTimeout(late);
        resolve(new Connection(session, socket, keepalive));
      });
    });
  }

  /** Whether calls may be made on it. */
  get usable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  onClose(then: () => void): void {
    this.#session.once("close", then);
  }

  /** As `call`. */
  async call(
    headers: OutgoingHttpHeaders,
    message: Uint8Array,
    compressed: boolean,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const heard = this.#socket.bytesRead;
    this.#calls++;
    try {
      return await call(this.#session, headers, message, compressed, signal);
    } catch (error) {
      // without a byte in all that time the other side may be gone without a word: the next call is not to wait for it as well
      if (signal.aborted && this.#socket.bytesRead === heard) this.close();
      throw error;
    } finally {
      this.#calls--;
    }
  }

  /** Once its calls have ended. */
  close(): void {
    this.#session.close();
  }

  #keepAlive({ time, timeout, permit_without_stream }: NonNullable<Options["keepalive"]>): void {
    let heard = this.#socket.bytesRead;
    const look = () => {
      const silent = this.#socket.bytesRead === heard;
      heard = this.#socket.bytesRead;
      if (!silent || !this.usable || (this.#calls === 0 && !permit_without_stream)) return;
      const gone = new Error(`a ping had no answer within ${timeout} ms`);
      const late = setTimeout(() => this.#session.destroy(gone), timeout).unref();
      this.#session.ping(() => clearTimeout(late));
    };
    this.#pings = setInterval(look, time).unref();
  }
}

function secured({ host }: Target, address: Address, { context, options }: Security): tls.ConnectionOptions {
  const name = options.server_name_override || host || "localhost";
  return {
    ...address,
    secureContext: context,
    ALPNProtocols: ["h2"],
    rejectUnauthorized: !options.insecure_skip_verify,
    // an address is no server's name, but a certificate may bear it
    ...(net.isIP(name) ? {} : { servername: name }),
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
  };
}
