// OTLP over HTTP/1.1, protobuf and JSON.
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Duplex } from "node:stream";
import { type Host, type Listening, listen, type Telemetry } from "vedette";
import { Code, encodeStatus, exportResponse, exportResponseToJson, statusToJson } from "vedette/otlp";
import { authentication } from "./auth.ts";
import { Body, read } from "./body.ts";
import { crossOrigin } from "./cors.ts";
import type { HttpOptions } from "./http_options.ts";
import { ENCODINGS } from "./inflate.ts";
import type { Intake, Request } from "./intake.ts";
import { LINGER, type Listener, MAX_CONNECTIONS, MAX_HEADER_BYTES, STOP_GRACE } from "./listener.ts";
import { Refusal, unknownTarget, unsupported } from "./refusal.ts";
import { Secured } from "./secured.ts";

/** What a connection is told that breaks the protocol, by the code of the error. */
const BROKEN: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
};

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

const responses = (signal: Telemetry) => ({
  [PROTOBUF]: Buffer.from(exportResponse(signal)),
  [JSON_TYPE]: Buffer.from(exportResponseToJson(signal)),
});
const RESPONSES = { traces: responses("traces"), metrics: responses("metrics"), logs: responses("logs") };

/** What a proxy's client writes before the path. */
const ORIGIN = /^https?:\/\/[^/?]*/i;

/** What a header says before its parameters. */
const essence = (header: string | undefined) => header?.split(";", 1)[0].trim().toLowerCase();

function announcedLength(request: IncomingMessage): number | undefined {
  const header = request.headers["content-length"];
  return header === undefined ? undefined : Number(header);
}

/** A google.rpc.Status in the encoding of the request, or plain text where that is unknown: its type, and its bytes. */
function refusalBody(type: string | undefined, refusal: Refusal): [type: string, body: Buffer] {
  if (type === JSON_TYPE) return [type, Buffer.from(statusToJson(refusal))];
  if (type === PROTOBUF) return [type, Buffer.from(encodeStatus(refusal))];
  return ["text/plain; charset=utf-8", Buffer.from(`${refusal.message}\n`)];
}

