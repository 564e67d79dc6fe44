// All incidents that are open: what comes is joined to one of them or opens one, and two that turn out to be one are merged.
import type { Anomaly } from "vedette";
import { Deployments, isDeployment } from "./deployments.ts";
import { placeOf, reliesOn } from "./evidence.ts";
import type { ServiceGraph } from "./graph.ts";
import { Incident, type Member, memberOf } from "./incident.ts";
import { causesOf, kinship, type Newcomer } from "./kinship.ts";

export interface IncidentOptions {
  /** Milliseconds between the begins of what may have one cause. */
  readonly window: number;
  readonly max_incidents: number;
  readonly max_members: number;
  /** Milliseconds without an anomaly after which one that is no episode is over. */
  readonly quiet: number;
}

/** An incident that is open no more. */
export interface Ended {
  readonly incident: Incident;
  /** What it became part of; absent where there was no room for it. */
  readonly into?: Incident;
}

export class Incidents {
  readonly open = new Set<Incident>();
  readonly deployments: Deployments;
  /** Merged or displaced since it was last asked for. */
  ended: Ended[] = [];
  readonly #options: IncidentOptions;
  readonly #graph: ServiceGraph;
  readonly #byPlace = new Map<string, Incident>();
  readonly #byFingerprint = new Map<string, Incident>();

  constructor(options: IncidentOptions, graph: ServiceGraph) {
    this.#options = options;
    this.#graph = graph;
    this.deployments = new Deployments(options.window);
  }

