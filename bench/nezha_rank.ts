// Which service is at fault: what all processors say of each in the minutes after a fault, less what is usual, as a rank.
import type { Day, InjectedFault } from "./nezha_day.ts";
import { type Evidence, SLICE } from "./nezha_evidence.ts";

/** Milliseconds after a fault in which it is looked for. */
export const WITHIN = 180_000;
/** What one processor can say at most: of a structure that changed the origin is least clear, of the way between services most. */
const MOST: Readonly<Record<string, number>> = { trace_structure: 3.5, service_graph: 10.4 };
const MOST_OF_OTHERS = 5.2;

export interface Ranked {
  readonly fault: InjectedFault;
  /** 1 is first; Infinity where nothing was said of its service. Equal scores share the worst place. */
  readonly rank: number;
  /** The first three, "ts-food-service 10.4". */
  readonly first: readonly string[];
}

/**
 * Of each processor: the rarest that it says of a service, less the mean of what it said of it in windows so far, and less what it usually says
 * of the second most suspicious service in a window (the median). What is left of all processors is added as squares. Only
 * what came before a fault is known of what is usual.
 */
export function ranked({ requests, faults }: Day, evidence: ReadonlyMap<string, Evidence>): Ranked[] {
  const width = WITHIN / SLICE;
  const slices = [...new Set(requests.map(({ at }) => Math.floor(at / SLICE)))].sort((a, b) => a - b);
  return faults.map((fault) => {
    const from = Math.ceil(fault.time / SLICE);
    const past = slices.filter((slice, i) => i % (width / 3) === 0 && slice + width <= from);
    const squares = new Map<string, number>();
    for (const [type, said] of evidence) {
      const most = MOST[type] ?? MOST_OF_OTHERS;
      const before = past.map((slice) => said.within(slice, slice + width, most));
      const noise = median(before.map((services) => [...services.values()].sort((a, b) => b - a)[1] ?? 0));
      for (const [service, strength] of said.within(from, Math.floor((fault.time + WITHIN) / SLICE), most)) {
        const usual =
          before.reduce((sum, services) => sum + (services.get(service) ?? 0), 0) / Math.max(1, past.length);
        squares.set(service, (squares.get(service) ?? 0) + Math.max(0, strength - usual - noise) ** 2);
      }
    }
    const list = [...squares].map(([service, sum]) => [service, Math.sqrt(sum)] as const).sort((a, b) => b[1] - a[1]);
    const own = Math.sqrt(squares.get(fault.service) ?? 0);
    return {
      fault,
      rank: own > 0 ? list.filter(([, score]) => score >= own).length : Number.POSITIVE_INFINITY,
      first: list
        .filter(([, score]) => score > 0)
        .slice(0, 3)
        .map(([service, score]) => `${service} ${score.toFixed(1)}`),
    };
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
