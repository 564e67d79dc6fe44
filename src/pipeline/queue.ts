// The bounded queue before each exporter: it sends, retries and drains; what it holds was promised to be delivered.
import { ExportError, type Exporter, type Host } from "../api/index.ts";
import type { SendingOptions } from "./options.ts";

/** How long an exporter may take to heed its signal once a stop has run out of time; then it is waited for no more. */
const GRACE = 1000;
/** A timer cannot wait longer. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** What one request weighs; the queue counts the one its `sizer` names. */
export interface Weight {
  readonly items: number;
  readonly bytes: number;
}

interface Entry {
  readonly data: unknown;
  readonly weight: number;
  readonly items: number;
  readonly release: () => void;
}

/** Totals since the start: accepted = sent + failed + what is still held. In items. */
export interface QueueCounts {
  accepted: number;
  sent: number;
  /** Given up: a permanent error, retries spent, or the deadline of a stop. */
  failed: number;
}

export class Queue {
  readonly counts: QueueCounts = { accepted: 0, sent: 0, failed: 0 };
  readonly #exporter: Exporter<any>;
  readonly #options: SendingOptions;
  readonly #host: Host;
  readonly #waiting: Entry[] = [];
  #first = 0;
  #held = 0;
  #active = 0;
  readonly #capacity: number;
  readonly #consumers: number;
  /** Aborts attempts and waits when a stop has run out of time. */
  readonly #giveUp = new AbortController();
  #whenRoom: (() => void)[] = [];
  #whenEmpty: (() => void)[] = [];

  constructor(exporter: Exporter<any>, options: SendingOptions, host: Host) {
    this.#exporter = exporter;
    this.#options = options;
    this.#host = host;
    const queue = options.sending_queue;
    this.#capacity = queue.enabled ? queue.queue_size : queue.num_consumers;
    this.#consumers = queue.num_consumers;
  }

  /** In units of the sizer; what is being sent counts until it is done with. */
  get size(): number {
    return this.#held;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get blocks(): boolean {
    return this.#options.sending_queue.block_on_overflow;
  }

  #weigh(weight: Weight): number {
    const { enabled, sizer } = this.#options.sending_queue;
    return !enabled || sizer === "requests" ? 1 : Math.max(1, weight[sizer]);
  }

  /** Whether it would take this much now. An empty queue takes any one request, or a large one could never pass. */
  room(weight: Weight): boolean {
    return this.#held === 0 || this.#held + this.#weigh(weight) <= this.#capacity;
  }

  /** Settles when something has left the queue. */
  roomMade(): Promise<void> {
    return new Promise((resolve) => this.#whenRoom.push(resolve));
  }

  /** Takes the data, in full or not: the caller asked `room` first. `release` is called once, when it is done with. */
  push(data: unknown, weight: Weight, release: () => void): void {
    const entry = { data, weight: this.#weigh(weight), items: weight.items, release };
    this.#held += entry.weight;
    this.counts.accepted += entry.items;
    if (this.#active < this.#consumers) void this.#consume(entry);
    else this.#waiting.push(entry);
  }

  async #consume(entry: Entry | undefined): Promise<void> {
    this.#active++;
    while (entry) {
      await this.#deliver(entry);
      this.#held -= entry.weight;
      this.#release(entry);
      const waiters = this.#whenRoom;
      this.#whenRoom = [];
      for (const wake of waiters) wake();
      entry = this.#shift();
    }
    this.#active--;
    if (this.#active === 0) for (const done of this.#whenEmpty.splice(0)) done();
  }

  #release(entry: Entry): void {
    try {
      entry.release();
    } catch (error) {
      this.#host.log.error("whoever handed data over failed to take its buffer back", { error: String(error) });
    }
  }

  #shift(): Entry | undefined {
    const entry = this.#waiting[this.#first];
    if (entry === undefined) {
      this.#waiting.length = this.#first = 0;
      return undefined;
    }
    this.#waiting[this.#first++] = undefined as never;
    if (this.#first > 1024 && this.#first * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    return entry;
  }

  /** Sends until it is delivered, refused for good, or time is up. Never rejects. */
  async #deliver(entry: Entry): Promise<void> {
    const { timeout, retry_on_failure: retry } = this.#options;
    const stop = this.#giveUp.signal;
    const began = performance.now();
    let wait = Math.min(retry.initial_interval, retry.max_interval);
    for (;;) {
      if (stop.aborted) return this.#lose(entry, "the agent stopped before it could be sent", undefined);
      try {
        await this.#attempt(entry, timeout, stop);
        this.counts.sent += entry.items;
        return;
      } catch (error) {
        if (!(error instanceof ExportError) || !error.retryable) return this.#lose(entry, "permanent error", error);
        if (!retry.enabled) return this.#lose(entry, "failed, and retry_on_failure is off", error);
        if (stop.aborted) return this.#lose(entry, "the agent stopped before it could be sent", error);
        const spread = 1 + retry.randomization_factor * (2 * this.#host.random() - 1);
        const asked = error.retryAfter ?? 0;
        const pause = asked > wait * spread ? asked : wait * spread;
        if (retry.max_elapsed_time > 0 && performance.now() - began + pause > retry.max_elapsed_time) {
          return this.#lose(entry, "retries spent (retry_on_failure.max_elapsed_time)", error);
        }
        this.#host.log.warn("export failed, will be tried again", { error: error.message, in_ms: Math.round(pause) });
        await sleep(pause, stop);
        wait = Math.min(wait * retry.multiplier, retry.max_interval);
      }
    }
  }

  async #attempt(entry: Entry, timeout: number, stop: AbortSignal): Promise<void> {
    const controller = new AbortController();
    const abandoned = Promise.withResolvers<never>();
    let grace: NodeJS.Timeout | undefined;
    const abort = () => {
      controller.abort(stop.reason);
      grace = setTimeout(abandoned.reject, GRACE, stop.reason);
    };
    const expire = () => controller.abort(new ExportError(`no answer within ${timeout} ms`, { retryable: true }));
    const timer = timeout > 0 ? setTimeout(expire, Math.min(timeout, LONGEST_TIMER)) : undefined;
    stop.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#exporter.export(entry.data as never, controller.signal), abandoned.promise]);
    } catch (error) {
      // an exporter may reject with whatever its transport throws on abort: the reason is ours
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      clearTimeout(timer);
      clearTimeout(grace);
      stop.removeEventListener("abort", abort);
    }
  }

  #lose(entry: Entry, why: string, error: unknown): void {
    this.counts.failed += entry.items;
    const fields = { items: entry.items, why, error: error instanceof Error ? error.message : error && String(error) };
    this.#host.log.error("data dropped", fields);
  }

  /** Settles when nothing is held. After `deadline` ms what is left is dropped, counted and logged. */
  async drain(deadline: number): Promise<void> {
    if (this.#active === 0) return;
    const reason = new ExportError("the agent is stopping", { retryable: true });
    const timer = setTimeout(() => this.#giveUp.abort(reason), Math.min(deadline, LONGEST_TIMER));
    // who waited for room may push at the very moment that the queue is empty
    while (this.#active > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
    clearTimeout(timer);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, LONGEST_TIMER));
    signal.addEventListener("abort", done, { once: true });
  });
}
