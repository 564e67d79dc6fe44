// Which service is at fault: what all processors say of each in the minutes after a fault, less what is usual, as a rank.
import { blame, type Said } from "../plugins/processors/correlate/blame.ts";
import type { Kind } from "../plugins/processors/correlate/evidence.ts";
import { ServiceGraph } from "../plugins/processors/correlate/graph.ts";
import type { ServiceCall } from "../src/api/index.ts";
import type { Day, InjectedFault } from "./nezha_day.ts";
import { type Evidence, SLICE } from "./nezha_evidence.ts";

/** Milliseconds after a fault in which it is looked for. */
export const WITHIN = 180_000;
/** What one processor can say at most: of a structure that changed the origin is least clear, of the way between services most. */
const MOST: Readonly<Record<string, number>> = { trace_structure: 3.5, service_graph: 10.4 };
const MOST_OF_OTHERS = 5.2;
/** Calls over which one service suffers from another. */
const HOPS = 1;

export interface Ranked {
  readonly fault: InjectedFault;
  /** 1 is first; Infinity where nothing was said of its service. Equal scores share the worst place. */
  readonly rank: number;
  /** The first three, "ts-food-service 10.4". */
  readonly first: readonly string[];
}

/** What the findings of a processor are to `correlate`; of others logs. */
const KINDS: Readonly<Record<string, Kind>> = {
  span_duration: "slow",
  span_errors: "fail",
  span_rate: "load",
  trace_structure: "fail",
  service_graph: "slow",
  auto: "resource",
};

/**
 * Of each processor: the rarest that it says of a service, less the mean of what it said of it in windows so far, and less what it usually says
 * of the second most suspicious service in a window (the median). What is left of all processors is weighed as `correlate` weighs anomalies, with
 * `calls` for who suffers from whom. Only what came before a fault is known of what is usual.
 */
export function ranked(
  { requests, faults }: Pick<Day, "requests" | "faults">,
  evidence: ReadonlyMap<string, Evidence>,
  calls: readonly ServiceCall[] = [],
): Ranked[] {
  const width = WITHIN / SLICE;
  const slices = [...new Set(requests.map(({ at }) => Math.floor(at / SLICE)))].sort((a, b) => a - b);
  const graph = new ServiceGraph(HOPS);
  graph.follow(calls);
  return faults.map((fault) => {
    const from = Math.ceil(fault.time / SLICE);
    const past = slices.filter((slice, i) => i % (width / 3) === 0 && slice + width <= from);
    const said: Said[] = [];
    for (const [detector, own] of evidence) {
      const most = MOST[detector] ?? MOST_OF_OTHERS;
      const before = past.map((slice) => own.within(slice, slice + width, most));
      const noise = median(before.map((services) => [...services.values()].sort((a, b) => b - a)[1] ?? 0));
      for (const [place, rarity] of own.within(from, Math.floor((fault.time + WITHIN) / SLICE), most)) {
        const usual = before.reduce((sum, services) => sum + (services.get(place) ?? 0), 0) / Math.max(1, past.length);
        const strength = Math.max(0, rarity - usual - noise);
        said.push({ place, detector, kind: KINDS[detector] ?? "log", strength });
      }
    }
    const list = blame(said, (from, to) => graph.leads(from, to));
    const own = list.find(({ place }) => place === fault.service)?.blame ?? 0;
    return {
      fault,
      rank: own > 0 ? list.filter((each) => each.blame >= own).length : Number.POSITIVE_INFINITY,
      first: list
        .filter((each) => each.blame > 0)
        .slice(0, 3)
        .map((each) => `${each.place} ${each.blame.toFixed(1)}`),
    };
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
