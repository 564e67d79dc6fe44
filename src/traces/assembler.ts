// Puts traces together: what each span itself took is known as it comes, the whole trace once nothing was added to it for a while.
import type { Trace } from "../api/index.ts";
import type { SpanScan } from "../otlp/columns.ts";
import { operationName } from "../otlp/labels.ts";
import { NO_SERIES, type RowOwner, type SeriesTable } from "../series/table.ts";
import { CompletedTrace } from "./completed.ts";
import { Operations } from "./operations.ts";
import { SpanSlots, TraceSlots } from "./slots.ts";

/** OTLP span kinds. */
const SERVER = 2;
const CLIENT = 3;
const CONSUMER = 5;
/** Spans of one trace that are kept; the others are counted. */
const MOST_SPANS_OF_A_TRACE = 5000;
/** Spans of a trace that are looked at for one that failed before. */
const MOST_LOOKS = 64;
/** A trace that is added to without end is passed on after so many idle timeouts. */
const LONGEST = 30;

export interface AssemblerOptions {
  /** Milliseconds of receipt without a span after which a trace is complete. */
  readonly idle_timeout: number;
  readonly max_traces: number;
  readonly max_spans: number;
}

/**
 * Memory is bounded by `max_traces` and `max_spans`: where there is no room, the trace that was longest not added to is
 * completed early. A span that came before (a retry of its sender) changes nothing.
 */
