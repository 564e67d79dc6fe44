// Changes of who calls what that belong together: collected for a moment, told as one, and over when all of them are.
import type { Detection } from "vedette";
import { type Caller, labelsOf } from "./caller.ts";
import { brief, sentence } from "./words.ts";

export const TYPES = ["new_edge", "missing_edge", "retry_storm", "repeated_call", "fan_out", "new_path"] as const;
export type Type = (typeof TYPES)[number];

/** Milliseconds from the first change until they are told; longer for what other changes may turn out to explain. */
const SETTLE = 10_000;
const SETTLE_WEAK = 60_000;
/** Changes of one service, or of calls to one, that begin within this are one. */
const TOGETHER = 60_000;
/** Milliseconds after one was told from when on another change of the same operation is told too: a new version may take so long to spread. */
const LATER = 600_000;
const MOST_CONTRIBUTORS = 10;
const MOST_CHANGES = 200;
const MOST_EPISODES = 500;

/** What a change is, in figures. */
export interface Facts {
  /** Shares of spans, or numbers of calls in one. */
  readonly observed: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  /** Traces or spans with it, and of how many; of something new how many were without it before. */
  readonly spans: number;
  readonly of: number;
  /** Unix milliseconds; NaN where it is not known. */
  readonly since: number;
}

/** What a caller's spans do differently. */
export interface Change {
  readonly type: Type;
  readonly caller: Caller;
  readonly to: Caller;
  /** Of a new order what was called before; of a new way where it begins. */
  readonly after?: Caller | undefined;
  readonly entry?: Caller | undefined;
  /** Unix milliseconds of the clock. */
  began: number;
  facts: Facts;
  rarity: number;
  /** Of an example; empty until one was seen. */
  traceId: string;
  spanId: string;
}

/** Where a change stands, asked at each tick. */
export interface Source {
  /** Whether it lasts. */
  holds(change: Change, now: number): boolean;
  /** When it was seen last, in Unix milliseconds of the clock. */
  lastSeen(change: Change, now: number): number;
  /** It is over: taken for normal, or as before. `told` is whether anyone heard of it. */
  ended(change: Change, adopted: boolean, told: boolean, now: number): void;
}

export interface Episode {
  /** Unix milliseconds of the clock: the first change; when it was told, NaN until then. */
  readonly began: number;
  since: number;
  /** The rarity that was not past the line. */
  tried: number;
  /** Whether any of its changes was taken for normal. */
  adopted: boolean;
  readonly changes: Map<string, Change>;
  told: Told | undefined;
}

/** The finding, for its end; `reason` is brief. */
interface Told {
  readonly type: Type;
  readonly caller: Caller;
  readonly traceId: string;
  readonly spanId: string;
  readonly about: string;
  readonly contributors: readonly string[];
  readonly reason: string;
}

export const keyOf = ({ type, caller, to, after, entry }: Pick<Change, "type" | "caller" | "to" | "after" | "entry">) =>
  JSON.stringify([type, caller.key, to.key, after?.key, entry?.key]);

const isWeak = ({ type }: Change) => type === "new_path";

export class Changes {
  readonly episodes = new Set<Episode>();
  readonly #byKey = new Map<string, Episode>();
  readonly #detection: Detection;
  readonly #source: Source;
  readonly #adoptAfter: number;

  /** `adoptAfter` is in milliseconds. */
  constructor(detection: Detection, source: Source, adoptAfter: number) {
    this.#detection = detection;
    this.#source = source;
    this.#adoptAfter = adoptAfter;
  }

  /** An episode from before a restart. */
  restore(episode: Episode): void {
    this.episodes.add(episode);
    for (const key of episode.changes.keys()) this.#byKey.set(key, episode);
  }

  find(key: string): Change | undefined {
    return this.#byKey.get(key)?.changes.get(key);
  }

  /** Something that is rare enough to be noted, or the same anew. Undefined where there is no room. */
  suspect(
    found: Omit<Change, "began" | "traceId" | "spanId">,
    now: number,
    traceId = "",
    spanId = "",
  ): Change | undefined {
    const key = keyOf(found);
    const before = this.find(key);
    if (before) {
      if (found.rarity >= before.rarity) before.facts = found.facts;
      before.rarity = Math.max(before.rarity, found.rarity);
      return before;
    }
    const change: Change = { ...found, began: now, traceId, spanId };
    let episode = this.#for(change, now);
    if (!episode) {
      if (this.episodes.size >= MOST_EPISODES) return undefined;
      episode = { began: now, since: Number.NaN, tried: 0, adopted: false, changes: new Map(), told: undefined };
      this.episodes.add(episode);
    }
    if (episode.changes.size >= MOST_CHANGES) return undefined;
    episode.changes.set(key, change);
    this.#byKey.set(key, episode);
    return change;
  }

