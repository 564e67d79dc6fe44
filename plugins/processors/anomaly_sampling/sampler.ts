// Which spans go on: those of anomalous traces and their neighbours, and of the rest those that probability keeps.
import type { Anomaly, Batch, Spans } from "vedette";
import { type Envelope, Held, type Released } from "./held.ts";
import { ANOMALOUS, Neighbourhood, ORDINARY } from "./neighbourhood.ts";
import type { Options } from "./options.ts";
import { Pace } from "./pace.ts";
import { eachScope, envelopeOf, type Scope } from "./scopes.ts";
import {
  end,
  PRIORITY,
  prioritised,
  priority,
  readContent,
  readSpan,
  start,
  stateEnd,
  stateOf,
  stateStart,
  TRACE_STATE,
  traceStateField,
  WANTED,
  withoutTraceState,
} from "./span.ts";
import { randomnessOf, thresholdOf } from "./threshold.ts";
import { NONE, NOTHING } from "./traces.ts";
import { parseTraceState, type TraceState, writeTraceState } from "./tracestate.ts";

/** OTLP kinds of a span that something outside its service caused. */
const SERVER = 2;
const CONSUMER = 5;

/** Bytes that are added to one request, unless one trace needs more. */
const MOST_ADDED = 2 ** 20;

const NO_STATE = parseTraceState("");
const NO_BYTES = new Uint8Array(0);

/** Spans, by why they were kept or dropped. */
export interface Counts {
  readonly kept: { rate: number; anomaly: number; neighbour: number; priority: number; no_trace_id: number };
  readonly dropped: { rate: number; priority: number; memory: number };
}

export class Sampler {
  readonly counts: Counts = {
    kept: { rate: 0, anomaly: 0, neighbour: 0, priority: 0, no_trace_id: 0 },
    dropped: { rate: 0, priority: 0, memory: 0 },
  };
  readonly #options: Options;
  readonly #pace: Pace | undefined;
  readonly #rate: number;
  readonly #hood: Neighbourhood;
  readonly #held: Held;
  /** Traces that turned out to be wanted, until they are added to a request. */
  readonly #released: Released[] = [];
  #releasedBytes = 0;

  // of the request and the scope at hand
  #batch!: Batch<"traces">;
  #rows!: Spans;
  #bytes: Uint8Array = NO_BYTES;
  #view: DataView = new DataView(NO_BYTES.buffer);
  #envelope: Envelope | undefined;
  #scope!: Scope;
  // of the span at hand: its trace, which that of the span before often is, and what it says of sampling
  readonly #id = new Int32Array(4);
  #trace = -1;
  #state: TraceState = NO_STATE;
  /** The tracestate met last, and the field written last. */
  #stateBytes: Uint8Array = NO_BYTES;
  #known: TraceState = NO_STATE;
  #written: { state: TraceState; threshold: number | undefined; field: Uint8Array } | undefined;

