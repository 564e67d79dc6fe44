// Judges what groups a service had in an interval: messages that lack where they always were, and combinations that never were.
import type { Detection, Labels } from "vedette";
import { type Columns, discoveryRate, judgeRatio, type RATIO_STATE, ratio, seenAgain } from "vedette/counts";
import type { Combination, Message, Service } from "./service.ts";
import { combinedSentence, missingSentence, type Noun, withoutSentence } from "./words.ts";

/** Milliseconds of an interval. */
export const INTERVAL = 10_000;
/** A message is expected with one that had it in so large a share of so many groups. */
const STRONG = 0.9;
const ENOUGH = 100;
/** Fewer groups than this that lack a message are never told. */
const LEAST = 3;
/** Told again within one incident when it is so many times as surprising. */
const AGAIN = 3;
/** A combination is new for so long. Milliseconds. */
const WATCHED = 3_600_000;
/** What its coming again adds at most, in decades. */
const MOST_ADDED = 4;

/** Of one message, in one interval: groups that should have it, those that lack it, and one of these with the message that made it expected. */
interface Expected {
  groups: number;
  lacking: number;
  example: string;
  partner: number;
  weight: number;
}

/** A message that the groups of a combination lack, and the one that made it expected. */
interface Lack {
  readonly message: number;
  readonly partner: number;
}

interface Suspect {
  readonly rarity: number;
  readonly labels: Labels;
  readonly about: string;
  readonly reason: string;
  readonly time: number;
  readonly example: string;
  readonly observed?: number;
  readonly expected?: number;
  readonly since?: number;
  readonly tried: number;
  raised(done: boolean): void;
}

export class Judge {
  readonly #columns: Columns<typeof RATIO_STATE>;
  readonly #detection: Detection;
  readonly #noun: Noun;
  readonly #learning: number;
  readonly #mostRows: number;
  /** By row of the columns: the rarity at which its incident was told, 0 where it was not. */
  readonly told: number[] = [];

  constructor(
    columns: Columns<typeof RATIO_STATE>,
    detection: Detection,
    noun: Noun,
    limits: { learning: number; rows: number },
  ) {
    this.#columns = columns;
    this.#detection = detection;
    this.#noun = noun;
    this.#learning = limits.learning;
    this.#mostRows = limits.rows;
  }

  /** What the service had in the interval that ends now; it is learnt. */
  judge(service: Service, now: number, all: Iterable<Service>): void {
    const lacks = new Map<Combination, Lack>();
    const suspects = [...this.#missing(service, now, lacks), ...this.#novel(service, now, all, lacks)];
    for (const combination of service.fresh) {
      service.groups += combination.fresh;
      combination.groups += combination.fresh;
      combination.fresh = 0;
    }
    service.fresh.clear();
    if (now - service.began >= this.#learning) this.#tell(service, suspects, now);
  }

  #missing(service: Service, now: number, lacks: Map<Combination, Lack>): Suspect[] {
    const expected = new Map<number, Expected>();
    const { since } = this.#columns.state;
    const held = ({ row }: Message) => row >= 0 && since[row] > 0;
    for (const combination of service.fresh) {
      const lack = this.#expect(service, combination, expected);
      if (lack) lacks.set(combination, lack);
      for (const number of combination.messages) {
        const message = service.messages[number];
        message.groups += combination.fresh;
        message.last = now;
        service.learn(number, combination.messages, combination.fresh, held);
      }
    }
    const suspects: Suspect[] = [];
    for (const [number, own] of expected) {
      const suspect = this.#lacking(service, number, own, now);
      if (suspect) suspects.push(suspect);
    }
    return suspects;
  }

  /** Which messages the groups of a combination should have, and whether they do; that which they lack most clearly. */
  #expect(
    { messages }: Service,
    { messages: present, fresh, example }: Combination,
    expected: Map<number, Expected>,
  ): Lack | undefined {
    const seen = new Set<number>();
    let lack: (Lack & { weight: number }) | undefined;
    for (const number of present) {
      const { partners, groups: weight } = messages[number];
      for (const [other, { groups, both }] of partners) {
        if (groups < ENOUGH || both < STRONG * groups) continue;
        const own = expected.get(other) ?? { groups: 0, lacking: 0, example: "", partner: -1, weight: 0 };
        expected.set(other, own);
        const lacks = !present.includes(other);
        if (!seen.has(other)) {
          seen.add(other);
          own.groups += fresh;
          if (lacks) own.lacking += fresh;
        }
        if (!lacks) continue;
        if (weight > own.weight) Object.assign(own, { example, partner: number, weight });
        if (weight > (lack?.weight ?? 0)) lack = { message: other, partner: number, weight };
      }
    }
    return lack;
  }

