// Tells whoever probes over HTTP whether the agent is ready and well.
import type { RequestListener, ServerResponse } from "node:http";
import { defineExtension, duration, endpoint, httpService, serverTls, z } from "vedette";
import { healthOf, statusBody } from "./status.ts";

/** A probe is a few bytes and quick; whatever is not is cut after this many milliseconds. */
const TIMEOUT = 5000;
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 8 * 1024;

export default defineExtension({
  type: "health_check",
  stability: "stable",
  summary: "Answers HTTP probes: 200 while the agent is ready and well, 503 otherwise.",
  config: z.object({
    endpoint: endpoint().default("127.0.0.1:13133").describe("Address and port to listen on; port 0 takes a free one."),
    path: z
      .string()
      .startsWith("/")
      .default("/")
      .describe("Path that is probed; one that ends in / stands for everything below it too."),
    response_body: z
      .object({
        healthy: z
          .string()
          .optional()
          .describe("Text of the answer while ready and well; absent: JSON with the status of every component."),
        unhealthy: z.string().optional().describe("Text of the answer otherwise; absent: JSON."),
      })
      .prefault({})
      .describe("Texts to answer with instead of JSON."),
    tls: serverTls().optional().describe("Answers over TLS; plaintext when absent."),
    component_health: z
      .object({
        include_permanent_errors: z
          .boolean()
          .default(true)
          .describe("Whether a component in permanent error makes the agent unwell."),
        include_recoverable_errors: z
          .boolean()
          .default(false)
          .describe("Whether one in recoverable error does, once that has lasted for `recovery_duration`."),
        recovery_duration: duration()
          .prefault("5m")
          .describe("How long a recoverable error may last before it counts."),
      })
      .prefault({})
      .describe("Which errors of components count."),
    check_collector_pipeline: z
      .object({
        enabled: z.boolean().default(false).describe("No effect."),
        interval: z.string().default("5m").describe("No effect."),
        exporter_failure_threshold: z.number().default(5).describe("No effect."),
      })
      .optional()
      .describe("Deprecated in the Collector and without effect here: `component_health` says what counts."),
  }),
  create({ endpoint, path, response_body, tls, component_health, check_collector_pipeline }, host) {
    let readySince: number | undefined;

    const respond = (response: ServerResponse, status: number, headers: Record<string, string>, body = "") =>
      response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);

    const answer: RequestListener = (request, response) => {
      const asked = request.url!.split("?", 1)[0];
      if (asked !== path && !(path.endsWith("/") && asked.startsWith(path))) return respond(response, 404, {});
      if (request.method !== "GET" && request.method !== "HEAD") return respond(response, 405, { allow: "GET, HEAD" });
      const now = host.now();
      const health = healthOf(host.agent.components(), readySince, component_health, now);
      const text = health.healthy ? response_body.healthy : response_body.unhealthy;
      const type = text === undefined ? "application/json" : "text/plain; charset=utf-8";
      const headers = { "content-type": type, "cache-control": "no-store" };
      respond(response, health.healthy ? 200 : 503, headers, text ?? statusBody(health, now));
    };
    const limits = { timeout: TIMEOUT, maxConnections: MAX_CONNECTIONS, maxHeaderBytes: MAX_HEADER_BYTES };
    const service = httpService({ endpoint, tls, ...limits }, answer, host);

    return {
      async start() {
        const listening = await service.start();
        if (check_collector_pipeline?.enabled) {
          host.log.warn("check_collector_pipeline has no effect; use component_health.include_recoverable_errors");
        }
        host.log.info("listening", { protocol: "http", endpoint: listening.endpoint });
      },
      ready(isReady) {
        readySince = isReady ? host.now() : undefined;
      },
      stop: () => service.stop(0),
    };
  },
});
