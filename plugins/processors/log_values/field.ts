// One parameter of a template, or one attribute of a service's records: the numbers or the few values that it has.
import type { Labels } from "vedette";
import { Order } from "./order.ts";
import { Spread } from "./spread.ts";
import { Values } from "./values.ts";

/** Where numbers may be: above what one in fifty is above, below what one in fifty is below, and beyond nearly all. */
export const SIDES = ["huge", "high", "tiny", "low"] as const;
/** Places in SIDES. */
const [HUGE, HIGH, TINY, LOW] = [0, 1, 2, 3];

/** What was counted on one side since it was judged last. */
export class Side {
  /** Its place in SIDES. */
  readonly place: number;
  count = 0;
  /** Of a record there, where that may have to be told: from when on it is `wanted`. */
  labels: Labels | undefined;
  wanted = false;
  /** Row of the columns that it is judged in, -1 while there is none. */
  row = -1;
  /** Unix milliseconds: the end of the interval that was judged last; numbers since then, in intervals that had no more here than usual, and those here. */
  judged = 0;
  clean = 0;
  mild = 0;
  /** The rarity at which its incident was told, and that was tried and not raised; 0 for none. */
  told = 0;
  tried = 0;

  constructor(place: number) {
    this.place = place;
  }

  /** Whether numbers are there when they are lower than others. */
  get isBelow(): boolean {
    return this.place >= TINY;
  }

  /** The bin from which on, or below which, a number is there. */
  lineOf(spread: Spread): number {
    if (this.place === HIGH) return spread.high;
    if (this.place === LOW) return spread.low;
    return this.place === HUGE ? spread.huge : spread.tiny;
  }

  /** Of lines that are drawn anew nothing is known. */
  begin(): void {
    this.count = this.clean = this.mild = this.told = this.tried = 0;
    this.wanted = false;
    this.labels = undefined;
  }
}

export class Field {
  /** "took", "#2", "http.route". */
  readonly name: string;
  readonly values = new Values();
  /** Undefined while no number was seen. */
  spread: Spread | undefined;
  readonly order = new Order();
  /** Sights that were no number. */
  texts = 0;
  /** What its numbers are of, by the unit of the first that had one: a `Kind` of number.ts. */
  kind = 0;
  /** Numbers of the interval at hand, and of those before it that were not judged: no more than usual were low or high in these. */
  numbers = 0;
  clean = 0;
  /** Numbers before these. */
  before = 0;
  /** Whether it was numeric when it was learnt last: then the numbers of all records are counted. */
  isWatched = false;
  readonly huge = new Side(HUGE);
  readonly high = new Side(HIGH);
  readonly tiny = new Side(TINY);
  readonly low = new Side(LOW);
  /** In the order of SIDES. */
  readonly sides: readonly Side[] = [this.huge, this.high, this.tiny, this.low];

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Whether its numbers are judged by their size: few values are judged as such, text with a number here and there is none, ids grow, and what is
   * negative has no logarithm.
   */
  get isNumeric(): boolean {
    const { spread, values, texts, order } = this;
    return (
      spread !== undefined &&
      values.known === undefined &&
      spread.total > 20 * texts &&
      !order.isOrdered &&
      spread.isPositive
    );
  }

  /** Those since it was judged last are done. */
  close(): void {
    this.before += this.numbers + this.clean;
    this.numbers = this.clean = 0;
  }

  /** They are not to be judged. */
  drop(): void {
    for (const side of this.sides) side.count = side.mild = 0;
    this.close();
  }

  /** What its records said is forgotten. */
  hide(): void {
    this.values.hide();
    for (const side of this.sides) side.labels = undefined;
  }

  save() {
    const { name, texts, numbers, clean, before, isWatched, kind, values, order, huge, high, tiny, low, spread } = this;
    const parts = { values: { ...values }, order: { ...order } };
    const sides = { huge: { ...huge }, high: { ...high }, tiny: { ...tiny }, low: { ...low } };
    return { name, texts, numbers, clean, before, isWatched, kind, ...parts, ...sides, spread: spread?.save() };
  }

  static load({
    name,
    texts,
    numbers,
    clean,
    before,
    isWatched,
    kind,
    spread,
    ...parts
  }: ReturnType<Field["save"]>): Field {
    const field = Object.assign(new Field(name), { texts, numbers, clean, before, isWatched, kind });
    if (spread) field.spread = new Spread(spread);
    for (const [part, saved] of Object.entries(parts)) Object.assign(field[part as keyof typeof parts], saved);
    return field;
  }
}
