// One exporter's way out over HTTP: its headers, credentials, compression and connections.
import type * as http from "node:http";
import { type Compressed, ExportError, type Host } from "../api/index.ts";
import { compressorOf } from "./compression.ts";
import { Connections } from "./connections.ts";
import { type Answer, exchange, type Target, targetOf } from "./exchange.ts";
import type { HttpClientOptions } from "./options.ts";

export interface HttpRequest {
  /** "POST" unless said otherwise. */
  readonly method?: string;
  readonly body: Uint8Array;
  readonly contentType: string;
  /** The body as somebody else compressed it: sent instead, where the options compress in that way and name no level. */
  readonly compressed?: Compressed | undefined;
  /** Beside those of the options, and before them where both have one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes of an answer that are worth reading; MOST_OF_AN_ANSWER unless given. */
  readonly mostOfAnswer?: number;
}

/** Opened with the exporter, closed with it. It tries once: retries are the queue's. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #host: Host;
  readonly #connections: Connections;
  readonly #headers: http.OutgoingHttpHeaders = { "user-agent": "vedette" };
  readonly #compress: ReturnType<typeof compressorOf>;
  readonly #targets = new Map<string, Target>();
  readonly #secretPath: boolean;

  /** `urls` are all that it will be asked to send to, but for their paths and queries. With `secretPath` no message shows a path. */
  constructor(options: HttpClientOptions, urls: readonly URL[], host: Host, { secretPath = false } = {}) {
    this.#options = options;
    this.#host = host;
    this.#secretPath = secretPath;
    this.#compress = compressorOf(options);
    for (const [name, value] of Object.entries(options.headers)) this.#headers[name.toLowerCase()] = value;
    const secure = urls.some(({ protocol }) => protocol === "https:");
    this.#connections = new Connections(options, secure, host);
  }

  open(): Promise<void> {
    return this.#connections.open();
  }

  close(): void {
    this.#connections.close();
  }

  /** The URL without credentials and query, for messages. */
  nameOf(url: URL): string {
    return this.#secretPath ? url.origin : `${url.origin}${url.pathname}`;
  }

  /** What a request to the URL holds that no message may show, should an answer repeat it: values of headers, credentials, a secret path. */
  secretsOf({ username, password, pathname, search }: URL): readonly string[] {
    const values = Object.values({ ...this.#options.headers, ...this.#credentialsNow() });
    // of "Bearer token" both
    const secrets = values.flatMap((value) => [value, ...value.split(" ").slice(1)]);
    if (password !== "") {
      const login = [username, password].map(decodeURIComponent).join(":");
      secrets.push(password, decodeURIComponent(password), Buffer.from(login).toString("base64"));
    }
    if (this.#secretPath) secrets.push(pathname + search, pathname.slice(1), search);
    return secrets;
  }

  #credentialsNow(): Readonly<Record<string, string>> {
    try {
      return this.#credentials();
    } catch {
      return {};
    }
  }

  /** Resolves with whatever status came back; rejects with a retryable ExportError when none did, or when there are no credentials. */
  async send(url: URL, request: HttpRequest, signal: AbortSignal): Promise<Answer> {
    const { method = "POST", contentType, headers, mostOfAnswer } = request;
    const compress = request.body.length > 0 ? this.#compress : undefined;
    const body = this.#ready(request.compressed) ?? (compress ? await compress(request.body) : request.body);
    const target = this.#target(url);
    const all: http.OutgoingHttpHeaders = { ...headers, ...this.#headers, "content-type": contentType };
    if (compress) all["content-encoding"] = this.#options.compression;
    Object.assign(all, this.#credentials());
    const agent = this.#connections.of(target.secure);
    return exchange(target, { method, headers: all, body, agent, mostOfAnswer }, signal);
  }

  #ready(compressed: Compressed | undefined): Uint8Array | undefined {
    const { compression, compression_params } = this.#options;
    return compressed?.encoding === compression && compression_params.level === undefined
      ? compressed.bytes
      : undefined;
  }

  #target(url: URL): Target {
    let target = this.#targets.get(url.href);
    if (!target) {
      if (this.#targets.size >= MOST_TARGETS) this.#targets.clear();
      target = targetOf(url, this.nameOf(url));
      this.#targets.set(url.href, target);
    }
    return target;
  }

  #credentials(): Readonly<Record<string, string>> {
    const id = this.#options.auth?.authenticator;
    if (id === undefined) return {};
    try {
      return this.#host.extension(id).credentials!();
    } catch (error) {
      const message = `${id} gives no credentials: ${(error as Error).message}`;
      throw new ExportError(message, { retryable: true, cause: error });
    }
  }
}

/** URLs that stay prepared: a templated one may be ever new. */
const MOST_TARGETS = 100;
