// A receiver on free ports with an agent that is none, and clients that say exactly what a test wants them to say.
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import type { Emit, Host, Telemetry } from "vedette";
import { fakeHost } from "vedette/testing";
import otlp from "../../plugins/receivers/otlp/index.ts";
import { eventually } from "../agent.ts";
import { METHODS } from "../sinks.ts";

export interface Taken {
  readonly signal: Telemetry;
  readonly bytes: Buffer;
}

export interface Running {
  readonly http: { host: string; port: number };
  readonly grpc: string;
  /** What the agent was handed, copied, in order. */
  readonly taken: Taken[];
  readonly logged: { level: string; message: string; fields: Record<string, unknown> }[];
  /** Buffers lent to the agent, and times that it gave one back. */
  readonly lent: { out: number; back: number };
  clock: number;
  stop(): Promise<void>;
}

/** `answer` stands in for the agent: what it returns or throws is what `emit` does; it may keep `release` for later. */
export async function startReceiver(
  options: { grpc?: object; http?: object; admission?: object; host?: Partial<Host> } = {},
  answer: (bytes: Uint8Array, release: () => void) => boolean | Promise<boolean> = (_, release) => {
    release();
    return true;
  },
  signals: readonly Telemetry[] = ["metrics", "logs", "traces"],
): Promise<Running> {
  const endpoints: Record<string, string> = {};
  const running = { taken: [], logged: [], lent: { out: 0, back: 0 }, clock: 1_700_000_000_000 } as unknown as Running;
  const log =
    (level: string) =>
    (message: string, fields: object = {}) => {
      running.logged.push({ level, message, fields: { ...fields } });
      const { protocol, endpoint } = fields as { protocol?: string; endpoint?: string };
      if (protocol && endpoint) endpoints[protocol] = endpoint;
    };
  const host: Host = {
    ...fakeHost("otlp"),
    log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
    now: () => running.clock,
    random: () => 0.5,
    ...options.host,
  };
  const emitOf =
    (signal: Telemetry): Emit =>
    (bytes, release) => {
      running.taken.push({ signal, bytes: Buffer.from(bytes) });
      if (release) running.lent.out++;
      return answer(bytes, () => {
        if (release) running.lent.back++;
        release?.();
      });
    };
  const config = otlp.config.parse({
    protocols: {
      grpc: { endpoint: "127.0.0.1:0", ...options.grpc },
      http: { endpoint: "127.0.0.1:0", ...options.http },
    },
    ...(options.admission ? { admission: options.admission } : {}),
  });
  const receiver = otlp.create(config, host, Object.fromEntries(signals.map((signal) => [signal, emitOf(signal)])));
  await receiver.start!();
  const [, address, port] = /^(.*):(\d+)$/.exec(endpoints.http)!;
  return Object.assign(running, {
    http: { host: address, port: Number(port) },
    grpc: endpoints.grpc,
    stop: () => receiver.stop!(),
  });
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Posts `body` as one piece with its length, or the pieces of a list without; "/v1/metrics" in protobuf unless told otherwise. */
export async function post(
  to: Running,
  body: Uint8Array | readonly Uint8Array[],
  options: { path?: string; method?: string; headers?: http.OutgoingHttpHeaders; agent?: http.Agent } = {},
): Promise<HttpAnswer> {
  const request = http.request({
    ...to.http,
    path: options.path ?? "/v1/metrics",
    method: options.method ?? "POST",
    agent: options.agent ?? false,
    headers: { "content-type": "application/x-protobuf", ...options.headers },
  });
  const answered = once(request, "response") as Promise<[http.IncomingMessage]>;
  request.on("error", () => {});
  if (body instanceof Uint8Array) request.end(body);
  else {
    for (const piece of body) request.write(piece);
    request.end();
  }
  const [response] = await answered;
  return { status: response.statusCode!, headers: response.headers, body: await collected(response) };
}

async function collected(stream: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A gRPC message: flag, length, content. */
export function framed(content: Uint8Array, flag = 0, length = content.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, content]);
}

export interface GrpcAnswer {
  readonly headers: http2.IncomingHttpHeaders;
  /** Those of an answer without a body are its headers. */
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One call on `session` with the DATA frames given; a call that the server resets has no headers. */
export async function call(
  session: http2.ClientHttp2Session,
  pieces: readonly Uint8Array[],
  headers: http2.OutgoingHttpHeaders = {},
): Promise<GrpcAnswer> {
  const stream = session.request({
    ":method": "POST",
    ":path": METHODS.metrics,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const answer = { headers: {}, trailers: {}, body: Buffer.alloc(0) } as {
    -readonly [K in keyof GrpcAnswer]: GrpcAnswer[K];
  };
  const chunks: Buffer[] = [];
  stream.on("response", (got) => {
    answer.headers = answer.trailers = got;
  });
  stream.on("trailers", (got) => {
    answer.trailers = got;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  const closed = new Promise((resolve) => stream.once("close", resolve));
  for (const piece of pieces) stream.write(piece);
  stream.end();
  await closed;
  answer.body = Buffer.concat(chunks);
  return answer;
}

/** Runs `use` with a plain HTTP/2 connection to the receiver's gRPC port. */
export async function withSession<T>(
  to: Pick<Running, "grpc">,
  use: (session: http2.ClientHttp2Session) => Promise<T>,
): Promise<T> {
  const session = http2.connect(`http://${to.grpc}`, { maxSessionMemory: 100 });
  session.on("error", () => {});
  try {
    return await use(session);
  } finally {
    session.destroy();
  }
}

/** Sends raw bytes; resolves to all that came back once the other side has closed the connection. */
export async function raw(port: number, text: string | Uint8Array): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const closed = once(socket, "close");
  socket.write(text);
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

export const grpcPort = (of: Running) => Number(of.grpc.split(":")[1]);

/** Resolves once `condition` holds; fails when it does not in time. */
export const until = (condition: () => boolean) => eventually(`${condition}`, condition);

/** `length` bytes that compress about as well as telemetry does. */
export function payload(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = i % 131 < 100 ? i % 97 : state >>> 24;
  }
  return bytes;
}
