// Reads complete traces: who calls what, how often, in which order and on which way. What was read before is counted as a whole.
import type { Trace } from "vedette";
import { type Call, type Caller, type Learning, type Novelty, PRODUCER, type Way, young } from "./caller.ts";
import type { Callers } from "./callers.ts";
import { USUAL } from "./doubt.ts";
import { Lesson, MOST_ORPHANS } from "./lesson.ts";
import { Patterns } from "./patterns.ts";
import { DOUBTFUL, DOUBTFUL_IF_LESS, overlaps, Reading, SURE } from "./reading.ts";
import { Sighting } from "./sighting.ts";

/** Ways with more calls are not followed further. */
const DEEPEST = 32;

export class Reader {
  /** What came up anew and is not decided yet. */
  readonly fresh = new Set<Novelty>();
  /** Number of the trace, and of things seen for the first time. */
  stamp = 0;
  sightings = 0;
  readonly #callers: Callers;
  readonly #options: Learning;
  #now = 0;
  readonly #reading = new Reading();
  readonly #lesson: Lesson;
  readonly #patterns: Patterns;

  constructor(callers: Callers, options: Learning) {
    this.#callers = callers;
    this.#options = options;
    this.#lesson = new Lesson(this.#reading, options);
    this.#patterns = new Patterns(options.sampled);
    callers.onSweep = () => this.#changed();
  }

  /** Callers with spans since they were judged. */
  get stirred(): Caller[] {
    return this.#lesson.stirred;
  }

  /** For so many milliseconds nobody looked: what is new did not stay away for them. */
  defer(unseen: number): void {
    for (const { fresh } of this.fresh) if (fresh) fresh.last += unseen;
  }

  /** Adds what was counted as a whole to what callers are judged by. */
  teach(): void {
    this.#patterns.teach();
  }

  /** Likewise to all that is known of them. */
  settle(): void {
    this.#patterns.settle();
  }

  /** `now` is the clock, in Unix milliseconds. */
  read(trace: Trace, now: number): void {
    const { length } = trace;
    if (length === 0) return;
    this.#now = now;
    const patterns = this.#patterns;
    const hash = patterns.hash(trace);
    if (patterns.count(hash, trace, this.#lesson, now)) return;
    this.stamp++;
    const reading = this.#reading;
    const callers = this.#callers;
    const { links, refused } = callers;
    reading.begin(length);
    this.#survey(trace);
    for (let i = 0; i < length; i++) this.#enter(trace, i);
    this.#lesson.teach(trace, this.stamp, now);
    if (reading.plain && links === callers.links && refused === callers.refused) patterns.add(hash, trace, reading);
  }

  /** What was true of patterns is no more. */
  #changed(): void {
    this.#reading.plain = false;
    this.#patterns.clear();
  }

  /** Whose each span is, what is below hops, and which roots have a parent that did not come. */
  #survey({ length, parent, operation, operations }: Trace): void {
    const { at, far, root, doubt, head, last, orphans } = this.#reading;
    for (let i = 0; i < length; i++) {
      const caller = this.#callers.of(operation[i], operations, this.#now);
      at[i] = caller;
      if (caller) caller.seen = this.#now;
      far[i] = head[i] = last[i] = -1;
      doubt[i] = SURE;
      const p = parent[i];
      if (p < 0) {
        root[i] = i;
        if (p === -2 && orphans.length <= MOST_ORPHANS) orphans.push(i);
        continue;
      }
      root[i] = root[p];
      const above = at[p];
      if (above?.hop && caller && above.service !== caller.service && far[p] < 0) far[p] = i;
    }
  }

