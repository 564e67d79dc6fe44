// What never was in a group of a service: found in what groups it had in an interval, and seen again in later ones.
import { discoveryRate, seenAgain } from "vedette/counts";
import { type Combination, type News, type Service, traceOf } from "./service.ts";

/** A message is well known from so many groups on, and a service; and what it always or never does. */
const KNOWN = 50;
const KNOWN_GROUPS = 200;
const ALWAYS = 500;
/** Two messages without anything to do with each other would have been in so many groups together. */
const EXPECTED = 10;
/** In a group of more messages than this, pairs are not looked at. */
const MOST_PAIRED = 64;
/** It is news for so long, and of so many things at a time. Milliseconds. */
const WATCHED = 3_600_000;
const MOST_NEWS = 64;
/** What its coming again adds at most, in decades. */
const MOST_ADDED = 4;

type Sight = Pick<News, "what" | "a" | "b">;

/** What the groups of the interval that ends now have that was never seen; what they have is known afterwards. */
export function findNews(
  service: Service,
  fresh: readonly Combination[],
  now: number,
  all: Iterable<Service>,
  learning: number,
): void {
  service.news = service.news.filter(({ first }) => Math.abs(now - first) <= WATCHED);
  for (const news of service.news) {
    let groups = 0;
    for (const combination of fresh) {
      if (!has(combination, news)) continue;
      groups += combination.groups;
      news.trace = traceOf(combination);
    }
    if (groups === 0) continue;
    news.groups += groups;
    news.added = Math.min(MOST_ADDED, news.added + seenAgain(now - news.first, news.first - service.began));
    news.counted = now;
  }
  const isKnown = service.groups >= KNOWN_GROUPS && now - service.began >= learning;
  let rate = Number.NaN;
  for (const combination of fresh) {
    const sights = sightsIn(service, combination);
    if (!isKnown || sights.length === 0) continue;
    if (Number.isNaN(rate)) rate = discoveryRate(service, 0, now, all);
    // of one cause, however many pairs it makes
    service.discoveries[0].add(now);
    const { groups } = combination;
    const trace = traceOf(combination);
    const rarity = Math.max(0, -Math.log10(rate));
    const seen = { first: now, counted: now, groups, trace, rarity, added: 0, tried: 0 };
    for (const sight of sights.slice(0, MOST_NEWS - service.news.length)) service.news.push({ ...sight, ...seen });
  }
}

function has({ messages, grades }: Combination, { what, a, b }: News): boolean {
  const at = messages.indexOf(a);
  if (at < 0) return false;
  if (what === "often") return grades[at] >= b;
  return messages.includes(b) === (what === "together");
}

/** What no group had before, of messages that are well known: the most usual first. */
function sightsIn(service: Service, { messages, grades }: Combination): Sight[] {
  const sights: (Sight & { weight: number })[] = [];
  const { messages: known, groups: all, together } = service;
  for (const [i, a] of messages.entries()) {
    const own = known[a];
    if (grades[i] > own.grade) {
      own.grade = grades[i];
      if (own.groups >= ALWAYS) sights.push({ what: "often", a, b: grades[i], weight: own.groups });
    }
    for (const { other: b, groups, both } of own.partners) {
      if (groups < ALWAYS || both < groups || messages.includes(b)) continue;
      sights.push({ what: "without", a, b, weight: groups });
    }
    if (messages.length > MOST_PAIRED) continue;
    for (let k = 0; k < i; k++) {
      const b = messages[k];
      if (together.has(a, b)) continue;
      together.add(a, b);
      const weight = (own.groups * known[b].groups) / Math.max(1, all);
      if (own.groups < KNOWN || known[b].groups < KNOWN || weight < EXPECTED) continue;
      sights.push({ what: "together", a, b, weight });
    }
  }
  sights.sort((one, other) => other.weight - one.weight);
  return sights.map(({ what, a, b }) => ({ what, a, b }));
}
