// A pipeline: a loop over synchronous processors, then queues and connectors. Data only goes forward.
import type {
  Anomaly,
  Batching,
  Connector,
  DataOf,
  ExportRequest,
  Logger,
  Processor,
  RowsOf,
  Signal,
  Telemetry,
} from "../api/index.ts";
import type { ScanOf } from "../otlp/columns.ts";
import { PipelineBatch } from "./batch.ts";
import type { Queue, Weight } from "./queue.ts";
import { rubbish, type Stage } from "./stage.ts";

export interface Ends<S extends Signal> {
  readonly processors: readonly Stage<Processor<S>>[];
  readonly queues: readonly Queue[];
  readonly connectors: readonly Stage<Connector<S>>[];
}

function consumed<S extends Signal>(data: DataOf<S>, items: number, stages: readonly Stage<Connector<S>>[]): void {
  for (const stage of stages) {
    if (stage.out) continue;
    const began = performance.now();
    try {
      const result: unknown = stage.part.consume(data);
      if (result instanceof Promise) throw rubbish(result, "nothing");
      stage.passed(began, items, items);
    } catch (error) {
      stage.failed(began, items, error);
    }
  }
}

/** A pipeline of metrics, logs or traces. */
export class TelemetryPipeline<S extends Telemetry> {
  readonly id: string;
  readonly #ends: Ends<S>;
  readonly #gates: readonly Stage<Processor<S>>[];
  readonly #batch: PipelineBatch<S>;

  constructor(id: string, signal: S, ends: Ends<S>) {
    this.id = id;
    this.#ends = ends;
    this.#gates = ends.processors.filter(({ part }) => part.admit);
    this.#batch = new PipelineBatch(signal);
  }

  get queues(): readonly Queue[] {
    return this.#ends.queues;
  }

  /** Whether requests go through it without anybody looking at their rows. */
  get unread(): boolean {
    const { processors, connectors } = this.#ends;
    return connectors.length === 0 && processors.every(({ part }) => part.unread);
  }

  /** How its exporters' queues are to join requests: as the last processor that has an opinion says. */
  get batching(): Batching | undefined {
    return this.#ends.processors.findLast(({ part }) => part.batching)?.part.batching;
  }

  /** Whether every processor would let a request in. */
  admits(): boolean {
    for (const stage of this.#gates) {
      if (stage.out) continue;
      try {
        if (stage.part.admit!() === false) return false;
      } catch (error) {
        stage.failed(performance.now(), 0, error);
      }
    }
    return true;
  }

  /** Whether a processor has something to add to a batch and waits for one. */
  get due(): boolean {
    return this.#ends.processors.some((stage) => !stage.out && stage.part.due === true);
  }

  /** What is to be sent of a request, undefined when nothing is left of it. Connectors have had it when this returns. */
  run(bytes: Uint8Array, receivedAt: number, scan: ScanOf[S], rows: RowsOf[S]): ExportRequest<S> | undefined {
    const { processors, connectors } = this.#ends;
    const batch = this.#batch.open(bytes, receivedAt, scan, rows);
    const data = batch as unknown as DataOf<S>;
    for (const stage of processors) {
      if (stage.out) continue;
      const began = performance.now();
      const { items } = batch;
      try {
        const result: unknown = stage.part.process(data);
        if (result === undefined) {
          stage.passed(began, items, 0);
          return batch.added();
        }
        if (result !== data) throw rubbish(result, "the batch that it was given, or nothing");
        batch.settle();
        stage.passed(began, items, batch.items);
      } catch (error) {
        batch.settle();
        stage.failed(began, items, error);
      }
    }
    consumed<S>(data, batch.items, connectors);
    const request = batch.finish();
    return request.items > 0 || scan.items === 0 ? request : undefined;
  }
}

/** A pipeline of anomalies. They were not promised to anyone yet: what a full queue cannot take is dropped and counted. */
export class AnomalyPipeline {
  readonly id: string;
  readonly #ends: Ends<"anomalies">;
  readonly #log: Logger;
  /** Anomalies that no queue had room for, since the agent started. */
  readonly counts: { dropped: number };

  /** `counts` are those of the pipeline that it replaces. */
  constructor(id: string, ends: Ends<"anomalies">, log: Logger, counts = { dropped: 0 }) {
    this.id = id;
    this.#ends = ends;
    this.#log = log;
    this.counts = counts;
  }

  /** Whether a processor has something to hand on, and waits for a list. */
  get due(): boolean {
    return this.#ends.processors.some((stage) => !stage.out && stage.part.due === true);
  }

  run(anomalies: readonly Anomaly[]): void {
    const { processors, queues, connectors } = this.#ends;
    let left = anomalies;
    for (const stage of processors) {
      if (stage.out || (left.length === 0 && stage.part.due !== true)) continue;
      const began = performance.now();
      try {
        const result: unknown = stage.part.process(left);
        if (result !== undefined && !areAnomalies(result)) throw rubbish(result, "a list of anomalies, or nothing");
        stage.passed(began, left.length, result?.length ?? 0);
        left = result ?? [];
      } catch (error) {
        stage.failed(began, left.length, error);
      }
    }
    if (left.length === 0) return;
    consumed<"anomalies">(left, left.length, connectors);
    const weight: Weight = { items: left.length, bytes: left.length * ANOMALY_BYTES };
    for (const queue of queues) {
      if (queue.room(weight)) {
        // one whose storage fails has counted and told it
        void queue.push(left, weight, nothing);
        continue;
      }
      queue.refuse("anomalies", left.length, left);
      this.counts.dropped += left.length;
      this.#log.error("anomalies dropped: the queue of an exporter is full", { anomalies: left.length });
    }
  }
}

function areAnomalies(value: unknown): value is readonly Anomaly[] {
  return Array.isArray(value) && value.every((each: Partial<Anomaly> | null) => typeof each?.fingerprint === "string");
}

/** About what an anomaly takes as an OTLP log record: queues sized in bytes want a figure before it is encoded. */
const ANOMALY_BYTES = 1024;

function nothing(): void {}
