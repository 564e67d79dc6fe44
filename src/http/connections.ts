// The connections of one exporter: how many, through which proxy, with which certificates.
import * as http from "node:http";
import * as https from "node:https";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { Certificates, type Host } from "../api/index.ts";
import type { HttpClientOptions } from "./options.ts";

/** Node's own limit on unused connections. */
const MOST_IDLE = 256;

export class Connections {
  readonly #options: HttpClientOptions;
  readonly #certificates: Certificates | undefined;
  readonly #plain: http.Agent;
  #secure: https.Agent;

  /** `secure`: whether there will be connections over TLS. */
  constructor(options: HttpClientOptions, secure: boolean, host: Host) {
    this.#options = options;
    this.#certificates = secure ? new Certificates(options.tls, "tls", host) : undefined;
    this.#plain = new http.Agent(this.#pool());
    this.#secure = this.#secured();
  }

  async open(): Promise<void> {
    if (!this.#certificates) return;
    const first = await this.#certificates.load();
    this.#replace(first);
    this.#certificates.watch((next) => this.#replace(next));
  }

  of(secure: boolean): http.Agent {
    return secure ? this.#secure : this.#plain;
  }

  close(): void {
    this.#certificates?.close();
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #pool() {
    const { max_conns_per_host, max_idle_conns, max_idle_conns_per_host, idle_conn_timeout } = this.#options;
    const { disable_keep_alives, proxy_url } = this.#options;
    return {
      keepAlive: !disable_keep_alives,
      maxSockets: max_conns_per_host || Number.POSITIVE_INFINITY,
      maxFreeSockets: Math.min(max_idle_conns || MOST_IDLE, max_idle_conns_per_host || MOST_IDLE, MOST_IDLE),
      timeout: idle_conn_timeout || undefined,
      ...(proxy_url ? { proxyEnv: { HTTP_PROXY: proxy_url, HTTPS_PROXY: proxy_url } } : {}),
    };
  }

  #secured(context?: SecureContextOptions): https.Agent {
    const { insecure_skip_verify, server_name_override } = this.#options.tls;
    return new https.Agent({
      ...this.#pool(),
      ...(context ? { secureContext: createSecureContext(context) } : {}),
      rejectUnauthorized: !insecure_skip_verify,
      ...(server_name_override ? { servername: server_name_override } : {}),
    });
  }

  /** Requests under way end on the connections that they have; those are not used again. */
  #replace(context: SecureContextOptions): void {
    const before = this.#secure as https.Agent & { keepAlive: boolean };
    this.#secure = this.#secured(context);
    before.keepAlive = false;
    for (const sockets of Object.values(before.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}
