// What senders export on its way to the agent: in the order of arrival, a little of it late, and some of it lost.
import type { Chance } from "./chance.ts";
import type { Noise } from "./weather.ts";

/** Milliseconds from an export to its arrival, and the mean of what a late one takes more. */
const TRANSFER = 5;
const LATE = 15_000;
const SECOND = 1000;

/** Exports by the clock; times are milliseconds since the world began. */
export interface Exporting<T> {
  /** After a whole period at which it exports. */
  readonly phase: number;
  /** Whether anything is still to be exported. */
  readonly waits: boolean;
  /** When the export of this index is due. */
  due(index: number): number;
  /** What is exported then; undefined when there is nothing. */
  take(index: number): T | undefined;
}

export class Delivery<T extends object> {
  readonly #byPhase: readonly Exporting<T>[];
  readonly #noise: Pick<Noise, "lostBatches" | "lateBatches">;
  readonly #chance: Chance;
  readonly #start: number;
  /** The next to export, and its which export that is. */
  #next = 0;
  #index = 0;
  /** In order of arrival. */
  readonly #late: (T & { readonly at: number })[] = [];

  /** `start` is when the world began, Unix milliseconds. */
  constructor(
    senders: readonly Exporting<T>[],
    noise: Pick<Noise, "lostBatches" | "lateBatches">,
    chance: Chance,
    start: number,
  ) {
    this.#byPhase = senders.toSorted((a, b) => a.phase - b.phase);
    this.#noise = noise;
    this.#chance = chance;
    this.#start = start;
  }

  /** What arrives before `time`, with its arrival in Unix milliseconds. */
  *until(time: number): Generator<T & { readonly at: number }, void> {
    for (;;) {
      const sender = this.#byPhase[this.#next];
      const due = sender.due(this.#index);
      if (due >= time) return;
      const taken = sender.take(this.#index);
      if (++this.#next === this.#byPhase.length) {
        this.#next = 0;
        this.#index++;
      }
      if (!taken) continue;
      const at = this.#start + due + TRANSFER;
      while (this.#late.length > 0 && this.#late[0].at <= at) yield this.#late.shift()!;
      const luck = this.#chance.uniform();
      if (luck < this.#noise.lostBatches) continue;
      if (luck < this.#noise.lostBatches + this.#noise.lateBatches) {
        this.#late.push({ ...taken, at: at + this.#chance.exponential(LATE) });
        this.#late.sort((a, b) => a.at - b.at);
      } else yield { ...taken, at };
    }
  }

  /** What is still to come when nothing new does. */
  *rest(): Generator<T & { readonly at: number }, void> {
    for (let time = this.#byPhase[0].due(this.#index); this.#byPhase.some(({ waits }) => waits); time += SECOND) {
      yield* this.until(time);
    }
    yield* this.#late;
  }
}
