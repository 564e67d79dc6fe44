// Judges what groups a service had in an interval: messages that lack where they always were, and what never was in a group.
import { type Detection, type Labels, serviceName } from "vedette";
import { Columns, judgeRatio, RATIO_STATE, ratio, ratioLasts } from "vedette/counts";
import { leastOf } from "./combiner.ts";
import { findNews } from "./news.ts";
import { type Combination, type Message, type News, type Service, traceOf } from "./service.ts";
import { missingSentence, newsSentence, nounOf } from "./words.ts";

/** Milliseconds of an interval. */
export const INTERVAL = 10_000;
/** A message is expected with one that had it in so large a share of so many groups. */
const STRONG = 0.9;
const ENOUGH = 100;
/** Fewer groups than this that lack a message are never told. */
const LEAST = 3;
/** Told again within one incident when it is so many times as surprising. */
const AGAIN = 3;
const MOST_CONTRIBUTORS = 10;

/** Of one message, in one interval: groups that should have it, those that lack it, and one of these with the message that made it expected. */
interface Expected {
  groups: number;
  lacking: number;
  without: Combination | undefined;
  partner: number;
  weight: number;
}

interface Suspect {
  readonly rarity: number;
  readonly labels: Labels;
  readonly about: string;
  readonly reason: string;
  readonly trace: string;
  readonly observed: number;
  readonly expected: number;
  readonly since: number;
  readonly tried: number;
  raised(done: boolean): void;
}

export class Judge {
  readonly columns = new Columns(RATIO_STATE);
  /** By row of the columns: the rarity at which its incident was told, 0 where it was not. */
  told: number[] = [];
  /** Rows that messages gave back. */
  free: number[] = [];
  readonly #detection: Detection;
  readonly #by: string;
  readonly #learning: number;
  readonly #mostRows: number;

  /** `by`: what holds groups together, as `group_by` has it. */
  constructor(detection: Detection, by: string, limits: { learning: number; rows: number }) {
    this.#detection = detection;
    this.#by = by;
    this.#learning = limits.learning;
    this.#mostRows = limits.rows;
  }

