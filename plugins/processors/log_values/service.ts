// A service: its statements, the attributes of its records, how often new values come up in it, and the cause of what was told of it last.
import { Cause } from "vedette";
import { Discoveries } from "vedette/counts";
import type { Field } from "./field.ts";
import type { Statement } from "./statement.ts";

export class Service {
  readonly key: string;
  /** Unix milliseconds, by the clock. */
  readonly began: number;
  /** When attributes of a record were read last. */
  looked = 0;
  readonly statements = new Map<string, Statement>();
  /** By hash of the key. */
  readonly attributes = new Map<number, Field>();
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
    yield* this.attributes.values();
  }
}
