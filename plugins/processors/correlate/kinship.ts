// Whether what happens at a place is part of an incident: at the same place, or where it would spread to or come from.
import { type Kind, RAISES, RISES } from "./evidence.ts";
import type { ServiceGraph } from "./graph.ts";
import type { Incident } from "./incident.ts";

/** Something new: where, what, since when (Unix milliseconds), and in which trace. */
export interface Newcomer {
  readonly place: string;
  readonly kind: Kind;
  readonly start: number;
  readonly trace: string;
  /** Of the begin of an incident: something in it explains already why the place suffers. */
  readonly explained?: boolean;
}

/** How closely it belongs to the incident, 0 where it does not. */
export function kinship(newcomer: Newcomer, incident: Incident, graph: ServiceGraph, window: number): number {
  const { place, kind, start, trace, explained = false } = newcomer;
  if (incident.places.has(place)) return place === "" ? 0 : 4;
  const [{ place: origin } = { place: "" }] = incident.suspects(graph);
  const onsets = incident.places.get(origin);
  if (!onsets || origin === "" || place === "") return 0;
  const near = ({ first, last }: { first: number; last: number }) => start >= first - window && start <= last + window;
  if (near(onsets)) {
    const kinds = incident.kindsAt(origin);
    // a caller suffers from it
    if (!explained && some(kinds, RAISES) && RISES.has(kind) && graph.leads(place, origin)) return 3;
    // what it calls lies deeper
    if (RAISES.has(kind) && every(kinds, RAISES) && isBehind(place, origin, incident, graph)) return 2;
    // its load comes from there
    if (every(kinds, LOAD) && (kind === "load" || kind === "change") && graph.leads(place, origin)) return 2;
    if (trace !== "" && incident.traces.has(trace) && !(graph.knows(place) && graph.knows(origin))) return 1;
  }
  for (const [each, began] of incident.places) {
    if (!near(began)) continue;
    if (kind === "load" && graph.leads(each, place)) return 1;
    // it suffers from what suffers itself
    if (!explained && RISES.has(kind) && graph.leads(place, each) && some(incident.kindsAt(each), RAISES)) return 1;
  }
  return 0;
}

/** Whether the origin may suffer from it. Where it suffers from another place already, that one must. */
function isBehind(place: string, origin: string, incident: Incident, graph: ServiceGraph): boolean {
  if (!graph.leads(origin, place)) return false;
  const known = causesOf(origin, incident, graph);
  return known.length === 0 || known.some((each) => graph.leads(each, place));
}

/** Places of the incident that one of its places may suffer from. */
export const causesOf = (place: string, { places }: Incident, graph: ServiceGraph): string[] =>
  [...places].flatMap(([each, { kinds }]) => (some(kinds, RAISES) && graph.leads(place, each) ? each : []));

const LOAD: ReadonlySet<Kind> = new Set(["load"]);
const every = (kinds: ReadonlySet<Kind>, wanted: ReadonlySet<Kind>) => kinds.isSubsetOf(wanted);
const some = (kinds: ReadonlySet<Kind>, wanted: ReadonlySet<Kind>) => !kinds.isDisjointFrom(wanted);
