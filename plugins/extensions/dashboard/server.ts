// The server: its place on the network, its limits, and what an operator is warned of.
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Certificates, type Host, isLoopback, type Listening, listen, parseEndpoint } from "vedette";
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
  const certificates = tls && new Certificates(tls, "tls", host);
  const limits = {
    headersTimeout: TIMEOUT,
    requestTimeout: TIMEOUT,
    handshakeTimeout: TIMEOUT,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: MAX_HEADER_BYTES,
    requestCert: Boolean(tls?.client_ca_file),
  };
  const listener: RequestListener = (request, response) => void handle(request, response);
  const secure = certificates && createSecureServer(limits, listener);
  const server = secure ?? createServer(limits, listener);
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = TIMEOUT;
  let listening: Listening | undefined;

  return {
    async start(): Promise<void> {
      if (secure) {
        secure.setSecureContext(await certificates.load());
        certificates.watch((context) => secure.setSecureContext(context));
      }
      listening = await listen(server, endpoint, { option: "endpoint", owner: host.id });
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
    async stop(): Promise<void> {
      await listening?.close(GRACE);
      certificates?.close();
    },
  };
}
