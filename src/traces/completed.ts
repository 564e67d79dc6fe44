// A complete trace as processors are handed it: its spans in depth-first order.
import type { Operation, Trace } from "../api/index.ts";
import type { Operations } from "./operations.ts";
import type { SpanSlots, TraceSlots } from "./slots.ts";

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
  /** By the order in which they came, then by place: slots, first child, next sibling, and the way there. */
  #slots = new Int32Array(0);
  #order = new Uint32Array(0);
  #child = new Int32Array(0);
  #sibling = new Int32Array(0);
  #stack = new Int32Array(0);
  /** Of a span by its place: up to when its children cover it, in Unix milliseconds. */
  #until = new Float64Array(0);
  /** Slot -> index by arrival; of no meaning for slots of other traces. */
  #index = new Int32Array(0);

  get id(): string {
    return [...this.#trace].map(hex).join("");
  }

  spanId(span: number): string {
    return hex(this.#id0[span]) + hex(this.#id1[span]);
  }

  fill(trace: number, traces: TraceSlots, spans: SpanSlots, operations: Operations): void {
    this.#trace.set([traces.id0[trace], traces.id1[trace], traces.id2[trace], traces.id3[trace]]);
    this.left = traces.left[trace];
    this.operations = operations.list as readonly Operation[];
    this.#reserve(traces.spans[trace], spans.capacity);
    const count = this.#gather(traces.last[trace], spans);
    this.#link(count, spans);
    this.#walk(count, spans);
    this.#count();
  }

  #reserve(spans: number, slots: number): void {
    if (this.#index.length < slots) this.#index = new Int32Array(slots);
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
    this.#order = new Uint32Array(capacity);
    this.#child = i32();
    this.#sibling = i32();
    this.#stack = new Int32Array(capacity + 1);
    this.#until = f64();
  }

  /** The spans that came, sorted by their start; how many. */
  #gather(last: number, spans: SpanSlots): number {
    const slots = this.#slots;
    const { start } = spans;
    let count = 0;
    for (let slot = last; slot >= 0; slot = spans.before[slot]) if (spans.came[slot] === 1) slots[count++] = slot;
    if (count > 32) {
      const some = slots.subarray(0, count);
      some.sort((a, b) => start[a] - start[b] || spans.id0[a] - spans.id0[b] || spans.id1[a] - spans.id1[b]);
    } else {
      for (let i = 1; i < count; i++) {
        const slot = slots[i];
        const at = start[slot];
        let j = i - 1;
        while (j >= 0 && (start[slots[j]] > at || (start[slots[j]] === at && later(spans, slots[j], slot)))) {
          slots[j + 1] = slots[j];
          j--;
        }
        slots[j + 1] = slot;
      }
    }
    for (let i = 0; i < count; i++) this.#index[slots[i]] = i;
    return count;
  }

  /** Children of each, in the order of their start. */
  #link(count: number, spans: SpanSlots): void {
    this.#child.fill(-1, 0, count);
    for (let i = count - 1; i >= 0; i--) {
      const parent = spans.parent[this.#slots[i]];
      if (parent < 0 || spans.came[parent] === 0) continue;
      const p = this.#index[parent];
      this.#sibling[i] = this.#child[p];
      this.#child[p] = i;
    }
  }

  #walk(count: number, spans: SpanSlots): void {
    this.length = 0;
    const place = this.#order;
    place.fill(0, 0, count);
    for (let i = 0; i < count; i++) {
      const parent = spans.parent[this.#slots[i]];
      if (parent < 0) this.#descend(i, parent, spans);
      else if (spans.came[parent] === 0) this.#descend(i, -2, spans);
    }
    // what is left has itself among its ancestors
    for (let i = 0; this.length < count; i++) if (place[i] === 0) this.#descend(i, -2, spans);
  }

  /** Places a span and all below it. `#order` is the place of each + 1. */
  #descend(root: number, above: number, spans: SpanSlots): void {
    const stack = this.#stack;
    const place = this.#order;
    this.#place(root, above, spans);
    stack[0] = this.#child[root];
    let depth = 0;
    let parent = this.length - 1;
    while (depth >= 0) {
      const i = stack[depth];
      if (i < 0) {
        depth--;
        parent = parent < 0 ? parent : this.parent[parent];
        continue;
      }
      stack[depth] = this.#sibling[i];
      if (place[i] > 0) continue;
      this.#place(i, parent, spans);
      stack[++depth] = this.#child[i];
      parent = this.length - 1;
    }
  }

  #place(i: number, parent: number, spans: SpanSlots): void {
    const slot = this.#slots[i];
    const at = this.length++;
    this.#order[i] = at + 1;
    this.parent[at] = parent;
    this.start[at] = this.#until[at] = spans.start[slot];
    this.duration[at] = this.self[at] = spans.duration[slot];
    this.failed[at] = spans.failed[slot];
    this.operation[at] = spans.operation[slot];
    this.#id0[at] = spans.id0[slot];
    this.#id1[at] = spans.id1[slot];
    const kind = spans.kind[slot];
    if (parent < 0 || kind === CONSUMER) return;
    if (kind === SERVER) {
      this.self[parent] = Math.max(0, this.self[parent] - this.duration[at]);
      return;
    }
    // siblings come by their start, so that the union of what they cover only grows at its end
    const from = Math.max(this.start[at], this.#until[parent]);
    const to = Math.min(this.start[at] + this.duration[at], this.start[parent] + this.duration[parent]);
    if (!(to > from)) return;
    this.#until[parent] = to;
    this.self[parent] = Math.max(0, this.self[parent] - (to - from));
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

function later(spans: SpanSlots, a: number, b: number): boolean {
  return spans.id0[a] > spans.id0[b] || (spans.id0[a] === spans.id0[b] && spans.id1[a] > spans.id1[b]);
}

/** Four bytes as they came, which were read as a little-endian number. */
function hex(four: number): string {
  const bytes = [four & 255, (four >>> 8) & 255, (four >>> 16) & 255, four >>> 24];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
