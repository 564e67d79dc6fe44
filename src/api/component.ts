// The kinds of component other than detectors, and what the agent lends them.
import type { Meter } from "@opentelemetry/api";
import type { Anomaly } from "./anomaly.ts";
import type { Extension } from "./extension.ts";
import type { Compressed, DataOf, ExportOf, Signal, Telemetry } from "./signals.ts";
import type { Suspicion } from "./suspicion.ts";
import type { ServiceCall, Trace } from "./traces.ts";

/** Structured log of one component; `fields` are JSON values. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** How a component fares: "recoverable_error" may pass by itself, "permanent_error" wants somebody to act. */
export type Status = "starting" | "ok" | "recoverable_error" | "permanent_error" | "stopping" | "stopped";

/** Everything that a component may use of the agent. Tests pass a fake one. */
export interface Host {
  /** "type" or "type/name", as in the configuration. */
  readonly id: string;
  readonly log: Logger;
  /** Instruments of the component's own, on the agent's metrics; every one of them is labelled with the component's id. */
  readonly meter: Meter;
  /** Unix milliseconds; the only clock that a component may read. */
  now(): number;
  /** Uniform in [0, 1), seeded by the component id, so that replays repeat; the only chance. */
  random(): number;
  /**
   * Tells the operator how the component fares, and why in one sentence; cheap when nothing changed. The agent itself
   * reports starting, ok once started, stopping and stopped; and for exporters whether sending works.
   */
  report(status: "ok" | "recoverable_error" | "permanent_error", reason?: string): void;
  /** The extension of this id as it runs now; ask again for each use, since a reload may replace it. Throws when there is none. */
  extension(id: string): Extension;
  /**
   * Who calls whom, as far as processors of the agent have learnt it from traces: for processors of anomalies, which see none. A list made anew,
   * of up to tens of thousands: ask seldom. Empty where nothing learns it.
   */
  calls(): readonly ServiceCall[];
}

export interface Component {
  /** Binds and connects. A rejection ends the start of the agent. */
  start?(): Promise<void>;
  /** Safe to call twice, and without start. */
  stop?(): Promise<void>;
}

/**
 * Hands one Export*ServiceRequest in protobuf to the agent, which runs its pipelines in this call.
 * - true: every queue holds it, durably where it has storage; acknowledge. - false: overloaded; refuse, so that the sender retries.
 * - throws DecodeError (of "vedette/otlp") when the bytes are not OTLP; nothing of the request was taken.
 * The agent owns `bytes` until it calls `release`, once, whatever the outcome. Without `release` they are its own for good.
 * `compressed` is the same request as it came, for exporters that compress in that way; it is owned as `bytes` are.
 */
export type Emit = (bytes: Uint8Array, release?: () => void, compressed?: Compressed) => boolean | Promise<boolean>;

/** One function for each signal that a pipeline takes from this component; absent: none does. Read it on each request: a reload may change it. */
export type Outputs = { readonly [S in Telemetry]?: Emit } & {
  /** Of connectors: runs the pipelines of anomalies that list it among their receivers, or those of them that are named, within this call. */
  readonly anomalies?: (anomalies: readonly Anomaly[], pipelines?: readonly string[]) => void;
};

export type Receiver = Component;

export interface Processor<S extends Signal> extends Component {
  /** The data to pass on, or nothing to drop it. Synchronous; keeps nothing of what it is handed. */
  process(data: DataOf<S>): DataOf<S> | undefined;
  /**
   * Called about once a second, between batches; what it finds then is raised. `now` is Unix milliseconds of the events: the clock's
   * when the agent runs, that of the latest row when telemetry is replayed.
   */
  tick?(now: number): void;
  /**
   * Called as `tick` is when it will see no more: the agent stops, or goes on after a reload without it. What it would have waited with
   * is to be `due` at once. `save` may follow.
   */
  conclude?(now: number): void;
  /**
   * Called with each trace that no span was added to for `service.traces.idle_timeout`, between batches; what it finds then is raised.
   * Spans of it that come later are another trace of the same id. Of one pipeline of traces; all that the agent receives is in it.
   */
  trace?(trace: Trace): void;
  /** Called with every anomaly that anything in the agent raises, at once: before the processors that follow see the batch. */
  found?(anomaly: Anomaly): void;
  /**
   * Called where a detector sees at `time`, in Unix milliseconds, that what it told goes on, though it is no news: often, and of fingerprints that
   * nobody may have been told of.
   */
  lasts?(fingerprint: string, time: number): void;
  /** Called with what surprised a detector, or anything else that finds, less than its line asks for. */
  suspected?(suspicion: Suspicion): void;
  /**
   * Whether it waits for a batch to add something to (`Batch.append`), or has anomalies to hand on: asked about once a second, and when the agent stops;
   * then an empty batch, or an empty list, comes through the pipeline.
   */
  readonly due?: boolean;
  /** Who calls whom, as far as it has learnt: for pages about the agent. */
  calls?(): readonly ServiceCall[];
  /** The id in `rows.series` of this signal belongs to another series from now on. */
  forget?(signal: S, series: number): void;
  /** Asked before a request is even read: false refuses it, and the sender tries again later. */
  admit?(): boolean;
  /**
   * It looks at no row of a batch and changes none. While all processors of a pipeline say so, and it feeds no connector, requests are
   * checked but not learnt from: batches have their bytes and items, and rows that mean nothing.
   */
  readonly unread?: true;
  /** How the queues of the exporters behind it are to join requests, where `sending_queue.batch` does not say. */
  readonly batching?: Batching;
  /** All that it has learnt, to be kept across restarts and reloads. Called between batches. */
  save?(): Uint8Array;
  /** Goes on from what `save` gave, perhaps in an earlier version; throws when it cannot. Before the first batch. */
  load?(saved: Uint8Array): void;
}

/** How requests are joined before they are sent; sizes in `sizer`'s unit. */
export interface Batching {
  /** Milliseconds that the first request of a batch waits for more. */
  readonly flush_timeout: number;
  /** A batch of this size is sent at once. */
  readonly min_size: number;
  /** Larger requests are split; 0: never. */
  readonly max_size: number;
  readonly sizer: "items" | "bytes";
}

/** Takes the data of one pipeline as an exporter does and feeds others as a receiver does. */
export interface Connector<S extends Signal> extends Component {
  consume(data: DataOf<S>): void;
  /** As of a processor; what it feeds then is processed once all have had their look at the clock. */
  tick?(now: number): void;
  /** As of a processor. */
  forget?(signal: S, series: number): void;
  /** Both as of a processor. */
  save?(): Uint8Array;
  load?(saved: Uint8Array): void;
}

/** The agent queues and retries; an exporter only sends. */
export interface Exporter<S extends Signal> extends Component {
  /** Resolves once delivered. Rejects with ExportError, or with anything else for a permanent failure. Heeds `signal`. */
  export(data: ExportOf<S>, signal: AbortSignal): Promise<void>;
  /** What has become of each of these changes of alerts, which it was handed before as the same list; absent: of all the same. */
  fates?(changes: readonly Anomaly[]): readonly Fate[];
  /** Both as of a processor, though an export may be under way; `load` comes before `start`, or after a reload before the first export. */
  save?(): Uint8Array;
  load?(saved: Uint8Array): void;
}

/** Of one change of an alert: taken, refused for good, not sent at all since it is no news, or none of it yet. */
export interface Fate {
  readonly outcome: "sent" | "refused" | "skipped" | "waiting";
  /** Why it was refused. */
  readonly reason?: string;
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