  /** `seed` is any 32-bit number. */
  constructor(options: Options, seed: number) {
    const { spans_per_second: budget, sampling_precision: precision, max_traces, neighbours } = options;
    this.#options = options;
    if (budget !== undefined) this.#pace = new Pace(budget, precision);
    this.#rate = thresholdOf(options.sampling_percentage / 100, precision);
    this.#hood = new Neighbourhood(max_traces, neighbours, seed, (row) => this.#release(row));
    this.#held = new Held(options.max_held, options.decision_wait, (spans, waited) => {
      this.counts.dropped[waited ? "rate" : "memory"] += spans;
    });
  }

  /** Percentage of ordinary traces that is kept at present. */
  get percentage(): number {
    return 100 * (1 - this.#threshold);
  }

  /** Bytes of spans that wait. */
  get heldBytes(): number {
    return this.#held.byteLength + this.#releasedBytes;
  }

  /** Whether spans wait for a request to be added to. */
  get due(): boolean {
    return this.#released.length > 0;
  }

  get #threshold(): number {
    return this.#pace?.threshold ?? this.#rate;
  }

  process(batch: Batch<"traces">): void {
    const { bytes, rows } = batch;
    this.look(batch.receivedAt);
    this.#batch = batch;
    this.#rows = rows;
    // a Buffer has another hidden class than a Uint8Array
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#trace = -1;
    let i = 0;
    if (rows.length > 0) {
      eachScope(this.#bytes, (scope) => {
        this.#scope = scope;
        this.#envelope = undefined;
        while (i < rows.length && rows.offset[i] < scope.end) this.#judge(i++);
      });
    }
    this.#held.settle();
    this.#bytes = NO_BYTES;
    this.#add(batch);
  }

  /** An anomaly was raised: its trace is wanted. */
  found({ state, labels: { traceId } }: Anomaly): void {
    if (state === "resolved" || !/^[0-9a-f]{32}$/.test(traceId)) return;
    const id = Buffer.from(traceId, "hex");
    this.#hood.found(id.readInt32LE(0), id.readInt32LE(4), id.readInt32LE(8), id.readInt32LE(12));
  }

  forget(series: number): void {
    this.#hood.forget(series);
  }

  /** Lets go of what has waited long enough; `now` in Unix milliseconds. */
  look(now: number): void {
    this.#held.expire(now);
    this.#pace?.look(now);
  }

  /** What is held at the end was not wanted. How many spans were, and found no request to be added to. */
  stop(): number {
    this.#held.clear();
    return this.#released.splice(0).reduce((sum, { items }) => sum + items, 0);
  }

  #judge(i: number): void {
    const rows = this.#rows;
    const bytes = this.#bytes;
    const { kept, dropped } = this.counts;
    const { traces } = this.#hood;
    const at = rows.traceId[i];
    const trace = at === 0 ? -1 : this.#traceAt(at);
    if (trace >= 0 && traces.series[trace] === NONE) {
      const kind = rows.kind[i];
      if (rows.parentSpanId[i] === 0 || kind === SERVER || kind === CONSUMER) this.#hood.entered(trace, rows.series[i]);
    }
    readSpan(bytes, rows.offset[i]);
    const wish = prioritised ? priority(bytes) : Number.NaN;
    if (wish === 0) {
      dropped.priority++;
      this.#batch.drop(i);
    } else if (wish > 0) kept.priority++;
    else if (trace < 0) kept.no_trace_id++;
    else if (traces.state[trace] !== ORDINARY) this.#keepWanted(i, trace, at);
    else if (this.#sampled(i, trace, at)) {
      kept.rate++;
      if (this.#pace) this.#pace.ordinary++;
    } else {
      if (this.#pace) this.#pace.ordinary++;
      this.#envelope ??= envelopeOf(bytes, this.#scope);
      traces.held[trace] = this.#held.hold(
        bytes,
        start,
        end,
        this.#envelope,
        traces.held[trace],
        this.#batch.receivedAt,
      );
      this.#batch.drop(i);
    }
  }

  #keepWanted(i: number, trace: number, at: number): void {
    if (!this.#sampled(i, trace, at) && this.#state.claims) this.#write(i, undefined);
    if (this.#options.set_sampling_priority) this.#batch.annotate(i, { [PRIORITY]: 1n });
    this.counts.kept[this.#hood.traces.state[trace] === ANOMALOUS ? "anomaly" : "neighbour"]++;
    if (this.#pace) this.#pace.wanted++;
  }

  /** The row of the trace whose id starts at `at`; -1 where it is no id. */
  #traceAt(at: number): number {
    const id = this.#id;
    const view = this.#view;
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    const c = view.getInt32(at + 8, true);
    const d = view.getInt32(at + 12, true);
    if (this.#trace >= 0 && id[3] === d && id[2] === c && id[1] === b && id[0] === a) return this.#trace;
    if ((a | b | c | d) === 0) return -1;
    id[0] = a;
    id[1] = b;
    id[2] = c;
    id[3] = d;
    this.#trace = this.#hood.rowOf(a, b, c, d, this.#threshold);
    return this.#trace;
  }

  /** Whether probability keeps the span read last; then it says so. */
  #sampled(i: number, trace: number, at: number): boolean {
    const own = this.#hood.traces.threshold[trace];
    if (stateStart === 0) {
      this.#state = NO_STATE;
      if (randomnessOf(this.#bytes, at) < own) return false;
      if (own > 0) this.#write(i, own);
      return true;
    }
    const { threshold, randomness, claims } = this.#readState();
    const random = Number.isNaN(randomness) ? randomnessOf(this.#bytes, at) : randomness;
    // a span below the threshold that it claims was kept for another reason: nobody knows how probable it was
    const sound = random >= threshold;
    const combined = sound ? this.#combined(threshold, own) : own;
    if (random < combined) return false;
    if (claims && !sound) this.#write(i, undefined);
    else if (combined > 0 && combined !== threshold) this.#write(i, combined);
    return true;
  }

  #combined(before: number, own: number): number {
    const { mode, sampling_precision } = this.#options;
    if (own === 0 || mode === "equalizing") return Math.max(before, own);
    return thresholdOf((1 - before) * (1 - own), sampling_precision);
  }

  /** The tracestate of the span read last, which is often that of the one before. */
  #readState(): TraceState {
    const bytes = this.#bytes;
    const before = this.#stateBytes;
    let same = before.length === stateEnd - stateStart;
    for (let i = 0; same && i < before.length; i++) same = before[i] === bytes[stateStart + i];
    if (!same) {
      this.#stateBytes = bytes.slice(stateStart, stateEnd);
      this.#known = stateOf(this.#stateBytes);
    }
    this.#state = this.#known;
    return this.#known;
  }

  #write(i: number, threshold: number | undefined): void {
    let written = this.#written;
    if (written?.state !== this.#state || written.threshold !== threshold) {
      const field = traceStateField(writeTraceState(this.#state, threshold));
      written = { state: this.#state, threshold, field };
      this.#written = written;
    }
    this.#batch.replace(i, TRACE_STATE, written.field);
  }

  /** A trace of which spans may be held is wanted. */
  #release(row: number): void {
    const { traces } = this.#hood;
    const released = traces.held[row] === NOTHING ? undefined : this.#held.release(traces.held[row], this.#rewrite);
    traces.held[row] = NOTHING;
    if (!released) return;
    if (this.#releasedBytes + released.bytes.length > this.#options.max_held) {
      this.counts.dropped.memory += released.items;
      return;
    }
    this.counts.kept[traces.state[row] === ANOMALOUS ? "anomaly" : "neighbour"] += released.items;
    if (this.#pace) this.#pace.wanted += released.items;
    this.#released.push(released);
    this.#releasedBytes += released.bytes.length;
  }

  /** A span that probability left out says nothing of one. */
  readonly #rewrite = (span: Uint8Array): Uint8Array => {
    readContent(span, 0, span.length);
    const fields: Uint8Array[] = [];
    const state = stateStart === 0 ? NO_STATE : stateOf(span.subarray(stateStart, stateEnd));
    if (this.#options.set_sampling_priority) fields.push(WANTED);
    if (!state.claims) return fields.length > 0 ? Buffer.concat([span, ...fields]) : span;
    return withoutTraceState(span, [traceStateField(writeTraceState(state, undefined)), ...fields]);
  };

  #add(batch: Batch<"traces">): void {
    let added = 0;
    let count = 0;
    for (const { bytes, items } of this.#released) {
      if (count > 0 && added + bytes.length > MOST_ADDED) break;
      batch.append(bytes, items);
      added += bytes.length;
      count++;
    }
    this.#released.splice(0, count);
    this.#releasedBytes -= added;
  }
}
