// Alarms set against what was planted: what was found, how soon, who was blamed first, and what was said for nothing.
import type { Alarm, Planted, Trial } from "./trace_trial.ts";
import type { Fault, Truth } from "./world/faults.ts";

const MINUTE = 60_000;

/** After the end of a fault an alarm may still be about it; and it may come back to normal, which is told for a while. */
const STILL = 1.5 * MINUTE;
export const SETTLES = 15 * MINUTE;
/** An alarm about the same thing within so long is the same alarm; of all things, the same incident. */
const SAME = 10 * MINUTE;
const INCIDENT = 5 * MINUTE;

export type Blamed = "target" | "ancestor" | "descendant" | "elsewhere";

export interface Outcome extends Planted {
  /** About a service at fault; the first of them. */
  readonly found: Alarm | undefined;
  /** Milliseconds since the fault began. */
  readonly delay: number;
  /** The first alarm of all, and whom it blames. */
  readonly first: Alarm | undefined;
  readonly blamed: Blamed | undefined;
  /** Whether the first alarm about a service at fault names an operation at fault. */
  readonly named: boolean;
  /** Detectors that found it. */
  readonly by: readonly string[];
}

/** What is said while a fault lasts, and a moment longer, that was not said just before it. */
export function saidDuring<A extends Pick<Alarm, "at" | "fingerprint">>(
  alarms: readonly A[],
  { from, to }: Pick<Fault, "from" | "to">,
): A[] {
  const before = new Set(
    alarms.filter(({ at }) => at < from && at >= from - SAME).map(({ fingerprint }) => fingerprint),
  );
  return alarms.filter(({ at, fingerprint }) => at >= from && at <= to + STILL && !before.has(fingerprint));
}

export function outcomesOf({ planted, alarms }: Trial): Outcome[] {
  return planted.map(({ fault, truth }) => {
    const during = saidDuring(alarms, fault);
    const own = during.filter((alarm) => blamed(alarm, fault, truth) === "target");
    const [found] = own;
    // of those said at once it does not matter which is first
    const first = during.length > 0 && found?.at === during[0].at ? found : during[0];
    return {
      fault,
      truth,
      found,
      delay: found ? found.at - fault.from : Number.NaN,
      first,
      blamed: first && blamed(first, fault, truth),
      named: found !== undefined && truth.operations.includes(`${found.service} ${found.name}`),
      by: [...new Set(own.map(({ detector }) => detector))],
    };
  });
}

/** Of a slow network a calling span is the place, and says so about both its ends. */
function blamed({ service, peer }: Alarm, { kind }: Fault, { services, ancestors, descendants }: Truth): Blamed {
  if (services.includes(service) || (kind === "delay" && services.includes(peer))) return "target";
  if (ancestors.includes(service)) return "ancestor";
  return descendants.includes(service) ? "descendant" : "elsewhere";
}

export interface Quiet {
  /** While nothing was wrong and it had learnt. */
  readonly hours: number;
  /** Alarms about one thing each. */
  readonly alarms: readonly Alarm[];
  /** Of these the ones with nothing just before them. */
  readonly incidents: number;
  /** While it learnt. */
  readonly learning: number;
}

/** Without those that say of one thing again what was said just before; in the order in which they were said. */
export function distinct<A extends Pick<Alarm, "at" | "fingerprint">>(alarms: readonly A[]): A[] {
  const last = new Map<string, number>();
  return alarms.filter(({ fingerprint, at }) => {
    const since = at - (last.get(fingerprint) ?? Number.NEGATIVE_INFINITY);
    last.set(fingerprint, at);
    return since > SAME;
  });
}

/** How many there are with nothing just before them. */
export function incidentsOf(alarms: readonly Pick<Alarm, "at">[]): number {
  let incidents = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { at } of alarms) {
    if (at > until) incidents++;
    until = at + INCIDENT;
  }
  return incidents;
}

export function quietOf({ planted, alarms, learnt, end }: Trial): Quiet {
  const wrong = (at: number) => planted.some(({ fault }) => at >= fault.from && at < fault.to + SETTLES);
  const faulty = planted.reduce((sum, { fault }) => sum + Math.min(end, fault.to + SETTLES) - fault.from, 0);
  const fresh = distinct(alarms).filter(({ at }) => !wrong(at));
  const quiet = fresh.filter(({ at }) => at >= learnt);
  return {
    hours: (end - learnt - faulty) / 3_600_000,
    alarms: quiet,
    incidents: incidentsOf(quiet),
    learning: fresh.length - quiet.length,
  };
}
