// The HTTP server of the API: its place on the network and its limits.
import { type Host, httpService, isLoopback, parseEndpoint } from "vedette";
import type { Handler } from "./api.ts";
import type { Options } from "./options.ts";

/** Who asks asks for little; whatever is slow is cut after this many milliseconds. */
const TIMEOUT = 10_000;
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 16 * 1024;
/** Of a stop: for answers that are under way. */
const GRACE = 500;

export function serverOf(handle: Handler, endpoint: string, { tls, auth }: Options, host: Host) {
  const limits = { timeout: TIMEOUT, maxConnections: MAX_CONNECTIONS, maxHeaderBytes: MAX_HEADER_BYTES };
  const service = httpService(
    { endpoint, tls, ...limits },
    (request, response) => void handle(request, response),
    host,
  );

  return {
    async start(): Promise<void> {
      const listening = await service.start();
      host.log.info("listening", { protocol: "http", endpoint: listening.endpoint, path: "/api/v1/incidents" });
      if (isLoopback(parseEndpoint(listening.endpoint)?.host) || auth) return;
      const remedy = "set auth, or listen on 127.0.0.1 unless that is meant";
      host.log.warn(`whoever reaches this address may read anomalies and give feedback; ${remedy}`, {
        endpoint: listening.endpoint,
      });
    },
    stop: () => service.stop(GRACE),
  };
}