  /** The episode that a change belongs to: that of the same service, or of calls to the same, if it began at the same time. */
  #for(change: Change, now: number): Episode | undefined {
    const { caller, to } = change;
    for (const episode of this.episodes) {
      const together = now - episode.began < TOGETHER;
      // NaN until it was told
      const later = now - episode.since >= LATER;
      for (const each of episode.changes.values()) {
        const same = each.caller.service === caller.service && each.caller.namespace === caller.namespace;
        if (same && (together || isWeak(change) || (each.caller === caller && !later))) return episode;
        if (isWeak(change) || isWeak(each)) continue;
        if (each.to === to && each.type === change.type) return episode;
        if (together && each.to.service === to.service && each.to.namespace === to.namespace) return episode;
      }
    }
    return undefined;
  }

  /** For so many milliseconds nobody looked: changes did not last for them. */
  defer(unseen: number): void {
    for (const { changes } of this.episodes) for (const change of changes.values()) change.began += unseen;
  }

  /** `now` is the clock, in Unix milliseconds. */
  tick(now: number): void {
    for (const episode of this.episodes) {
      let seen = episode.since;
      for (const [key, change] of episode.changes) {
        const lasts = now - change.began >= this.#adoptAfter;
        if (!lasts && this.#source.holds(change, now)) continue;
        if (lasts) episode.adopted = true;
        seen = Math.max(seen, lasts ? now : this.#source.lastSeen(change, now));
        episode.changes.delete(key);
        this.#byKey.delete(key);
        this.#source.ended(change, lasts, episode.told !== undefined, now);
      }
      if (episode.changes.size === 0) this.#end(episode, seen);
      else if (!episode.told) this.#tell(episode, now);
    }
  }

  #tell(episode: Episode, now: number): void {
    const changes = [...episode.changes.values()].sort(
      (a, b) => Number(isWeak(a)) - Number(isWeak(b)) || b.rarity - a.rarity || compare(keyOf(a), keyOf(b)),
    );
    const [first, ...others] = changes;
    const { type, caller, to, rarity, facts, traceId, spanId } = first;
    // an example is worth a moment
    if (now - episode.began < (isWeak(first) || traceId === "" ? SETTLE_WEAK : SETTLE)) return;
    const { tried } = episode;
    if (rarity <= tried) return;
    episode.tried = rarity;
    const { observed, expected, lower, upper } = facts;
    const also = others.length === 0 ? "" : ` Also ${some(others.map(brief))}.`;
    const reason = sentence(first) + also;
    const about = `${type} ${to.service} ${to.name}`;
    const contributors = others.length === 0 ? [] : changes.slice(0, MOST_CONTRIBUTORS).map(brief);
    const labels = labelsOf(caller, traceId, spanId);
    const finding = { type, labels, about, contributors, reason, observed, expected, lower, upper };
    if (!this.#detection.find({ ...finding, signal: "traces", time: now, rarity, tried, untilResolved: true })) return;
    const short = brief(first) + (others.length > 0 ? ` and ${others.length} more` : "");
    episode.told = { type, caller, traceId, spanId, about, contributors, reason: short };
    episode.since = now;
  }

  /** `seen` is when the last of it was seen. */
  #end(episode: Episode, seen: number): void {
    this.episodes.delete(episode);
    const { told, since, adopted } = episode;
    if (!told) return;
    const lasted = `${Math.max(1, Math.round((seen - since) / 60_000))} min`;
    const reason = adopted
      ? `For ${lasted} calls have been different (${told.reason}): that is taken for normal from now on.`
      : `Calls are as before again after ${lasted} (${told.reason}).`;
    const { type, about, contributors, caller, traceId, spanId } = told;
    const finding = { type, about, contributors, labels: labelsOf(caller, traceId, spanId), reason };
    this.#detection.find({ ...finding, signal: "traces", time: seen, rarity: 0, state: "resolved", since });
  }
}

const some = (changes: readonly string[]) =>
  changes.slice(0, 3).join("; ") + (changes.length > 3 ? `; and ${changes.length - 3} more` : "");

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
