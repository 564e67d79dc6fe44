// Which service is at fault: what processors say of each in the minutes after a fault, as a rank.
import { blame } from "../plugins/processors/correlate/blame.ts";
import { placeOf } from "../plugins/processors/correlate/evidence.ts";
import { ServiceGraph } from "../plugins/processors/correlate/graph.ts";
import { Suspicions } from "../plugins/processors/correlate/suspicions.ts";
import type { ServiceCall, Suspicion } from "../src/api/index.ts";
import type { Day, InjectedFault } from "./nezha_day.ts";

/** Milliseconds after a fault in which it is looked for. */
export const WITHIN = 180_000;
/** Calls over which one service suffers from another. */
const HOPS = 1;

export interface Ranked {
  readonly fault: InjectedFault;
  /** 1 is first; Infinity where nothing was said of its service. Equal scores share the worst place. */
  readonly rank: number;
  /** The first three, "ts-food-service 10.4". */
  readonly first: readonly string[];
}

/** By what `correlate` would have heard from the fault on, of an incident that opened with it: `calls` are who suffers from whom. */
export function ranked(
  { faults }: Pick<Day, "faults">,
  heard: ReadonlyMap<string, readonly Suspicion[]>,
  calls: readonly ServiceCall[] = [],
): Ranked[] {
  const graph = new ServiceGraph(HOPS);
  graph.follow(calls);
  const suspicions = new Suspicions();
  const all = [...heard.values()].flat().sort((a, b) => a.time - b.time);
  let next = 0;
  return faults.map((fault) => {
    for (; next < all.length && all[next].time <= fault.time + WITHIN; next++) {
      const suspicion = all[next];
      const { time, labels } = suspicion;
      const usual = !faults.some((each) => time >= each.time && time <= each.time + WITHIN);
      suspicions.hear(suspicion, placeOf(labels), time, usual);
    }
    const list = blame(suspicions.since(fault.time), (from, to) => graph.leads(from, to));
    const own = list.find(({ place }) => place === fault.service)?.blame ?? 0;
    return {
      fault,
      rank: own > 0 ? list.filter((each) => each.blame >= own).length : Number.POSITIVE_INFINITY,
      first: list
        .filter((each) => each.blame > 0)
        .slice(0, 3)
        .map((each) => `${each.place} ${each.blame.toFixed(2)}`),
    };
  });
}
