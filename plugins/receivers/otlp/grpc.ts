// OTLP over gRPC: unary calls only, on node:http2. A gRPC library costs several times as much for a request.
import {
  constants,
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { type Host, type Listening, listen, type Telemetry } from "vedette";
import { encodeStatus } from "vedette/otlp";
import { authentication } from "./auth.ts";
import { read } from "./body.ts";
import { Crowd } from "./crowd.ts";
import { deadlineOf } from "./deadline.ts";
import type { GrpcOptions } from "./grpc_options.ts";
import { ENCODINGS } from "./inflate.ts";
import type { Intake } from "./intake.ts";
import { keepAlive } from "./keepalive.ts";
import { LINGER, type Listener, MAX_CONNECTIONS, MAX_HEADER_BYTES, STOP_GRACE } from "./listener.ts";
import { EMPTY_MESSAGE, Message } from "./message.ts";
import { type Refusal, tooLate, unknownTarget, unsupported } from "./refusal.ts";
import { Secured } from "./secured.ts";

const SERVICE = "/opentelemetry.proto.collector";
const PATHS = new Map<string | undefined, Telemetry>([
  [`${SERVICE}.trace.v1.TraceService/Export`, "traces"],
  [`${SERVICE}.metrics.v1.MetricsService/Export`, "metrics"],
  [`${SERVICE}.logs.v1.LogsService/Export`, "logs"],
]);

/** Bytes that a sender may have on the way, on one call and on one connection: most requests fit without waiting. */
const STREAM_WINDOW = 1024 ** 2;
const CONNECTION_WINDOW = 4 * 1024 ** 2;

/** From here on a connection without a call gives way to a new one, so that the idle never use up MAX_CONNECTIONS. */
const CROWDED = 0.9 * MAX_CONNECTIONS;

/** In a GOAWAY: the connection will end, and no call is refused yet. */
const ANY_STREAM = 2 ** 31 - 1;
/** Milliseconds that a sender has to hear that; calls that it opens until then are served. */
const LAST_CALLS = 1500;

const GRPC_TYPE = /^application\/grpc(\+proto)?(;|$)/;
const LONGEST_MESSAGE = 1024;

/** As the protocol wants `grpc-message`: printable ASCII, anything else and % as %XX of its UTF-8. */
const percentEncoded = (text: string) =>
  text
    .slice(0, LONGEST_MESSAGE)
    .toWellFormed()
    .replace(/[^ -$&-~]+/g, encodeURIComponent);

function answer(stream: ServerHttp2Stream): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(EMPTY_MESSAGE);
}

/**
 * An answer of headers alone, once the rest of the call has come and is discarded: an earlier answer ends the call for its
 * sender while it still counts as open here, and calls that the sender then has room for would break the connection.
 */
function end(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  const respond = () => {
    if (stream.destroyed || stream.closed || stream.headersSent) return;
    stream.respond(headers, { endStream: true });
    // Behind the answer: a reset in the same tick would overtake and drop it.
    if (!stream.readableEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
  };
  if (stream.readableEnded) {
    respond();
    return;
  }
  const cut = setTimeout(respond, LINGER).unref();
  stream.once("close", () => clearTimeout(cut));
  stream.once("end", respond);
  stream.resume();
}

/** Calls `then` after so many milliseconds; never when they are 0. */
const after = (milliseconds: number, then: () => void) =>
  milliseconds > 0 ? setTimeout(then, milliseconds).unref() : undefined;

function refuse(stream: ServerHttp2Stream, refusal: Refusal): void {
  const headers: OutgoingHttpHeaders = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(refusal.code),
    "grpc-message": percentEncoded(refusal.message),
    "grpc-accept-encoding": ENCODINGS.join(","),
  };
  if (refusal.retryAfter !== undefined) {
    headers["grpc-status-details-bin"] = Buffer.from(encodeStatus(refusal)).toString("base64");
  }
  end(stream, headers);
}