  /** At `now`, Unix milliseconds of the agent's clock. */
  take(anomaly: Anomaly, now: number): void {
    const { fingerprint, state } = anomaly;
    const known = this.#byFingerprint.get(fingerprint);
    const member = memberOf(anomaly, this.#graph.whole(placeOf(anomaly.labels)), now);
    if (isDeployment(anomaly)) {
      if (state === "open") this.deployments.see(member.place, Math.min(now, anomaly.time), anomaly.reason);
      return;
    }
    if (known) {
      known.change(known.members.get(fingerprint) as Member, member);
      return;
    }
    if (state === "resolved") return;
    for (const each of reliesOn(anomaly, member.place)) this.#graph.learn(member.place, each);
    const incident = this.#find(member) ?? this.#begin(now);
    const more = incident.kindsAt(member.place).has(member.kind);
    this.#join(incident, fingerprint, member);
    // more of the same changes nothing of what it is one with
    if (!more && incident.members.has(fingerprint)) this.#mergeWith(incident, member.place);
  }

  /** Whether something is told of the place in an incident that is open. */
  involves(place: string): boolean {
    return this.#byPlace.has(place);
  }

  /** Lets go of one that was told to be over. */
  close(incident: Incident): void {
    this.open.delete(incident);
    for (const fingerprint of incident.members.keys()) this.#byFingerprint.delete(fingerprint);
    for (const place of incident.places.keys()) {
      if (this.#byPlace.get(place) === incident) this.#byPlace.delete(place);
    }
  }

  /** One that was open before. */
  restore(incident: Incident): void {
    this.open.add(incident);
    for (const fingerprint of incident.members.keys()) this.#byFingerprint.set(fingerprint, incident);
    for (const place of incident.places.keys()) if (place !== "") this.#byPlace.set(place, incident);
  }

  /** Which members are over at `now`, and with them the incident. */
  look(now: number): void {
    for (const incident of this.open) {
      let left = 0;
      for (const member of incident.members.values()) {
        const { anomaly, heard } = member;
        if (!anomaly.episode && !anomaly.untilResolved && now - heard >= this.#options.quiet) member.over = true;
        if (!member.over) left++;
      }
      if (left > 0) incident.over = Number.NaN;
      else if (Number.isNaN(incident.over)) incident.over = lastActive(incident, now);
    }
  }

  #begin(now: number): Incident {
    if (this.open.size >= this.#options.max_incidents) {
      // ties go to the one that was opened first
      const quietest = [...this.open].reduce((a, b) => (b.heard < a.heard ? b : a));
      this.close(quietest);
      this.ended.push({ incident: quietest });
    }
    const incident = new Incident(now);
    this.open.add(incident);
    return incident;
  }

  #join(incident: Incident, fingerprint: string, member: Member): void {
    this.#byFingerprint.set(fingerprint, incident);
    const displaced = incident.add(fingerprint, member, this.#options.max_members);
    if (displaced) this.#byFingerprint.delete(displaced[0]);
    incident.over = Number.NaN;
    if (member.place !== "" && incident.places.has(member.place) && !this.#byPlace.has(member.place)) {
      this.#byPlace.set(member.place, incident);
    }
  }

  /** The one it belongs to most; of equals the one that was opened first. */
  #find(newcomer: Newcomer): Incident | undefined {
    const own = this.#byPlace.get(newcomer.place);
    if (own) return own;
    let best: Incident | undefined;
    let closest = 0;
    for (const incident of this.#near(newcomer)) {
      const close = this.#kinship(newcomer, incident);
      if (close > closest || (close === closest && best && isOlder(incident, best))) {
        [best, closest] = [incident, close];
      }
    }
    return best;
  }

  #kinship(newcomer: Newcomer, incident: Incident): number {
    return kinship(newcomer, incident, this.#graph, this.#options.window);
  }

  /** Those within a few calls of the place, and those that name the same trace. */
  #near({ place, trace }: Pick<Newcomer, "place" | "trace">): Set<Incident> {
    const found = new Set<Incident>();
    const above = this.#graph.above(place);
    const below = this.#graph.below(place);
    if (above.size + below.size <= this.#byPlace.size) {
      for (const neighbours of [above, below]) {
        for (const each of neighbours.keys()) {
          const incident = this.#byPlace.get(each);
          if (incident) found.add(incident);
        }
      }
    } else {
      for (const [each, incident] of this.#byPlace) if (above.has(each) || below.has(each)) found.add(incident);
    }
    if (trace !== "") for (const incident of this.open) if (incident.traces.has(trace)) found.add(incident);
    return found;
  }

  /** Joins it, which has grown by a place, with all that it turns out to be one with. */
  #mergeWith(grown: Incident, place: string): void {
    let incident = grown;
    for (;;) {
      const other = this.#kin(incident, place);
      if (!other) return;
      const [older, younger] = isOlder(incident, other) ? [incident, other] : [other, incident];
      // for some of its members there may be no room
      this.close(younger);
      this.close(older);
      older.absorb(younger, this.#options.max_members);
      this.restore(older);
      this.ended.push({ incident: younger, into: older });
      incident = older;
    }
  }

  /** Another one of which the begin belongs to this one, or to which the begin of this one belongs. */
  #kin(incident: Incident, place: string): Incident | undefined {
    const mine = originOf(incident, this.#graph);
    const places = new Set([place, ...mine.map((each) => each.place)]);
    for (const each of places) {
      for (const other of this.#near({ place: each, trace: "" })) {
        if (other === incident) continue;
        const related = (newcomers: readonly Newcomer[], to: Incident) =>
          newcomers.length > 0 && newcomers.every((newcomer) => this.#kinship(newcomer, to) > 0);
        if (related(mine, other) || related(originOf(other, this.#graph), incident)) return other;
      }
    }
    return undefined;
  }
}

/** When something of it was seen last, by the agent's clock as far as the times of events tell: a silence that ended its episodes has passed since. */
function lastActive({ members }: Incident, now: number): number {
  const seen = Array.from(members.values(), ({ anomaly, lastSeen, heard }) => (anomaly.episode ? lastSeen : heard));
  const last = Math.max(...seen);
  return last < now ? last : now;
}

/** What happens at the place where it began, as if it were new. */
function originOf(incident: Incident, graph: ServiceGraph): Newcomer[] {
  const [suspect] = incident.suspects(graph);
  const onsets = suspect && incident.places.get(suspect.place);
  if (!onsets) return [];
  const { place } = suspect;
  const explained = causesOf(place, incident, graph).length > 0;
  return Array.from(onsets.kinds, (kind) => ({ place, kind, start: onsets.first, trace: "", explained }));
}

/** One that was told is older than one that was not. */
function isOlder(a: Incident, b: Incident): boolean {
  if ((a.told !== undefined) !== (b.told !== undefined)) return a.told !== undefined;
  return a.since !== b.since ? a.since < b.since : a.began <= b.began;
}
