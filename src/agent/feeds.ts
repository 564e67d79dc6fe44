// What a connector emits into: telemetry as a receiver does, once the request that feeds it is done; anomalies at once.
import type { Logger, Outputs, Signal, Telemetry } from "../api/index.ts";
import type { Turn } from "../pipeline/hub.ts";
import type { Graph } from "./graph.ts";
import { messageOf } from "./lifecycle.ts";

export interface Feeding {
  /** Of the connector. */
  readonly id: string;
  readonly signals: readonly Signal[];
  /** As of a receiver. */
  readonly outputs: Outputs;
  readonly turn: Turn;
  readonly log: Logger;
  /** The graph of the moment. */
  readonly graph: () => Graph;
}

export function feedsOf({ id, signals, outputs, turn, log, graph }: Feeding): Outputs {
  const deliver = async (signal: Telemetry, bytes: Uint8Array, release?: () => void) => {
    try {
      if (await outputs[signal]?.(bytes, release)) return;
      log.error("data dropped: a queue behind the connector is full", { signal });
    } catch (error) {
      log.error("data dropped: what the connector made cannot be processed", { signal, error: messageOf(error) });
    }
  };
  const feed = (signal: Telemetry) => (bytes: Uint8Array, release?: () => void) => {
    turn.feed(() => void deliver(signal, bytes, release));
    return true;
  };
  const anomalies: Outputs["anomalies"] = (some, names) => {
    for (const { config, pipeline } of graph().anomalies) {
      if (config.receivers.includes(id) && (names?.includes(config.id) ?? true)) pipeline.run(some);
    }
  };
  return Object.fromEntries(
    signals.map((signal) => (signal === "anomalies" ? [signal, anomalies] : [signal, feed(signal)])),
  );
}
