// Serves the agent's metrics to Prometheus: GET /metrics, nothing else.
import { createServer } from "node:http";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { isLoopback, type Listening, type Logger, listen, parseEndpoint } from "../api/index.ts";
import { CONTENT_TYPE, prometheusText, type TextOptions } from "./prometheus.ts";

/** A scrape is a few bytes and quick; whatever is not is cut after this many milliseconds. */
const TIMEOUT = 5000;
/** Prometheus keeps its connection open from one scrape to the next. */
const IDLE = 120_000;
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;
/** Milliseconds that a scrape under way has once the endpoint is closed. */
const GRACE = 1000;

export interface ScrapeOptions extends TextOptions {
  readonly endpoint: string;
  /** Named in errors. */
  readonly option: string;
}

/** Something that takes the agent's metrics out of the process until it is stopped. */
export interface Reader {
  /** `last`: tell once more what there is, for at most this many milliseconds. Safe twice. */
  stop(last: number): Promise<void>;
}

/** Resolves once it listens; rejects with place, cause and remedy when it cannot. */
export async function serveScrapes(
  options: ScrapeOptions,
  collect: () => Promise<ResourceMetrics>,
  log: Logger,
): Promise<Reader> {
  const server = createServer(
    {
      headersTimeout: TIMEOUT,
      requestTimeout: TIMEOUT,
      keepAliveTimeout: IDLE,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    async (request, response) => {
      const respond = (status: number, headers: Record<string, string>, body = "") =>
        response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
      if (request.url!.split("?", 1)[0] !== "/metrics") return respond(404, {});
      if (request.method !== "GET" && request.method !== "HEAD") return respond(405, { allow: "GET, HEAD" });
      try {
        respond(200, { "content-type": CONTENT_TYPE }, prometheusText(await collect(), options));
      } catch (error) {
        log.error("own metrics could not be collected", { error: String(error) });
        respond(500, {});
      }
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = TIMEOUT;
  const listening: Listening = await listen(server, options.endpoint, { option: options.option, owner: "telemetry" });
  const { endpoint } = listening;
  log.info("listening", { protocol: "prometheus", endpoint });
  if (!isLoopback(parseEndpoint(endpoint)?.host)) {
    const remedy = `set ${options.option} to an address as 127.0.0.1 if nobody scrapes from elsewhere`;
    log.warn("own metrics can be read from beyond this machine, without encryption and authentication", {
      endpoint,
      remedy,
    });
  }
  return { stop: () => listening.close(GRACE) };
}
