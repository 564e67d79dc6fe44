// What receivers emit into: refuse, or run every pipeline that wants the request in this very tick and hand it to the queues.
import type { Anomaly, Compressed, Emit, ExportRequest, Host, Processor, Suspicion, Telemetry } from "../api/index.ts";
import { requestBuffers } from "../otlp/pool.ts";
import { countItems } from "../otlp/split.ts";
import type { Intake } from "./intake.ts";
import type { AnomalyPipeline, TelemetryPipeline } from "./pipeline.ts";
import type { Queue } from "./queue.ts";
import type { Stage } from "./stage.ts";

/** The run of one request: what is raised and fed meanwhile waits until its columns are no longer in use. */
export class Turn {
  #active = false;
  #raised: Anomaly[] = [];
  #fed: (() => void)[] = [];
  /** Anomalies go to every one of them; a reload replaces the list. */
  pipelines: readonly AnomalyPipeline[];
  /** Processors that have `found`: told of every anomaly at once. A reload replaces the list. */
  listeners: readonly Stage<Processor<any>>[] = [];
  /** Processors that have `lasts`. A reload replaces the list. */
  keepers: readonly Stage<Processor<any>>[] = [];
  /** Processors that have `suspected`. A reload replaces the list. */
  hearers: readonly Stage<Processor<any>>[] = [];
  /** Told of every anomaly at once, and never throws. */
  watcher: ((anomaly: Anomaly) => void) | undefined;
  #telling = false;

  constructor(pipelines: readonly AnomalyPipeline[] = []) {
    this.pipelines = pipelines;
  }

  readonly raise = (anomaly: Anomaly): void => {
    this.#raised.push(anomaly);
    this.watcher?.(anomaly);
    // what a listener raises is not told to listeners
    if (this.#telling) return;
    this.#telling = true;
    for (const stage of this.listeners) {
      if (stage.out) continue;
      const began = performance.now();
      try {
        stage.part.found!(anomaly);
        stage.passed(began, 0, 0);
      } catch (error) {
        stage.failed(began, 0, error);
      }
    }
    this.#telling = false;
  };

  get hears(): boolean {
    return this.hearers.length > 0;
  }

  suspect(suspicion: Suspicion): void {
    for (const stage of this.hearers) {
      if (stage.out) continue;
      try {
        stage.part.suspected!(suspicion);
        stage.passed(0, 0, 0, 0);
      } catch (error) {
        stage.failed(performance.now(), 0, error);
      }
    }
  }

  /** What was told goes on. So often in an incident that nobody looks at the clock. */
  readonly lasts = (fingerprint: string, time: number): void => {
    for (const stage of this.keepers) {
      if (stage.out) continue;
      try {
        stage.part.lasts!(fingerprint, time);
        stage.passed(0, 0, 0, 0);
      } catch (error) {
        stage.failed(performance.now(), 0, error);
      }
    }
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
      for (const pipeline of this.pipelines) pipeline.run(anomalies);
    }
    this.#active = false;
    if (this.#fed.length > 0) for (const task of this.#fed.splice(0)) task();
  }
}

/** Counts who still reads some bytes; when the last one is done they go back to where they came from. */
class Lease {
  #holders = 1;
  #ended = false;
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

  /** Drops the hold that it began with; safe twice. */
  readonly end = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    this.drop();
  };
}

/** Of a request that its pipeline made. */
const leaseOf = ({ bytes }: { readonly bytes: Uint8Array }) => new Lease(() => requestBuffers.give(bytes));

/** Where the requests of one component and signal go, and what became of them. */
export interface Route<S extends Telemetry> {
  /** Read for each attempt; a reload replaces the list and never changes it in place. */
  pipelines: readonly TelemetryPipeline<S>[];
  /**
   * accepted and refused in items; failed in requests: those that are no OTLP, and the agent's own faults. A request that is
   * refused before it is read is skimmed for its items, at a small part of what reading costs; malformed ones count none.
   */
  readonly counts: { accepted: number; refused: number; failed: number };
}

/** Accepted or not, now or later; or the queue that has no room. */
type Outcome = boolean | Promise<boolean> | Queue;

/**
 * The Emit of one component and signal. The order is the law: a request that a processor does not admit is refused unread, one
 * that cannot be read throws, one that a queue has no room for is refused (or waits, where that queue says so), all before
 * anything is learnt from it or passed on; so a retry is never counted twice, and no request is half accepted. Then queues
 * that keep it in a storage take it before those that do not, and it is accepted once it is as durable as the storage promises.
 * A storage that fails refuses it late: processors and connectors have had it, and when it failed to flush, so have the queues.
 */
