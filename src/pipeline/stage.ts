// A processor or connector where it stands in a pipeline: counted, timed, and taken out when it fails again and again.
import type { Host } from "../api/index.ts";

/** Faults that take a component out, where successes between them each make up for a tenth of one. */
const MOST_FAULTS = 10;
const FORGIVEN = 0.1;

/** Totals since the agent started. */
export interface StageCounts {
  /** Points, records, spans or anomalies that were handed to it, and that went on. */
  incoming: number;
  outgoing: number;
  /** Time in its calls. */
  seconds: number;
  /** Calls that threw or returned what they must not. */
  errors: number;
}

export class Stage<T> {
  readonly part: T;
  readonly host: Host;
  readonly counts: StageCounts;
  #faults = 0;

  /** `counts` are those of the stage that it replaces, so that they only ever grow. */
  constructor(part: T, host: Host, counts: StageCounts = { incoming: 0, outgoing: 0, seconds: 0, errors: 0 }) {
    this.part = part;
    this.host = host;
    this.counts = counts;
  }

  /** Whether data passes it by, until a reload makes it anew. */
  get out(): boolean {
    return this.#faults >= MOST_FAULTS;
  }

  /** A call that went well; `began` is `performance.now()` before it. Its time counts for so many `calls`; for 0 nobody looks at the clock. */
  passed(began: number, incoming: number, outgoing: number, calls = 1): void {
    this.#count(began, incoming, outgoing, calls);
    if (this.#faults === 0 || this.out) return;
    this.#faults = Math.max(0, this.#faults - FORGIVEN);
    if (this.#faults === 0) this.host.report("ok");
  }

  /** A call that did not; its data goes on as if the component were not there. */
  failed(began: number, items: number, error: unknown): void {
    this.#count(began, items, items, 1);
    this.counts.errors++;
    this.#faults++;
    const { log } = this.host;
    const [brief, said] =
      error instanceof Error ? [error.message, error.stack ?? error.message] : [String(error), String(error)];
    log.error("a plugin failed on a batch; the batch goes on without it", { error: said });
    if (this.out) {
      log.error("a plugin failed again and again; data passes it by until a reload", { faults: this.counts.errors });
      this.host.report("permanent_error", `taken out of the pipeline after repeated faults, the last: ${brief}`);
    } else this.host.report("recoverable_error", `failed on a batch: ${brief}`);
  }

  #count(began: number, incoming: number, outgoing: number, calls: number): void {
    const { counts } = this;
    if (calls > 0) counts.seconds += ((performance.now() - began) / 1000) * calls;
    counts.incoming += incoming;
    counts.outgoing += outgoing;
  }
}

/** Calls what a processor or connector has to do between batches, if it has. */
export function atRest<K extends "tick" | "conclude">(
  stage: Stage<{ readonly [each in K]?: (now: number) => void }>,
  what: K,
  now: number,
): void {
  if (stage.out || !stage.part[what]) return;
  const began = performance.now();
  try {
    stage.part[what](now);
    stage.passed(began, 0, 0);
  } catch (error) {
    stage.failed(began, 0, error);
  }
}

/** Why a processor's result cannot go on; `expected` says what would. Waits for nothing. */
export function rubbish(result: unknown, expected: string): TypeError {
  // an async function's failure must not end the process
  if (result instanceof Promise) result.catch(() => {});
  const shown = result instanceof Promise ? "a promise" : Array.isArray(result) ? "an array" : `a ${typeof result}`;
  return new TypeError(`process returned ${result === null ? "null" : shown}, not ${expected}`);
}