export class Assembler implements RowOwner {
  readonly operations = new Operations(() => this.#operationOf.fill(0));
  /** Traces that had to be completed for want of room, and spans that found none, so far. */
  readonly counts = { traces: 0, early: 0, left: 0 };
  options: AssemblerOptions;
  /** Who is handed each complete trace; it must not keep it. */
  onTrace: ((trace: Trace) => void) | undefined;
  readonly #spans = new SpanSlots();
  readonly #traces = new TraceSlots();
  /** Series -> its operation + 1; 0 is not known yet. */
  #operationOf = new Int32Array(0);
  /** Row of the request -> its span's slot, -1 for none. */
  #slots = new Int32Array(1024);
  /** Number of the request being taken in: the traces that it has spans of stay until it is. */
  #request = 0;
  /** When traces that are added to without end were looked for. */
  #looked = Number.NEGATIVE_INFINITY;
  readonly #seed: number;
  readonly #completed = new CompletedTrace();

  /** `seed` keeps a sender from choosing ids that meet in the tables. */
  constructor(options: AssemblerOptions, table: SeriesTable, seed: number) {
    this.options = options;
    this.#seed = seed;
    table.own(this);
  }

  get byteLength(): number {
    return this.#spans.byteLength + this.#traces.byteLength + this.#operationOf.byteLength;
  }

  /** Traces and spans that are being put together. */
  get open(): { traces: number; spans: number } {
    return { traces: this.#traces.size, spans: this.#spans.size };
  }

  grow(capacity: number): void {
    const operationOf = new Int32Array(capacity);
    operationOf.set(this.#operationOf);
    this.#operationOf = operationOf;
  }

  recycle(row: number): void {
    this.#operationOf[row] = 0;
  }

  /** Takes the spans of a request in and fills `self` and `inherited` of its scan. `now` is Unix milliseconds. */
  add(bytes: Uint8Array, scan: SpanScan, series: Uint32Array, now: number): void {
    const { length } = scan;
    if (this.#slots.length < length) this.#slots = new Int32Array(scan.capacity);
    this.#makeRoom(2 * length);
    this.#request = (this.#request + 1) | 0;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < length; i++) this.#slots[i] = this.#add(bytes, view, scan, i, series[i], now);
    for (let i = 0; i < length; i++) this.#tell(scan, i, this.#slots[i]);
  }

  #makeRoom(spans: number): void {
    const { max_spans } = this.options;
    while (this.#spans.size + spans > max_spans && this.#traces.oldest >= 0) this.#complete(this.#traces.oldest, true);
  }

  /** The span's slot; -1 where it has no id, or no room. */
  #add(bytes: Uint8Array, view: DataView, scan: SpanScan, i: number, series: number, now: number): number {
    const traceAt = scan.traceId[i];
    const spanAt = scan.spanId[i];
    if (series === NO_SERIES || traceAt === 0 || none(view, spanAt)) return -1;
    if (none(view, traceAt) && none(view, traceAt + 8)) return -1;
    const trace = this.#trace(view, traceAt, now);
    const spans = this.#spans;
    const slot = trace < 0 ? -1 : this.#span(trace, view, spanAt);
    if (slot < 0) {
      this.counts.left++;
      if (trace >= 0) this.#traces.left[trace]++;
      return -1;
    }
    if (spans.came[slot] === 1) return slot;
    let operation = this.#operationOf[series] - 1;
    if (operation < 0) {
      const { namespace, service, name } = operationName(bytes, scan, i);
      operation = this.operations.number(namespace, service, name, scan.kind[i], now);
      this.#operationOf[series] = operation + 1;
    } else this.operations.touch(operation, now);
    const start = scan.time[i];
    const duration = scan.duration[i];
    const kind = scan.kind[i];
    spans.came[slot] = 1;
    this.#traces.came[trace]++;
    spans.kind[slot] = kind;
    spans.failed[slot] = scan.failed[i];
    spans.operation[slot] = operation;
    spans.start[slot] = start;
    spans.duration[slot] = duration;
    const parentAt = scan.parentSpanId[i];
    if (none(view, parentAt)) {
      spans.parent[slot] = -1;
      return slot;
    }
    const parent = this.#span(trace, view, parentAt);
    spans.parent[slot] = parent >= 0 ? parent : -2;
    if (parent >= 0 && parent !== slot) this.#cover(parent, kind, start, duration, scan.failed[i]);
    return slot;
  }

  #trace(view: DataView, at: number, now: number): number {
    const traces = this.#traces;
    const id0 = view.getInt32(at, true);
    const id1 = view.getInt32(at + 4, true);
    const id2 = view.getInt32(at + 8, true);
    const id3 = view.getInt32(at + 12, true);
    const latest = traces.newest;
    if (latest >= 0 && traces.id3[latest] === id3 && traces.id2[latest] === id2 && traces.id1[latest] === id1) {
      if (traces.id0[latest] === id0) {
        traces.touched[latest] = now;
        traces.request[latest] = this.#request;
        return latest;
      }
    }
    const hash = scrambled(scrambled(id0 ^ this.#seed, id1) ^ id2, id3);
    let trace = traces.find(id0, id1, id2, id3, hash);
    if (trace >= 0) traces.touch(trace);
    else {
      if (traces.size >= this.options.max_traces) {
        if (traces.request[traces.oldest] === this.#request) return -1;
        this.#complete(traces.oldest, true);
      }
      trace = traces.take(hash);
      traces.id0[trace] = id0;
      traces.id1[trace] = id1;
      traces.id2[trace] = id2;
      traces.id3[trace] = id3;
      traces.last[trace] = -1;
      traces.spans[trace] = traces.came[trace] = traces.left[trace] = 0;
      traces.born[trace] = now;
      traces.link(trace);
    }
    traces.touched[trace] = now;
    traces.request[trace] = this.#request;
    return trace;
  }

  /** The slot of the span whose id is at `at`, made where there is none; -1 where the trace has too many. */
  #span(trace: number, view: DataView, at: number): number {
    const spans = this.#spans;
    const traces = this.#traces;
    const id0 = view.getInt32(at, true);
    const id1 = view.getInt32(at + 4, true);
    const hash = scrambled(id0 ^ Math.imul(trace, 0x9e3779b1) ^ this.#seed, id1);
    let slot = spans.find(trace, id0, id1, hash);
    if (slot >= 0) return slot;
    if (traces.spans[trace] >= MOST_SPANS_OF_A_TRACE || spans.size >= this.options.max_spans) return -1;
    slot = spans.take(hash);
    spans.trace[slot] = trace;
    spans.id0[slot] = id0;
    spans.id1[slot] = id1;
    spans.parent[slot] = -1;
    spans.before[slot] = traces.last[trace];
    traces.last[trace] = slot;
    traces.spans[trace]++;
    spans.came[slot] = spans.called[slot] = spans.blamed[slot] = 0;
    spans.covered[slot] = spans.far[slot] = 0;
    spans.from[slot] = spans.to[slot] = spans.since[slot] = spans.over[slot] = Number.NaN;
    return slot;
  }

  /**
   * Notes what a child takes of its parent. Children in the same process end before it and mostly in order; one that began amid
   * intervals that are over is counted from their end. What another process does is measured by its own clock.
   */
  #cover(parent: number, kind: number, start: number, duration: number, failed: number): void {
    const spans = this.#spans;
    if (kind === CONSUMER) return;
    if (failed === 1) spans.blamed[parent] = 1;
    if (kind === SERVER) {
      spans.far[parent] += duration;
      spans.called[parent] = 1;
      return;
    }
    const end = start + duration;
    const { from, to, covered, since, over } = spans;
    let begin = start;
    if (start < over[parent] && end >= over[parent]) {
      if (start > since[parent]) begin = over[parent];
      else {
        covered[parent] = 0;
        over[parent] = since[parent] = Number.NaN;
      }
    }
    if (begin <= to[parent] && end >= from[parent]) {
      if (begin < from[parent]) from[parent] = begin;
      if (end > to[parent]) to[parent] = end;
      return;
    }
    if (to[parent] > from[parent]) {
      covered[parent] += to[parent] - from[parent];
      if (!(since[parent] <= from[parent])) since[parent] = from[parent];
      if (!(over[parent] >= to[parent])) over[parent] = to[parent];
    }
    from[parent] = begin;
    to[parent] = end;
  }

  #tell(scan: SpanScan, i: number, slot: number): void {
    const duration = scan.duration[i];
    if (slot < 0) {
      scan.self[i] = duration;
      scan.inherited[i] = 0;
      return;
    }
    const spans = this.#spans;
    const failed = scan.failed[i];
    const awaits =
      spans.kind[slot] === CLIENT &&
      spans.called[slot] === 0 &&
      this.operations.awaitsFar(spans.operation[slot], failed);
    scan.inherited[i] = failed === 1 && (awaits || spans.blamed[slot] === 1 || this.#tried(slot)) ? 1 : 0;
    if (awaits) {
      scan.self[i] = Number.NaN;
      return;
    }
    const start = spans.start[slot];
    // NaN where there are no children
    const latest = Math.min(spans.to[slot], start + duration) - Math.max(spans.from[slot], start);
    const self = duration - spans.covered[slot] - spans.far[slot] - (latest > 0 ? latest : 0);
    scan.self[i] = self > 0 ? self : 0;
  }

  /** Whether its trace had one of the same operation before that failed: of a call and its retries the first one counts. */
  #tried(slot: number): boolean {
    const { before, came, failed, operation } = this.#spans;
    let looks = MOST_LOOKS;
    for (let other = before[slot]; other >= 0 && looks-- > 0; other = before[other]) {
      if (came[other] === 1 && failed[other] === 1 && operation[other] === operation[slot]) return true;
    }
    return false;
  }

  /** Passes on the traces that nothing was added to lately. `now` is Unix milliseconds of receipt. */
  tick(now: number): void {
    const { idle_timeout } = this.options;
    const traces = this.#traces;
    // a clock that was set back makes nothing wait for it
    for (let oldest = traces.oldest; oldest >= 0; oldest = traces.oldest) {
      const idle = now - traces.touched[oldest];
      if (idle >= 0 && idle < idle_timeout) break;
      this.#complete(oldest, false);
    }
    this.#endless(now);
    this.operations.tick(now, LONGEST * idle_timeout);
  }

  /** Passes on the traces that are added to without end; a look at all that are open is for once an idle timeout. */
  #endless(now: number): void {
    const { idle_timeout } = this.options;
    if (Math.abs(now - this.#looked) < idle_timeout) return;
    this.#looked = now;
    const traces = this.#traces;
    for (let trace = traces.oldest; trace >= 0; ) {
      const newer = traces.newer[trace];
      if (now - traces.born[trace] > LONGEST * idle_timeout) this.#complete(trace, false);
      trace = newer;
    }
  }

  #complete(trace: number, early: boolean): void {
    const spans = this.#spans;
    const traces = this.#traces;
    this.counts.traces++;
    if (early) this.counts.early++;
    const view = this.onTrace && traces.came[trace] > 0 ? this.#completed : undefined;
    view?.fill(trace, traces, spans, this.operations);
    for (let slot = traces.last[trace]; slot >= 0; ) {
      const before = spans.before[slot];
      if (spans.came[slot] === 1 && spans.kind[slot] === CLIENT) {
        this.operations.looked(spans.operation[slot], spans.failed[slot], spans.called[slot] === 1);
      }
      spans.release(slot);
      slot = before;
    }
    traces.unlink(trace);
    traces.release(trace);
    if (view) this.onTrace!(view);
  }
}

/** Whether there is no id at `at`, or one of 8 zeros, which is none. */
function none(view: DataView, at: number): boolean {
  return at === 0 || (view.getInt32(at, true) === 0 && view.getInt32(at + 4, true) === 0);
}

function scrambled(a: number, b: number): number {
  let x = Math.imul(a ^ (b >>> 16), 0x85ebca77) ^ b;
  x = Math.imul(x ^ (x >>> 15), 0xc2b2ae3d);
  return x ^ (x >>> 13);
}
