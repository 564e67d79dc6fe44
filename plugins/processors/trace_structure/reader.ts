// Reads complete traces: who calls what, how often, in which order and on which way; and teaches it to the callers.
import type { Trace } from "vedette";
import { type Call, type Caller, type Learning, type Novelty, PRODUCER, type Way, young } from "./caller.ts";
import type { Callers } from "./callers.ts";
import type { Type } from "./changes.ts";
import { Sighting } from "./sighting.ts";

/** Ways with more calls are not followed further. */
const DEEPEST = 32;
/** Orphans that are looked at one by one; milliseconds by which they may lie outside of what they belong to. */
const MOST_ORPHANS = 8;
const SLACK = 100;

/** Share of spans in which a call without a far side is one that never has any. */
const USUAL = 0.5;
/** What a caller's span does not say of its calls: nothing, that one may be missing without having been left out, or that one of those that are usual may. */
const SURE = 0;
const DOUBTFUL = 1;
const DOUBTFUL_IF_LESS = 2;

export class Reader {
  /** What came up anew and is not decided yet. */
  readonly fresh = new Set<Novelty>();
  /** Callers with spans since they were judged. */
  readonly stirred: Caller[] = [];
  /** Number of the trace, and of things seen for the first time. */
  stamp = 0;
  sightings = 0;
  readonly #callers: Callers;
  readonly #options: Learning;
  #now = 0;
  readonly #orphans: number[] = [];
  // by span
  #at: (Caller | undefined)[] = [];
  #way: (Way | undefined)[] = [];
  #far = new Int32Array(0);
  #root = new Int32Array(0);
  #head = new Int32Array(0);
  #last = new Int32Array(0);
  #doubt = new Uint8Array(0);
  // by different call of a span
  #many = 0;
  readonly #to: Caller[] = [];
  readonly #call: (Call | undefined)[] = [];
  readonly #count: number[] = [];
  readonly #retries: number[] = [];
  readonly #atOnce: number[] = [];
  readonly #failed: number[] = [];
  readonly #end: number[] = [];
  readonly #next: number[] = [];

  constructor(callers: Callers, options: Learning) {
    this.#callers = callers;
    this.#options = options;
  }

  /** For so many milliseconds nobody looked: what is new did not stay away for them. */
  defer(unseen: number): void {
    for (const { fresh } of this.fresh) if (fresh) fresh.last += unseen;
  }

