// The way to a gRPC server: which of its addresses have a connection, and which of them takes the next call.
import { setTimeout } from "node:timers/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { Certificates, type Host } from "vedette";
import { Code } from "vedette/otlp";
import { CallError } from "./call.ts";
import { Connection, type Security } from "./connection.ts";
import { type Options, parseEndpoint } from "./options.ts";
import { type Address, type Target, targetOf } from "./target.ts";

// gRPC's connection backoff (https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md), but for its longest wait.
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 10_000;
const GROWTH = 1.6;
const JITTER = 0.2;

export class Channel {
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  readonly target: Target;
  readonly #options: Options;
  readonly #host: Host;
  readonly #certificates: Certificates | undefined;
  #security: Security | undefined;
  #open = false;
  /** One for each address, or one for all of them. */
  #links: readonly Link[] = [];
  #turn = 0;
  /** Whether addresses are to be asked for before the next call: there are none yet, or a connection was lost. */
  #stale = true;
  #resolving: Promise<void> | undefined;
  /** When addresses may be asked for again, on the clock of `performance`. */
  #again = Number.NEGATIVE_INFINITY;

  constructor(options: Options, host: Host) {
    const { target, tls } = parseEndpoint(options.endpoint)!;
    this.#options = options;
    this.#host = host;
    this.target = targetOf(target)!;
    this.secure = tls ?? !options.tls.insecure;
    this.#certificates = this.secure ? new Certificates(options.tls, "tls", host) : undefined;
  }

  async open(): Promise<void> {
    if (this.#certificates) {
      this.#use(await this.#certificates.load());
      this.#certificates.watch((context) => this.#use(context));
    }
    this.#open = true;
  }

  close(): void {
    this.#open = false;
    this.#certificates?.close();
    this.#replace([]);
  }

  /**
   * A connection for the next call; a new one where there is none. Rejects with a CallError: UNAVAILABLE when none can be had, at
   * once where one failed lately, or, with `wait_for_ready`, not before `signal` is aborted.
   */
  async connection(signal: AbortSignal): Promise<Connection> {
    for (;;) {
      if (!this.#open) throw new CallError(Code.UNAVAILABLE, "the exporter is stopped");
      const ready = this.#ready();
      if (ready) return ready;
      try {
        return await within(this.#connected(), signal);
      } catch (error) {
        if (!this.#options.wait_for_ready || signal.aborted) throw error;
        const until = Math.min(...this.#links.map(({ until }) => until));
        const wait = Number.isFinite(until) ? Math.max(until - performance.now(), 1) : FIRST_WAIT;
        await setTimeout(wait, undefined, { signal }).catch(() => {});
        if (signal.aborted) throw error;
      }
    }
  }

  /** The next one in turn that has a connection; those without one are given one beside. */
  #ready(): Connection | undefined {
    if (this.#stale && performance.now() >= this.#again) void this.#resolve().catch(() => {});
    for (let i = 0; i < this.#links.length; i++) {
      const link = this.#links[this.#turn++ % this.#links.length];
      if (link.ready) return link.ready;
      link.connect().catch(() => {});
    }
    return undefined;
  }

  /** The first connection that can be had; the reason of the last failure when none can. */
  async #connected(): Promise<Connection> {
    if (this.#stale && (this.#links.length === 0 || performance.now() >= this.#again)) await this.#resolve();
    const attempts = this.#links.map((link) => link.connect());
    if (attempts.length === 0) throw new CallError(Code.UNAVAILABLE, "Name resolution failed: it has no address");
    try {
      return await Promise.any(attempts);
    } catch (errors) {
      throw (errors as AggregateError).errors.at(-1);
    }
  }

  #resolve(): Promise<void> {
    this.#resolving ??= this.#resolveOnce().finally(() => {
      this.#resolving = undefined;
      this.#again = performance.now() + FIRST_WAIT;
    });
    return this.#resolving;
  }

  /** Links to addresses that are still there stay. */
  async #resolveOnce(): Promise<void> {
    let addresses: readonly Address[];
    try {
      addresses = await this.target.addresses();
    } catch (error) {
      const message = `Name resolution failed: ${(error as Error).message}`;
      throw new CallError(Code.UNAVAILABLE, message, { cause: error, untouched: true });
    }
    if (!this.#open) return;
    const together = this.#options.balancer_name === "pick_first";
    const groups = together ? [addresses] : addresses.map((address) => [address]);
    const before = new Map(this.#links.map((link) => [link.key, link]));
    this.#replace(groups.map((group) => before.get(keyOf(group)) ?? this.#link(group)));
    this.#stale = false;
  }

  #link(addresses: readonly Address[]): Link {
    const open = (address: Address) => Connection.open(this.target, address, this.#security, this.#options);
    const lost = () => {
      this.#stale = true;
    };
    return new Link(addresses, open, lost, this.#host);
  }

  /** Calls under way end on the connections that they have. */
  #use(context: SecureContextOptions): void {
    this.#security = { context: createSecureContext(context), options: this.#options.tls };
    this.#replace([]);
    this.#stale = true;
  }

  #replace(links: readonly Link[]): void {
    for (const link of this.#links) if (!links.includes(link)) link.close();
    this.#links = links;
  }
}

const keyOf = (addresses: readonly Address[]) => JSON.stringify(addresses);

/** One connection, to the first of some addresses that has a server. */
class Link {
  readonly key: string;
  /** When the next attempt may be made, on the clock of `performance`; -Infinity unless one failed. */
  until = Number.NEGATIVE_INFINITY;
  readonly #addresses: readonly Address[];
  readonly #open: (address: Address) => Promise<Connection>;
  readonly #lost: () => void;
  readonly #host: Pick<Host, "random">;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #failure: CallError | undefined;
  #wait = FIRST_WAIT;
  #closed = false;

  constructor(
    addresses: readonly Address[],
    open: (address: Address) => Promise<Connection>,
    lost: () => void,
    host: Pick<Host, "random">,
  ) {
    this.key = keyOf(addresses);
    this.#addresses = addresses;
    this.#open = open;
    this.#lost = lost;
    this.#host = host;
  }

  get ready(): Connection | undefined {
    return this.#connection?.usable ? this.#connection : undefined;
  }

  /** The connection that there is or comes; the last failure again until it is time for another attempt. */
  connect(): Promise<Connection> {
    if (this.ready) return Promise.resolve(this.ready);
    if (performance.now() < this.until) return Promise.reject(this.#failure);
    this.#connecting ??= this.#first().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }

  async #first(): Promise<Connection> {
    for (const address of this.#addresses) {
      try {
        const connection = await this.#open(address);
        this.#wait = FIRST_WAIT;
        this.#connection = connection;
        connection.onClose(this.#lost);
        if (this.#closed) connection.close();
        return connection;
      } catch (error) {
        const { message } = error as Error;
        this.#failure = error instanceof CallError ? error : new CallError(Code.UNAVAILABLE, message, { cause: error });
      }
    }
    this.until = performance.now() + this.#wait * (1 + JITTER * (2 * this.#host.random() - 1));
    this.#wait = Math.min(this.#wait * GROWTH, LONGEST_WAIT);
    this.#lost();
    throw this.#failure;
  }
}

/** Rejects when the signal is aborted first. */
function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new CallError(Code.CANCELLED, "its time was up while connecting"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
