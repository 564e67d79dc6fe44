// Alerts on their way to one place: in order, none twice, and none held up by another that is refused.
import { type Anomaly, ExportError, type Fate, type Host } from "../api/index.ts";
import { Refusal } from "./answer.ts";

/** How changes of alerts are sent. */
export interface Way {
  /** Most changes of one request; 1 unless said otherwise. */
  readonly most?: number;
  /** Whether a change is to be sent, asked right before; all are unless said otherwise. */
  wanted?(change: Anomaly): boolean;
  /** Sends some, never two of one alert; rejects as an exporter does. */
  post(changes: readonly Anomaly[], signal: AbortSignal): Promise<void>;
}

/** Milliseconds for which an alert is tried that the server has trouble with, when that may be for this alert alone. */
const PATIENCE = 3_600_000;
/** Alerts that fail so in one attempt; then it is likely to be the server. */
const MOST_SUSPECTS = 10;

/** What has become of a list, from attempt to attempt. */
interface Progress {
  /** Changes that need not be sent any more, by index. */
  readonly done: Map<number, Fate>;
  /** Since when one fails so, by index. */
  readonly failing: Map<number, number>;
  delivered: boolean;
}

export class Deliveries {
  readonly #host: Host;
  readonly #refused: ReturnType<Host["meter"]["createCounter"]>;
  readonly #progress = new WeakMap<readonly Anomaly[], Progress>();

  constructor(host: Host) {
    this.#host = host;
    this.#refused = host.meter.createCounter("vedette_exporter_refused_alerts", {
      unit: "{alert}",
      description: "Changes of alerts that the other side refused for good.",
    });
  }

  /**
   * Resolves when every change is delivered or, which is logged, refused for good. Rejects with a retryable ExportError when that is
   * to be tried again: handed the same list, it goes on where it was. Changes of an alert wait for those before.
   */
  async send(changes: readonly Anomaly[], way: Way, signal: AbortSignal): Promise<void> {
    const progress = this.#progressOf(changes);
    const held = new Set<string>();
    let later: ExportError | undefined;
    let refused: ExportError | undefined;
    for (let from = 0; from < changes.length; ) {
      const group = this.#next(changes, from, way, progress, held);
      from = group.next;
      for (const { index, error } of await this.#attempt(changes, group.indices, way, progress, signal)) {
        if (error.retryable) {
          held.add(changes[index].id);
          later ??= error;
        } else refused = error;
      }
      if (later && held.size >= MOST_SUSPECTS) break;
    }
    if (later) throw later;
    if (refused && !progress.delivered) throw refused;
  }

  /** What has become of each of them so far: see `Exporter.fates`. */
  fates(changes: readonly Anomaly[]): readonly Fate[] {
    const done = this.#progress.get(changes)?.done;
    return changes.map((_, index) => done?.get(index) ?? { outcome: "waiting" });
  }

  #progressOf(changes: readonly Anomaly[]): Progress {
    let progress = this.#progress.get(changes);
    if (!progress) {
      progress = { done: new Map(), failing: new Map(), delivered: false };
      this.#progress.set(changes, progress);
    }
    return progress;
  }

  /** Those of one request, from `from` on; and where the next one begins. */
  #next(changes: readonly Anomaly[], from: number, way: Way, { done }: Progress, held: ReadonlySet<string>) {
    const indices: number[] = [];
    const ids = new Set<string>();
    let next = from;
    for (; next < changes.length && indices.length < (way.most ?? 1); next++) {
      const change = changes[next];
      if (ids.has(change.id)) break;
      if (done.has(next) || held.has(change.id)) continue;
      if (way.wanted?.(change) === false) {
        done.set(next, { outcome: "skipped" });
        continue;
      }
      ids.add(change.id);
      indices.push(next);
    }
    return { indices, next };
  }

  /** Those that failed alone. Throws what is no fault of theirs, so that nothing more is tried for now. */
  async #attempt(
    changes: readonly Anomaly[],
    indices: readonly number[],
    way: Way,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<{ index: number; error: ExportError }[]> {
    if (indices.length === 0) return [];
    signal.throwIfAborted();
    try {
      await way.post(
        indices.map((index) => changes[index]),
        signal,
      );
      for (const index of indices) progress.done.set(index, { outcome: "sent" });
      progress.delivered = true;
      return [];
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof ExportError && error.retryable && !isSuspect(error)) throw error;
      if (indices.length > 1) {
        const alone: { index: number; error: ExportError }[] = [];
        for (const index of indices) alone.push(...(await this.#attempt(changes, [index], way, progress, signal)));
        return alone;
      }
      return [this.#failed(changes, indices[0], error, progress)];
    }
  }

  #failed(changes: readonly Anomaly[], index: number, cause: unknown, { done, failing }: Progress) {
    const now = this.#host.now();
    const message = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof ExportError && cause.retryable) {
      const since = failing.get(index) ?? now;
      failing.set(index, since);
      if (now - since < PATIENCE) return { index, error: cause };
    }
    const { id, state } = changes[index];
    this.#host.log.error("an alert is refused for good; others go on", { id, state, error: message });
    this.#refused.add(1);
    done.set(index, { outcome: "refused", reason: message });
    return { index, error: new ExportError(message, { retryable: false, cause }) };
  }
}

const isSuspect = (error: ExportError): boolean => error instanceof Refusal && error.suspect;
