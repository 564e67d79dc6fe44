// OTLP over gRPC for load generator and sink, on node:http2: unary calls, one connection.
import { type ClientHttp2Session, connect, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { Telemetry } from "../../src/api/index.ts";

const SERVICES: Readonly<Record<Telemetry, string>> = {
  metrics: "metrics.v1.MetricsService",
  traces: "trace.v1.TraceService",
  logs: "logs.v1.LogsService",
};
/** A message without bytes. */
const EMPTY = Buffer.alloc(5);
const WINDOW = 16 * 1024 ** 2;

/** Calls `came` for each call once it is whole, and answers it with status 0. */
export function grpcSink(came: () => void): Http2Server {
  const server = createServer({ settings: { initialWindowSize: WINDOW, maxConcurrentStreams: 1000 } });
  server.on("session", (session) => session.setLocalWindowSize(WINDOW));
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => {});
    stream.resume();
    stream.on("end", () => {
      came();
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(EMPTY);
    });
  });
  return server;
}

export class GrpcSender {
  readonly #session: ClientHttp2Session;
  readonly #headers: Record<string, string>;

  constructor(port: number, signal: Telemetry, encoding: string) {
    this.#session = connect(`http://127.0.0.1:${port}`);
    this.#session.on("error", () => {});
    this.#headers = {
      ":method": "POST",
      ":path": `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`,
      "content-type": "application/grpc",
      te: "trailers",
      ...(encoding === "identity" ? {} : { "grpc-encoding": encoding }),
    };
  }

  send(body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(this.#headers);
      let status: unknown;
      const hear = (headers: object) => {
        status = (headers as Record<string, unknown>)["grpc-status"] ?? status;
      };
      stream.on("response", hear);
      stream.on("trailers", hear);
      stream.on("error", reject);
      stream.on("close", () => (status === "0" ? resolve() : reject(new Error(`grpc-status ${status}`))));
      stream.resume();
      const prefix = Buffer.alloc(5);
      prefix[0] = this.#headers["grpc-encoding"] === undefined ? 0 : 1;
      prefix.writeUInt32BE(body.length, 1);
      stream.write(prefix);
      stream.end(body);
    });
  }

  close(): void {
    this.#session.destroy();
  }
}
