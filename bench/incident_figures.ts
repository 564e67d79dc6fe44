// Incidents set against what was planted: how many pages, whose fault was told, and what two faults have shared.
import type { Anomaly } from "../src/api/index.ts";
import { serviceName } from "../src/api/services.ts";
import type { Cause } from "./incident_plan.ts";
import type { IncidentTrial, Told } from "./incident_trial.ts";

/** Milliseconds after the end of a fault in which an incident may still be about it. */
const STILL = 90_000;

export interface IncidentOutcome {
  readonly cause: Cause;
  /** Ids of the incidents that tell of a service at fault, in the order in which they were told. */
  readonly ids: readonly string[];
  /** Milliseconds from the begin of the fault until the first of them was told, or grew by it. */
  readonly delay: number;
  /** Whether the first of them puts a service at fault first: when it told of it, and by the end of the fault. */
  readonly atFirst: boolean;
  readonly byTheEnd: boolean;
  /** The place of the service at fault among its origins by the end; Infinity where it is none. */
  readonly rank: number;
  /** Milliseconds from the end of the fault until the last of them was resolved; NaN while one is not. */
  readonly resolved: number;
  /** Whether another fault has an incident in common with it. */
  readonly shared: boolean;
}

/** "account" of "shop/account". */
const bare = (service: string) => service.slice(service.lastIndexOf("/") + 1);

export const isIncident = ({ anomaly }: Told) => anomaly.type === "incident";

/** Whether a member that was seen since the fault began is at a service at fault. */
function tells({ incident }: Anomaly, { services, from }: Cause): boolean {
  return incident!.members.some(({ labels, episode, time }) => {
    return services.includes(bare(serviceName(labels))) && (episode?.lastSeen ?? time) >= from;
  });
}

function rankOf({ anomaly }: Told, { services }: Cause): number {
  const place = anomaly.incident!.origins.findIndex(({ service }) => services.includes(bare(service)));
  return place < 0 ? Number.POSITIVE_INFINITY : place + 1;
}

const during = ({ from, to }: Cause, at: number) => at >= from && at <= to + STILL;

export function incidentOutcomes({ causes, told }: IncidentTrial): IncidentOutcome[] {
  const incidents = told.filter((each) => isIncident(each) && each.anomaly.state !== "resolved");
  const all = causes.map((cause) => {
    const own = incidents.filter(({ at, anomaly }) => during(cause, at) && tells(anomaly, cause));
    const ids = [...new Set(own.map(({ anomaly }) => anomaly.id))];
    return { cause, own, ids };
  });
  return all.map(({ cause, own, ids }) => {
    const [first] = own;
    const last = own.findLast(({ anomaly }) => anomaly.id === ids[0]);
    const ends = ids.map((id) => resolvedAt(told, id));
    const rank = last ? rankOf(last, cause) : Number.POSITIVE_INFINITY;
    return {
      cause,
      ids,
      delay: first ? first.at - cause.from : Number.NaN,
      atFirst: first !== undefined && rankOf(first, cause) === 1,
      byTheEnd: rank === 1,
      rank,
      resolved: ends.length > 0 ? Math.max(...ends) - cause.to : Number.NaN,
      shared: all.some((other) => other.cause !== cause && other.ids.some((id) => ids.includes(id))),
    };
  });
}

const resolvedAt = (told: readonly Told[], id: string) =>
  told.findLast(({ anomaly }) => anomaly.id === id && anomaly.state === "resolved")?.at ?? Number.NaN;

/** What was told for the first time: while something was wrong, and while nothing was. */
export function opened({ causes, told, learnt }: IncidentTrial, wanted: (told: Told) => boolean) {
  const fresh = told.filter((each) => wanted(each) && each.anomaly.state === "open" && each.at >= learnt);
  const wrong = fresh.filter(({ at }) => causes.some((cause) => during(cause, at)));
  return { wrong, quiet: fresh.filter((each) => !wrong.includes(each)) };
}
