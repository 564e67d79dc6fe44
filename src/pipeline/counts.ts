// What a queue has done so far, in items: everything taken in was sent, dropped for a reason, or is still held.
import type { Signal } from "../api/index.ts";

/**
 * Totals since the start, in data points, log records, spans or anomalies:
 * accepted + restored = sent + the sum of dropped + held. They only grow, but for `held`.
 */
export interface QueueCounts {
  /** Taken in. */
  accepted: number;
  /** Found in the storage, left there by an earlier process. */
  restored: number;
  sent: number;
  /** In attempts that failed, whether tried again or not: one item may count several times. */
  send_failed: number;
  /** Not taken in: no room, or the storage could not. */
  refused: number;
  /** Waiting or being sent; of a queue that was drained: left in the storage for the next process. */
  held: number;
  readonly dropped: {
    /** The other side refused it for good, or the exporter is at fault. */
    permanent: number;
    /** `retry_on_failure` is off or spent. */
    retries: number;
    /** The queue was full, and `drop_on_overflow` says so. */
    overflow: number;
    /** A stop ran out of time. */
    shutdown: number;
    /** The storage could not give it back: lost, or left there for the next start where it only failed to read it. */
    damaged: number;
  };
}

export type Reason = keyof QueueCounts["dropped"];

const none = (): QueueCounts => ({
  accepted: 0,
  restored: 0,
  sent: 0,
  send_failed: 0,
  refused: 0,
  held: 0,
  dropped: { permanent: 0, retries: 0, overflow: 0, shutdown: 0, damaged: 0 },
});

export const newCounts = (): Readonly<Record<Signal, QueueCounts>> => ({
  metrics: none(),
  logs: none(),
  traces: none(),
  anomalies: none(),
});
