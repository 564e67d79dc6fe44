// A template as one service has it: the fields of its parameters and attributes.
import type { Labels } from "vedette";
import { Field } from "./field.ts";
import type { Service } from "./service.ts";

/** Parameters that are looked at, and attributes. */
export const MOST_PARAMETERS = 8;
export const MOST_ATTRIBUTES = 24;

export class Statement {
  readonly service: Service;
  /** Of its template, 16 hex digits. */
  readonly id: string;
  /** Of its first record, without what is of that alone. */
  readonly labels: Labels;
  /** By how many parameters a record has: a template that becomes more general has others. */
  readonly parameters = new Map<number, Field[]>();
  /** By hash of the key. */
  readonly attributes = new Map<number, Field>();
  /** Unix milliseconds of the latest record, and of that whose attributes were read. */
  last = 0;
  looked = 0;

  constructor(service: Service, id: string, labels: Labels) {
    this.service = service;
    this.id = id;
    this.labels = labels;
  }

  *fields(): Generator<Field> {
    for (const fields of this.parameters.values()) yield* fields;
    yield* this.attributes.values();
  }

  get size(): number {
    let size = this.attributes.size;
    for (const { length } of this.parameters.values()) size += length;
    return size;
  }

  /** Fields of records with so many parameters. */
  fieldsOf(count: number, name: (k: number) => string): Field[] {
    let fields = this.parameters.get(count);
    if (!fields) {
      fields = Array.from({ length: Math.min(count, MOST_PARAMETERS) }, (_, k) => new Field(name(k)));
      this.parameters.set(count, fields);
    }
    return fields;
  }
}
