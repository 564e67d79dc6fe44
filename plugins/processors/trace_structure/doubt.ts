// Whether a span may have made calls that are not known by their far sides, since these did not come.
import type { Call, Caller } from "./caller.ts";
import type { Reading } from "./reading.ts";

/** Share of spans in which a call without a far side is one that never has any. */
export const USUAL = 0.5;

export class Doubt {
  readonly span: number;
  /** What it was of the trace that was read. */
  readonly was: boolean;
  readonly #caller: Caller;
  /** Its calls: to whom, how many of each. */
  readonly #made = new Map<Caller, number>();
  /** Whether one of them is a message, which some may take later, as a trace of its own. */
  readonly #later: boolean;

  constructor(span: number, later: boolean, { at, head, next, to, count }: Reading) {
    this.span = span;
    this.#caller = at[span]!;
    this.#later = later;
    for (let e = head[span]; e >= 0; e = next[e]) this.#made.set(to[e], count[e]);
    this.was = this.holds();
  }

  /** The same until it is judged again, or something is new: of the same calls. */
  holds(): boolean {
    return (this.#later || this.#stands()) && this.#less();
  }

  /** Whether more calls than usual are known by what stands for several. */
  #stands(): boolean {
    for (const [to, count] of this.#made) {
      if (to.far === "several" && count > (this.#caller.calls.get(to.id)?.counts?.usual ?? 1)) return true;
    }
    return false;
  }

  /** Whether another service is not called that most such spans call. */
  #less(): boolean {
    const { service, calls } = this.#caller;
    const missing = ({ to, share, fresh }: Call) =>
      !this.#made.has(to) && !fresh && to.service !== service && share.usual >= USUAL;
    for (const call of calls.values()) if (missing(call)) return true;
    return false;
  }
}