  /** What the service had in the interval that ends now; it is learnt. `hidden`: no record's own text may be told. */
  judge(service: Service, now: number, all: Iterable<Service>, hidden: boolean): void {
    // in an order that does not depend on when the groups became complete
    const fresh = [...service.fresh].sort(([a], [b]) => a - b).map(([, combination]) => combination);
    service.fresh.clear();
    findNews(service, fresh, now, all, this.#learning);
    const suspects = [...this.#missing(service, fresh, now), ...this.#news(service, now)];
    for (const { groups } of fresh) service.groups += groups;
    if (now - service.began >= this.#learning) this.#tell(service, suspects, now, hidden);
  }

  release(row: number): void {
    this.free.push(row);
  }

  #missing(service: Service, fresh: readonly Combination[], now: number): Suspect[] {
    const expected = new Map<number, Expected>();
    const { since } = this.columns.state;
    const held = ({ row }: Message) => row >= 0 && since[row] > 0;
    for (const combination of fresh) {
      this.#expect(service, combination, expected);
      for (const number of combination.messages) {
        const message = service.messages[number];
        message.groups += combination.groups;
        message.last = now;
        service.learn(number, combination.messages, combination.groups, held);
      }
    }
    const suspects: Suspect[] = [];
    for (const [number, own] of expected) {
      const suspect = this.#lacking(service, number, own, now);
      if (suspect) suspects.push(suspect);
    }
    return suspects;
  }

  /** Which messages the groups of a combination should have, and whether they do. */
  #expect({ messages }: Service, combination: Combination, expected: Map<number, Expected>): void {
    const { messages: present, groups: count } = combination;
    const seen = new Set<number>();
    for (const number of present) {
      const { partners, groups: weight } = messages[number];
      for (const { other, groups, both } of partners) {
        if (groups < ENOUGH || both < STRONG * groups) continue;
        let own = expected.get(other);
        if (!own) {
          own = { groups: 0, lacking: 0, without: undefined, partner: -1, weight: 0 };
          expected.set(other, own);
        }
        const lacks = !present.includes(other);
        if (!seen.has(other)) {
          seen.add(other);
          own.groups += count;
          if (lacks) own.lacking += count;
        }
        if (!lacks || weight <= own.weight) continue;
        own.without = combination;
        own.partner = number;
        own.weight = weight;
      }
    }
  }

  /** A row for a message that has none; -1 where there are too many. */
  #row(): number {
    const free = this.free.pop();
    if (free === undefined && this.columns.length >= this.#mostRows) return -1;
    const row = free ?? this.columns.add();
    this.columns.clear(row);
    this.told[row] = 0;
    return row;
  }

  #lacking(service: Service, number: number, own: Expected, now: number): Suspect | undefined {
    const message = service.messages[number];
    if (message.row < 0) message.row = this.#row();
    const { row, labels } = message;
    if (row < 0) return undefined;
    const { state } = this.columns;
    judgeRatio(state, row, now, INTERVAL, own.groups, own.lacking, LEAST);
    const since = state.since[row];
    if (since === 0) this.told[row] = 0;
    const { rarity, errors, calls, expected } = ratio;
    const about = `missing ${message.id}`;
    if (this.told[row] > 0 && ratioLasts(state, row)) this.#detection.lasts("logs", labels, about, now);
    if (!(rarity > 0) || !own.without) return undefined;
    if (this.told[row] > 0 && rarity < AGAIN * this.told[row]) return undefined;
    const numbers = { lacking: errors, groups: calls, usual: expected };
    const trace = traceOf(own.without);
    return {
      rarity,
      labels,
      about,
      reason: missingSentence(
        serviceName(labels),
        nounOf(this.#by, trace),
        textOf(service, number),
        textOf(service, own.partner),
        numbers,
      ),
      trace,
      observed: (100 * errors) / calls,
      expected: 100 * expected,
      since: since > 0 ? since : now,
      tried: 0,
      raised: (done) => {
        if (done) this.told[row] = rarity;
      },
    };
  }

  #news(service: Service, now: number): Suspect[] {
    const { messages, labels, groups } = service;
    return service.news
      .filter(({ counted }) => counted === now)
      .map((news) => {
        const { what, a, b } = news;
        const one = textOf(service, a);
        const other = what === "often" ? `${leastOf(b)}` : textOf(service, b);
        const subject = what === "without" ? b : a;
        const rarity = news.rarity + news.added;
        return {
          rarity,
          labels: messages[subject].labels,
          about: aboutOf(service, news),
          reason: newsSentence(
            serviceName(labels),
            nounOf(this.#by, news.trace),
            what,
            [one, other],
            news.groups,
            groups,
          ),
          trace: news.trace,
          observed: news.groups,
          expected: 0,
          since: news.first,
          tried: news.tried,
          raised: (done: boolean) => {
            if (!done) news.tried = Math.max(news.tried, rarity);
          },
        };
      });
  }

  /** The most surprising; what else there is has the same cause. */
  #tell(service: Service, suspects: Suspect[], now: number, hidden: boolean): void {
    if (suspects.length === 0) return;
    suspects.sort((a, b) => b.rarity - a.rarity);
    const [first, ...others] = suspects;
    const { rarity, about, trace, reason, observed, expected, since, tried } = first;
    const isNews = service.cause.isNews(about, rarity, now);
    const isSeen = ({ counted }: News) => counted === now;
    if (!isNews) {
      // part of what was told
      service.news = service.news.filter((news) => !isSeen(news));
      return;
    }
    const { example, ...labels } = first.labels;
    const done = this.#detection.find({
      type: "sequence",
      signal: "logs",
      labels: { ...labels, ...(example !== undefined && !hidden && { example }), traceId: trace },
      about,
      time: now,
      rarity,
      tried,
      reason,
      observed,
      expected,
      since,
      contributors: others.slice(0, MOST_CONTRIBUTORS).map((each) => each.reason),
    });
    first.raised(done);
    if (!done) return;
    // nothing else of these minutes is told beside it, however surprising
    service.cause.tell(about, Number.MAX_VALUE, now);
    service.news = service.news.filter((news) => !isSeen(news));
  }
}

const textOf = ({ messages }: Service, number: number) => messages[number].labels.template ?? "";

function aboutOf({ messages }: Service, { what, a, b }: News): string {
  if (what === "without") return `missing ${messages[b].id}`;
  return what === "often" ? `often ${messages[a].id}` : `together ${[messages[a].id, messages[b].id].sort().join(" ")}`;
}
