// Tells whoever probes over HTTP whether the agent is ready.
import { createServer, type ServerResponse } from "node:http";
import { defineExtension, endpoint, type Listening, listen, z } from "vedette";
import { type Ready, statusBody } from "./status.ts";

/** A probe is a few bytes and quick; whatever is not is cut after this many milliseconds. */
const TIMEOUT = 5000;
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 8 * 1024;

export default defineExtension({
  type: "health_check",
  stability: "stable",
  summary: "Answers HTTP probes: 200 while the agent is ready, 503 before and after.",
  config: z.object({
    endpoint: endpoint().default("127.0.0.1:13133").describe("Address and port to listen on; port 0 takes a free one."),
    path: z
      .string()
      .startsWith("/")
      .default("/")
      .describe("Path that is probed; one that ends in / stands for everything below it too."),
    response_body: z
      .object({
        healthy: z.string().optional().describe("Text of the answer while ready; absent: JSON with the uptime."),
        unhealthy: z.string().optional().describe("Text of the answer while not ready; absent: JSON."),
      })
      .prefault({})
      .describe("Texts to answer with instead of JSON."),
  }),
  create({ endpoint, path, response_body }, host) {
    let ready: Ready | undefined;
    let listening: Listening | undefined;

    const respond = (response: ServerResponse, status: number, headers: Record<string, string>, body = "") =>
      response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);

    const server = createServer(
      {
        headersTimeout: TIMEOUT,
        requestTimeout: TIMEOUT,
        connectionsCheckingInterval: 1000,
        maxHeaderSize: MAX_HEADER_BYTES,
      },
      (request, response) => {
        const asked = request.url!.split("?", 1)[0];
        if (asked !== path && !(path.endsWith("/") && asked.startsWith(path))) return respond(response, 404, {});
        if (request.method !== "GET" && request.method !== "HEAD")
          return respond(response, 405, { allow: "GET, HEAD" });
        const text = ready ? response_body.healthy : response_body.unhealthy;
        respond(
          response,
          ready ? 200 : 503,
          {
            "content-type": text === undefined ? "application/json" : "text/plain; charset=utf-8",
            "cache-control": "no-store",
          },
          text ?? statusBody(ready, host.now()),
        );
      },
    );
    server.maxConnections = MAX_CONNECTIONS;
    server.timeout = TIMEOUT;

    return {
      async start() {
        listening = await listen(server, endpoint, { option: "endpoint", owner: host.id });
        host.log.info("listening", { protocol: "http", endpoint: listening.endpoint });
      },
      ready(isReady) {
        ready = isReady ? { since: host.now() } : undefined;
      },
      async stop() {
        await listening?.close(0);
      },
    };
  },
});