export function grpcListener(options: GrpcOptions, intake: Intake, host: Host): Listener {
  const limit = Math.floor(options.max_recv_msg_size_mib * 1024 ** 2);
  const authenticate = options.auth && authentication(options.auth, host);
  const sessions = new Set<ServerHttp2Session>();
  const crowd = new Crowd(CROWDED);
  let listening: Listening | undefined;

  /** Milliseconds that the body of a call may take to arrive; 0: any. */
  function patience(deadline: number | undefined): number {
    if (deadline === undefined) return options.read_timeout;
    const left = Math.max(1, deadline - performance.now());
    return options.read_timeout > 0 ? Math.min(left, options.read_timeout) : left;
  }

  /** Resolves to false when the sender gave up, or was given up. */
  async function receive(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<boolean> {
    if (authenticate) {
      await authenticate(headers);
      if (stream.destroyed) return false;
    }
    const signal = PATHS.get(headers[":path"]);
    if (!signal) throw unknownTarget(`there is no method ${headers[":path"]}`);
    const emit = intake.output(signal);
    const announced = String(headers["grpc-encoding"] ?? "identity").toLowerCase();
    if (!ENCODINGS.includes(announced)) throw unsupported(`grpc-encoding must be one of ${ENCODINGS.join(", ")}`);
    const deadline = deadlineOf(headers["grpc-timeout"]);
    const message = new Message(intake.bodies, limit);
    const late = after(patience(deadline), () => {
      intake.rejected("grpc", tooLate().status);
      stream.close(constants.NGHTTP2_CANCEL);
    });
    const arrived = await read(stream, message).finally(() => clearTimeout(late));
    if (!arrived) return false;
    const { body, encoding } = message.finish(announced);
    await intake.deliver({ signal, emit, encoding, json: false, limit, deadline }, body);
    return true;
  }

  /** For what is not gRPC at all. */
  function reject(stream: ServerHttp2Stream, status: 405 | 415): void {
    intake.rejected("grpc", status);
    end(stream, { ":status": status, ...(status === 405 ? { allow: "POST" } : {}) });
  }

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    // A reset by the sender comes as an error; `read` learns of it by itself.
    stream.on("error", () => {});
    if (headers[":method"] !== "POST") return reject(stream, 405);
    if (!GRPC_TYPE.test(headers["content-type"] ?? "")) return reject(stream, 415);
    try {
      if (await receive(stream, headers)) answer(stream);
    } catch (error) {
      refuse(stream, intake.refusal(error, "grpc"));
    }
  }

  const secured = options.tls && new Secured(options.tls, "protocols.grpc.tls", options.read_timeout, intake, host);
  const limits = {
    settings: {
      maxConcurrentStreams: options.max_concurrent_streams,
      initialWindowSize: STREAM_WINDOW,
      maxHeaderListSize: MAX_HEADER_BYTES,
    },
    maxSessionInvalidFrames: 100,
  };
  const secure =
    secured && createSecureServer({ ...limits, ...secured.serverOptions, ALPNProtocols: ["h2"], allowHTTP1: false });
  const server = secure ?? createServer(limits);
  secure?.on("unknownProtocol", (socket: Duplex) => socket.destroy());
  server.maxConnections = MAX_CONNECTIONS;
  server.on("session", (session) => {
    sessions.add(session);
    crowd.add(session);
    session.setLocalWindowSize(CONNECTION_WINDOW);
    const late = after(options.read_timeout, () => session.destroy());
    session.once("remoteSettings", () => clearTimeout(late));
    session.once("close", () => {
      clearTimeout(late);
      sessions.delete(session);
    });
    keepAlive(session, options.keepalive, host);
  });
  server.on("stream", (stream, headers) => void serve(stream as ServerHttp2Stream, headers));

  /** Tells senders to open no more calls here; settles once they have left, or have had the time to hear. */
  async function dismiss(): Promise<void> {
    const leaving = [...sessions].filter((session) => !session.destroyed);
    for (const session of leaving) session.goaway(constants.NGHTTP2_NO_ERROR, ANY_STREAM);
    const left = leaving.map((session) => new Promise((resolve) => session.once("close", resolve)));
    const heard = new Promise((resolve) => setTimeout(resolve, LAST_CALLS).unref());
    await Promise.race([Promise.all(left), heard]);
  }

  return {
    protocol: "grpc",
    plaintext: !options.tls,
    anonymous: !options.auth && !options.tls?.client_ca_file,
    async listen() {
      if (secure) await secured.begin(secure);
      const place = { option: "protocols.grpc.endpoint", owner: `${host.id} grpc` };
      listening = await listen(server, options.endpoint, place);
      return listening.endpoint;
    },
    async close() {
      secured?.close();
      await dismiss();
      for (const session of sessions) session.close();
      await listening?.close(STOP_GRACE);
    },
  };
}
