// Backends that remember: OTLP over HTTP and gRPC, read by the independent decoder, on ports of their own.
import { once } from "node:events";
import http, { type IncomingHttpHeaders } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import zlib from "node:zlib";
import grpc from "@grpc/grpc-js";
import type { Telemetry } from "vedette";
import type { Scope } from "./agent.ts";
import { type Json, oracle, oracleEncode } from "./unit/otlp/otlp_json.ts";

export interface Received {
  readonly signal: Telemetry;
  /** The request in protobuf, inflated; what came as JSON is encoded by the oracle. */
  readonly bytes: Buffer;
  /** As `decoded` has it. */
  readonly json: Json;
}

/** With its headers, names in lower case; of gRPC its metadata. */
type Request = Received & { readonly headers: IncomingHttpHeaders };

/** For a sink over TLS: what it shows, and with `ca` whose clients it takes. */
export interface Shown {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

export interface Sink {
  /** "127.0.0.1:40123", the same after it was closed and opened again. */
  readonly endpoint: string;
  /** What it took, in order; requests that it refuses are not among it. */
  readonly received: Request[];
  /** Requests that have come, whether taken or not. */
  arrived: number;
  /** 503 or UNAVAILABLE to all, or no answer at all. */
  mood: "takes" | "refuses" | "hangs";
  /** Milliseconds before each answer. */
  delay: number;
  of(signal: Telemetry): Json[];
  /** Connections are refused from now on. */
  close(): Promise<void>;
  /** With another certificate, if one is given. */
  open(tls?: Shown): Promise<void>;
}

export const SIGNALS: readonly Telemetry[] = ["metrics", "logs", "traces"];

export const METHODS: Readonly<Record<Telemetry, string>> = {
  metrics: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
  logs: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
  traces: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

const IDS = new Set(["traceId", "spanId", "parentSpanId"]);

/** The request in OTLP/JSON with every default written out: two requests that mean the same are deeply equal. */
export function decoded(signal: Telemetry, bytes: Uint8Array): Json {
  const codec = oracle[signal];
  const whole = { longs: String, enums: Number, bytes: String, json: true, defaults: true };
  const object = codec.toObject(codec.decode(bytes), whole);
  return JSON.parse(JSON.stringify(object), (key, value) =>
    IDS.has(key) ? Buffer.from(value, "base64").toString("hex") : value,
  );
}

/** What all sinks have; the two protocols know how to listen. */
function sink(): Omit<Sink, "endpoint" | "close" | "open"> & {
  take(signal: Telemetry, bytes: Uint8Array, headers: IncomingHttpHeaders): boolean;
} {
  return {
    received: [],
    arrived: 0,
    mood: "takes",
    delay: 0,
    of(signal) {
      return this.received.filter((one) => one.signal === signal).map((one) => one.json);
    },
    take(signal, bytes, headers) {
      if (this.mood === "takes")
        this.received.push({ signal, bytes: Buffer.from(bytes), json: decoded(signal, bytes), headers });
      return this.mood === "takes";
    },
  };
}

const INFLATE: Record<string, (bytes: Buffer) => Buffer> = {
  identity: (bytes) => bytes,
  gzip: zlib.gunzipSync,
  zstd: zlib.zstdDecompressSync,
  zlib: zlib.inflateSync,
  deflate: zlib.inflateSync,
};

export async function httpSink(scope: Scope, tls?: Shown): Promise<Sink> {
  const self = Object.assign(sink(), { endpoint: "", open, close });
  let server: http.Server;

  async function serve(request: http.IncomingMessage, response: http.ServerResponse) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = INFLATE[request.headers["content-encoding"] ?? "identity"](Buffer.concat(chunks));
    const signal = SIGNALS.find((one) => request.url === `/v1/${one}`)!;
    const type = request.headers["content-type"]!;
    const bytes = type === "application/json" ? oracleEncode(signal, JSON.parse(body.toString())) : body;
    self.arrived++;
    if (self.mood === "hangs") return;
    if (self.delay > 0) await new Promise((resolve) => setTimeout(resolve, self.delay));
    const status = self.take(signal, bytes, request.headers) ? 200 : 503;
    response.writeHead(status, { "content-type": type }).end(type === "application/json" ? "{}" : undefined);
  }

  async function open(shown = tls) {
    const listener: http.RequestListener = (request, response) => {
      serve(request, response).catch(() => response.destroy());
    };
    server = shown
      ? https.createServer({ ...shown, requestCert: shown.ca !== undefined, rejectUnauthorized: true }, listener)
      : http.createServer(listener);
    server.listen(Number(self.endpoint.split(":")[1] ?? 0), "127.0.0.1");
    await once(server, "listening");
    self.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function close() {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }

  await open();
  scope.after(close);
  return self;
}

type Call = grpc.ServerUnaryCall<Buffer, Buffer>;

const identity = (bytes: Buffer) => bytes;

export async function grpcSink(scope: Scope, tls?: Shown): Promise<Sink> {
  const self = Object.assign(sink(), { endpoint: "", open, close });
  let server: grpc.Server | undefined;

  async function answer(signal: Telemetry, { request, metadata }: Call, callback: grpc.sendUnaryData<Buffer>) {
    self.arrived++;
    if (self.mood === "hangs") return;
    if (self.delay > 0) await new Promise((resolve) => setTimeout(resolve, self.delay));
    if (self.take(signal, request, metadata.getMap() as IncomingHttpHeaders)) callback(null, Buffer.alloc(0));
    else callback({ code: grpc.status.UNAVAILABLE, details: "the sink refuses" });
  }

  async function open(shown = tls) {
    server = new grpc.Server({ "grpc.max_receive_message_length": -1 });
    for (const signal of SIGNALS) {
      const path = METHODS[signal];
      const method = { path, requestStream: false, responseStream: false, requestSerialize: identity };
      const codec = { requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity };
      server.addService(
        { Export: { ...method, ...codec } },
        { Export: (call: Call, callback: grpc.sendUnaryData<Buffer>) => void answer(signal, call, callback) },
      );
    }
    const address = `127.0.0.1:${self.endpoint.split(":")[1] ?? 0}`;
    const credentials = shown
      ? grpc.ServerCredentials.createSsl(
          shown.ca ?? null,
          [{ cert_chain: shown.cert, private_key: shown.key }],
          !!shown.ca,
        )
      : grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) =>
      server!.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port))),
    );
    self.endpoint = `127.0.0.1:${port}`;
  }

  async function close() {
    server?.forceShutdown();
    server = undefined;
  }

  await open();
  scope.after(close);
  return self;
}

/** One unary call by the reference implementation; rejects with its ServiceError. */
export async function grpcSend(endpoint: string, signal: Telemetry, bytes: Uint8Array): Promise<Buffer> {
  const client = new grpc.Client(endpoint, grpc.credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(METHODS[signal], identity, identity, Buffer.from(bytes), (error, answer) =>
        error ? reject(error) : resolve(answer!),
      );
    });
  } finally {
    client.close();
  }
}
