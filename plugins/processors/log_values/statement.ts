// A template as one service has it: the fields of its parameters.
import type { Labels } from "vedette";
import { Field } from "./field.ts";
import type { Service } from "./service.ts";

/** Parameters that are looked at. */
const MOST_PARAMETERS = 8;
/** Of a statement that came so often only one record in so many is learnt; a power of two. */
const GROWN = 4096;
const SAMPLE = 8;

export class Statement {
  readonly service: Service;
  /** Of its template, 16 hex digits. */
  readonly id: string;
  /** Of its records, without what is of one alone. */
  readonly labels: Labels;
  /** By how many parameters a record has: a template that becomes more general has others. */
  readonly parameters = new Map<number, Field[]>();
  /** Unix milliseconds, by the clock: of the latest record, and of that whose attributes were read. */
  last = 0;
  looked = 0;
  records = 0;
  #count = -1;
  #own: Field[] = [];

  constructor(service: Service, id: string, labels: Labels) {
    this.service = service;
    this.id = id;
    this.labels = labels;
  }

  *fields(): Generator<Field> {
    for (const fields of this.parameters.values()) yield* fields;
  }

  /** Its fields, and itself. */
  get size(): number {
    let size = 1;
    for (const { length } of this.parameters.values()) size += length;
    return size;
  }

  /** One more record: whether it is to be learnt. */
  count(): boolean {
    return ++this.records <= GROWN || (this.records & (SAMPLE - 1)) === 0;
  }

  /** Share of the records that is learnt. */
  get learnt(): number {
    return this.records <= GROWN ? 1 : 1 / SAMPLE;
  }

  /** Fields of records with so many parameters; undefined where there was none. */
  of(count: number): Field[] | undefined {
    if (count === this.#count) return this.#own;
    const fields = this.parameters.get(count);
    if (fields) {
      this.#count = count;
      this.#own = fields;
    }
    return fields;
  }

  add(count: number, name: (k: number) => string): Field[] {
    const fields = Array.from({ length: Math.min(count, MOST_PARAMETERS) }, (_, k) => new Field(name(k)));
    this.parameters.set(count, fields);
    return fields;
  }
}
