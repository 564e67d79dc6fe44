// Puts traces together: what each span itself took is known as it comes, the whole trace once nothing was added to it for a while.
import type { SpanScan } from "../otlp/columns.ts";
import { operationName } from "../otlp/labels.ts";
import { NO_SERIES, type RowOwner, type SeriesTable } from "../series/table.ts";
import { scrambled } from "./chains.ts";
import { CompletedTrace } from "./completed.ts";
import { Operations } from "./operations.ts";
import * as layout from "./span_layout.ts";
import { SpanSlots } from "./span_slots.ts";
import { TraceSlots } from "./trace_slots.ts";

// constants of its own are folded into the code, those of another module are read each time
const {
  BLAMED,
  CALLED,
  CAME,
  CHILDREN,
  COVER,
  COVERED,
  DURATION,
  FAILED,
  FAR,
  IDS,
  KIND,
  OPERATION,
  OVER,
  PARENT,
  SINCE,
  STATE,
  TIMES,
  TO,
} = layout;

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
 * completed early; up to 3 slots a trace stay empty, since spans of a trace lie in blocks. A span that came before (a retry of its sender) changes
 * nothing.
 */
export class Assembler implements RowOwner {
  readonly operations = new Operations(() => this.#operationOf.fill(0));
  /** Traces that had to be completed for want of room, and spans that found none, so far. */
  readonly counts = { traces: 0, early: 0, left: 0 };
  options: AssemblerOptions;
  /** Who is handed each complete trace; it must not keep it. */
  onTrace: ((trace: CompletedTrace) => void) | undefined;
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
  /** Whether a trace was added to since then that may be too old before it is looked for again. */
  #old = false;
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
      if (trace >= 0) this.#traces.leave(trace);
      return -1;
    }
    const { ids } = spans;
    const at = slot * IDS;
    const state = ids[at + STATE];
    if ((state & CAME) !== 0) return slot;
    let operation = this.#operationOf[series] - 1;
    if (operation < 0) {
      const { namespace, service, name } = operationName(bytes, scan, i);
      operation = this.operations.number(namespace, service, name, scan.kind[i], now);
      this.#operationOf[series] = operation + 1;
    } else this.operations.touch(operation, now);
    ids[at + STATE] = state | CAME | scan.kind[i] | (scan.failed[i] === 1 ? FAILED : 0) | (operation << OPERATION);
    spans.times[slot * TIMES] = scan.time[i];
    spans.times[slot * TIMES + DURATION] = scan.duration[i];
    const parentAt = scan.parentSpanId[i];
    if (none(view, parentAt)) return slot;
    const parent = this.#span(trace, view, parentAt);
    spans.ids[at + PARENT] = parent >= 0 ? parent : -2;
    if (parent >= 0 && parent !== slot) this.#cover(parent, scan, i);
    return slot;
  }

  #trace(view: DataView, at: number, now: number): number {
    const traces = this.#traces;
    const id0 = view.getInt32(at, true);
    const id1 = view.getInt32(at + 4, true);
    const id2 = view.getInt32(at + 8, true);
    const id3 = view.getInt32(at + 12, true);
    let trace = traces.newest;
    if (trace < 0 || !traces.is(trace, id0, id1, id2, id3)) {
      const hash = scrambled(scrambled(id0 ^ this.#seed, id1) ^ id2, id3);
      trace = traces.find(id0, id1, id2, id3, hash);
      if (trace < 0) {
        if (traces.size >= this.options.max_traces) {
          if (traces.request(traces.oldest) === this.#request) return -1;
          this.#complete(traces.oldest, true);
        }
        trace = traces.take(id0, id1, id2, id3, hash, now);
      }
    }
    traces.touch(trace, this.#request, now);
    if (now - traces.born(trace) > (LONGEST - 1) * this.options.idle_timeout) this.#old = true;
    return trace;
  }

  /** The slot of the span whose id is at `at`, made where there is none; -1 where the trace has too many. */
  #span(trace: number, view: DataView, at: number): number {
    const spans = this.#spans;
    const traces = this.#traces;
    const id0 = view.getInt32(at, true);
    const id1 = view.getInt32(at + 4, true);
    const seed = this.#seed;
    const many = traces.spans(trace);
    const last = traces.last(trace);
    const known = spans.find(trace, last, many, id0, id1, seed);
    if (known >= 0) return known;
    if (many >= MOST_SPANS_OF_A_TRACE || spans.size >= this.options.max_spans) return -1;
    const slot = spans.take(trace, last, many, id0, id1, seed);
    traces.grew(trace, slot);
    return slot;
  }

  /**
   * Notes what a child takes of its parent. Children in the same process end before it and mostly in order; one that began amid
   * intervals that are over is counted from their end. What another process does is measured by its own clock.
   */
  #cover(parent: number, scan: SpanScan, i: number): void {
    const kind = scan.kind[i];
    if (kind === CONSUMER) return;
    const { ids, children } = this.#spans;
    const duration = scan.duration[i];
    const state = parent * IDS + STATE;
    const at = parent * CHILDREN;
    const flags = scan.failed[i] === 1 ? ids[state] | BLAMED : ids[state];
    if (kind === SERVER) {
      ids[state] = flags | CALLED;
      children[at + FAR] = (flags & CALLED) !== 0 ? children[at + FAR] + duration : duration;
      return;
    }
    ids[state] = flags | COVERED;
    const start = scan.time[i];
    const end = start + duration;
    if ((flags & COVERED) === 0) {
      children[at] = start;
      children[at + TO] = end;
      children[at + COVER] = 0;
      children[at + SINCE] = children[at + OVER] = Number.NaN;
      return;
    }
    let begin = start;
    const over = children[at + OVER];
    if (start < over && end >= over) {
      if (start > children[at + SINCE]) begin = over;
      else {
        children[at + COVER] = 0;
        children[at + OVER] = children[at + SINCE] = Number.NaN;
      }
    }
    const from = children[at];
    const to = children[at + TO];
    if (begin <= to && end >= from) {
      if (begin < from) children[at] = begin;
      if (end > to) children[at + TO] = end;
      return;
    }
    if (to > from) {
      children[at + COVER] += to - from;
      if (!(children[at + SINCE] <= from)) children[at + SINCE] = from;
      if (!(children[at + OVER] >= to)) children[at + OVER] = to;
    }
    children[at] = begin;
    children[at + TO] = end;
  }

  #tell(scan: SpanScan, i: number, slot: number): void {
    const duration = scan.duration[i];
    if (slot < 0) {
      scan.self[i] = duration;
      scan.inherited[i] = 0;
      return;
    }
    const { ids, times, children } = this.#spans;
    const failed = scan.failed[i];
    const flags = ids[slot * IDS + STATE];
    const awaits = (flags & (KIND | CALLED)) === CLIENT && this.operations.awaitsFar(flags >> OPERATION, failed);
    scan.inherited[i] = failed === 1 && (awaits || (flags & BLAMED) !== 0 || this.#tried(slot)) ? 1 : 0;
    if (awaits) {
      scan.self[i] = Number.NaN;
      return;
    }
    const at = slot * CHILDREN;
    let self = duration;
    if ((flags & COVERED) !== 0) self -= children[at + COVER];
    if ((flags & CALLED) !== 0) self -= children[at + FAR];
    if ((flags & COVERED) !== 0) {
      const start = times[slot * TIMES];
      const latest = Math.min(children[at + TO], start + duration) - Math.max(children[at], start);
      if (latest > 0) self -= latest;
    }
    scan.self[i] = self > 0 ? self : 0;
  }

  /** Whether its trace had one of the same operation before that failed: of a call and its retries the first one counts. */
  #tried(slot: number): boolean {
    const spans = this.#spans;
    const operation = spans.ids[slot * IDS + STATE] >> OPERATION;
    let looks = MOST_LOOKS;
    for (let other = spans.previous(slot); other >= 0 && looks-- > 0; other = spans.previous(other)) {
      const state = spans.ids[other * IDS + STATE];
      if ((state & FAILED) !== 0 && state >> OPERATION === operation) return true;
    }
    return false;
  }

  /** Passes on the traces that nothing was added to lately. `now` is Unix milliseconds of receipt. */
  tick(now: number): void {
    const { idle_timeout } = this.options;
    const traces = this.#traces;
    // a clock that was set back makes nothing wait for it
    for (let oldest = traces.oldest; oldest >= 0; oldest = traces.oldest) {
      const idle = now - traces.touched(oldest);
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
    if (!this.#old) return;
    this.#old = false;
    const traces = this.#traces;
    for (let trace = traces.oldest; trace >= 0; ) {
      const newer = traces.newer(trace);
      if (now - traces.born(trace) > LONGEST * idle_timeout) this.#complete(trace, false);
      trace = newer;
    }
  }

  #complete(trace: number, early: boolean): void {
    const spans = this.#spans;
    const traces = this.#traces;
    this.counts.traces++;
    if (early) this.counts.early++;
    const view = this.onTrace ? this.#completed : undefined;
    view?.fill(trace, traces, spans, this.operations);
    const last = traces.last(trace);
    for (let slot = last; slot >= 0; slot = spans.previous(slot)) {
      const flags = spans.ids[slot * IDS + STATE];
      if ((flags & (CAME | KIND)) !== (CAME | CLIENT)) continue;
      this.operations.looked(flags >> OPERATION, (flags & FAILED) !== 0 ? 1 : 0, (flags & CALLED) !== 0);
    }
    spans.release(last, traces.spans(trace));
    traces.release(trace);
    if (view && view.length > 0) this.onTrace!(view);
  }
}

/** Whether there is no id at `at`, or one of 8 zeros, which is none. */
function none(view: DataView, at: number): boolean {
  return at === 0 || (view.getInt32(at, true) === 0 && view.getInt32(at + 4, true) === 0);
}
