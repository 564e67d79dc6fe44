// What is told of an incident: an anomaly of its own, with the members, and the probable origins with their reasons.
import { createHash } from "node:crypto";
import type { Anomaly, AnomalyState, Origin } from "vedette";
import type { Deployments } from "./deployments.ts";
import { RISES } from "./evidence.ts";
import type { ServiceGraph } from "./graph.ts";
import type { Incident, Member } from "./incident.ts";
import { belowLine, effectsOf, first, growing, over, withNews } from "./words.ts";

const MOST_ORIGINS = 5;
const MOST_REASONS = 3;
const MOST_SERVICES = 100;
const MOST_EXAMPLES = 5;
/** Milliseconds by which a service was odd before all others, for it to be said. */
const AHEAD = 20_000;

/** Named by what was at its origin when it was first told; `host` is the component's id. */
export function name(incident: Incident, graph: ServiceGraph, host: string): void {
  const lead = leadOf(incident, originOf(incident, graph));
  const digest = createHash("sha256").update(JSON.stringify([host, lead.anomaly.fingerprint]));
  incident.fingerprint = digest.digest("hex").slice(0, 16);
  incident.id = `${incident.fingerprint}-${Math.max(0, Math.trunc(incident.began)).toString(36)}`;
}

/** The place that is blamed most, of those that something is told of. */
export const originOf = (incident: Incident, graph: ServiceGraph) =>
  incident.ranking(graph).find(({ place }) => incident.places.has(place))?.place ?? "";

/** What tells most of that place. */
export const leadOf = (incident: Incident, origin: string): Member => {
  const { ranked } = incident;
  return ranked.find(({ place }) => place === origin) ?? ranked[0];
};

/** What is known beside the incidents. */
export interface Known {
  readonly graph: ServiceGraph;
  readonly deployments: Deployments;
}

/** What has become of it, at `now` of the agent's clock; `reason` instead of the usual sentence. */
export function tell(
  incident: Incident,
  { graph, deployments }: Known,
  detector: string,
  state: AnomalyState,
  now: number,
  reason?: string,
): Anomaly {
  const { ranked, fingerprint, id, began, severity } = incident;
  const origin = originOf(incident, graph);
  const lead = leadOf(incident, origin);
  const lastSeen = Math.max(...ranked.map((member) => member.lastSeen));
  const isOver = state === "resolved" && !Number.isNaN(incident.over);
  const grown = growing(incident, lead, origin, spread(incident, origin, graph));
  const sentence = withNews(grown, deployments.before(origin, incident.places.get(origin)?.first ?? began));
  const origins = originsOf(incident, ranked, { graph, deployments });
  const traces = [...new Set(ranked.map(({ trace }) => trace))].filter((each) => each !== "");
  const templates = [...new Set(ranked.flatMap((member) => member.worst.labels.template ?? []))];
  const count = ranked.reduce((sum, member) => sum + member.count, incident.leftCount);
  return {
    ...lead.worst,
    id,
    fingerprint,
    state,
    detector,
    type: "incident",
    severity,
    time: state === "resolved" ? now : lastSeen,
    score: ranked[0].peak,
    rarity: rarest(ranked.map(({ worst }) => worst.rarity)),
    contributors: origins.map(({ service }) => service),
    reason: reason ?? (isOver ? over(sentence, lastSeen - began) : sentence),
    companions: false,
    episode: {
      start: began,
      lastSeen,
      peak: ranked[0].peak,
      count,
      ...(state === "resolved" && { end: isOver ? lastSeen : now }),
    },
    incident: {
      members: ranked.map((member) => member.anomaly),
      episodes: incident.episodes,
      origins,
      services: [...incident.places.keys()]
        .filter((place) => place !== "")
        .sort()
        .slice(0, MOST_SERVICES),
      traces: traces.slice(0, MOST_EXAMPLES),
      templates: templates.slice(0, MOST_EXAMPLES),
    },
  };
}

/** Who else is in it for the sake of the origin. */
function spread(incident: Incident, origin: string, graph: ServiceGraph): string[] {
  const others = [...incident.places.keys()].filter((place) => place !== origin).sort();
  const suffering = others.filter(
    (place) => graph.leads(place, origin) && [...incident.kindsAt(place)].some((kind) => RISES.has(kind)),
  );
  const called = others.filter(
    (place) => !suffering.includes(place) && incident.kindsAt(place).has("load") && graph.leads(origin, place),
  );
  return effectsOf(origin, suffering, called);
}

function originsOf(incident: Incident, ranked: readonly Member[], { graph, deployments }: Known): Origin[] {
  const suspects = incident.ranking(graph).filter(({ blame }) => blame > 0);
  const whole = suspects.reduce((sum, { blame }) => sum + blame, 0);
  return suspects.slice(0, MOST_ORIGINS).map(({ place, blame }) => {
    const own = ranked.filter((member) => member.place === place);
    const reasons = own.slice(0, MOST_REASONS).map(({ worst }) => worst.reason);
    if (own.length === 0) reasons.push(...belowLine(place, detectorsAt(incident, place)));
    const deployed = deployments.before(place, incident.places.get(place)?.first ?? incident.began);
    if (deployed !== "") reasons.push(deployed);
    const ahead = aheadOf(incident, place);
    if (ahead >= AHEAD) reasons.push(first(place, ahead));
    reasons.push(...spread(incident, place, graph).map((effect) => `${effect}.`));
    return { service: place, share: blame / whole, reasons };
  });
}

/** Detectors that said something of the place below their lines. */
const detectorsAt = ({ suspicions }: Incident, place: string) =>
  [...suspicions.values()].flatMap((said) => (said.place === place ? said.detector : [])).sort();

/** Milliseconds by which it was odd before all others; 0 where there are none. */
function aheadOf({ places }: Incident, place: string): number {
  const own = places.get(place)?.first ?? Number.POSITIVE_INFINITY;
  const others = [...places].flatMap(([each, { first }]) => (each === place ? [] : first));
  return others.length === 0 ? 0 : Math.min(...others) - own;
}

/** NaN where no detector claims a probability. */
function rarest(rarities: readonly number[]): number {
  const claimed = rarities.filter((rarity) => !Number.isNaN(rarity));
  return claimed.length > 0 ? Math.max(...claimed) : Number.NaN;
}
