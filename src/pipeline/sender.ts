// Sends one piece after another: tries again, moves to another exporter, gives up; and counts what becomes of each.
import { type Delivery, ExportError, type Exporter, type ExportOf, type Host, type Signal } from "../api/index.ts";
import { attempt, LONGEST_TIMER } from "./attempt.ts";
import type { Piece } from "./batching.ts";
import type { QueueCounts, Reason } from "./counts.ts";
import { deliveriesOf } from "./delivery.ts";
import type { Health } from "./health.ts";
import type { SendingOptions } from "./options.ts";
import { messageOf } from "./spool.ts";

/** What attempts use from a `reconfigure` on. */
interface Lane {
  readonly exporter: Exporter<any>;
  readonly options: SendingOptions;
  /** Attempts on this exporter, and who waits for their end; lanes of one exporter share it. */
  readonly running: { attempts: number; idle: (() => void)[] };
}

/** How a piece ended; what is kept stays in the storage for the next process. */
export type End = "sent" | "dropped" | "kept";

/** Of one queue. */
export class Sender {
  readonly #host: Host;
  readonly #health: Health;
  readonly #counts: Readonly<Record<Signal, QueueCounts>>;
  readonly #persistent: boolean;
  readonly #delivered: ((delivery: Delivery) => void) | undefined;
  #lane: Lane;
  #draining = false;
  /** What is in the storage stays there: a stop found that sending does not work, or ran out of time. */
  #keeping = false;
  /** Aborts attempts when a stop has run out of time. */
  readonly #stop = new AbortController();
  readonly #pauses = new Set<() => void>();

  /** With `persistent` what a stop finds undelivered is kept, else dropped. `delivered` is told what becomes of anomalies. */
  constructor(
    exporter: Exporter<any>,
    options: SendingOptions,
    host: Host,
    health: Health,
    counts: Readonly<Record<Signal, QueueCounts>>,
    persistent: boolean,
    delivered?: (delivery: Delivery) => void,
  ) {
    this.#lane = { exporter, options, running: { attempts: 0, idle: [] } };
    this.#host = host;
    this.#health = health;
    this.#counts = counts;
    this.#persistent = persistent;
    this.#delivered = delivered;
  }

  get options(): SendingOptions {
    return this.#lane.options;
  }

  get keeping(): boolean {
    return this.#keeping;
  }

  /** Ends pauses: they go on with these. */
  reconfigure(exporter: Exporter<any>, options: SendingOptions): Promise<void> {
    const { running, exporter: old } = this.#lane;
    this.#lane = { exporter, options, running: exporter === old ? running : { attempts: 0, idle: [] } };
    this.#endPauses();
    if (exporter === old || running.attempts === 0) return Promise.resolve();
    return new Promise((resolve) => running.idle.push(resolve));
  }

