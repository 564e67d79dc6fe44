// The gRPC channel of one exporter: to where, in plaintext or with which certificates.

import { isIP } from "node:net";
import { type ConnectionOptions, createSecureContext, type SecureContextOptions } from "node:tls";
import { type ChannelCredentials, Client, type ClientOptions, compressionAlgorithms, credentials } from "@grpc/grpc-js";
import { Certificates, type Host } from "vedette";
import { type Options, parseEndpoint } from "./options.ts";

export class Channel {
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  /** Undefined before `open` and after `close`. Ask for it for each call: new certificates come with a new one. */
  client: Client | undefined;
  readonly #options: Options;
  readonly #target: string;
  readonly #certificates: Certificates | undefined;

  constructor(options: Options, host: Host) {
    const { target, tls } = parseEndpoint(options.endpoint)!;
    this.#options = options;
    this.#target = target;
    this.secure = tls ?? !options.tls.insecure;
    this.#certificates = this.secure ? new Certificates(options.tls, "tls", host) : undefined;
  }

  async open(): Promise<void> {
    if (!this.#certificates) return this.#use(credentials.createInsecure());
    this.#use(this.#secured(await this.#certificates.load()));
    this.#certificates.watch((context) => this.#use(this.#secured(context)));
  }

  close(): void {
    this.#certificates?.close();
    this.client?.close();
    this.client = undefined;
  }

  #secured(context: SecureContextOptions): ChannelCredentials {
    const rejectUnauthorized = !this.#options.tls.insecure_skip_verify;
    return unnamed(credentials.createFromSecureContext(createSecureContext(context), { rejectUnauthorized }));
  }

  /** Calls under way end on the connections of the client before. */
  #use(security: ChannelCredentials): void {
    const before = this.client;
    this.client = new Client(this.#target, security, channelOptions(this.#options));
    before?.close();
  }
}

/** Where the endpoint is an address, the library asks for it as a server's name, which Node refuses: no name is asked for then. */
function unnamed(security: ChannelCredentials): ChannelCredentials {
  const create = security._createSecureConnector.bind(security);
  security._createSecureConnector = (...args) => {
    const connector = create(...args) as ReturnType<typeof create> & { connectionOptions?: ConnectionOptions };
    const { connectionOptions } = connector;
    if (connectionOptions && isIP(connectionOptions.servername ?? "")) connectionOptions.servername = undefined;
    return connector;
  };
  return security;
}

function channelOptions(options: Options): ClientOptions {
  const service = { loadBalancingConfig: [{ [options.balancer_name]: {} }] };
  const channel: ClientOptions = {
    "grpc.service_config": JSON.stringify(service),
    "grpc.service_config_disable_resolution": 1,
    "grpc.max_reconnect_backoff_ms": 10_000,
    "grpc.primary_user_agent": options.user_agent,
  };
  if (options.authority !== undefined) channel["grpc.default_authority"] = options.authority;
  if (options.tls.server_name_override) channel["grpc.ssl_target_name_override"] = options.tls.server_name_override;
  if (options.compression === "gzip") channel["grpc.default_compression_algorithm"] = compressionAlgorithms.gzip;
  if (options.keepalive) {
    channel["grpc.keepalive_time_ms"] = options.keepalive.time;
    channel["grpc.keepalive_timeout_ms"] = options.keepalive.timeout;
    channel["grpc.keepalive_permit_without_calls"] = options.keepalive.permit_without_stream ? 1 : 0;
  }
  return channel;
}
