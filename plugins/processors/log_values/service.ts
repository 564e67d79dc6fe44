// A service: its statements, how often new values come up in it, and the cause of what was told of it last.
import { Cause } from "vedette";
import { Discoveries } from "vedette/counts";
import type { Statement } from "./statement.ts";

export class Service {
  readonly key: string;
  readonly began: number;
  readonly statements = new Map<string, Statement>();
  readonly discoveries = [new Discoveries()];
  readonly cause = new Cause();
  /** Series of the agent that are of it. */
  series = 0;

  constructor(key: string, began: number) {
    this.key = key;
    this.began = began;
  }
}
