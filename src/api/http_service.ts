// A place on the network where a plugin answers HTTP: its limits, its certificates, its beginning and its end.
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Certificates } from "./certificates.ts";
import type { Host } from "./component.ts";
import { type Listening, listen } from "./endpoint.ts";
import type { ServerTls } from "./tls.ts";

/** Milliseconds between two looks for connections that are too slow. */
const LOOK = 1000;

export interface HttpServiceOptions {
  /** Address and port, as the option `endpoint` has them. */
  readonly endpoint: string;
  /** As the option `tls` has it; plaintext when absent. */
  readonly tls?: ServerTls | undefined;
  /** Milliseconds that a header, a request, a handshake and a silence may last: what is slower is cut. */
  readonly timeout: number;
  /** Milliseconds that a connection without a request may stay. */
  readonly keepAlive?: number;
  readonly maxConnections: number;
  readonly maxHeaderBytes: number;
}

export interface HttpService {
  /** Binds; rejects with words for the operator. Certificates that change are taken up. */
  start(): Promise<Listening>;
  /** Gives answers under way so many milliseconds. Safe twice, and without `start`. */
  stop(grace: number): Promise<void>;
}

export function httpService(options: HttpServiceOptions, listener: RequestListener, host: Host): HttpService {
  const { endpoint, tls, timeout, keepAlive, maxConnections, maxHeaderBytes } = options;
  const certificates = tls && new Certificates(tls, "tls", host);
  const limits = {
    headersTimeout: timeout,
    requestTimeout: timeout,
    handshakeTimeout: timeout,
    connectionsCheckingInterval: LOOK,
    maxHeaderSize: maxHeaderBytes,
    requestCert: Boolean(tls?.client_ca_file),
    ...(keepAlive !== undefined && { keepAliveTimeout: keepAlive }),
  };
  const secure = certificates && createSecureServer(limits, listener);
  const server = secure ?? createServer(limits, listener);
  server.maxConnections = maxConnections;
  server.timeout = keepAlive ?? timeout;
  let listening: Listening | undefined;

  return {
    async start() {
      if (secure) {
        secure.setSecureContext(await certificates.load());
        certificates.watch((context) => secure.setSecureContext(context));
      }
      listening = await listen(server, endpoint, { option: "endpoint", owner: host.id });
      return listening;
    },
    async stop(grace) {
      await listening?.close(grace);
      certificates?.close();
    },
  };
}
