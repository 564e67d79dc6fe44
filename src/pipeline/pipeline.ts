// A pipeline: a loop over synchronous processors, then queues and connectors. Data only goes forward.
import type {
  Anomaly,
  Connector,
  DataOf,
  ExportRequest,
  Host,
  Processor,
  RowsOf,
  Signal,
  Telemetry,
} from "../api/index.ts";
import type { ScanOf } from "../otlp/columns.ts";
import { PipelineBatch } from "./batch.ts";
import type { Queue, Weight } from "./queue.ts";

/** A processor or connector with the host that names it. */
export interface Stage<T> {
  readonly part: T;
  readonly host: Host;
  /** Calls that threw. */
  faults: number;
}

export interface Ends<S extends Signal> {
  readonly processors: readonly Stage<Processor<S>>[];
  readonly queues: readonly Queue[];
  readonly connectors: readonly Stage<Connector<S>>[];
}

/** What the processors make of the data; a processor that throws is named and passed over, its data goes on. */
function processed<S extends Signal>(
  data: DataOf<S>,
  stages: readonly Stage<Processor<S>>[],
  settle?: () => void,
): DataOf<S> | undefined {
  let current: DataOf<S> | undefined = data;
  for (const stage of stages) {
    try {
      current = stage.part.process(current);
    } catch (error) {
      fault(stage, error);
    }
    if (current === undefined) return undefined;
    settle?.();
  }
  return current;
}

function consumed<S extends Signal>(data: DataOf<S>, stages: readonly Stage<Connector<S>>[]): void {
  for (const stage of stages) {
    try {
      stage.part.consume(data);
    } catch (error) {
      fault(stage, error);
    }
  }
}

function fault(stage: Stage<unknown>, error: unknown): void {
  stage.faults++;
  stage.host.log.error("a plugin failed on a batch; the batch goes on without it", {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

/** A pipeline of metrics, logs or traces. */
export class TelemetryPipeline<S extends Telemetry> {
  readonly id: string;
  readonly #ends: Ends<S>;
  readonly #batch: PipelineBatch<S>;

  constructor(id: string, signal: S, ends: Ends<S>) {
    this.id = id;
    this.#ends = ends;
    this.#batch = new PipelineBatch(signal);
  }

  get queues(): readonly Queue[] {
    return this.#ends.queues;
  }

  /** What is to be sent of a request, undefined when nothing is left of it. Connectors have had it when this returns. */
  run(bytes: Uint8Array, receivedAt: number, scan: ScanOf[S], rows: RowsOf[S]): ExportRequest<S> | undefined {
    const { processors, connectors } = this.#ends;
    const batch = this.#batch.open(bytes, receivedAt, scan, rows);
    const data = batch as unknown as DataOf<S>;
    if (processed<S>(data, processors, () => batch.settle()) === undefined) return undefined;
    consumed<S>(data, connectors);
    const request = batch.finish();
    return request.items > 0 || scan.items === 0 ? request : undefined;
  }
}

/** A pipeline of anomalies. They were not promised to anyone yet: what a full queue cannot take is dropped and counted. */
export class AnomalyPipeline {
  readonly id: string;
  readonly #ends: Ends<"anomalies">;
  readonly #host: Host;
  dropped = 0;

  constructor(id: string, ends: Ends<"anomalies">, host: Host) {
    this.id = id;
    this.#ends = ends;
    this.#host = host;
  }

  run(anomalies: readonly Anomaly[]): void {
    const { processors, queues, connectors } = this.#ends;
    const left = processed<"anomalies">(anomalies, processors);
    if (left === undefined || left.length === 0) return;
    consumed<"anomalies">(left, connectors);
    const weight: Weight = { items: left.length, bytes: left.length * ANOMALY_BYTES };
    for (const queue of queues) {
      if (queue.room(weight)) queue.push(left, weight, nothing);
      else {
        this.dropped += left.length;
        this.#host.log.error("anomalies dropped: the queue of an exporter is full", { anomalies: left.length });
      }
    }
  }
}

/** About what an anomaly takes as an OTLP log record: queues sized in bytes want a figure before it is encoded. */
const ANOMALY_BYTES = 1024;

function nothing(): void {}
