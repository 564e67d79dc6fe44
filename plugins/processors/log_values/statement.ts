// A template as one service has it: the fields of its parameters.
import type { Labels } from "vedette";
import { Field } from "./field.ts";
import { Parameters } from "./parameters.ts";
import type { Service } from "./service.ts";

/** Parameters that are looked at. */
const MOST_PARAMETERS = 8;
/** Of a statement that came so often one record in so many is learnt, each of which stands for as many; a power of two. */
const GROWN = 256;
const SAMPLE = 16;

export class Statement {
  readonly service: Service;
  /** Of its template, 16 hex digits. */
  readonly id: string;
  /** Of its records, without what is of one alone. */
  readonly labels: Labels;
  /** By how many parameters a record has: a template that becomes more general has others. */
  readonly parameters = new Map<number, Parameters>();
  /** Unix milliseconds, by the clock: of the latest record, and of that whose attributes were read. */
  last = 0;
  looked = 0;
  records = 0;
  #count = -1;
  #own: Parameters | undefined;

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

  /**
   * One more record: for how many it stands when it is learnt, 0 where it is not. Once grown, one of each `SAMPLE` in a row is, at a place that nothing
   * periodic keeps step with.
   */
  count(): number {
    const records = ++this.records;
    if (records <= GROWN) return 1;
    return (records & (SAMPLE - 1)) === placeOf(Math.floor(records / SAMPLE)) ? SAMPLE : 0;
  }

  /** Those of records with so many parameters; undefined where there was none. */
  of(count: number): Parameters | undefined {
    if (count === this.#count) return this.#own;
    const own = this.parameters.get(count);
    if (own) {
      this.#count = count;
      this.#own = own;
    }
    return own;
  }

  add(count: number, name: (k: number) => string): Parameters {
    const fields = Array.from({ length: Math.min(count, MOST_PARAMETERS) }, (_, k) => new Field(name(k)));
    const own = new Parameters(fields);
    this.parameters.set(count, own);
    return own;
  }
}

/** Below `SAMPLE`, by the finalizer of MurmurHash3. */
function placeOf(n: number): number {
  let h = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) & (SAMPLE - 1);
}
