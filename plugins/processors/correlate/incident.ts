// One incident: the episodes that were joined, where they happened, and what they say of where it began.
import { type Anomaly, isGraver, openedAt, type Severity } from "vedette";
import { blame, type Said, type Suspect } from "./blame.ts";
import { type Kind, kindOf } from "./evidence.ts";
import type { ServiceGraph } from "./graph.ts";

/** Scores beyond it say no more of who is at fault. */
const MOST = 4;
/** Milliseconds: of what is said to have begun longer ago, the time at which it was found counts. */
const LONGEST_ONSET = 900_000;
/** Places that are told apart; what happens at others is counted. */
const MOST_PLACES = 100;
const MOST_TRACES = 5;
const MOST_SUSPICIONS = 200;

/** An episode; or the anomalies of one fingerprint, where no processor before has made episodes of them. */
export interface Member {
  /** Its latest change, and the one of the highest score, whose words tell of it: those of the latest may say that it is over. */
  anomaly: Anomaly;
  worst: Anomaly;
  readonly place: string;
  readonly kind: Kind;
  /** Unix milliseconds: when it began, and when something was heard of it last, by the agent's clock. */
  readonly start: number;
  heard: number;
  lastSeen: number;
  /** The highest score, and how many anomalies. */
  peak: number;
  count: number;
  over: boolean;
  /** The trace that was named first. */
  readonly trace: string;
}

/** A place of an incident: when episodes began there, the first and the latest (Unix milliseconds), and what they are evidence of. */
export interface Place {
  first: number;
  last: number;
  readonly kinds: Set<Kind>;
}

const NOTHING: ReadonlySet<Kind> = new Set();

/** What an anomaly of a place brings into an incident, at `now` in Unix milliseconds. */
export function memberOf(anomaly: Anomaly, place: string, now: number): Member {
  const { episode, time, score, id, labels, state } = anomaly;
  const began = episode?.start ?? openedAt(id);
  const start =
    began <= now && began >= now - LONGEST_ONSET ? began : Math.min(now, Math.max(time, now - LONGEST_ONSET));
  const peak = episode?.peak ?? score;
  return {
    anomaly,
    worst: anomaly,
    place,
    kind: kindOf(anomaly),
    start,
    heard: now,
    lastSeen: episode?.lastSeen ?? time,
    peak: Number.isNaN(peak) ? 1 : peak,
    count: episode?.count ?? 1,
    over: state === "resolved",
    trace: labels.traceId,
  };
}

/** What was told of it last, to be held against what it is. */
export interface Told {
  readonly places: number;
  readonly episodes: number;
  readonly origin: string;
  readonly severity: Severity;
  /** Unix milliseconds of the agent's clock. */
  readonly at: number;
}

export class Incident {
  /** By fingerprint. */
  readonly members = new Map<string, Member>();
  readonly places = new Map<string, Place>();
  /** Trace ids that members name. */
  readonly traces = new Set<string>();
  /** Episodes that there was no room for; and their anomalies, with those of episodes that were followed by another one. */
  left = 0;
  leftCount = 0;
  /** Unix milliseconds of the agent's clock: when the first of it came, and when it was last active; NaN while something is not over. */
  readonly since: number;
  over = Number.NaN;
  /** "" until it is told. */
  id = "";
  fingerprint = "";
  told: Told | undefined;
  /** Unix milliseconds of the events. */
  began = Number.POSITIVE_INFINITY;
  /** Unix milliseconds of the agent's clock: when something was heard of it last. */
  heard = Number.NEGATIVE_INFINITY;
  /** That of the gravest of its members so far: who was told that it is critical is to be told that it is over. */
  severity: Severity = "info";
  /** By place and detector: what was said below the line, while it was young. */
  readonly suspicions = new Map<string, Said>();
  #suspects: readonly Suspect[] | undefined;
  #ranking: readonly Suspect[] | undefined;

  constructor(since: number) {
    this.since = since;
  }

  /** Takes in a member that it does not have yet. What there was no room for is returned: the weakest. */
  add(fingerprint: string, member: Member, most: number): [string, Member] | undefined {
    const { place, start, kind, trace } = member;
    this.#put(place, { first: start, last: start, kinds: new Set([kind]) });
    if (trace !== "" && this.traces.size < MOST_TRACES) this.traces.add(trace);
    this.began = Math.min(this.began, start);
    this.#hear(member);
    this.members.set(fingerprint, member);
    if (this.members.size <= most) {
      this.#suspects = undefined;
      return undefined;
    }
    const weakest = [...this.members].reduce((a, b) => (isWeaker(b, a) ? b : a));
    this.members.delete(weakest[0]);
    this.left++;
    this.leftCount += weakest[1].count;
    if (weakest[0] !== fingerprint) this.#suspects = undefined;
    return weakest;
  }

