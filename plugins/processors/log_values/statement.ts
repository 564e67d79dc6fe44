// A template as one service has it: the fields of its parameters.
import type { Labels } from "vedette";
import type { Field } from "./field.ts";
import type { Parameters } from "./parameters.ts";
import type { Service } from "./service.ts";

export class Statement {
  readonly service: Service;
  /** Of its template, 16 hex digits. */
  readonly id: string;
  /** Of its records, without what is of one alone. */
  readonly labels: Labels;
  /** By how many parameters a record has: a template that becomes more general has others. */
  readonly parameters = new Map<number, Parameters>();

  constructor(service: Service, id: string, labels: Labels) {
    this.service = service;
    this.id = id;
    this.labels = labels;
  }

  *fields(): Generator<Field> {
    for (const { fields } of this.parameters.values()) yield* fields;
  }

  /** Its fields, and itself. */
  get size(): number {
    let size = 1;
    for (const { fields } of this.parameters.values()) size += fields.length;
    return size;
  }
}
