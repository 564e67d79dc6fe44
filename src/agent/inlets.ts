// What receivers and connectors emit into: one inlet for each of them and signal, which stays while reloads reroute it.
import type { Emit, Outputs, Telemetry } from "../api/index.ts";
import { emitInto, type Route, type Turn } from "../pipeline/hub.ts";
import type { Intake } from "../pipeline/intake.ts";
import type { Recorder } from "../rehearsal/recording.ts";
import type { Graph } from "./graph.ts";

export interface Inlet {
  /** Of the receiver or connector. */
  readonly id: string;
  readonly signal: Telemetry;
  readonly route: Route<Telemetry>;
  readonly emit: Emit;
}

const SIGNALS: readonly Telemetry[] = ["metrics", "logs", "traces"];

export class Inlets {
  readonly #inlets = new Map<string, Inlet>();
  readonly #intake: (signal: Telemetry) => Intake<Telemetry>;
  readonly #turn: Turn;
  readonly #now: () => number;
  /** Sees what receivers take in. */
  recorder: Recorder | undefined;
  /** The one that runs, and the one that is being started: what that takes is taken already. */
  #graphs: readonly Graph[] = [];
  #resumed: Promise<void> | undefined;

  constructor(intake: (signal: Telemetry) => Intake<Telemetry>, turn: Turn, now: () => number) {
    this.#intake = intake;
    this.#turn = turn;
    this.#now = now;
  }

  list(): readonly Inlet[] {
    return [...this.#inlets.values()];
  }

  /** Follows reloads: a property is there while a pipeline takes its signal from `id`. */
  outputs(id: string): Outputs {
    const outputs = {};
    for (const signal of SIGNALS) {
      Object.defineProperty(outputs, signal, { enumerable: true, get: () => this.#wanted(id, signal) });
    }
    return outputs;
  }

  #wanted(id: string, signal: Telemetry): Emit | undefined {
    const wanted = this.#graphs.some((graph) => pipelinesOf(graph, id, signal).length > 0);
    return wanted ? this.#inlet(id, signal).emit : undefined;
  }

  #inlet(id: string, signal: Telemetry): Inlet {
    const key = `${id} ${signal}`;
    let inlet = this.#inlets.get(key);
    if (!inlet) {
      const route: Route<Telemetry> = { pipelines: [], counts: { accepted: 0, refused: 0, failed: 0 } };
      const direct = emitInto(this.#intake(signal), route, this.#turn, this.#now);
      const emit: Emit = (bytes, release, compressed) => {
        if (route.pipelines.length > 0)
          return this.#recorded(id, signal, bytes, () => direct(bytes, release, compressed));
        if (this.#resumed) return this.#resumed.then(() => emit(bytes, release, compressed));
        release?.();
        return false;
      };
      inlet = { id, signal, route, emit };
      this.#inlets.set(key, inlet);
    }
    return inlet;
  }

  /** What connectors make is made again of what receivers took. */
  #recorded(id: string, signal: Telemetry, bytes: Uint8Array, take: () => boolean | Promise<boolean>) {
    const { recorder } = this;
    if (!recorder || !this.#graphs.some(({ receivers }) => receivers.has(id))) return take();
    recorder.came(signal, bytes, this.#now());
    let taken: boolean | Promise<boolean> = false;
    try {
      taken = take();
    } finally {
      if (taken === false) recorder.refused();
    }
    return taken;
  }

  /** From now on what `next` takes is taken; requests that `current` does not take wait until the function returned is called. */
  open(current: Graph | undefined, next: Graph): () => void {
    const resumed = Promise.withResolvers<void>();
    this.#resumed = resumed.promise;
    this.#graphs = current ? [current, next] : [next];
    return () => {
      this.#resumed = undefined;
      resumed.resolve();
    };
  }

  /** Requests go through this graph's pipelines. What it does not take any more, receivers that are still to stop may finish. */
  follow(graph: Graph): void {
    this.#graphs = [graph];
    for (const receiver of [...graph.receivers.keys(), ...graph.connectors.keys()]) {
      for (const signal of SIGNALS) {
        const pipelines = pipelinesOf(graph, receiver, signal);
        if (pipelines.length > 0) this.#inlet(receiver, signal).route.pipelines = pipelines;
      }
    }
  }

  /** Lets go of pipelines that the graph does not have; requests for them are refused. */
  settle(graph: Graph): void {
    for (const { id, signal, route } of this.#inlets.values()) route.pipelines = pipelinesOf(graph, id, signal);
  }
}

function pipelinesOf({ pipelines }: Graph, receiver: string, signal: Telemetry) {
  const fed = pipelines.filter(({ config }) => config.signal === signal && config.receivers.includes(receiver));
  return fed.map(({ pipeline }) => pipeline);
}
