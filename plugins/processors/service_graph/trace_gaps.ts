// How long the calls of one trace are on their way, together for each edge.
import type { Trace } from "vedette";
import type { Edge } from "./edges.ts";
import { logOf } from "./gaps.ts";

export class TraceGaps {
  #length = 0;
  /** Row of an edge -> where it may be. */
  #at = new Int32Array(0);
  // by edge of the trace
  readonly #edge: Edge[] = [];
  /** Of the logs of its gaps, and how many there are. */
  readonly #sum: number[] = [];
  readonly #many: number[] = [];
  /** Of its first call, Unix milliseconds. */
  readonly #start: number[] = [];
  /** The span of its slowest call, and the log of its gap. */
  readonly #example: number[] = [];
  readonly #slowest: number[] = [];

  /** Adds a call: its span took what the far side did not. */
  add(edge: Edge, { self, start }: Trace, span: number): void {
    const { row } = edge;
    if (row >= this.#at.length) this.#at = new Int32Array(2 * row + 64);
    const log = logOf(self[span]);
    let at = this.#at[row];
    if (at >= this.#length || this.#edge[at] !== edge) {
      at = this.#at[row] = this.#length++;
      this.#edge[at] = edge;
      this.#sum[at] = this.#many[at] = 0;
      this.#start[at] = start[span];
      this.#example[at] = span;
      this.#slowest[at] = log;
    } else if (log > this.#slowest[at]) {
      this.#example[at] = span;
      this.#slowest[at] = log;
    }
    this.#sum[at] += log;
    this.#many[at]++;
  }

  /** Adds each to what is known of its edge, and begins anew. */
  finish(trace: Trace, slot: number): void {
    for (let at = 0; at < this.#length; at++) {
      const edge = this.#edge[at];
      const surprise = edge.gaps.add(this.#sum[at] / this.#many[at], slot, this.#start[at]);
      if (surprise <= edge.surprise || surprise < 1) continue;
      edge.surprise = surprise;
      edge.traceId = trace.id;
      edge.spanId = trace.spanId(this.#example[at]);
    }
    this.#length = 0;
  }
}
