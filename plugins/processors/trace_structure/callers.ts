// All callers that are known, and the calls, steps and ways between them: bounded.
import type { Detection, Operation } from "vedette";
import { Call, Caller, type CallerName, labelsOf, type Novelty, Step, Way } from "./caller.ts";

/** Different calls of one caller that are told apart, and calls that may follow on one. */
const MOST_CALLS = 64;
const MOST_STEPS = 32;
/** All calls, steps and ways together, for each caller there may be; and however many callers there may be. */
const LINKS = 10;
const MOST_LINKS = 50_000;
/** Milliseconds: a caller that knows little makes room when it was not seen for so long, any other for so much longer. */
const UNSEEN = 600_000;
const FORGOTTEN = 7 * 86_400_000;
const SWEEP_EVERY = 60_000;

/** All that is known of the system, bounded. */
export class Callers {
  readonly byKey = new Map<string, Caller>();
  /** By id of the entry. */
  readonly entries = new Map<number, Way>();
  /** Calls, steps and ways. */
  links = 0;
  /** The id of the next. */
  next = 1;
  /** What there was no room for, ever. */
  refused = 0;
  /** Called before anything is forgotten. */
  onSweep: () => void = () => {};
  readonly #detection: Pick<Detection, "allows">;
  readonly #most: number;
  readonly #mostLinks: number;
  readonly #byNumber: { operation: Operation; caller: Caller }[] = [];
  #swept = Number.NEGATIVE_INFINITY;
  #now = Number.NaN;

  constructor(detection: Pick<Detection, "allows">, most: number) {
    this.#detection = detection;
    this.#most = most;
    this.#mostLinks = Math.min(MOST_LINKS, LINKS * most);
  }

  /** The caller of an operation by its number in a trace; undefined when there is no room. */
  of(number: number, operations: readonly Operation[], now: number): Caller | undefined {
    this.#now = now;
    const operation = operations[number];
    const known = this.#byNumber[number];
    if (known !== undefined && known.operation === operation) return known.caller;
    const { key, name, kind } = operation;
    const { name: service, namespace } = operation.service;
    const caller = this.byKey.get(key) ?? this.#add({ key, name, kind, service, namespace }, now);
    if (caller) this.#byNumber[number] = { operation, caller };
    return caller;
  }

  #add(named: CallerName, now: number): Caller | undefined {
    if (this.byKey.size >= this.#most) {
      this.#sweep(now);
      if (this.byKey.size >= this.#most) {
        this.refused++;
        return undefined;
      }
    }
    return this.restore(named, this.next++, now);
  }

  restore(named: CallerName, id: number, now: number): Caller {
    const caller = new Caller(id, named, this.#detection.allows(labelsOf(named, "", "")), now);
    this.byKey.set(named.key, caller);
    return caller;
  }

  /** A call that is new and known, until it is given a sighting; undefined when there is no room. */
  call(caller: Caller, to: Caller): Call | undefined {
    if (caller.calls.size >= MOST_CALLS || !this.#link(caller)) return undefined;
    const call = new Call(caller, to);
    call.share.of = caller.learnt;
    caller.calls.set(to.id, call);
    return call;
  }

  /** Likewise that `to` is called after a call. */
  step(after: Call, to: Caller): Step | undefined {
    if (after.next.size >= MOST_STEPS || !this.#link(after.caller)) return undefined;
    const step = new Step(after, to);
    after.next.set(to.id, step);
    return step;
  }

  /** Likewise the way on from `up`, or of an entry. */
  way(up: Way | undefined, to: Caller, now: number): Way | undefined {
    if (!this.#link(up?.to)) return undefined;
    const way = new Way(up, to, now);
    (up ? up.next : this.entries).set(to.id, way);
    return way;
  }

  /** Takes room for a link of a caller; false where there is none. */
  #link(caller: Caller | undefined): boolean {
    if (this.links >= this.#mostLinks) this.#sweep(this.#now);
    if (this.links >= this.#mostLinks) {
      this.refused++;
      if (caller) caller.crowded = this.#now;
      return false;
    }
    this.links++;
    return true;
  }

  /** It is new when it comes again. */
  forget(novelty: Novelty): void {
    const { to } = novelty;
    if (novelty instanceof Way) {
      if (novelty.up?.next.delete(to.id)) this.links -= sizeOf(novelty);
    } else if (novelty instanceof Step) {
      if (novelty.after.next.delete(to.id)) this.links--;
    } else if (novelty.caller.calls.delete(to.id)) this.links -= 1 + (novelty as Call).next.size;
  }

  /** Forgets what knows little and was not seen of late, as a flood of new names leaves it; and what is long gone. */
  #sweep(now: number): void {
    if (Math.abs(now - this.#swept) < SWEEP_EVERY) return;
    this.#swept = now;
    this.onSweep();
    const gone = new Set<Caller>();
    for (const caller of this.byKey.values()) {
      if (now - caller.seen > (caller.traces < 100 ? UNSEEN : FORGOTTEN)) gone.add(caller);
    }
    if (gone.size === 0) return;
    for (const caller of gone) {
      this.byKey.delete(caller.key);
      for (const call of caller.calls.values()) this.forget(call);
      const way = this.entries.get(caller.id);
      if (way) this.links -= sizeOf(way);
      this.entries.delete(caller.id);
    }
    for (const caller of this.byKey.values()) {
      if (caller.far instanceof Caller && gone.has(caller.far)) caller.far = undefined;
      for (const call of caller.calls.values()) {
        if (gone.has(call.to)) this.forget(call);
        else for (const step of call.next.values()) if (gone.has(step.to)) this.forget(step);
      }
    }
    this.#byNumber.length = 0;
    const prune = (way: Way) => {
      for (const next of way.next.values()) {
        if (gone.has(next.to)) this.forget(next);
        else prune(next);
      }
    };
    for (const way of this.entries.values()) prune(way);
  }
}

function sizeOf(way: Way): number {
  let size = 1;
  for (const next of way.next.values()) size += sizeOf(next);
  return size;
}