  #lacking(service: Service, number: number, own: Expected, now: number): Suspect | undefined {
    const message = service.messages[number];
    if (message.row < 0) {
      if (this.#columns.length >= this.#mostRows) return undefined;
      message.row = this.#columns.add();
      this.told[message.row] = 0;
    }
    const { row } = message;
    const { state } = this.#columns;
    judgeRatio(state, row, now, INTERVAL, own.groups, own.lacking, LEAST);
    if (state.since[row] === 0) this.told[row] = 0;
    if (!(ratio.rarity > 0) || own.partner < 0) return undefined;
    const before = this.told[row];
    if (before > 0 && ratio.rarity < AGAIN * before) return undefined;
    const partner = service.messages[own.partner].labels.template ?? "";
    const numbers = { lacking: ratio.errors, groups: ratio.calls, usual: ratio.expected };
    const { labels } = message;
    const rarity = ratio.rarity;
    return {
      rarity,
      labels,
      about: `missing ${message.id}`,
      reason: missingSentence(nameOf(labels), this.#noun, labels.template ?? "", partner, numbers),
      time: now,
      example: own.example,
      observed: (100 * ratio.errors) / ratio.calls,
      expected: 100 * ratio.expected,
      ...(state.since[row] > 0 && { since: state.since[row] }),
      tried: 0,
      raised: (done) => {
        if (done) this.told[row] = rarity;
      },
    };
  }

  #novel(service: Service, now: number, all: Iterable<Service>, lacks: ReadonlyMap<Combination, Lack>): Suspect[] {
    const suspects: Suspect[] = [];
    const text = (number: number) => service.messages[number].labels.template ?? "";
    for (const combination of service.fresh) {
      if (!combination.novel || now - combination.first > WATCHED) continue;
      const { first } = combination;
      if (combination.groups > 0 && now - combination.counted >= INTERVAL) {
        combination.added = Math.min(MOST_ADDED, combination.added + seenAgain(now - first, first - service.began));
      }
      combination.counted = now;
      const rarity = Math.max(0, -Math.log10(discoveryRate(service, 0, first, all))) + combination.added;
      const seen = combination.groups + combination.fresh;
      const lack = lacks.get(combination);
      const { messages } = service;
      const name = nameOf(service.labels);
      const what = lack
        ? {
            labels: messages[lack.message].labels,
            about: `missing ${messages[lack.message].id}`,
            reason: withoutSentence(name, this.#noun, text(lack.message), text(lack.partner), seen, service.groups),
          }
        : {
            labels: messages[combination.messages[0]].labels,
            about: `together ${combination.key.toString(36)}`,
            reason: combinedSentence(name, this.#noun, combination.messages.map(text), seen, service.groups),
          };
      suspects.push({
        ...what,
        rarity,
        time: now,
        example: combination.example,
        observed: seen,
        expected: 0,
        since: first,
        tried: combination.tried,
        raised: (done) => {
          if (!done) combination.tried = Math.max(combination.tried, rarity);
        },
      });
    }
    return suspects;
  }

  /** The most surprising; what else there is has the same cause. */
  #tell(service: Service, suspects: Suspect[], now: number): void {
    if (suspects.length === 0) return;
    suspects.sort((a, b) => b.rarity - a.rarity);
    const [first, ...others] = suspects;
    if (!service.cause.isNews(first.about, first.rarity, now)) return;
    const { rarity, labels, about, reason, time, example, observed, expected, since, tried } = first;
    const done = this.#detection.find({
      type: "sequence",
      signal: "logs",
      labels: { ...labels, ...(example.length === 32 && { traceId: example, spanId: "" }) },
      about,
      time,
      rarity,
      tried,
      reason,
      ...(observed !== undefined && { observed }),
      ...(expected !== undefined && { expected }),
      ...(since !== undefined && { since }),
      contributors: others.slice(0, 10).map((each) => each.reason),
    });
    first.raised(done);
    if (done) service.cause.tell(about, rarity, now);
  }
}

/** "payments/checkout". */
function nameOf({ resource }: Labels): string {
  return [resource["service.namespace"], resource["service.name"]].filter((part) => part !== undefined).join("/");
}
