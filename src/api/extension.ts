// Extensions: components of no pipeline, which serve other components or look at the agent as a whole.
import { z } from "zod";
import type { Anomaly } from "./anomaly.ts";
import type { AnomalyStore } from "./anomaly_store.ts";
import type { Component, Host, Status } from "./component.ts";
import type { History, HistoryOptions } from "./history.ts";
import type { Rehearsal, RehearsalOptions } from "./rehearsal.ts";
import type { Signal } from "./signals.ts";
import type { ServiceCall } from "./traces.ts";

/** What an extension can do for other components, which name it in their options. */
export type Capability = "server_auth" | "client_auth" | "storage" | "anomaly_store";

export interface Extension extends Component {
  /** Called once every component has started, and again with false when the agent begins to stop. */
  ready?(ready: boolean): void;
  /**
   * `server_auth`: whether a request with these headers (names in lower case) may come in. Resolves to why not, in words for the
   * sender that give no secret away, or to undefined when it may. Compares in constant time.
   */
  authenticate?(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Promise<string | undefined>;
  /** `client_auth`: headers that prove to the other side who sends, names in lower case. Called for each request. */
  credentials?(): Readonly<Record<string, string>>;
  /** `storage`: the records kept under a name, by one owner at a time. Rejects when they cannot be opened. */
  open?(name: string): Promise<Store>;
  /** `anomaly_store`: what became of anomalies, and what users said of it. */
  readonly anomalies?: AnomalyStore;
  /** Of one that rehearses faults: what the last rehearsal showed. */
  readonly rehearsal?: Rehearsal | undefined;
  /** Called once an exporter that sends is done with changes of alerts: it took them, or they are given up. To return soon. */
  delivered?(delivery: Delivery): void;
}

/** How changes of alerts fared that an exporter was handed together. */
export interface Delivery {
  /** Component id. */
  readonly exporter: string;
  /** Unix milliseconds: when it was done with them. */
  readonly time: number;
  /** The agent's own: not to be changed. */
  readonly changes: readonly Anomaly[];
  readonly outcome: "done" | "failed";
  readonly attempts: number;
  /** Since they were handed to the exporter's queue. */
  readonly seconds: number;
  /** Why they were given up; "" of those that were taken. */
  readonly reason: string;
}

/** Records that survive the process, in the order in which they came. */
export interface Store {
  /** What is kept, oldest first; `note` as it was given to `append`. Reads no record's value. */
  entries(): { readonly key: number; readonly size: number; readonly note: string }[];
  /** Takes a record in and returns its key, larger than any before. Throws when it cannot. */
  append(value: Uint8Array, note: string): number;
  /** Undefined when the record is damaged or gone. */
  read(key: number): Uint8Array | undefined;
  /** Forgets records; those that are gone already are no error. */
  remove(keys: readonly number[]): void;
  /** Resolves once everything appended so far is as durable as the extension promises; rejects when it may not be. */
  flush(): Promise<void>;
  /** Flushes, then lets go of the name. Safe twice. */
  close(): Promise<void>;
}

/** An option that names an extension which can do `capability`; that it exists and is started is checked with the configuration. */
export const extensionId = (capability: Capability) => z.string().min(1).meta({ extension: capability });

/** An option that names a pipeline which lists the component among its receivers; that it does is checked. */
export const pipelineId = () => z.string().min(1).meta({ extension: "pipeline" });

/** One component and how it fares. */
export interface ComponentStatus {
  readonly section: "receivers" | "processors" | "connectors" | "exporters" | "extensions";
  readonly id: string;
  /** Of a processor: the pipeline it stands in. */
  readonly pipeline?: string;
  readonly status: Status;
  readonly reason?: string;
  /** Unix milliseconds since when. */
  readonly since: number;
}

export interface PipelineView {
  readonly id: string;
  readonly signal: Signal;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** One number of the agent's own telemetry, by the name of its metric. */
export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The agent as its extensions see it; every call gives the state of that moment. */
export interface AgentView {
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  components(): readonly ComponentStatus[];
  pipelines(): readonly PipelineView[];
  measurements(): readonly Measurement[];
  /** The effective options of a component as a user would write them, secrets left out; the same object until a reload. Undefined where that is not known. */
  configOf?(section: ComponentStatus["section"], id: string): Readonly<Record<string, unknown>> | undefined;
  /** Who calls whom, the busiest first, as far as processors have learnt it. */
  calls(): readonly ServiceCall[];
  /**
   * Copies what comes in for a while, then plants faults into the copy and runs it through detectors that know what the running ones knew: what they
   * find. One at a time. Rejects with words for the operator when it cannot; absent in replays.
   */
  rehearse?(options: RehearsalOptions, signal: AbortSignal): Promise<Rehearsal>;
  /** From now on keeps what detectors see of each series, and traces, within these bounds. One at a time: another one ends the one before. */
  remember(options: HistoryOptions): History;
}

export interface ExtensionHost extends Host {
  readonly agent: AgentView;
}
