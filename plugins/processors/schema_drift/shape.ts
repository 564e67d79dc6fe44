// What rows of one kind usually have: fields with their types, and how surely one of them went missing, came or changed.
import { type Content, isOfBody } from "./fields.ts";

/** Fields of one shape; others are not followed. */
const MOST_FIELDS = 128;
/** Rows remembered; then older ones count half. */
const MEMORY = 10_000;
/** Rows with a field on which its rate is known. */
const ENOUGH = 30;
/** Share of the rows that have a field which is usual, and from about which share on it is taken for missing. */
const USUAL = 0.95;
const CHANGED = 0.3;
/** No change is surer. */
const SUREST = 12;
/** Rows without a field that count, once the doubt about it is over: what is missing for long must not be learnt as rare. */
const MOST_PENDING = 10;

export type Change = "missing" | "new" | "type";

export interface Field {
  readonly name: string;
  type: string;
  /** Rows since it was first seen; those that had it, and had it with its type. */
  rows: number;
  present: number;
  same: number;
  /** False for one that came when the shape was known. */
  known: boolean;
  /** In decades: how sure it is that it is missing, or while not `known` that it is new; and that its type is `other` now. */
  doubt: number;
  retyped: number;
  other: string;
  /** Rows without it since the doubt began, which are learnt when it is over. */
  pending: number;
  /** Rows in a row without it, and with it; and with its type. */
  without: number;
  having: number;
  keeping: number;
}

/** Told of a field whose change has become surer: a change, and its rarity. */
export type Suspect = (field: Field, change: Change, rarity: number) => void;

/**
 * A sequential test for each field, a Bernoulli CUSUM (Reynolds & Stoumbos 1999) from its learnt rate towards CHANGED, in
 * decades. A row counts for no more than `weight` and one without a surprise takes back half of it, both less than the
 * likelihoods say: so the level is no larger than the rarity of independent rows would be, and rows that come in bursts need more.
 */
export class Shape {
  readonly fields = new Map<string, Field>();
  readonly #weight: number;
  readonly #calm: number;
  /** Whose fields are all there; content that is the same may be the same object. */
  #latest: Content | undefined;

  /** A change that was suspected is none after `calm` rows in a row without it. */
  constructor(weight: number, calm: number) {
    this.#weight = weight;
    this.#calm = calm;
  }

  /** Learns a row. Fields that come once the shape is `settled` are new, which is suspected where it is told. */
  observe(row: Content, settled: boolean, tellsNew: boolean, suspect: Suspect): void {
    const { fields, wholeBody } = row;
    if (row !== this.#latest) this.#meet(row, settled);
    for (const field of this.fields.values()) {
      const type = fields.get(field.name);
      if (type === undefined && !wholeBody && isOfBody(field.name)) continue;
      if (!field.known) this.#newcomer(field, type !== undefined, tellsNew, suspect);
      else if (type === undefined) this.#missing(field, settled, suspect);
      else this.#present(field, type, field.type, settled, suspect);
    }
  }

  #meet(row: Content, settled: boolean): void {
    this.#latest = row;
    for (const [name, type] of row.fields) {
      if (!this.fields.has(name) && this.fields.size < MOST_FIELDS)
        this.fields.set(name, fieldOf(name, type, !settled));
    }
  }

  /** Learns a row of another shape, which says what it should have: rows of all kinds together tell sooner what all of them lack. */
  observeBeside(own: Shape, { fields, wholeBody }: Content, settled: boolean, suspect: Suspect): void {
    for (const usual of own.fields.values()) {
      if (!isUsual(usual)) continue;
      const { name } = usual;
      const type = fields.get(name);
      if (type === undefined && !wholeBody && isOfBody(name)) continue;
      let field = this.fields.get(name);
      if (!field) {
        if (this.fields.size >= MOST_FIELDS) continue;
        field = fieldOf(name, usual.type, true);
        this.fields.set(name, field);
      }
      if (type === undefined) this.#missing(field, settled, suspect);
      else this.#present(field, type, usual.type, settled, suspect);
    }
  }

  #newcomer(field: Field, present: boolean, tellsNew: boolean, suspect: Suspect): void {
    if (!present) {
      field.doubt -= this.#weight / 2;
      // what comes now and then is not told
      if (field.doubt <= 0) this.#drop(field.name);
      return;
    }
    field.having++;
    field.doubt = Math.min(SUREST, field.doubt + this.#weight);
    if (tellsNew) suspect(field, "new", field.doubt);
    else if (field.having >= ENOUGH) this.fields.set(field.name, fieldOf(field.name, field.type, true));
  }

  #missing(field: Field, settled: boolean, suspect: Suspect): void {
    field.without++;
    field.having = 0;
    if (settled && isUsual(field)) {
      const rate = Math.min((field.rows - field.present + 0.5) / (field.rows + 1), CHANGED / 2);
      field.doubt = Math.min(SUREST, field.doubt + Math.min(this.#weight, Math.log10(CHANGED / rate)));
      field.pending = Math.min(MOST_PENDING, field.pending + 1);
      suspect(field, "missing", field.doubt);
    } else learn(field, false, false);
  }

  #present(field: Field, type: string, expected: string, settled: boolean, suspect: Suspect): void {
    field.without = 0;
    field.having++;
    field.doubt = field.having >= this.#calm ? 0 : Math.max(0, field.doubt - this.#weight / 2);
    if (field.doubt === 0) {
      field.rows += field.pending;
      field.pending = 0;
    }
    const same = type === expected;
    if (same) {
      field.keeping++;
      field.retyped = field.keeping >= this.#calm ? 0 : Math.max(0, field.retyped - this.#weight / 2);
    } else {
      field.keeping = 0;
      if (!settled && field.same < field.present / 2) field.type = type;
      if (settled && field.present >= ENOUGH && field.same >= USUAL * field.present) {
        field.type = expected;
        field.other = type;
        field.retyped = Math.min(SUREST, field.retyped + this.#weight);
        suspect(field, "type", field.retyped);
      }
    }
    // a type that changes is adopted or reverts: a row with the other one is no rarity to be learnt while it lasts
    if (same || field.retyped === 0) learn(field, true, same);
  }

  /** Whether a change that was told still holds. */
  holds(name: string, change: Change): boolean {
    const field = this.fields.get(name);
    if (!field) return false;
    return change === "type" ? field.retyped > 0 : field.doubt > 0 && field.known === (change === "missing");
  }

  /** Takes a change for normal. */
  adopt(name: string, change: Change): void {
    const field = this.fields.get(name);
    if (!field) return;
    if (change === "missing") this.#drop(name);
    else this.fields.set(name, fieldOf(name, change === "type" ? field.other : field.type, true));
  }

  #drop(name: string): void {
    this.fields.delete(name);
    // there may be room for another now
    this.#latest = undefined;
  }
}

/** Whether a row without it is odd. */
const isUsual = ({ known, rows, present }: Field): boolean => known && rows >= ENOUGH && present >= USUAL * rows;

export function fieldOf(name: string, type: string, known: boolean): Field {
  const counts = { rows: 0, present: 0, same: 0, doubt: 0, retyped: 0, pending: 0, without: 0, having: 0, keeping: 0 };
  return { name, type, known, other: "", ...counts };
}

function learn(field: Field, present: boolean, same: boolean): void {
  field.rows++;
  if (present) field.present++;
  if (same) field.same++;
  if (field.rows < MEMORY) return;
  field.rows /= 2;
  field.present /= 2;
  field.same /= 2;
}
