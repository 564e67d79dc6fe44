// One trace as it is read: whose spans they are, and the different calls that each of them makes.
import type { Trace } from "vedette";
import type { Call, Caller, Way } from "./caller.ts";
import type { Doubt } from "./doubt.ts";

/** What a caller's span does not say of its calls: nothing, that one may be missing without having been left out, or that one of those that are usual may. */
export const SURE = 0;
export const DOUBTFUL = 1;
export const DOUBTFUL_IF_LESS = 2;

/** Reused from trace to trace. */
export class Reading {
  /** Whether the next trace of the same pattern would teach just the same. */
  plain = true;
  /** Spans whose parents did not come. */
  readonly orphans: number[] = [];
  /** Of spans that teach. */
  readonly doubts: Doubt[] = [];
  // by span
  readonly at: (Caller | undefined)[] = [];
  readonly way: (Way | undefined)[] = [];
  /** The span of another service right below a hop. */
  far = new Int32Array(0);
  root = new Int32Array(0);
  doubt = new Uint8Array(0);
  /** The different call that came up last, and the one that was made last; -1 for none. */
  head = new Int32Array(0);
  last = new Int32Array(0);
  // by different call of a span
  readonly to: Caller[] = [];
  readonly call: (Call | undefined)[] = [];
  /** The one of the same span that came up before it. */
  readonly next: number[] = [];
  readonly count: number[] = [];
  readonly retries: number[] = [];
  readonly atOnce: number[] = [];
  /** 1: the last one failed; 2: any did. */
  readonly failed: number[] = [];
  /** The span that the last one was. */
  readonly span: number[] = [];
  /** The calls that were made before: which, the span that this one is, and the one that the last one was. */
  readonly again: number[] = [];
  readonly later: number[] = [];
  readonly earlier: number[] = [];
  #different = 0;
  #again = 0;

  begin(length: number): void {
    this.#different = this.#again = 0;
    this.orphans.length = this.doubts.length = 0;
    this.plain = true;
    if (this.far.length >= length) return;
    const capacity = Math.max(64, 2 ** Math.ceil(Math.log2(length)));
    this.far = new Int32Array(capacity);
    this.root = new Int32Array(capacity);
    this.head = new Int32Array(capacity);
    this.last = new Int32Array(capacity);
    this.doubt = new Uint8Array(capacity);
  }

  /** Calls that were made before by the same span. */
  get repeats(): number {
    return this.#again;
  }

  /** Which call of a span goes to `to`; -1 for none. */
  find(span: number, to: Caller): number {
    let e = this.head[span];
    while (e >= 0 && this.to[e] !== to) e = this.next[e];
    return e;
  }

  /** The first call of a span to `to`. */
  first(span: number, to: Caller, call: Call | undefined): number {
    const e = this.#different++;
    this.to[e] = to;
    this.call[e] = call;
    this.next[e] = this.head[span];
    this.head[span] = e;
    this.count[e] = 1;
    this.retries[e] = this.failed[e] = this.atOnce[e] = 0;
    return e;
  }

  /** Another one, which the span `by` is. */
  repeat(e: number, by: number, trace: Trace): void {
    this.count[e]++;
    if (overlaps(trace, this.span[e], by)) this.atOnce[e]++;
    else if (this.failed[e] & 1) this.retries[e]++;
    const n = this.#again++;
    this.again[n] = e;
    this.later[n] = by;
    this.earlier[n] = this.span[e];
  }

  /** The call is the one that its span made last. */
  made(span: number, e: number, by: number, failed: number): void {
    this.last[span] = e;
    this.span[e] = by;
    this.failed[e] = failed ? 3 : this.failed[e] & 2;
  }
}

/** Whether the second of two spans began before the first was over. */
export const overlaps = ({ start, duration }: Trace, first: number, second: number) =>
  start[second] < start[first] + duration[first];