export function httpListener(options: HttpOptions, intake: Intake, host: Host): Listener {
  const paths = new Map<string, Telemetry>([
    [options.traces_url_path, "traces"],
    [options.metrics_url_path, "metrics"],
    [options.logs_url_path, "logs"],
  ]);
  const limit = options.max_request_body_size;
  const corsHeaders = crossOrigin(options.cors);
  const addedHeaders = Object.entries(options.response_headers).flat();
  const authenticate = options.auth && authentication(options.auth, host);
  const chosen = options.compression_algorithms.map((name) => name || "identity");
  const encodings = chosen.length > 0 ? chosen : ENCODINGS;
  let listening: Listening | undefined;
  let closing = false;

  function answer(request: IncomingMessage, response: ServerResponse, status: number, headers: string[], body: Buffer) {
    if (response.destroyed) return;
    if (options.cors) headers.push(...corsHeaders(request));
    headers.push(...addedHeaders);
    if (closing || !options.keep_alives_enabled) headers.push("connection", "close");
    if (status !== 204) headers.push("content-length", String(body.length));
    response.writeHead(status, headers);
    // An empty chunk would still be a second vector to write.
    response.end(body.length > 0 ? body : undefined);
  }

  function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal) {
    const [type, body] = refusalBody(essence(request.headers["content-type"]), refusal);
    const headers = ["content-type", type];
    if (refusal.status === 405) headers.push("allow", "POST");
    if (refusal.challenge !== undefined) headers.push("www-authenticate", refusal.challenge);
    if (refusal.retryAfter !== undefined) headers.push("retry-after", String(Math.ceil(refusal.retryAfter / 1000)));
    answer(request, response, refusal.status, headers, body);
    if (request.complete) return;
    const cut = setTimeout(() => request.complete || request.socket.destroy(), LINGER);
    request.once("close", () => clearTimeout(cut));
  }

  /** Throws a Refusal for what can be told from the headers. */
  function targetOf(request: IncomingMessage): Request {
    const path = request.url!.replace(ORIGIN, "").split("?", 1)[0];
    const signal = paths.get(path);
    if (!signal) throw unknownTarget(`nothing is served at ${path}; OTLP goes to ${[...paths.keys()].join(", ")}`);
    if (request.method !== "POST") throw new Refusal(405, Code.UNIMPLEMENTED, `${path} takes POST only`);
    const emit = intake.output(signal);
    const type = essence(request.headers["content-type"]);
    if (type !== PROTOBUF && type !== JSON_TYPE) {
      throw unsupported(`content-type must be ${PROTOBUF} or ${JSON_TYPE}`);
    }
    const encoding = request.headers["content-encoding"]?.trim().toLowerCase() || "identity";
    if (!encodings.includes(encoding)) throw unsupported(`content-encoding must be one of ${encodings.join(", ")}`);
    return { signal, emit, encoding, json: type === JSON_TYPE, limit };
  }

  async function serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    try {
      const preflight = request.method === "OPTIONS" ? corsHeaders(request) : [];
      if (preflight.length > 0) return answer(request, response, 204, [], Buffer.alloc(0));
      if (authenticate) {
        await authenticate(request.headers);
        if (request.destroyed) return;
      }
      const target = targetOf(request);
      const body = new Body(intake.bodies, limit, announcedLength(request));
      if (expectsContinue) response.writeContinue();
      if (!(await read(request, body))) return;
      await intake.deliver(target, body);
      const type = target.json ? JSON_TYPE : PROTOBUF;
      answer(request, response, 200, ["content-type", type], RESPONSES[target.signal][type]);
    } catch (error) {
      refuse(request, response, intake.refusal(error, "http"));
    }
  }

  /** Answers a connection on which there was no HTTP request, or not in time, as Node would without being asked to count. */
  function turnAway({ code = "" }: NodeJS.ErrnoException, socket: Duplex): void {
    const status = BROKEN[code] ?? (code.startsWith("HPE_") ? 400 : undefined);
    if (status) intake.rejected("http", status);
    if (!status || !socket.writable) return void socket.destroy();
    const text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`;
    socket.end(text, () => socket.destroy());
  }

  const { read_header_timeout, read_timeout } = options;
  const shortest = Math.min(read_header_timeout || Number.POSITIVE_INFINITY, read_timeout || Number.POSITIVE_INFINITY);
  const limits = {
    headersTimeout: read_timeout === 0 ? read_header_timeout : Math.min(read_header_timeout, read_timeout),
    requestTimeout: read_timeout,
    keepAliveTimeout: options.idle_timeout,
    connectionsCheckingInterval: Math.min(5000, Math.max(50, shortest / 4)),
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  };
  const patience = Number.isFinite(shortest) ? shortest : 0;
  const secured = options.tls && new Secured(options.tls, "protocols.http.tls", patience, intake, host);
  const secure = secured && createSecureServer({ ...limits, ...secured.serverOptions });
  const server = secure ?? createServer(limits);
  server.timeout = options.write_timeout;
  server.maxConnections = MAX_CONNECTIONS;
  server.on("request", (request, response) => void serve(request, response, false));
  server.on("checkContinue", (request, response) => void serve(request, response, true));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => turnAway(error, socket));
  return {
    protocol: "http",
    plaintext: !options.tls,
    anonymous: !options.auth && !options.tls?.client_ca_file,
    async listen() {
      if (secure) await secured.begin(secure);
      const place = { option: "protocols.http.endpoint", owner: `${host.id} http` };
      listening = await listen(server, options.endpoint, place);
      return listening.endpoint;
    },
    async close() {
      closing = true;
      secured?.close();
      await listening?.close(STOP_GRACE);
    },
  };
}
