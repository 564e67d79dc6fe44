// The sentences that tell what was joined, and where it may have begun.
import type { Anomaly } from "vedette";
import { type Kind, spoken } from "./evidence.ts";
import type { Incident, Member } from "./incident.ts";

const MOST_NAMED = 3;

export const clock = (time: number) => `${new Date(time).toISOString().slice(11, 16)} UTC`;

/** "checkout, frontend and 3 others". */
export function listed(places: readonly string[]): string {
  const named = places.slice(0, MOST_NAMED).map(spoken);
  const others = places.length - named.length;
  const all = others > 0 ? [...named, `${others} other${others === 1 ? "" : "s"}`] : named;
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} and ${all[all.length - 1]}`;
}

/** "4 min", "2.5 h". */
export function lasting(ms: number): string {
  if (ms < 100_000) return `${Math.max(1, Math.round(ms / 1000))} s`;
  return ms < 5_940_000 ? `${Math.round(ms / 60_000)} min` : `${Number((ms / 3_600_000).toPrecision(2))} h`;
}

const bare = (sentence: string) => sentence.replace(/\.$/, "");
const begun = (sentence: string) => sentence.replace(/^Calls /, "calls ");

/** "has slowed", "slowed or failed"; what neither says: "are not as usual". */
function done(kinds: ReadonlySet<Kind>, several: boolean): string {
  const verbs: string[] = [];
  if (kinds.has("slow") || kinds.has("wait")) verbs.push("slowed");
  if (kinds.has("fail")) verbs.push("failed");
  if (verbs.length > 0) return `${several ? "" : "has "}${verbs.join(" or ")}`;
  const loaded = kinds.size === 1 && kinds.has("load");
  return `${several ? "are" : "is"} ${loaded ? "called more or less than usual" : "not as usual"}`;
}

function amount({ members, left, leftCount }: Incident): string {
  const all = [...members.values()];
  const count = all.reduce((sum, each) => sum + each.count, leftCount);
  const signals = [...new Set(all.map(({ anomaly }) => anomaly.signal))].sort().reverse();
  const beyond = left > 0 ? `, of ${members.size + left} episodes` : "";
  return `${count} anomal${count === 1 ? "y" : "ies"} of ${signals.join(", ")}${beyond}`;
}

/** What tells most of the place where it began; and who is behind or before it, in the words of `effects`. */
export function growing(incident: Incident, lead: Member, origin: string, effects: readonly string[]): string {
  const all = [...incident.members.values()];
  if (all.length === 1 && incident.left === 0) return lead.worst.reason;
  const kinds = new Set(all.map(({ kind }) => kind));
  const services = incident.places.size;
  const since = clock(incident.began);
  const reason = begun(bare(lead.worst.reason));
  const many = amount(incident);
  if (services === 1) return `${capital(spoken(origin))} ${done(kinds, false)} since ${since}: ${reason} (${many}).`;
  const told = [`it began at ${spoken(origin)}: ${reason}`, ...effects];
  return `${services} services ${done(kinds, true)} since ${since}; ${told.join("; ")} (${many}).`;
}

/** Names are written as they are; only words of our own begin with a capital. */
const capital = (name: string) => (name.startsWith("something ") ? `S${name.slice(1)}` : name);

/** Who suffers from the origin, and who is called more or less for it. */
export function effectsOf(origin: string, suffering: readonly string[], called: readonly string[]): string[] {
  const effects: string[] = [];
  const s = suffering.length === 1 ? "s" : "";
  // a host is not called
  const calls = spoken(origin) === origin ? `call${s} it and ` : "";
  if (suffering.length > 0) effects.push(`${listed(suffering)} ${calls}suffer${s} with it`);
  const are = called.length === 1 ? "is" : "are";
  if (called.length > 0) effects.push(`${listed(called)} ${are} called more or less for it`);
  return effects;
}

/** Of a place that nothing is told of. */
export const belowLine = (place: string, detectors: readonly string[]) =>
  detectors.length === 0 ? [] : [`${spoken(place)} was odd too, less than would be told, by ${listed(detectors)}.`];

export const first = (origin: string, ahead: number) =>
  `${spoken(origin)} was odd ${lasting(ahead)} before any other service.`;

const whole = (sentence: string) => sentence.replace(/[^.!?]$/, "$&.");

/** With another sentence, where there is one. */
export const withNews = (told: string, news: string) => (news === "" ? told : `${whole(told)} ${news}`);

/** What was told of it, and that it is over; as episodes say it. */
export const over = (told: string, ms: number) =>
  `${whole(told)} Resolved${ms < 1000 ? "" : `: it lasted ${lasting(ms)}`}.`;

export const merged = (origin: string, into: Pick<Anomaly, "id"> & { readonly origin: string }) =>
  `What was told of ${spoken(origin)} is part of the incident ${into.id}, which began at ${spoken(into.origin)}.`;

export const aged = (origin: string, ms: number) =>
  `What began at ${spoken(origin)} has lasted for ${lasting(ms)}: it is told no longer as one incident.`;

export const displaced = (origin: string) =>
  `There are too many incidents at once: what began at ${spoken(origin)} is followed no longer.`;
