// Teaches callers what their spans of one trace did.
import type { Trace } from "vedette";
import type { Caller, Learning } from "./caller.ts";
import type { Change, Type } from "./changes.ts";
import { Doubt } from "./doubt.ts";
import { DOUBTFUL, DOUBTFUL_IF_LESS, type Reading } from "./reading.ts";

/** Orphans that are looked at one by one; milliseconds by which they may lie outside of what they belong to. */
export const MOST_ORPHANS = 8;
const SLACK = 100;

export class Lesson {
  /** Callers with spans since they were judged. */
  readonly stirred: Caller[] = [];
  readonly #reading: Reading;
  readonly #sampled: boolean;

  constructor(reading: Reading, { sampled }: Learning) {
    this.#reading = reading;
    this.#sampled = sampled;
  }

  /** All spans of a trace, of the number `stamp`. */
  teach(trace: Trace, stamp: number, now: number): void {
    const { at, head } = this.#reading;
    for (let i = 0; i < trace.length; i++) {
      const caller = at[i];
      if (caller && !(caller.hop && head[i] < 0)) this.#learn(trace, i, caller, stamp, now);
    }
  }

  stir(caller: Caller): void {
    if (caller.stirred) return;
    caller.stirred = true;
    this.stirred.push(caller);
  }

  /** Teaches a caller one of its spans; the first of a trace stands for all. */
  #learn(trace: Trace, i: number, caller: Caller, stamp: number, now: number): void {
    const reading = this.#reading;
    const { head, next, failed } = reading;
    const first = caller.stamp !== stamp;
    if (first) {
      caller.stamp = stamp;
      caller.traces++;
      this.stir(caller);
    }
    let fails = trace.failed[i];
    for (let e = head[i]; e >= 0; e = next[e]) {
      fails |= failed[e] & 1;
      const call = reading.call[e];
      if (!call || call.stamp === stamp) continue;
      call.stamp = stamp;
      if (call.traces++ === 0 || !call.fresh) continue;
      call.fresh.count++;
      call.fresh.last = now;
      reading.plain = false;
    }
    if (!first) return;
    const { bucket } = caller;
    // who fails leaves out what would have come next
    const counts = fails === 0 && !this.#doubtful(trace, i);
    if (counts) caller.recent[bucket]++;
    for (let e = head[i]; e >= 0; e = next[e]) {
      const call = reading.call[e];
      if (!call) continue;
      const retries = reading.retries[e];
      const many = reading.count[e];
      if (failed[e] > 0) {
        if (many > 1) reading.plain = false;
        // that some of many calls failed is no storm
        call.retry(bucket, call.counts && many <= call.counts.usual ? 0 : retries);
      }
      if (!counts) continue;
      call.share.recent[bucket]++;
      if (retries === 0) call.count(bucket, many, 2 * reading.atOnce[e] > many);
    }
    if (caller.wanted) this.#show(trace, i, caller, caller.wanted);
  }

  /** Whether the span is an example of what somebody is to be told of. */
  #show(trace: Trace, i: number, caller: Caller, wanted: Iterable<Change>): void {
    for (const change of wanted) {
      const { type, to, facts } = change;
      const e = this.#reading.find(i, to);
      const fits = e < 0 ? type === "missing_edge" : this.#beyond(type, e, facts.expected);
      if (!fits) continue;
      change.traceId = trace.id;
      change.spanId = trace.spanId(i);
      caller.unwant(change);
    }
  }

  #beyond(type: Type, e: number, expected: number): boolean {
    if (type === "missing_edge") return false;
    const { retries, count } = this.#reading;
    return (type === "retry_storm" ? retries[e] : count[e]) > expected;
  }

  /** Whether a call may be missing since spans were lost. */
  #doubtful({ start, duration, whole, left }: Trace, i: number): boolean {
    const { at, root, doubt, orphans } = this.#reading;
    if (doubt[i] & DOUBTFUL || left > 0 || orphans.length > MOST_ORPHANS) return true;
    if (this.#unsure(i)) return true;
    if (this.#sampled && !whole) return true;
    const from = start[i] - SLACK;
    const to = start[i] + duration[i] + SLACK;
    for (const j of orphans) {
      if (j === root[i] || at[j]?.service === at[i]!.service) continue;
      if (start[j] >= from && start[j] <= to) return true;
    }
    return false;
  }

  /** Whether a call may be missing since its far side did not come. */
  #unsure(i: number): boolean {
    const { doubt, doubts, head, next, to } = this.#reading;
    const later = (doubt[i] & DOUBTFUL_IF_LESS) > 0;
    let stands = later;
    for (let e = head[i]; e >= 0 && !stands; e = next[e]) stands = to[e].far === "several";
    if (!stands) return false;
    const unsure = new Doubt(i, later, this.#reading);
    doubts.push(unsure);
    return unsure.was;
  }
}
