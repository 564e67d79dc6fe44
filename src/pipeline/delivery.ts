// What became of changes of alerts, once a queue is done with them: for extensions that keep a record of it.
import type { Anomaly, Delivery, Exporter, Fate } from "../api/index.ts";

/** How the queue ended with them: `reason` is why it gave them up, undefined where the exporter took them. */
export interface Ended {
  readonly changes: readonly Anomaly[];
  readonly reason: string | undefined;
  readonly attempts: number;
  readonly seconds: number;
}

/** One for those that were taken, one for each reason why others were not. Changes that were no news to send are in none. */
export function deliveriesOf(
  { changes, reason, attempts, seconds }: Ended,
  exporter: { readonly id: string; readonly part: Exporter<any> },
  time: number,
): Delivery[] {
  const fates = fatesOf(exporter.part, changes);
  const taken: Anomaly[] = [];
  const failed = new Map<string, Anomaly[]>();
  changes.forEach((change, i) => {
    const { outcome, reason: refusal = "" } = fates?.[i] ?? { outcome: "waiting" };
    if (outcome === "skipped") return;
    const why = outcome === "refused" ? refusal : outcome === "sent" ? undefined : reason;
    if (why === undefined) taken.push(change);
    else if (failed.has(why)) failed.get(why)!.push(change);
    else failed.set(why, [change]);
  });
  const common = { exporter: exporter.id, time, attempts, seconds };
  const done: Delivery[] = taken.length > 0 ? [{ ...common, changes: taken, outcome: "done", reason: "" }] : [];
  return [
    ...done,
    ...Array.from(failed, ([why, some]): Delivery => ({ ...common, changes: some, outcome: "failed", reason: why })),
  ];
}

/** Undefined where the exporter does not tell one from another, or fails to. */
function fatesOf(exporter: Exporter<any>, changes: readonly Anomaly[]): readonly Fate[] | undefined {
  try {
    const fates: unknown = exporter.fates?.(changes);
    return Array.isArray(fates) && fates.length === changes.length ? fates : undefined;
  } catch {
    return undefined;
  }
}
