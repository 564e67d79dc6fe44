// What receivers emit into: refuse, or run every pipeline that wants the request in this very tick and hand it to the queues.
import type { Anomaly, Emit, ExportRequest, Host, Telemetry } from "../api/index.ts";
import type { Intake } from "./intake.ts";
import type { AnomalyPipeline, TelemetryPipeline } from "./pipeline.ts";
import type { Queue } from "./queue.ts";

/** The run of one request: what is raised and fed meanwhile waits until its columns are no longer in use. */
export class Turn {
  #active = false;
  #raised: Anomaly[] = [];
  #fed: (() => void)[] = [];
  readonly #pipelines: readonly AnomalyPipeline[];

  /** Anomalies go to every one of `pipelines`. */
  constructor(pipelines: readonly AnomalyPipeline[]) {
    this.#pipelines = pipelines;
  }

  readonly raise = (anomaly: Anomaly): void => {
    this.#raised.push(anomaly);
  };

  /** Runs what a connector feeds: at once, or after the request that is running. The task does not throw. */
  feed(task: () => void): void {
    if (this.#active) this.#fed.push(task);
    else task();
  }

  begin(): void {
    this.#active = true;
  }

  end(): void {
    if (this.#raised.length > 0) {
      const anomalies = this.#raised;
      this.#raised = [];
      for (const pipeline of this.#pipelines) pipeline.run(anomalies);
    }
    this.#active = false;
    if (this.#fed.length > 0) for (const task of this.#fed.splice(0)) task();
  }
}

/** Counts who still reads the received bytes; when the last one is done they go back to where they came from. */
class Lease {
  #holders = 1;
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  take(): void {
    this.#holders++;
  }

  readonly drop = (): void => {
    if (--this.#holders === 0) this.#release();
  };
}

/**
 * The Emit of one component and signal. The order is the law: a request that cannot be read throws, one that a queue has no
 * room for is refused (or waits, where that queue says so), both before anything is learnt from it or passed on; so a retry
 * is never counted twice, and no request is half accepted.
 */
export function emitInto<S extends Telemetry>(
  intake: Intake<S>,
  pipelines: readonly TelemetryPipeline<S>[],
  turn: Turn,
  now: Host["now"],
): Emit {
  const queues = [...new Set(pipelines.flatMap((pipeline) => [...pipeline.queues]))];

  /** The queue without room, or nothing once the request is accepted. */
  function accept(bytes: Uint8Array, release: () => void): Queue | undefined {
    intake.read(bytes);
    const weight = { items: intake.scan.items, bytes: bytes.length };
    for (const queue of queues) if (!queue.room(weight)) return queue;
    turn.begin();
    try {
      const rows = intake.rows();
      const receivedAt = now();
      const requests = pipelines.map((pipeline) => pipeline.run(bytes, receivedAt, intake.scan, rows));
      // from here on nothing throws, so a request is in every queue or in none
      const lease = new Lease(release);
      for (let i = 0; i < pipelines.length; i++) {
        const request = requests[i];
        if (request) hand(request, pipelines[i].queues, request.bytes === bytes ? lease : undefined);
      }
      lease.drop();
    } finally {
      turn.end();
    }
    return undefined;
  }

  function attempt(bytes: Uint8Array, release: () => void): Queue | undefined {
    try {
      return accept(bytes, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async function wait(full: Queue, bytes: Uint8Array, release: () => void): Promise<boolean> {
    let next: Queue | undefined = full;
    while (next) {
      if (!next.blocks) {
        release();
        return false;
      }
      await next.roomMade();
      next = attempt(bytes, release);
    }
    return true;
  }

  return (bytes, release = nothing) => {
    const full = attempt(bytes, release);
    if (!full) return true;
    if (full.blocks) return wait(full, bytes, release);
    release();
    return false;
  };
}

function hand(request: ExportRequest, queues: readonly Queue[], lease: Lease | undefined): void {
  const weight = { items: request.items, bytes: request.bytes.length };
  for (const queue of queues) {
    lease?.take();
    queue.push(request, weight, lease ? lease.drop : nothing);
  }
}

function nothing(): void {}
