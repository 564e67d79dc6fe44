// OTLP over gRPC: unary calls only, on node:http2. A gRPC library costs several times as much for a request.
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { endpoint, type Host, type Listening, listen, type Telemetry, z } from "vedette";
import { encodeStatus } from "vedette/otlp";
import { read } from "./body.ts";
import { ENCODINGS } from "./inflate.ts";
import type { Intake } from "./intake.ts";
import { keepAlive, keepAliveOptions } from "./keepalive.ts";
import { delay, LINGER, type Listener, MAX_CONNECTIONS, MAX_HEADER_BYTES, STOP_GRACE } from "./listener.ts";
import { EMPTY_MESSAGE, Message } from "./message.ts";
import { type Refusal, unknownTarget, unsupported } from "./refusal.ts";

export const grpcOptions = z.object({
  endpoint: endpoint().default("127.0.0.1:4317").describe("Address and port to listen on; port 0 takes a free one."),
  max_recv_msg_size_mib: z
    .number()
    .positive()
    .max(1024)
    .default(4)
    .describe("Largest message in MiB, both as sent and inflated."),
  max_concurrent_streams: z.int().positive().max(10_000).default(100).describe("Calls at once on one connection."),
  read_timeout: delay().prefault("1m").describe("Longest time for a whole request; 0: no limit."),
  keepalive: keepAliveOptions.prefault({}).describe("When connections are looked after, and when they are closed."),
});

const SERVICE = "/opentelemetry.proto.collector";
const PATHS = new Map<string | undefined, Telemetry>([
  [`${SERVICE}.trace.v1.TraceService/Export`, "traces"],
  [`${SERVICE}.metrics.v1.MetricsService/Export`, "metrics"],
  [`${SERVICE}.logs.v1.LogsService/Export`, "logs"],
]);

/** Bytes that a sender may have on the way, on one call and on one connection: most requests fit without waiting. */
const STREAM_WINDOW = 1024 ** 2;
const CONNECTION_WINDOW = 4 * 1024 ** 2;

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

export function grpcListener(options: z.output<typeof grpcOptions>, intake: Intake, host: Host): Listener {
  const limit = Math.floor(options.max_recv_msg_size_mib * 1024 ** 2);
  const sessions = new Set<ServerHttp2Session>();
  let listening: Listening | undefined;

  const deadline = (cut: () => void) =>
    options.read_timeout > 0 ? setTimeout(cut, options.read_timeout).unref() : undefined;

  /** Resolves to false when the sender gave up. */
  async function receive(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<boolean> {
    const signal = PATHS.get(headers[":path"]);
    if (!signal) throw unknownTarget(`there is no method ${headers[":path"]}`);
    const emit = intake.output(signal);
    const announced = String(headers["grpc-encoding"] ?? "identity").toLowerCase();
    if (!ENCODINGS.includes(announced)) throw unsupported(`grpc-encoding must be one of ${ENCODINGS.join(", ")}`);
    const message = new Message(intake.bodies, limit);
    const late = deadline(() => stream.close(constants.NGHTTP2_CANCEL));
    const arrived = await read(stream, message).finally(() => clearTimeout(late));
    if (!arrived) return false;
    const { body, encoding } = message.finish(announced);
    await intake.deliver({ signal, emit, encoding, json: false, limit }, body);
    return true;
  }

  async function serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    // A reset by the sender comes as an error; `read` learns of it by itself.
    stream.on("error", () => {});
    if (headers[":method"] !== "POST") return end(stream, { ":status": 405, allow: "POST" });
    if (!GRPC_TYPE.test(headers["content-type"] ?? "")) return end(stream, { ":status": 415 });
    try {
      if (await receive(stream, headers)) answer(stream);
    } catch (error) {
      refuse(stream, intake.refusal(error));
    }
  }

  const server = createServer({
    settings: {
      maxConcurrentStreams: options.max_concurrent_streams,
      initialWindowSize: STREAM_WINDOW,
      maxHeaderListSize: MAX_HEADER_BYTES,
    },
    maxSessionInvalidFrames: 100,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("session", (session) => {
    sessions.add(session);
    session.setLocalWindowSize(CONNECTION_WINDOW);
    const late = deadline(() => session.destroy());
    session.once("remoteSettings", () => clearTimeout(late));
    session.once("close", () => {
      clearTimeout(late);
      sessions.delete(session);
    });
    keepAlive(session, options.keepalive, () => host.random());
  });
  server.on("stream", (stream, headers) => void serve(stream as ServerHttp2Stream, headers));

  return {
    protocol: "grpc",
    async listen() {
      const place = { option: "protocols.grpc.endpoint", owner: `${host.id} grpc` };
      listening = await listen(server, options.endpoint, place);
      return listening.endpoint;
    },
    async close() {
      for (const session of sessions) session.close();
      await listening?.close(STOP_GRACE);
    },
  };
}