  /** Takes in what has become of a member. */
  change(member: Member, later: Member): void {
    const { anomaly, heard, lastSeen, peak, count, over } = later;
    if (peak > member.peak) this.#suspects = undefined;
    this.#hear(later);
    const { episode, id } = anomaly;
    // another episode of the same series
    if (episode && id !== member.anomaly.id) this.leftCount += member.count;
    Object.assign(member, {
      anomaly,
      worst: !over && !(anomaly.score < member.worst.score) ? anomaly : member.worst,
      heard,
      over,
      lastSeen: Math.max(member.lastSeen, lastSeen),
      peak: Math.max(member.peak, peak),
      count: episode ? count : member.count + (over ? 0 : count),
    });
  }

  #hear({ heard, anomaly: { severity } }: Member): void {
    this.heard = Math.max(this.heard, heard);
    if (isGraver(severity, this.severity)) this.severity = severity;
  }

  /** Takes over all that another one has. */
  absorb(other: Incident, most: number): void {
    for (const [fingerprint, member] of other.members) {
      const known = this.members.get(fingerprint);
      if (known) this.change(known, member);
      else this.add(fingerprint, member, most);
    }
    for (const [name, place] of other.places) this.#put(name, place);
    this.suspect(other.suspicions.values());
    this.began = Math.min(this.began, other.began);
    if (isGraver(other.severity, this.severity)) this.severity = other.severity;
    this.left += other.left;
    this.leftCount += other.leftCount;
  }

  #put(name: string, place: Place): void {
    const known = this.places.get(name);
    if (known) {
      known.first = Math.min(known.first, place.first);
      known.last = Math.max(known.last, place.last);
      for (const kind of place.kinds) known.kinds.add(kind);
    } else if (this.places.size < MOST_PLACES) this.places.set(name, place);
  }

  /** Where it may have begun, the most probable first, by what is told of it. */
  suspects(graph: ServiceGraph): readonly Suspect[] {
    if (!this.#suspects) this.#ranking = undefined;
    this.#suspects ??= blame(this.#told, (from, to) => graph.leads(from, to));
    return this.#suspects;
  }

  /** The same, by what was said below the line as well: also places that nothing is told of. */
  ranking(graph: ServiceGraph): readonly Suspect[] {
    const suspects = this.suspects(graph);
    if (this.suspicions.size === 0) return suspects;
    this.#ranking ??= blame([...this.#told, ...this.suspicions.values()], (from, to) => graph.leads(from, to));
    return this.#ranking;
  }

  get #told(): Said[] {
    return Array.from(this.members.values(), ({ place, kind, peak, anomaly: { detector } }) => {
      return { place, kind, detector, strength: Math.min(MOST, peak) };
    });
  }

  /** Takes in what was said below the line, the strongest of each detector and place. */
  suspect(all: Iterable<Said>): void {
    for (const said of all) {
      const key = JSON.stringify([said.place, said.detector]);
      const known = this.suspicions.get(key);
      if ((known && known.strength >= said.strength) || (!known && this.suspicions.size >= MOST_SUSPICIONS)) continue;
      this.suspicions.set(key, said);
      this.#ranking = undefined;
    }
  }

  /** What the graph has become since is to be asked. */
  doubt(): void {
    this.#suspects = undefined;
  }

  /** What members say of a place. */
  kindsAt(place: string): ReadonlySet<Kind> {
    return this.places.get(place)?.kinds ?? NOTHING;
  }

  get episodes(): number {
    return this.members.size + this.left;
  }

  /** The highest peak first, then as they began. */
  get ranked(): Member[] {
    return [...this.members].sort((a, b) => (isWeaker(a, b) ? 1 : -1)).map(([, member]) => member);
  }
}

/** The same whatever came first. */
function isWeaker([one, a]: readonly [string, Member], [other, b]: readonly [string, Member]): boolean {
  return a.peak !== b.peak ? a.peak < b.peak : a.start !== b.start ? a.start > b.start : one > other;
}
