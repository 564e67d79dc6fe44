// A service: its statements, the attributes of its records, how often new values come up in it, and the cause of what was told of it last.
import { Cause } from "vedette";
import { Discoveries } from "vedette/counts";
import type { Field } from "./field.ts";
import { LATEST, settle } from "./latest.ts";
import type { Statement } from "./statement.ts";

/** Attributes of one service. */
export const MOST_ATTRIBUTES = 32;

export class Service {
  readonly key: string;
  /** Unix milliseconds, by the clock. */
  readonly began: number;
  /** When attributes of a record were read last. */
  looked = 0;
  readonly statements = new Map<string, Statement>();
  /** In the order in which they came, beside hashes of their keys and the latest values: `LATEST` words of each. */
  readonly attributes: Field[] = [];
  readonly keys = new Int32Array(MOST_ATTRIBUTES);
  readonly latest = new Int32Array(LATEST * MOST_ATTRIBUTES);
  readonly discoveries = [new Discoveries()];
  readonly cause = new Cause();
  /** Series of the agent that are of it. */
  series = 0;

  constructor(key: string, began: number) {
    this.key = key;
    this.began = began;
  }

  *fields(): Generator<Field> {
    for (const statement of this.statements.values()) yield* statement.fields();
    yield* this.attributes;
  }

  /** The number of the attribute with that key; -1 where it is not known. */
  attribute(keyHash: number): number {
    const { keys } = this;
    const { length } = this.attributes;
    for (let k = 0; k < length; k++) if (keys[k] === keyHash) return k;
    return -1;
  }

  get isFull(): boolean {
    return this.attributes.length >= MOST_ATTRIBUTES;
  }

  /** The number of an attribute that is new. */
  add(keyHash: number, field: Field): number {
    this.keys[this.attributes.length] = keyHash;
    return this.attributes.push(field) - 1;
  }

  settle(k: number): void {
    settle(this.latest, LATEST * k, this.attributes[k].values);
  }

  saveAttributes() {
    return this.attributes.map((field, k) => {
      this.settle(k);
      return [this.keys[k], field.save()] as const;
    });
  }
}
