// What changes in a log world although nothing is wrong: how much each service and each statement has to say, and small troubles.
import { type Chance, Drift } from "../world/chance.ts";
import { season } from "../world/weather.ts";
import type { Service } from "./service.ts";
import type { Statement } from "./statement.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How restless a world is while nothing is wrong. */
export interface LogNoise {
  /** Standard deviations of the logarithm: of all traffic, of that of a service, of a statement's share, of errors, of durations. */
  readonly traffic: number;
  readonly own: number;
  readonly mix: number;
  readonly errors: number;
  readonly load: number;
  /** An hour over all services: for a minute or so a service warns and fails several times as often. */
  readonly troubles: number;
  /** A day over all services: restarts of one instance, and deployments. */
  readonly restarts: number;
  readonly deploys: number;
  /** Shares of exports that never come, and that come up to a minute late. */
  readonly lostBatches: number;
  readonly lateBatches: number;
}

export const LOG_NOISE: LogNoise = {
  traffic: 0.1,
  own: 0.12,
  mix: 0.2,
  errors: 0.5,
  load: 0.08,
  troubles: 1,
  restarts: 6,
  deploys: 4,
  lostBatches: 0.00002,
  lateBatches: 0.0005,
};

/** Milliseconds between two changes. */
export const MOVE = 30 * SECOND;

/** The weather of one service. */
class Climate {
  readonly own: Drift;
  readonly errors: Drift;
  readonly load: Drift;
  readonly mix = new Map<Statement, Drift>();
  level = 1;
  loadNow = 1;
  trouble = 1;

  constructor(noise: LogNoise, chance: Chance) {
    this.own = new Drift(chance, noise.own, 20 * MINUTE, MOVE);
    this.errors = new Drift(chance, noise.errors, 5 * MINUTE, MOVE);
    this.load = new Drift(chance, noise.load, 10 * MINUTE, MOVE);
  }
}

export class LogWeather {
  readonly #noise: LogNoise;
  readonly #chance: Chance;
  readonly #climates: ReadonlyMap<Service, Climate>;
  readonly #slow: Drift;
  readonly #quick: Drift;
  #traffic = 1;
  #trouble: { readonly climate: Climate; readonly until: number } | undefined;

  constructor(noise: LogNoise, chance: Chance, services: readonly Service[]) {
    this.#noise = noise;
    this.#chance = chance;
    this.#climates = new Map(services.map((service) => [service, new Climate(noise, chance)]));
    this.#slow = new Drift(chance, noise.traffic, 30 * MINUTE, MOVE);
    this.#quick = new Drift(chance, 0.8 * noise.traffic, MINUTE, MOVE);
  }

  /** Every `MOVE`; `now` in milliseconds since the world began. */
  move(now: number): void {
    const chance = this.#chance;
    this.#traffic = this.#slow.move(chance) * this.#quick.move(chance);
    for (const climate of this.#climates.values()) {
      climate.level = climate.own.move(chance);
      climate.loadNow = climate.load.move(chance);
    }
    if (this.#trouble && now >= this.#trouble.until) {
      this.#trouble.climate.trouble = 1;
      this.#trouble = undefined;
    }
    if (this.#trouble || chance.uniform() >= (this.#noise.troubles * MOVE) / HOUR) return;
    const climates = [...this.#climates.values()];
    const climate = climates[chance.whole(climates.length)];
    climate.trouble = 3 + 5 * chance.uniform();
    this.#trouble = { climate, until: now + (20 + 70 * chance.uniform()) * SECOND };
  }

  /** Of what a service says at its busiest; `time` in Unix milliseconds. */
  level(service: Service, time: number): number {
    return season(time) * this.#traffic * this.#climates.get(service)!.level;
  }

  /** What durations are multiplied by. */
  load(service: Service): number {
    return this.#climates.get(service)!.loadNow;
  }

  /** Runs a second of each statement at full traffic; asked once a `MOVE`. */
  rates(service: Service, statements: readonly Statement[]): Float64Array {
    const chance = this.#chance;
    const { mix, errors, trouble } = this.#climates.get(service)!;
    const failing = errors.move(chance) * trouble;
    return Float64Array.from(statements, (statement) => {
      let drift = mix.get(statement);
      if (!drift) {
        drift = new Drift(chance, this.#noise.mix, 2 * HOUR, MOVE);
        mix.set(statement, drift);
      }
      const rate = statement.rate * statement.factor * drift.move(chance);
      if (statement.level === "ERROR") return rate * failing * service.errors;
      return statement.level === "WARN" ? rate * failing : rate;
    });
  }
}
