// A complete trace as processors are handed it: its spans in depth-first order.
import type { Operation, Trace } from "../api/index.ts";
import type { Operations } from "./operations.ts";
import * as layout from "./span_layout.ts";
import type { SpanSlots } from "./span_slots.ts";
import type { TraceSlots } from "./trace_slots.ts";

// constants of its own are folded into the code, those of another module are read each time
const { CAME, DURATION, FAILED, ID1, IDS, KIND, OPERATION, PARENT, STATE, TIMES } = layout;

const SERVER = 2;
const CONSUMER = 5;

/** Reused from trace to trace. */
export class CompletedTrace implements Trace {
  length = 0;
  whole = false;
  left = 0;
  parent = new Int32Array(0);
  start = new Float64Array(0);
  duration = new Float64Array(0);
  self = new Float64Array(0);
  failed = new Uint8Array(0);
  operation = new Uint32Array(0);
  operations: readonly Operation[] = [];
  #trace = new Int32Array(4);
  #id0 = new Int32Array(0);
  #id1 = new Int32Array(0);
  /** By rank, which is the order of their start: slots, the second half of their ids, first child, next sibling, and whether they have a place. */
  #slots = new Int32Array(0);
  #low = new Int32Array(0);
  #child = new Int32Array(0);
  #sibling = new Int32Array(0);
  #placed = new Uint8Array(0);
  /** By place: the rank. */
  #order = new Int32Array(0);
  #stack = new Int32Array(0);
  /** Of a span by its place: up to when its children cover it, in Unix milliseconds. */
  #until = new Float64Array(0);

