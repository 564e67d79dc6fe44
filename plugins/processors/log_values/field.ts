// One parameter of a template, or one attribute of its records: the numbers or the few values that it has.
import type { Labels } from "vedette";
import { Order } from "./order.ts";
import { Spread } from "./spread.ts";
import { Values } from "./values.ts";

/** What was counted since it was judged last, on one side: numbers that are high, or low. */
export interface Side {
  count: number;
  /** Of one of these, where there were several. */
  labels: Labels | undefined;
  /** Row of the columns that it is judged in, -1 while there is none; the rarity at which its incident was told, 0 where it was not. */
  row: number;
  told: number;
}

const side = (): Side => ({ count: 0, labels: undefined, row: -1, told: 0 });

export class Field {
  /** "took", "#2", "http.route". */
  readonly name: string;
  readonly values = new Values();
  /** Undefined while no number was seen. */
  spread: Spread | undefined;
  readonly order = new Order();
  /** Sights that were no number. */
  texts = 0;
  /** Numbers since it was judged last. */
  numbers = 0;
  high = side();
  low = side();

  constructor(name: string) {
    this.name = name;
  }

  /** Whether its numbers are judged by their size: few values are judged as such, text with a number here and there is none, and ids grow. */
  get isNumeric(): boolean {
    const { spread, values, texts, order } = this;
    return spread !== undefined && values.known === undefined && spread.total > 20 * texts && !order.isOrdered;
  }

  save() {
    const { name, texts, numbers, high, low, values, spread } = this;
    const { known, total } = values;
    return { name, texts, numbers, high, low, known, total, spread: spread?.save(), order: { ...this.order } };
  }

  static load({ name, known, total, spread, order, ...rest }: ReturnType<Field["save"]>): Field {
    const field = new Field(name);
    field.values.known = known;
    field.values.total = total;
    if (spread) field.spread = new Spread(spread);
    Object.assign(field.order, order);
    return Object.assign(field, rest);
  }
}