  /** From now on what fails is kept, where that can be. */
  drain(): void {
    this.#draining = true;
    if (this.#persistent) this.#endPauses();
  }

  /** Ends attempts and pauses: what is not delivered by now is kept or dropped. */
  giveUp(): void {
    this.#keeping = this.#persistent;
    this.#stop.abort(new ExportError("the agent is stopping", { retryable: true }));
    this.#endPauses();
  }

  /** Sends until it is delivered, refused for good, or time is up; `since` is when it was handed over. Never rejects. */
  async deliver(piece: Piece, signal: Signal, since: number, unfinished: Promise<unknown>[]): Promise<End> {
    const { items } = piece;
    const counts = this.#counts[signal];
    const stop = this.#stop.signal;
    const began = performance.now();
    let lane = this.#lane;
    let wait = 0;
    let tries = 0;
    let last: unknown;
    const drop = (reason: Reason, why: string): End => {
      this.drop(signal, items, reason, why, last);
      this.tell(piece.data, reasonOf(why, last), tries, since);
      return "dropped";
    };
    for (;;) {
      if (this.#persistent && (stop.aborted || (this.#draining && tries > 0))) {
        this.#keeping = true;
        return "kept";
      }
      if (stop.aborted) return drop("shutdown", "the agent stopped before it could be sent");
      if (tries === 0 || lane !== this.#lane) {
        lane = this.#lane;
        const { initial_interval, max_interval } = lane.options.retry_on_failure;
        wait = Math.min(initial_interval, max_interval);
      }
      tries++;
      const outcome = await this.#attempt(lane, piece);
      if (outcome.delivered) {
        counts.sent += items;
        counts.held -= items;
        this.#health.sending(undefined);
        this.tell(piece.data, undefined, tries, since);
        return "sent";
      }
      if (outcome.unfinished) unfinished.push(outcome.unfinished);
      last = outcome.error;
      counts.send_failed += items;
      // what one exporter refused, its successor may deliver
      if (lane !== this.#lane) continue;
      const { retry_on_failure: retry } = lane.options;
      if (!(last instanceof ExportError) || !last.retryable) return drop("permanent", "permanent error");
      this.#health.sending(`export failed: ${last.message}`);
      if (stop.aborted || (this.#draining && this.#persistent)) continue;
      if (!retry.enabled) return drop("retries", "failed, and retry_on_failure is off");
      const spread = 1 + retry.randomization_factor * (2 * this.#host.random() - 1);
      const asked = last.retryAfter ?? 0;
      const pause = asked > wait * spread ? asked : wait * spread;
      if (retry.max_elapsed_time > 0 && performance.now() - began + pause > retry.max_elapsed_time) {
        return drop("retries", "retries spent (retry_on_failure.max_elapsed_time)");
      }
      this.#host.log.warn("export failed, will be tried again", { error: last.message, in_ms: Math.round(pause) });
      await this.#pause(pause);
      wait = Math.min(wait * retry.multiplier, retry.max_interval);
    }
  }

  async #attempt({ exporter, options, running }: Lane, { data }: Piece) {
    running.attempts++;
    const outcome = await attempt(exporter, data, options.timeout, this.#stop.signal);
    if (--running.attempts === 0) for (const done of running.idle.splice(0)) done();
    if (outcome.fault !== undefined) {
      const error = outcome.error === undefined ? undefined : messageOf(outcome.error);
      this.#host.log.error(`the exporter is at fault: ${outcome.fault}`, { error });
    }
    return outcome;
  }

  /** Counts, logs and reports what is lost. */
  drop(signal: Signal, items: number, reason: Reason, why: string, error: unknown): void {
    const counts = this.#counts[signal];
    counts.dropped[reason] += items;
    counts.held -= items;
    const fields = { signal, items, why, error: error === undefined ? undefined : messageOf(error) };
    this.#host.log.error("data dropped", fields);
    if (reason !== "shutdown") this.#health.sending(`data dropped: ${reasonOf(why, error)}`);
  }

  /** Tells what became of anomalies, after so many attempts since `performance.now()` was `since`: taken, or why not. */
  tell(data: ExportOf<Signal>, reason: string | undefined, attempts: number, since: number): void {
    if (!this.#delivered || "bytes" in data) return;
    const ended = { changes: data, reason, attempts, seconds: (performance.now() - since) / 1000 };
    const exporter = { id: this.#host.id, part: this.#lane.exporter };
    for (const delivery of deliveriesOf(ended, exporter, this.#host.now())) this.#delivered(delivery);
  }

  /** Ends early when the agent stops or the exporter is replaced. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#pauses.delete(end);
        resolve();
      };
      const timer = setTimeout(end, Math.min(ms, LONGEST_TIMER));
      this.#pauses.add(end);
    });
  }

  #endPauses(): void {
    for (const end of [...this.#pauses]) end();
  }
}

const reasonOf = (why: string, error: unknown) => (error ? `${why}: ${messageOf(error)}` : why);
