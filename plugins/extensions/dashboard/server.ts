// The server: its place on the network, its limits, and what an operator is warned of.
import { type Host, httpService, isLoopback, parseEndpoint } from "vedette";
import type { Handler } from "./api.ts";
import type { Options } from "./options.ts";

/** Whatever is slow is cut after this many milliseconds; events go out every second. */
const TIMEOUT = 15_000;
const MAX_CONNECTIONS = 512;
const MAX_HEADER_BYTES = 16 * 1024;
/** Of a stop: for answers that are under way. */
const GRACE = 500;

export function serverOf(handle: Handler, options: Options, host: Host) {
  const { endpoint, tls, auth, token, read_only_token } = options;
  const limits = { timeout: TIMEOUT, maxConnections: MAX_CONNECTIONS, maxHeaderBytes: MAX_HEADER_BYTES };
  const service = httpService(
    { endpoint, tls, ...limits },
    (request, response) => void handle(request, response),
    host,
  );

  return {
    async start(): Promise<void> {
      const listening = await service.start();
      const page = `${tls ? "https" : "http"}://${listening.endpoint}/`;
      host.log.info("listening", { protocol: "http", endpoint: listening.endpoint, page });
      if (isLoopback(parseEndpoint(listening.endpoint)?.host)) return;
      const where = { endpoint: listening.endpoint };
      const login = token !== undefined || read_only_token !== undefined;
      if (!auth && !login) {
        const remedy = "set token and tls, or listen on 127.0.0.1 unless that is meant";
        host.log.warn(`whoever reaches this address may read anomalies and give feedback; ${remedy}`, where);
      } else if (!tls) {
        const remedy = "set tls, unless a proxy before it does that";
        host.log.warn(`tokens and telemetry cross the network as plain text; ${remedy}`, where);
      }
    },
    stop: () => service.stop(GRACE),
  };
}