  get id(): string {
    return [...this.#trace].map(hex).join("");
  }

  spanId(span: number): string {
    return hex(this.#id0[span]) + hex(this.#id1[span]);
  }

  /** Four words, eight hex digits each. */
  copyId(to: Int32Array, at: number): void {
    to.set(this.#trace, at);
  }

  /** Two words. */
  copySpanId(span: number, to: Int32Array, at: number): void {
    to[at] = this.#id0[span];
    to[at + 1] = this.#id1[span];
  }

  /** The slots of the trace are of no use to `SpanSlots.find` afterwards. */
  fill(trace: number, traces: TraceSlots, spans: SpanSlots, operations: Operations): void {
    traces.copyId(trace, this.#trace);
    this.left = traces.left(trace);
    this.operations = operations.list as readonly Operation[];
    this.#reserve(traces.spans(trace));
    const count = this.#gather(traces.last(trace), spans);
    this.#link(count, spans);
    this.#walk(count, spans);
    this.#tell(spans);
    this.#count();
  }

  #reserve(spans: number): void {
    if (this.parent.length >= spans) return;
    const capacity = Math.max(64, 2 ** Math.ceil(Math.log2(spans)));
    const i32 = () => new Int32Array(capacity);
    const f64 = () => new Float64Array(capacity);
    this.parent = i32();
    this.start = f64();
    this.duration = f64();
    this.self = f64();
    this.failed = new Uint8Array(capacity);
    this.operation = new Uint32Array(capacity);
    this.#id0 = i32();
    this.#id1 = i32();
    this.#slots = i32();
    this.#low = i32();
    this.#child = i32();
    this.#sibling = i32();
    this.#placed = new Uint8Array(capacity);
    this.#order = i32();
    this.#stack = new Int32Array(capacity + 1);
    this.#until = f64();
  }

  /** Ranks the spans that came; how many. In the slot of each the rank replaces the second half of its id, so that children find it. */
  #gather(last: number, spans: SpanSlots): number {
    const slots = this.#slots;
    const { ids, times } = spans;
    let count = 0;
    for (let slot = last; slot >= 0; slot = spans.previous(slot)) {
      if ((ids[slot * IDS + STATE] & CAME) !== 0) slots[count++] = slot;
    }
    if (count > 32) {
      const some = slots.subarray(0, count);
      some.sort((a, b) => times[a * TIMES] - times[b * TIMES] || (later(ids, a, b) ? 1 : -1));
    } else {
      for (let i = 1; i < count; i++) {
        const slot = slots[i];
        const at = times[slot * TIMES];
        let j = i - 1;
        while (j >= 0) {
          const other = times[slots[j] * TIMES];
          if (!(other > at || (other === at && later(ids, slots[j], slot)))) break;
          slots[j + 1] = slots[j];
          j--;
        }
        slots[j + 1] = slot;
      }
    }
    for (let i = 0; i < count; i++) {
      const at = slots[i] * IDS + ID1;
      this.#low[i] = ids[at];
      ids[at] = i;
    }
    return count;
  }

  /** Children of each, in the order of their start. */
  #link(count: number, spans: SpanSlots): void {
    const { ids } = spans;
    this.#child.fill(-1, 0, count);
    for (let i = count - 1; i >= 0; i--) {
      const parent = ids[this.#slots[i] * IDS + PARENT];
      if (parent < 0 || (ids[parent * IDS + STATE] & CAME) === 0) continue;
      const p = ids[parent * IDS + ID1];
      this.#sibling[i] = this.#child[p];
      this.#child[p] = i;
    }
  }

  #walk(count: number, spans: SpanSlots): void {
    this.length = 0;
    const { ids } = spans;
    const placed = this.#placed;
    placed.fill(0, 0, count);
    for (let i = 0; i < count; i++) {
      const parent = ids[this.#slots[i] * IDS + PARENT];
      if (parent < 0) this.#descend(i, parent);
      else if ((ids[parent * IDS + STATE] & CAME) === 0) this.#descend(i, -2);
    }
    // what is left has itself among its ancestors
    for (let i = 0; this.length < count; i++) if (placed[i] === 0) this.#descend(i, -2);
  }

  /** Places a span and all below it. */
  #descend(root: number, above: number): void {
    const stack = this.#stack;
    const placed = this.#placed;
    const order = this.#order;
    const parents = this.parent;
    let length = this.length;
    let parent = above;
    let depth = 0;
    stack[0] = root;
    while (depth >= 0) {
      const i = stack[depth];
      if (i < 0) {
        depth--;
        parent = parent < 0 ? parent : parents[parent];
        continue;
      }
      stack[depth] = depth === 0 ? -1 : this.#sibling[i];
      if (placed[i] !== 0) continue;
      placed[i] = 1;
      order[length] = i;
      parents[length] = parent;
      parent = length++;
      stack[++depth] = this.#child[i];
    }
    this.length = length;
  }

  /** What there is to say of each, in their order. */
  #tell({ ids, times }: SpanSlots): void {
    const { parent, start, duration, self, failed, operation, length } = this;
    const until = this.#until;
    for (let at = 0; at < length; at++) {
      const i = this.#order[at];
      const slot = this.#slots[i];
      const began = times[slot * TIMES];
      const lasted = times[slot * TIMES + DURATION];
      const state = ids[slot * IDS + STATE];
      start[at] = until[at] = began;
      duration[at] = self[at] = lasted;
      failed[at] = (state & FAILED) !== 0 ? 1 : 0;
      operation[at] = state >> OPERATION;
      this.#id0[at] = ids[slot * IDS];
      this.#id1[at] = this.#low[i];
      const above = parent[at];
      const kind = state & KIND;
      if (above < 0 || kind === CONSUMER) continue;
      if (kind === SERVER) {
        self[above] = Math.max(0, self[above] - lasted);
        continue;
      }
      // siblings come by their start, so that the union of what they cover only grows at its end
      const from = Math.max(began, until[above]);
      const to = Math.min(began + lasted, start[above] + duration[above]);
      if (!(to > from)) continue;
      until[above] = to;
      self[above] = Math.max(0, self[above] - (to - from));
    }
  }

  #count(): void {
    let roots = 0;
    let lost = this.left;
    for (let i = 0; i < this.length; i++) {
      if (this.parent[i] === -1) roots++;
      else if (this.parent[i] === -2) lost++;
    }
    this.whole = roots === 1 && lost === 0;
  }
}

function later(ids: Int32Array, a: number, b: number): boolean {
  const [at, other] = [a * IDS, b * IDS];
  return ids[at] > ids[other] || (ids[at] === ids[other] && ids[at + ID1] > ids[other + ID1]);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Four bytes as they came, which were read as a little-endian number. */
function hex(four: number): string {
  return HEX[four & 255] + HEX[(four >>> 8) & 255] + HEX[(four >>> 16) & 255] + HEX[four >>> 24];
}
