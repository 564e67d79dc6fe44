// Traces that an anomaly names, for people to look at: the latest of all stand in a ring of bytes, and leave it for good once one is named.
import type { KeptSpan, KeptTrace, Operation } from "../api/index.ts";
import type { CompletedTrace } from "../traces/completed.ts";

// A span in the ring: its id, parent, operation, start (two halves of a double), duration, self, failed.
const SPAN = 9;
// A trace: its id in four words, how many spans follow.
const HEAD = 5;
/** Spans of a trace that are kept. */
const MOST_SPANS = 500;
/** Traces that are kept for being named, ids that are waited for, and where the ring is looked up. */
const MOST_NAMED = 500;
const MOST_AWAITED = 1000;
const PLACES = 1 << 15; // as `placeIn` says
const EMPTY = -1;
/** Bytes of a span once it is an object, about. */
const SPAN_BYTES = 160;

export class TraceHistory {
  /** Half of the memory: whole numbers of 32 bits. */
  readonly #ring: Int32Array;
  readonly #doubles = new Float64Array(1);
  readonly #words = new Int32Array(this.#doubles.buffer);
  readonly #floats = new Float32Array(1);
  readonly #bits = new Int32Array(this.#floats.buffer);
  /** By a part of the id: where in the ring the latest trace with that part begins. */
  readonly #places = new Int32Array(PLACES).fill(EMPTY);
  #at = 0;
  readonly #most: number;
  #spans = 0;
  readonly #named = new Map<string, KeptTrace>();
  readonly #awaited = new Set<string>();
  /** By number, as of when a trace was put there. */
  #operations: readonly (Operation | undefined)[] = [];

  constructor(maxMemory: number) {
    this.#ring = new Int32Array(Math.max(4096, Math.floor(maxMemory / 8)));
    this.#most = Math.max(MOST_SPANS, Math.floor(maxMemory / 2 / SPAN_BYTES));
  }

  get byteLength(): number {
    return this.#ring.byteLength + this.#places.byteLength + this.#spans * SPAN_BYTES;
  }

  /** A trace is complete. Costs a copy of its columns. */
  take(trace: CompletedTrace): void {
    const ring = this.#ring;
    const spans = Math.min(trace.length, MOST_SPANS);
    const words = HEAD + SPAN * spans;
    if (words > ring.length) return;
    if (this.#at + words > ring.length) this.#at = 0;
    let at = this.#at;
    const begin = at;
    trace.copyId(ring, at);
    ring[at + 4] = spans;
    at += HEAD;
    for (let i = 0; i < spans; i++) {
      trace.copySpanId(i, ring, at);
      ring[at + 2] = trace.parent[i];
      ring[at + 3] = trace.operation[i];
      this.#doubles[0] = trace.start[i];
      ring[at + 4] = this.#words[0];
      ring[at + 5] = this.#words[1];
      this.#floats[0] = trace.duration[i];
      ring[at + 6] = this.#bits[0];
      this.#floats[0] = trace.self[i];
      ring[at + 7] = this.#bits[0];
      ring[at + 8] = trace.failed[i];
      at += SPAN;
    }
    this.#at = at;
    this.#operations = trace.operations;
    this.#places[placeIn(ring[begin + 2], ring[begin + 3])] = begin;
    if (this.#awaited.size > 0 && this.#awaited.delete(trace.id)) this.#keep(trace.id, this.#read(begin, trace.id));
  }

  /** An anomaly names it: it is kept, now or once it is complete. */
  name(id: string): void {
    if (id.length !== 32 || this.#named.has(id)) return;
    const found = this.#find(id);
    if (found) {
      this.#keep(id, found);
      return;
    }
    if (this.#awaited.size >= MOST_AWAITED) this.#awaited.delete(this.#awaited.values().next().value!);
    this.#awaited.add(id);
  }

  get(id: string): KeptTrace | undefined {
    return this.#named.get(id) ?? this.#find(id);
  }

  #keep(id: string, trace: KeptTrace): void {
    this.#named.set(id, trace);
    this.#spans += trace.spans.length;
    for (const [oldest, { spans }] of this.#named) {
      if (this.#named.size <= MOST_NAMED && this.#spans <= this.#most) break;
      if (oldest === id) break;
      this.#named.delete(oldest);
      this.#spans -= spans.length;
    }
  }

  #find(id: string): KeptTrace | undefined {
    if (!/^[0-9a-f]{32}$/.test(id)) return undefined;
    const bytes = Buffer.from(id, "hex");
    const words = [0, 4, 8, 12].map((from) => bytes.readInt32LE(from));
    const at = this.#places[placeIn(words[2], words[3])];
    if (at === EMPTY || words.some((word, k) => this.#ring[at + k] !== word)) return undefined;
    // what was written over it since may end within it
    const end = at + HEAD + SPAN * this.#ring[at + 4];
    if (at < this.#at && this.#at < end) return undefined;
    return this.#read(at, id);
  }

  #read(at: number, traceId: string): KeptTrace {
    const ring = this.#ring;
    const spans: KeptSpan[] = [];
    for (let i = 0; i < ring[at + 4]; i++) {
      const from = at + HEAD + i * SPAN;
      const operation = this.#operations[ring[from + 3]];
      this.#words[0] = ring[from + 4];
      this.#words[1] = ring[from + 5];
      const [start] = this.#doubles;
      spans.push({
        spanId: hex(ring[from], ring[from + 1]),
        parent: Math.max(-1, ring[from + 2]),
        name: operation?.name ?? "",
        service: operation ? placeOf(operation.service) : "",
        kind: operation?.kind ?? 0,
        start,
        duration: this.#float(ring[from + 6]),
        self: this.#float(ring[from + 7]),
        failed: ring[from + 8] === 1,
      });
    }
    return { traceId, spans };
  }

  #float(bits: number): number {
    this.#bits[0] = bits;
    return this.#floats[0];
  }
}

/** Ids are words as they lay in the request, the first byte the lowest. */
function hex(first: number, second: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(first);
  bytes.writeInt32LE(second, 4);
  return bytes.toString("hex");
}

const placeIn = (third: number, fourth: number) => Math.imul(third ^ fourth, 0x9e3779b1) >>> 17;

const placeOf = ({ name, namespace }: Operation["service"]) => (namespace === "" ? name : `${namespace}/${name}`);
