// The HTTP server of the API: its place on the network and its limits.
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Certificates, type Host, isLoopback, type Listening, listen, parseEndpoint } from "vedette";
import type { Handler } from "./api.ts";
import type { Options } from "./options.ts";

/** Who asks asks for little; whatever is slow is cut after this many milliseconds. */
const TIMEOUT = 10_000;
const MAX_CONNECTIONS = 256;
const MAX_HEADER_BYTES = 16 * 1024;
/** Of a stop: for answers that are under way. */
const GRACE = 500;

export function serverOf(handle: Handler, endpoint: string, { tls, auth }: Options, host: Host) {
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
      host.log.info("listening", { protocol: "http", endpoint: listening.endpoint, path: "/api/v1/incidents" });
      if (isLoopback(parseEndpoint(listening.endpoint)?.host) || auth) return;
      const remedy = "set auth, or listen on 127.0.0.1 unless that is meant";
      host.log.warn(`whoever reaches this address may read anomalies and give feedback; ${remedy}`, {
        endpoint: listening.endpoint,
      });
    },
    async stop(): Promise<void> {
      await listening?.close(GRACE);
      certificates?.close();
    },
  };
}
