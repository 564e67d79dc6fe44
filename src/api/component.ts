// The kinds of component other than detectors, and what the agent lends them.
import type { DataOf, ExportOf, Signal, Telemetry } from "./signals.ts";

/** Structured log of one component; `fields` are JSON values. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** Everything that a component may use of the agent. Tests pass a fake one. */
export interface Host {
  /** "type" or "type/name", as in the configuration. */
  readonly id: string;
  readonly log: Logger;
  /** Unix milliseconds; the only clock that a component may read. */
  now(): number;
  /** Uniform in [0, 1), seeded by the component id, so that replays repeat; the only chance. */
  random(): number;
}

export interface Component {
  /** Binds and connects. A rejection ends the start of the agent. */
  start?(): Promise<void>;
  /** Safe to call twice, and without start. */
  stop?(): Promise<void>;
}

/**
 * Hands one Export*ServiceRequest in protobuf to the agent, which runs its pipelines in this call.
 * - true: every queue holds it; acknowledge. - false: overloaded; refuse, so that the sender retries.
 * - throws DecodeError (of "vedette/otlp") when the bytes are not OTLP; nothing of the request was taken.
 * The agent owns `bytes` until it calls `release`, once, whatever the outcome. Without `release` they are its own for good.
 */
export type Emit = (bytes: Uint8Array, release?: () => void) => boolean | Promise<boolean>;

/** One function for each signal that a pipeline takes from this component; absent: no pipeline wants the signal. */
export type Outputs = { readonly [S in Telemetry]?: Emit };

export type Receiver = Component;

export interface Extension extends Component {
  /** Called once every component has started, and again with false when the agent begins to stop. */
  ready?(ready: boolean): void;
}

export interface Processor<S extends Signal> extends Component {
  /** The data to pass on, or nothing to drop it. Synchronous; keeps nothing of what it is handed. */
  process(data: DataOf<S>): DataOf<S> | undefined;
}

/** Takes the data of one pipeline as an exporter does and feeds others as a receiver does. */
export interface Connector<S extends Signal> extends Component {
  consume(data: DataOf<S>): void;
}

/** The agent queues and retries; an exporter only sends. */
export interface Exporter<S extends Signal> extends Component {
  /** Resolves once delivered. Rejects with ExportError, or with anything else for a permanent failure. Heeds `signal`. */
  export(data: ExportOf<S>, signal: AbortSignal): Promise<void>;
}

/** Why an export failed, and whether to try again. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  readonly retryable: boolean;
  /** Milliseconds that the receiving side asked us to wait; undefined: our own backoff. */
  readonly retryAfter: number | undefined;
  constructor(message: string, options: { retryable: boolean; retryAfter?: number; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.retryable = options.retryable;
    this.retryAfter = options.retryAfter;
  }
}
