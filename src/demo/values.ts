// What stands in the log lines of one trace: the same order, customer and card in all of them.
import type { Chance } from "./chance.ts";

const WORDS = ["shoes", "jacket", "coat", "teapot", "lamp", "chair", "tent", "socks", "bicycle", "helmet", "gloves"];
const WAREHOUSES = ["hamburg", "lyon", "turin", "gdansk"];

const MADE: Readonly<Record<string, (chance: Chance) => string | number>> = {
  order: (chance) => `ord-${chance.whole(100_000, 999_999)}`,
  customer: (chance) => chance.whole(1000, 99_999),
  items: (chance) => chance.whole(1, 6),
  amount: (chance) => chance.around(60, 0.5).toFixed(2),
  card: (chance) => chance.whole(1000, 9999),
  challenge: (chance) => hex(chance, 8),
  product: (chance) => chance.whole(1, 4000),
  page: (chance) => chance.whole(1, 40),
  words: (chance) => `${chance.pick(WORDS)}+${chance.pick(WORDS)}`,
  matches: (chance) => chance.whole(20, 400),
  warehouse: (chance) => chance.pick(WAREHOUSES),
  changes: (chance) => chance.whole(2, 60),
  list: (chance) => chance.whole(10_000, 99_999),
  message: (chance) => hex(chance, 12),
};

export class Values {
  readonly #chance: Chance;
  readonly #made = new Map<string, string>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** A template with its `{names}` replaced; `{took}` is that of the call, in milliseconds. */
  fill(text: string, took: number): string {
    return text.replace(/\{(\w+)\}/g, (_, name: string) => (name === "took" ? String(took) : this.#value(name)));
  }

  #value(name: string): string {
    let value = this.#made.get(name);
    if (value === undefined) {
      value = String(MADE[name](this.#chance));
      this.#made.set(name, value);
    }
    return value;
  }
}

const hex = (chance: Chance, digits: number) =>
  Array.from({ length: digits }, () => chance.whole(0, 15).toString(16)).join("");
