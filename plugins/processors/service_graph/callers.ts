// Operations by their number in a trace: who they belong to, and what is known of whom their spans call.
import type { Labels, Operation } from "vedette";
import type { Edges, End } from "./edges.ts";
import { type Callees, keyOf } from "./peers.ts";

/** OTLP span kinds. */
const CLIENT = 3;
const PRODUCER = 4;
const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/** What a span does: it stands for a call, and one that an answer is awaited of; the user wants it watched. */
export const CALLS = 1;
export const AWAITS = 2;
export const ALLOWED = 4;

/** What is not known yet. */
export const UNKNOWN = -1;

export interface Caller {
  readonly key: string;
  readonly end: End;
  /** The one service that it calls; null where there are several. */
  reached: End | null | undefined;
  /** What its spans say of their peers. */
  callees: Callees | undefined;
  /** The peer of its last call to one that did not report, by its name. */
  silent: End | undefined;
  named: string;
}

/** Columns by number, for what each span asks. */
export class Callers {
  readonly all: Caller[] = [];
  /** A number may come to mean another operation. */
  readonly operations: (Operation | undefined)[] = [];
  /** Numbers of ends. */
  end = new Int32Array(0);
  does = new Uint8Array(0);
  /** The end that there is nothing to learn of any more when it is called. */
  learnt = new Int32Array(0);
  /** The row of the edge of calls whose far side did not report. */
  silent = new Int32Array(0);
  readonly #edges: Edges;
  readonly #allows: (labels: Labels) => boolean;
  readonly #met: (operation: Operation) => void;

  /** `met` is called with each operation that it had not seen. */
  constructor(edges: Edges, allows: (labels: Labels) => boolean, met: (operation: Operation) => void) {
    this.#edges = edges;
    this.#allows = allows;
    this.#met = met;
  }

  meet(number: number, operation: Operation): void {
    const { service, name, kind } = operation;
    const resource = {
      ...(service.namespace !== "" && { "service.namespace": service.namespace }),
      "service.name": service.name,
    };
    const end = this.#edges.serviceOf(service.namespace, service.name);
    const key = keyOf(service.namespace, service.name, name, kind);
    if (number >= this.end.length) this.#grow(Math.max(256, 2 * number));
    this.all[number] = { key, end, reached: undefined, callees: undefined, silent: undefined, named: "" };
    this.operations[number] = operation;
    this.end[number] = end.number;
    const calls = kind === CLIENT || kind === PRODUCER;
    const allowed = this.#allows({ ...NOTHING, resource, name, kind: KINDS[kind] });
    this.does[number] = (calls ? CALLS : 0) | (kind === CLIENT ? AWAITS : 0) | (allowed ? ALLOWED : 0);
    this.learnt[number] = this.silent[number] = UNKNOWN;
    this.#met(operation);
  }

  #grow(capacity: number): void {
    const { end, does, learnt, silent } = this;
    this.end = new Int32Array(capacity);
    this.does = new Uint8Array(capacity);
    this.learnt = new Int32Array(capacity);
    this.silent = new Int32Array(capacity);
    this.end.set(end);
    this.does.set(does);
    this.learnt.set(learnt);
    this.silent.set(silent);
  }

  /** What was found out by names of peers, or led to edges, may be otherwise now. */
  doubt(): void {
    this.learnt.fill(UNKNOWN);
    this.silent.fill(UNKNOWN);
  }

  clear(): void {
    this.all.length = this.operations.length = 0;
  }
}

const NOTHING = {
  scope: { name: "", version: "" },
  statistic: "",
  unit: "ms",
  attributes: {},
  traceId: "",
  spanId: "",
};
