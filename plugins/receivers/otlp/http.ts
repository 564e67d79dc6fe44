// OTLP over HTTP/1.1, protobuf and JSON.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { byteSize, endpoint, type Host, type Listening, listen, type Telemetry, z } from "vedette";
import { Code, encodeStatus, exportResponse, exportResponseToJson, statusToJson } from "vedette/otlp";
import { Body, read } from "./body.ts";
import { corsOptions, crossOrigin } from "./cors.ts";
import { ENCODINGS } from "./inflate.ts";
import type { Intake, Request } from "./intake.ts";
import { delay, LINGER, type Listener, MAX_CONNECTIONS, MAX_HEADER_BYTES, STOP_GRACE } from "./listener.ts";
import { Refusal, unknownTarget, unsupported } from "./refusal.ts";

const urlPath = (signal: Telemetry) =>
  z.string().startsWith("/").default(`/v1/${signal}`).describe(`Path that ${signal} are posted to.`);

export const httpOptions = z.object({
  endpoint: endpoint().default("127.0.0.1:4318").describe("Address and port to listen on; port 0 takes a free one."),
  max_request_body_size: byteSize()
    .refine((bytes) => bytes > 0 && bytes <= 1024 ** 3, { error: "must be more than 0 and at most 1GiB" })
    .prefault("20MiB")
    .describe("Largest request, both as sent and inflated."),
  traces_url_path: urlPath("traces"),
  metrics_url_path: urlPath("metrics"),
  logs_url_path: urlPath("logs"),
  cors: corsOptions.optional().describe("Lets pages in a browser send; absent: none may."),
  keep_alives_enabled: z.boolean().default(true).describe("Whether a connection may carry more than one request."),
  read_header_timeout: delay().prefault("1m").describe("Longest time for the headers of a request; 0: no limit."),
  read_timeout: delay().prefault("1m").describe("Longest time for a whole request; 0: no limit."),
  write_timeout: delay().prefault("30s").describe("Longest silence on a connection with a request; 0: no limit."),
  idle_timeout: delay().prefault("1m").describe("How long a connection may wait for its next request."),
});

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";

const responses = (signal: Telemetry) => ({
  [PROTOBUF]: Buffer.from(exportResponse(signal)),
  [JSON_TYPE]: Buffer.from(exportResponseToJson(signal)),
});
const RESPONSES = { traces: responses("traces"), metrics: responses("metrics"), logs: responses("logs") };

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

export function httpListener(options: z.output<typeof httpOptions>, intake: Intake, host: Host): Listener {
  const paths = new Map<string, Telemetry>([
    [options.traces_url_path, "traces"],
    [options.metrics_url_path, "metrics"],
    [options.logs_url_path, "logs"],
  ]);
  const limit = options.max_request_body_size;
  const corsHeaders = crossOrigin(options.cors);
  let listening: Listening | undefined;
  let closing = false;

  function answer(request: IncomingMessage, response: ServerResponse, status: number, headers: string[], body: Buffer) {
    if (response.destroyed) return;
    if (options.cors) headers.push(...corsHeaders(request));
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
    if (refusal.retryAfter !== undefined) headers.push("retry-after", String(Math.ceil(refusal.retryAfter / 1000)));
    answer(request, response, refusal.status, headers, body);
    if (request.complete) return;
    const cut = setTimeout(() => request.complete || request.socket.destroy(), LINGER);
    request.once("close", () => clearTimeout(cut));
  }

  /** Throws a Refusal for what can be told from the headers. */
  function targetOf(request: IncomingMessage): Request {
    const path = request.url!.split("?", 1)[0];
    const signal = paths.get(path);
    if (!signal) throw unknownTarget(`nothing is served at ${path}; OTLP goes to ${[...paths.keys()].join(", ")}`);
    if (request.method !== "POST") throw new Refusal(405, Code.UNIMPLEMENTED, `${path} takes POST only`);
    const emit = intake.output(signal);
    const type = essence(request.headers["content-type"]);
    if (type !== PROTOBUF && type !== JSON_TYPE) {
      throw unsupported(`content-type must be ${PROTOBUF} or ${JSON_TYPE}`);
    }
    const encoding = request.headers["content-encoding"]?.trim().toLowerCase() || "identity";
    if (!ENCODINGS.includes(encoding)) throw unsupported(`content-encoding must be one of ${ENCODINGS.join(", ")}`);
    return { signal, emit, encoding, json: type === JSON_TYPE, limit };
  }

  async function serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    try {
      const preflight = request.method === "OPTIONS" ? corsHeaders(request) : [];
      if (preflight.length > 0) return answer(request, response, 204, [], Buffer.alloc(0));
      const target = targetOf(request);
      const body = new Body(intake.bodies, limit, announcedLength(request));
      if (expectsContinue) response.writeContinue();
      if (!(await read(request, body))) return;
      await intake.deliver(target, body);
      const type = target.json ? JSON_TYPE : PROTOBUF;
      answer(request, response, 200, ["content-type", type], RESPONSES[target.signal][type]);
    } catch (error) {
      refuse(request, response, intake.refusal(error));
    }
  }

  const { read_header_timeout, read_timeout } = options;
  const shortest = Math.min(read_header_timeout || Number.POSITIVE_INFINITY, read_timeout || Number.POSITIVE_INFINITY);
  const server = createServer({
    headersTimeout: read_timeout === 0 ? read_header_timeout : Math.min(read_header_timeout, read_timeout),
    requestTimeout: read_timeout,
    keepAliveTimeout: options.idle_timeout,
    connectionsCheckingInterval: Math.min(5000, Math.max(50, shortest / 4)),
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  });
  server.timeout = options.write_timeout;
  server.maxConnections = MAX_CONNECTIONS;
  server.on("request", (request, response) => void serve(request, response, false));
  server.on("checkContinue", (request, response) => void serve(request, response, true));
  return {
    protocol: "http",
    async listen() {
      const place = { option: "protocols.http.endpoint", owner: `${host.id} http` };
      listening = await listen(server, options.endpoint, place);
      return listening.endpoint;
    },
    async close() {
      closing = true;
      await listening?.close(STOP_GRACE);
    },
  };
}