export function emitInto<S extends Telemetry>(intake: Intake<S>, route: Route<S>, turn: Turn, now: Host["now"]): Emit {
  const { counts } = route;
  let pipelines: readonly TelemetryPipeline<S>[] = [];
  let queues: readonly Queue[] = [];
  let durable = false;
  let unread = false;

  function lookUp(): void {
    // who puts traces together wants all of them
    unread &&= !intake.assembler;
    if (pipelines === route.pipelines) return;
    pipelines = route.pipelines;
    unread = !intake.assembler && pipelines.every((pipeline) => pipeline.unread);
    queues = [...new Set(pipelines.flatMap((pipeline) => [...pipeline.queues]))];
    durable = queues.some(({ persistent }) => persistent);
  }

  /** Every way out but a queue without room ends the lease. */
  function accept(bytes: Uint8Array, lease: Lease, compressed: Compressed | undefined): Outcome {
    lookUp();
    if (pipelines.length === 0 || !pipelines.every((pipeline) => pipeline.admits())) {
      const items = itemsOf(intake.signal, bytes);
      lease.end();
      return concluded(false, items);
    }
    intake.read(bytes, unread);
    const { items } = intake.scan;
    const weight = { items, bytes: bytes.length };
    for (const queue of queues) if (!queue.room(weight)) return queue;
    turn.begin();
    try {
      const receivedAt = now();
      const rows = unread ? intake.unread() : intake.rows(receivedAt);
      const requests = pipelines.map((pipeline) => {
        const request = pipeline.run(bytes, receivedAt, intake.scan, rows);
        return compressed && request?.bytes === bytes ? { ...request, compressed } : request;
      });
      // from here on nothing throws, so a request is in every queue or in none
      const later: Promise<boolean>[] = [];
      const leases = requests.map((request) => (request && request.bytes !== bytes ? leaseOf(request) : lease));
      const taken = (!durable || hand(requests, leases, true, later)) && hand(requests, leases, false, later);
      const end = () => {
        lease.end();
        for (const each of leases) each.end();
      };
      if (later.length === 0) {
        end();
        return concluded(taken, items);
      }
      return Promise.all(later).then((all) => {
        // a storage may read the bytes until it has flushed them
        end();
        return concluded(taken && all.every(Boolean), items);
      });
    } finally {
      turn.end();
    }
  }

  /** False when a storage cannot take it; what is still to be awaited is added to `later`. */
  function hand(
    requests: readonly (ExportRequest<S> | undefined)[],
    leases: readonly Lease[],
    persistent: boolean,
    later: Promise<boolean>[],
  ): boolean {
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i];
      if (!request) continue;
      const weight = { items: request.items, bytes: request.bytes.length };
      for (const queue of pipelines[i].queues) {
        if (durable && queue.persistent !== persistent) continue;
        leases[i].take();
        const answer = queue.push(request as ExportRequest, weight, leases[i].drop, pipelines[i].batching);
        if (answer === false) return false;
        if (answer instanceof Promise) later.push(answer);
        if (persistent) later.push(queue.flush());
      }
    }
    return true;
  }

  function concluded(accepted: boolean, items: number): boolean {
    if (accepted) counts.accepted += items;
    else counts.refused += items;
    return accepted;
  }

  function attempt(bytes: Uint8Array, release: () => void, compressed: Compressed | undefined): Outcome {
    const lease = new Lease(release);
    try {
      return accept(bytes, lease, compressed);
    } catch (error) {
      lease.end();
      counts.failed++;
      throw error;
    }
  }

  /** Of a request that the queue `full` has no room for. */
  function refuse(full: Queue, bytes: Uint8Array, release: () => void): boolean {
    const items = itemsOf(intake.signal, bytes);
    full.refuse(intake.signal, items);
    release();
    return concluded(false, items);
  }

  async function wait(
    full: Queue,
    bytes: Uint8Array,
    release: () => void,
    compressed: Compressed | undefined,
  ): Promise<boolean> {
    let next: Outcome = full;
    while (isQueue(next)) {
      if (!next.blocks) return refuse(next, bytes, release);
      // the scan is still that of these bytes: it was read in this very tick
      await next.roomMade({ items: intake.scan.items, bytes: bytes.length });
      next = attempt(bytes, release, compressed);
    }
    return next;
  }

  return (bytes, release = nothing, compressed) => {
    const outcome = attempt(bytes, release, compressed);
    if (!isQueue(outcome)) return outcome;
    return outcome.blocks ? wait(outcome, bytes, release, compressed) : refuse(outcome, bytes, release);
  };
}

/**
 * Runs an empty request through a pipeline in which a processor waits for one to add to, and hands what comes of it to its queues; not
 * while one of them has no room. Within a turn. Whether anything was sent.
 */
export function flush<S extends Telemetry>(intake: Intake<S>, pipeline: TelemetryPipeline<S>, now: number): boolean {
  if (!pipeline.due || !pipeline.queues.every((queue) => queue.room(LITTLE))) return false;
  intake.read(NOTHING);
  const request = pipeline.run(NOTHING, now, intake.scan, intake.rows(now));
  if (!request || request.items === 0) return false;
  const weight = { items: request.items, bytes: request.bytes.length };
  const lease = leaseOf(request);
  const later: Promise<boolean>[] = [];
  // a queue whose storage fails has counted and told it
  for (const queue of pipeline.queues) {
    lease.take();
    void queue.push(request as ExportRequest, weight, lease.drop, pipeline.batching);
    if (queue.persistent) later.push(queue.flush());
  }
  void Promise.all(later).then(lease.end);
  return true;
}

const NOTHING = new Uint8Array(0);
const LITTLE = { items: 1, bytes: 1 };

const isQueue = (outcome: Outcome): outcome is Queue => typeof outcome === "object" && !(outcome instanceof Promise);

/** Of a request that nobody read or will read; 0 when it is malformed. */
function itemsOf(signal: Telemetry, bytes: Uint8Array): number {
  try {
    return countItems(signal, bytes);
  } catch {
    return 0;
  }
}

function nothing(): void {}
