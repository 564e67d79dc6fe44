// What a trace of one pattern teaches, and how many of them came.
import type { Trace } from "vedette";
import type { Call, Caller, Way } from "./caller.ts";
import type { Doubt } from "./doubt.ts";
import type { Lesson } from "./lesson.ts";
import { overlaps, type Reading } from "./reading.ts";

/** A call that a span makes several times: whether that is at once is for each trace to say. */
interface Repeated {
  readonly call: Call;
  readonly many: number;
  /** Spans that each is, and that the one before it is, in turn. */
  readonly pairs: readonly number[];
}

export class Pattern {
  /** Traces that callers were not taught yet; and that is not known yet of what is only asked when something is new. */
  traces = 0;
  passed = 0;
  /** By the clock, in Unix milliseconds: about when the last one came. */
  #seen = 0;
  /** By span, which operation it is, where, and whether it failed. */
  readonly #places: readonly number[];
  /** Each once. Callers that learn come in the order of their spans. */
  readonly #callers: readonly Caller[];
  readonly #all: readonly Caller[];
  readonly #ways: readonly Way[];
  readonly #calls: readonly Call[];
  /** Callers whose span counts; and the calls of these that it makes once. */
  readonly #sure: readonly Caller[];
  readonly #once: readonly Call[];
  readonly #repeated: readonly Repeated[];
  /** Calls that failed. */
  readonly #failed: readonly Call[];
  readonly #doubts: readonly Doubt[];

  /** Of a trace that was just read, plainly. */
  constructor(places: readonly number[], { failed }: Trace, reading: Reading) {
    const { at, way, head, next, call, count } = reading;
    const callers = new Set<Caller>();
    const calls = new Set<Call>();
    const sure: Caller[] = [];
    const once: Call[] = [];
    const repeated: Repeated[] = [];
    const failing: Call[] = [];
    const unsure = new Set(reading.doubts.filter(({ was }) => was).map(({ span }) => span));
    for (let i = 0; i < places.length; i++) {
      const caller = at[i]!;
      if (caller.hop && head[i] < 0) continue;
      const first = !callers.has(caller);
      callers.add(caller);
      let fails = failed[i];
      for (let e = head[i]; e >= 0; e = next[e]) fails |= reading.failed[e] & 1;
      const counts = first && fails === 0 && !unsure.has(i);
      if (counts) sure.push(caller);
      for (let e = head[i]; e >= 0; e = next[e]) {
        const made = call[e];
        if (!made) continue;
        calls.add(made);
        if (!first) continue;
        if (reading.failed[e] > 0) failing.push(made);
        if (!counts) continue;
        if (count[e] === 1) once.push(made);
        else repeated.push({ call: made, many: count[e], pairs: pairsOf(reading, e) });
      }
    }
    const known = <T>(each: T | undefined): each is T => each !== undefined;
    this.#places = places;
    this.#callers = [...callers];
    this.#all = [...new Set(at.slice(0, places.length))].filter(known);
    this.#ways = [...new Set(way.slice(0, places.length))].filter(known);
    this.#calls = [...calls];
    this.#sure = sure.slice();
    this.#once = once.slice();
    this.#repeated = repeated;
    this.#failed = failing;
    this.#doubts = [...reading.doubts];
  }

  get length(): number {
    return this.#places.length;
  }

  /** Hashes may be the same by chance. */
  fits(places: Int32Array, length: number): boolean {
    const own = this.#places;
    if (length !== own.length) return false;
    for (let i = 0; i < length; i++) if (places[i] !== own[i]) return false;
    return true;
  }

  /** Whether traces teach what they did when it was read, and nobody wants an example of its callers. The same until they are judged again. */
  get holds(): boolean {
    const callers = this.#callers;
    for (let i = 0; i < callers.length; i++) if (callers[i].wanted !== undefined) return false;
    for (const doubt of this.#doubts) if (doubt.holds() !== doubt.was) return false;
    return true;
  }

  stir(lesson: Lesson): void {
    const callers = this.#callers;
    for (let i = 0; i < callers.length; i++) lesson.stir(callers[i]);
  }

  count(trace: Trace): void {
    this.traces++;
    const repeated = this.#repeated;
    for (let r = 0; r < repeated.length; r++) {
      const { call, many, pairs } = repeated[r];
      let atOnce = 0;
      for (let i = 0; i < pairs.length; i += 2) if (overlaps(trace, pairs[i + 1], pairs[i])) atOnce++;
      call.count(call.caller.bucket, many, 2 * atOnce > many);
    }
  }

  /** Teaches callers what was counted. `now` is the clock. */
  teach(now: number): void {
    const { traces } = this;
    if (traces === 0) return;
    this.traces = 0;
    this.passed += traces;
    this.#seen = now;
    const callers = this.#callers;
    const sure = this.#sure;
    const once = this.#once;
    for (let i = 0; i < callers.length; i++) callers[i].traces += traces;
    for (let i = 0; i < sure.length; i++) sure[i].recent[sure[i].bucket] += traces;
    for (let i = 0; i < once.length; i++) once[i].madeOnce(traces);
    for (const call of this.#failed) call.failedOnce(traces);
    for (const { call } of this.#repeated) call.share.recent[call.caller.bucket] += traces;
  }

  /** Adds what was taught to what is only asked when something is new: traces of calls and ways, and when callers were seen. */
  settle(): void {
    const { passed } = this;
    const seen = this.#seen;
    this.passed = 0;
    for (const caller of this.#all) if (caller.seen < seen) caller.seen = seen;
    for (const way of this.#ways) way.traces += passed;
    for (const call of this.#calls) call.traces += passed;
  }
}

function pairsOf({ repeats, again, later, earlier }: Reading, e: number): number[] {
  const pairs: number[] = [];
  for (let n = 0; n < repeats; n++) if (again[n] === e) pairs.push(later[n], earlier[n]);
  return pairs;
}