  /** `now` is the clock, in Unix milliseconds. */
  read(trace: Trace, now: number): void {
    const { length } = trace;
    if (length === 0) return;
    if (this.#far.length < length) this.#reserve(length);
    this.#now = now;
    this.stamp++;
    this.#many = 0;
    this.#survey(trace);
    for (let i = 0; i < length; i++) this.#enter(trace, i);
    for (let i = 0; i < length; i++) {
      const caller = this.#at[i];
      if (caller && !(caller.hop && this.#head[i] < 0)) this.#learn(trace, i, caller);
    }
  }

  #reserve(length: number): void {
    const capacity = Math.max(64, 2 ** Math.ceil(Math.log2(length)));
    this.#far = new Int32Array(capacity);
    this.#root = new Int32Array(capacity);
    this.#head = new Int32Array(capacity);
    this.#last = new Int32Array(capacity);
    this.#doubt = new Uint8Array(capacity);
  }

  /** Whose each span is, what is below hops, and which roots have a parent that did not come. */
  #survey({ length, parent, operation, operations }: Trace): void {
    this.#orphans.length = 0;
    for (let i = 0; i < length; i++) {
      const caller = this.#callers.of(operation[i], operations, this.#now);
      this.#at[i] = caller;
      if (caller) caller.seen = this.#now;
      this.#far[i] = this.#head[i] = this.#last[i] = -1;
      this.#doubt[i] = SURE;
      const p = parent[i];
      if (p < 0) {
        this.#root[i] = i;
        if (p === -2 && this.#orphans.length <= MOST_ORPHANS) this.#orphans.push(i);
        continue;
      }
      this.#root[i] = this.#root[p];
      const above = this.#at[p];
      if (above?.hop && caller && above.service !== caller.service && this.#far[p] < 0) this.#far[p] = i;
    }
  }

  /** Enters a span among the calls of who made it. */
  #enter(trace: Trace, i: number): void {
    const { parent, start, duration, failed } = trace;
    const p = parent[i];
    const caller = this.#at[i];
    this.#way[i] = undefined;
    if (!caller) return;
    if (p < 0) {
      const way = this.#callers.entries.get(caller.id) ?? this.#callers.way(undefined, caller, this.#now);
      this.#way[i] = way;
      if (way) this.#pass(way);
      return;
    }
    const above = this.#at[p];
    if (!above) return;
    const own = above.service === caller.service && above.namespace === caller.namespace;
    const pp = parent[p];
    if (above.hop && !own && pp >= 0 && this.#at[pp]?.service === above.service) {
      above.far = above.far === undefined || above.far === caller ? caller : "several";
      const fails = failed[i] | failed[p];
      // who takes a message may do so later than others, as a trace of its own
      if (above.kind === PRODUCER && above.far === "several") this.#doubt[pp] |= DOUBTFUL_IF_LESS;
      this.#way[i] = this.#calls(trace, pp, caller, above, start[p], start[p] + duration[p], fails, i);
      return;
    }
    let to = caller;
    if (caller.hop && own) {
      if (this.#far[i] >= 0) {
        this.#way[i] = this.#way[p];
        return;
      }
      if (caller.far === "several") {
        // one of them did not come, or there never is one here
        const alone = above.calls.get(caller.id);
        if (!this.#young(above) && !(alone && alone.share.usual >= USUAL)) {
          this.#doubt[p] |= DOUBTFUL;
          return;
        }
      } else if (caller.far) to = caller.far;
    }
    this.#way[i] = this.#calls(trace, p, to, caller, start[i], start[i] + duration[i], failed[i], i);
  }

  /** Counts a call of the span `c` by way of the operation `by`. The way that it goes. */
  #calls(
    trace: Trace,
    c: number,
    to: Caller,
    by: Caller,
    start: number,
    end: number,
    failed: number,
    i: number,
  ): Way | undefined {
    const caller = this.#at[c]!;
    let e = this.#head[c];
    while (e >= 0 && this.#to[e] !== to) e = this.#next[e];
    const before = this.#last[c];
    if (e < 0) {
      e = this.#many++;
      this.#to[e] = to;
      this.#next[e] = this.#head[c];
      this.#head[c] = e;
      this.#count[e] = 1;
      this.#retries[e] = this.#failed[e] = this.#atOnce[e] = 0;
      this.#call[e] = caller.calls.get(to.id) ?? this.#firstCall(trace, caller, to, by, i);
    } else {
      this.#count[e]++;
      if (start < this.#end[e]) this.#atOnce[e]++;
      else if (this.#failed[e] & 1) this.#retries[e]++;
    }
    const call = this.#call[e];
    // who fails leaves out what would have come between
    const plain = before >= 0 && before !== e && !(this.#failed[before] & 1) && trace.failed[c] === 0;
    if (plain) this.#follows(trace, this.#call[before], call, to, start >= this.#end[before], i);
    this.#last[c] = e;
    this.#end[e] = end;
    // whether the last one failed, and whether any did
    this.#failed[e] = failed ? 3 : this.#failed[e] & 2;
    return this.#wayOf(trace, this.#way[c], call, to, i);
  }

  #firstCall(trace: Trace, caller: Caller, to: Caller, by: Caller, i: number): Call | undefined {
    const call = this.#callers.call(caller, to);
    if (!call || this.#young(caller)) return call;
    // what stood for it is known: now its far side reports
    const stood = by !== to && caller.calls.get(by.id);
    if (stood && !stood.fresh && stood.traces > 0) return call;
    if (caller.watched) this.#sighted(call, trace, i);
    return call;
  }

  /** `ended`: the call before was over. What overlaps has no order, and is no news when it does not any more. */
  #follows(trace: Trace, call: Call | undefined, next: Call | undefined, to: Caller, ended: boolean, i: number): void {
    if (!call || !next) return;
    let step = call.next.get(to.id);
    if (!step) {
      step = this.#callers.step(call, to);
      if (!step) return;
      const known = this.#young(call.caller) || call.traces < this.#options.warmup || call.fresh || next.fresh;
      if (!known && ended && call.caller.watched) this.#sighted(step, trace, i);
    } else if (step.fresh && step.stamp !== this.stamp) {
      step.fresh.count++;
      step.fresh.last = this.#now;
    }
    step.stamp = this.stamp;
  }

  #wayOf(trace: Trace, up: Way | undefined, call: Call | undefined, to: Caller, i: number): Way | undefined {
    if (!up || up.depth >= DEEPEST) return undefined;
    let way = up.next.get(to.id);
    if (way) {
      if (way.stamp !== this.stamp) this.#pass(way);
      return way;
    }
    way = this.#callers.way(up, to, this.#now);
    if (!way) return undefined;
    way.traces = 1;
    way.stamp = this.stamp;
    const { warmup, learning } = this.#options;
    const young = up.traces < warmup || this.#now - up.born < learning || this.#young(up.to);
    if (!young && !up.fresh && call && !call.fresh && up.to.watched) this.#sighted(way, trace, i);
    return way;
  }

  #pass(way: Way): void {
    if (way.stamp === this.stamp) return;
    way.stamp = this.stamp;
    way.traces++;
    if (!way.fresh) return;
    way.fresh.count++;
    way.fresh.last = this.#now;
  }

  /** Whether nothing of it is new yet. */
  #young(caller: Caller): boolean {
    return this.#now - caller.crowded < this.#options.learning || young(caller, this.#options, this.#now);
  }

  #sighted(novelty: Novelty, trace: Trace, i: number): void {
    const order = ++this.sightings;
    novelty.fresh = new Sighting(order, novelty.chances, trace.start[0], this.#now, trace.id, trace.spanId(i));
    this.fresh.add(novelty);
  }

  /** Teaches a caller one of its spans; the first of a trace stands for all. */
  #learn(trace: Trace, i: number, caller: Caller): void {
    const first = caller.stamp !== this.stamp;
    if (first) {
      caller.stamp = this.stamp;
      caller.traces++;
      if (!caller.stirred) {
        caller.stirred = true;
        this.stirred.push(caller);
      }
    }
    let fails = trace.failed[i];
    for (let e = this.#head[i]; e >= 0; e = this.#next[e]) {
      fails |= this.#failed[e] & 1;
      const call = this.#call[e];
      if (!call || call.stamp === this.stamp) continue;
      call.stamp = this.stamp;
      if (call.traces++ === 0 || !call.fresh) continue;
      call.fresh.count++;
      call.fresh.last = this.#now;
    }
    if (!first) return;
    const { bucket } = caller;
    // who fails leaves out what would have come next
    const counts = fails === 0 && !this.#doubtful(trace, i);
    if (counts) caller.recent[bucket]++;
    for (let e = this.#head[i]; e >= 0; e = this.#next[e]) {
      const call = this.#call[e];
      if (!call) continue;
      const retries = this.#retries[e];
      const many = this.#count[e];
      if (this.#failed[e] > 0) {
        // that some of many calls failed is no storm
        call.retry(bucket, call.counts && many <= call.counts.usual ? 0 : retries);
      }
      if (!counts) continue;
      call.share.recent[bucket]++;
      if (retries === 0) call.count(bucket, many, 2 * this.#atOnce[e] > many);
    }
    if (caller.wanted.size > 0) this.#show(trace, i, caller);
  }

  /** Whether the span is an example of what somebody is to be told of. */
  #show(trace: Trace, i: number, caller: Caller): void {
    for (const change of caller.wanted) {
      const { type, to, facts } = change;
      let e = this.#head[i];
      while (e >= 0 && this.#to[e] !== to) e = this.#next[e];
      const fits = e < 0 ? type === "missing_edge" : this.#beyond(type, e, facts.expected);
      if (!fits) continue;
      change.traceId = trace.id;
      change.spanId = trace.spanId(i);
      caller.wanted.delete(change);
    }
  }

  #beyond(type: Type, e: number, expected: number): boolean {
    if (type === "missing_edge") return false;
    return (type === "retry_storm" ? this.#retries[e] : this.#count[e]) > expected;
  }

  /** Whether a call may be missing since spans were lost. */
  #doubtful({ start, duration, whole, left }: Trace, i: number): boolean {
    const orphans = this.#orphans;
    if (this.#doubt[i] & DOUBTFUL || left > 0 || orphans.length > MOST_ORPHANS) return true;
    if ((this.#doubt[i] & DOUBTFUL_IF_LESS || this.#stand(i)) && this.#less(i)) return true;
    if (this.#options.sampled && !whole) return true;
    const from = start[i] - SLACK;
    const to = start[i] + duration[i] + SLACK;
    for (const j of orphans) {
      if (j === this.#root[i] || this.#at[j]?.service === this.#at[i]!.service) continue;
      if (start[j] >= from && start[j] <= to) return true;
    }
    return false;
  }

  /** Whether more of its calls than usual are known by what stands for several: their far sides did not come. */
  #stand(i: number): boolean {
    for (let e = this.#head[i]; e >= 0; e = this.#next[e]) {
      if (this.#to[e].far !== "several") continue;
      if (this.#count[e] > (this.#call[e]?.counts?.usual ?? 1)) return true;
    }
    return false;
  }

  /** Whether it did not call another service that most such spans call. */
  #less(i: number): boolean {
    const { service, calls } = this.#at[i]!;
    for (const { to, share, fresh, stamp } of calls.values()) {
      if (stamp !== this.stamp && !fresh && to.service !== service && share.usual >= USUAL) return true;
    }
    return false;
  }
}
