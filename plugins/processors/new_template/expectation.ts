// How often new statements are to be expected of a service: by what it and all others had of late.
import { commonRate, discoveryRate } from "vedette/counts";
import type { Service } from "./service.ts";
import { kindOf, RANKS, rarityOfMany } from "./surprise.ts";

/** In which what is new is counted together. Milliseconds. */
const WINDOWS = [300_000, 900_000];
/** What all services find of a kind is counted once in so long. Milliseconds. */
const STEP = 10_000;
const MOST_RATES = 256;
const MINUTE = 60_000;

export class Expectation {
  readonly #services: ReadonlyMap<string, Service>;
  /** Of all services, by time and kind. */
  readonly #rates = new Map<number, number>();

  constructor(services: ReadonlyMap<string, Service>) {
    this.#services = services;
  }

  /** Discoveries of a kind that are to be expected a minute. */
  of(service: Service, kind: number, time: number): number {
    const step = Math.floor(time / STEP);
    const key = step * 2 * RANKS + kind;
    let rate = this.#rates.get(key);
    if (rate === undefined) {
      if (this.#rates.size >= MOST_RATES) this.#rates.clear();
      rate = commonRate(kind, step * STEP, this.#services.values());
      this.#rates.set(key, rate);
    }
    return discoveryRate(service, kind, time, rate);
  }

  /** Rarity of all that the service said for the first time of late: in the minutes in which that is most surprising, with variants or without. */
  rarityOfAll(service: Service, time: number): number {
    let most = 0;
    for (const window of WINDOWS) {
      let count = 0;
      let rate = 0;
      for (const variant of [false, true]) {
        for (let rank = 0; rank < RANKS; rank++) {
          const kind = kindOf(rank, variant);
          count += service.discoveries[kind].between(time - window, time + 1);
          rate += this.of(service, kind, time - window);
        }
        most = Math.max(most, rarityOfMany(count, (rate * window) / MINUTE));
      }
    }
    return most;
  }
}
