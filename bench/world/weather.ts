// What changes in a world although nothing is wrong: load, failures, traffic and its mix, outages here and there, deployments.
import { type Chance, Drift } from "./chance.ts";
import type { Sender } from "./sender.ts";
import type { Edge, System } from "./system.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How restless a world is while nothing is wrong. */
export interface Noise {
  /** Standard deviation of the logarithm of what all services, and each by itself, are slower or faster by. */
  readonly commonLoad: number;
  readonly ownLoad: number;
  /** That of the failures of a service, of the traffic, and of each entry's share in it. */
  readonly errors: number;
  readonly traffic: number;
  readonly mix: number;
  /** Small outages an hour: for a minute or so some calls of one edge do not get through. */
  readonly outages: number;
  /** An hour. */
  readonly deploys: number;
  /** Share of failed calls that is tried once more. */
  readonly retries: number;
  /** Share of calls that does not get through at any time. */
  readonly lostCalls: number;
  /** Shares of exports that never come, and that come up to a minute late. */
  readonly lostBatches: number;
  readonly lateBatches: number;
  /** Share of traces whose later spans are missing. */
  readonly truncated: number;
  /** Share of spans that is dropped, whatever becomes of the others of its trace. */
  readonly dropped: number;
  /** Milliseconds that the clock of the service with the worst one is off. */
  readonly skew: number;
}

export const NOISE: Noise = {
  commonLoad: 0.05,
  ownLoad: 0.08,
  errors: 0.5,
  traffic: 0.1,
  mix: 0.2,
  outages: 1.5,
  deploys: 0.25,
  retries: 0.3,
  lostCalls: 0.0003,
  lostBatches: 0.00002,
  lateBatches: 0.0005,
  truncated: 0.0002,
  dropped: 0,
  skew: 2000,
};

/** Traffic at a time of day, 1 in the afternoon; less on weekends. */
export function season(time: number): number {
  const hour = (time % DAY) / HOUR;
  const day = (Math.floor(time / DAY) + 4) % 7;
  const share = 0.12 + 0.88 * (0.5 - 0.5 * Math.cos((2 * Math.PI * (hour - 4)) / 24));
  return day === 0 || day === 6 ? 0.7 * share : share;
}

/** Milliseconds between two changes. */
const MOVE = 10 * SECOND;

export class Weather {
  /** By service: what durations and shares of failures are multiplied by. */
  readonly load = new Map<string, number>();
  readonly errors = new Map<string, number>();
  /** By entry. */
  readonly mix: Float64Array;
  traffic = 1;
  readonly #noise: Noise;
  readonly #chance: Chance;
  readonly #system: System;
  readonly #senders: ReadonlyMap<string, readonly Sender[]>;
  readonly #common: Drift;
  readonly #own = new Map<string, Drift>();
  readonly #failing = new Map<string, Drift>();
  readonly #mix: readonly Drift[];
  readonly #slow: Drift;
  readonly #quick: Drift;
  #moved = Number.NEGATIVE_INFINITY;
  #outage: { edge: Edge; until: number } | undefined;
  #deploy: { service: string; next: number; at: number } | undefined;
  #version = 1;
  /** When each service was last deployed. */
  readonly #fresh = new Map<string, number>();

  constructor(
    noise: Noise,
    chance: Chance,
    system: System,
    entries: number,
    senders: ReadonlyMap<string, readonly Sender[]>,
  ) {
    this.#noise = noise;
    this.#chance = chance;
    this.#system = system;
    this.#senders = senders;
    const drift = (sd: number, memory: number) => new Drift(chance, sd, memory, MOVE);
    this.#common = drift(noise.commonLoad, 20 * MINUTE);
    for (const service of system.services) {
      this.#own.set(service, drift(noise.ownLoad, 10 * MINUTE));
      this.#failing.set(service, drift(noise.errors, 5 * MINUTE));
    }
    this.#mix = Array.from({ length: entries }, () => drift(noise.mix, 3 * HOUR));
    this.mix = new Float64Array(entries).fill(1);
    this.#slow = drift(noise.traffic, 30 * MINUTE);
    this.#quick = drift(0.8 * noise.traffic, MINUTE);
  }

  /** `now` in milliseconds since the world began, about once a second. */
  move(now: number): void {
    if (now - this.#moved < MOVE) return;
    this.#moved = now;
    const chance = this.#chance;
    const common = this.#common.move(chance);
    for (const service of this.#system.services) {
      const fresh = now - (this.#fresh.get(service) ?? Number.NEGATIVE_INFINITY) < 30 * SECOND ? 1.4 : 1;
      this.load.set(service, common * fresh * this.#own.get(service)!.move(chance));
      this.errors.set(service, this.#failing.get(service)!.move(chance));
    }
    for (const [i, drift] of this.#mix.entries()) this.mix[i] = drift.move(chance);
    this.traffic = this.#slow.move(chance) * this.#quick.move(chance);
    this.#breakSomething(now);
    this.#deploySomething(now);
  }

  #breakSomething(now: number): void {
    const chance = this.#chance;
    if (this.#outage && now >= this.#outage.until) {
      this.#outage.edge.outage = 0;
      this.#outage = undefined;
    }
    if (this.#outage || chance.uniform() >= (this.#noise.outages * MOVE) / HOUR) return;
    const edges = this.#system.edges.filter(({ spec }) => spec.via === "http");
    const edge = edges[chance.whole(edges.length)];
    edge.outage = 0.02 + 0.06 * chance.uniform();
    this.#outage = { edge, until: now + (20 + 70 * chance.uniform()) * SECOND };
  }

  /** One instance after the other. */
  #deploySomething(now: number): void {
    const chance = this.#chance;
    const { services } = this.#system;
    if (!this.#deploy && chance.uniform() < (this.#noise.deploys * MOVE) / HOUR) {
      this.#deploy = { service: services[chance.whole(services.length)], next: 0, at: now };
      this.#version++;
    }
    if (!this.#deploy || now < this.#deploy.at) return;
    const { service, next } = this.#deploy;
    const senders = this.#senders.get(service)!;
    senders[next].deploy(this.#version);
    this.#fresh.set(service, now);
    this.#deploy = next + 1 < senders.length ? { service, next: next + 1, at: now + 40 * SECOND } : undefined;
  }
}