  /** Enters a span among the calls of who made it. */
  #enter(trace: Trace, i: number): void {
    const { parent, failed } = trace;
    const { at, way: ways, far, doubt } = this.#reading;
    const p = parent[i];
    const caller = at[i];
    ways[i] = undefined;
    if (!caller) return;
    if (p < 0) {
      const way = this.#callers.entries.get(caller.id) ?? this.#callers.way(undefined, caller, this.#now);
      ways[i] = way;
      if (way) this.#pass(way);
      return;
    }
    const above = at[p];
    if (!above) return;
    const own = above.service === caller.service && above.namespace === caller.namespace;
    const pp = parent[p];
    if (above.hop && !own && pp >= 0 && at[pp]?.service === above.service) {
      this.#reached(above, caller);
      const fails = failed[i] | failed[p];
      // who takes a message may do so later than others, as a trace of its own
      if (above.kind === PRODUCER && above.far === "several") doubt[pp] |= DOUBTFUL_IF_LESS;
      ways[i] = this.#calls(trace, pp, caller, above, p, fails, i);
      return;
    }
    let to = caller;
    if (caller.hop && own) {
      if (far[i] >= 0) {
        ways[i] = ways[p];
        return;
      }
      if (caller.far === "several") {
        // one of them did not come, or there never is one here
        this.#reading.plain = false;
        const alone = above.calls.get(caller.id);
        if (!this.#young(above) && !(alone && alone.share.usual >= USUAL)) {
          doubt[p] |= DOUBTFUL;
          return;
        }
      } else if (caller.far) to = caller.far;
    }
    ways[i] = this.#calls(trace, p, to, caller, i, failed[i], i);
  }

  /** A caller was below a hop. */
  #reached(hop: Caller, caller: Caller): void {
    const far = hop.far === undefined || hop.far === caller ? caller : "several";
    if (far === hop.far) return;
    hop.far = far;
    this.#changed();
  }

  /** Counts a call of the span `c` by way of the operation `by`, which took what the span `span` did. The way that it goes. */
  #calls(trace: Trace, c: number, to: Caller, by: Caller, span: number, failed: number, i: number): Way | undefined {
    const reading = this.#reading;
    const caller = reading.at[c]!;
    const before = reading.last[c];
    let e = reading.find(c, to);
    if (e >= 0) reading.repeat(e, span, trace);
    else e = reading.first(c, to, caller.calls.get(to.id) ?? this.#firstCall(trace, caller, to, by, i));
    const call = reading.call[e];
    // who fails leaves out what would have come between
    if (before >= 0 && before !== e && !(reading.failed[before] & 1) && trace.failed[c] === 0) {
      const ended = !overlaps(trace, reading.span[before], span);
      this.#follows(trace, reading.call[before], call, to, ended, i);
    }
    reading.made(c, e, span, failed);
    return this.#wayOf(trace, reading.way[c], call, to, i);
  }

  #firstCall(trace: Trace, caller: Caller, to: Caller, by: Caller, i: number): Call | undefined {
    const call = this.#callers.call(caller, to);
    if (!call) return undefined;
    this.settle();
    if (this.#young(caller)) return call;
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
      this.settle();
      const known = this.#young(call.caller) || call.traces < this.#options.warmup || call.fresh || next.fresh;
      if (!known && ended && call.caller.watched) this.#sighted(step, trace, i);
    } else if (step.fresh) {
      this.#reading.plain = false;
      if (step.stamp !== this.stamp) {
        step.fresh.count++;
        step.fresh.last = this.#now;
      }
    }
    step.stamp = this.stamp;
  }

  #wayOf(trace: Trace, up: Way | undefined, call: Call | undefined, to: Caller, i: number): Way | undefined {
    if (!up || up.depth >= DEEPEST) return undefined;
    let way = up.next.get(to.id);
    if (way) {
      this.#pass(way);
      return way;
    }
    way = this.#callers.way(up, to, this.#now);
    if (!way) return undefined;
    this.settle();
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
    this.#reading.plain = false;
    way.fresh.count++;
    way.fresh.last = this.#now;
  }

  /** Whether nothing of it is new yet. */
  #young(caller: Caller): boolean {
    if (caller.traces < this.#options.warmup) this.settle();
    return this.#now - caller.crowded < this.#options.learning || young(caller, this.#options, this.#now);
  }

  #sighted(novelty: Novelty, trace: Trace, i: number): void {
    const order = ++this.sightings;
    novelty.fresh = new Sighting(order, novelty.chances, trace.start[0], this.#now, trace.id, trace.spanId(i));
    this.fresh.add(novelty);
  }
}
