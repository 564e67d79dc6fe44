// The span or record that stands for a member in an open interval: one that failed, where there is one.
import { hex } from "../otlp/labels.ts";

const TRACE_ID = 16;
const IDS = 24;
/** Where the first ids are: for `hex` what is at 0 is absent. */
const FIRST = 8;

/** By member and interval, as counts are: the example of interval n is at member * ring + n % ring. */
export class Examples {
  readonly #ring: number;
  /** The interval that was last asked for, as it mostly is again, and its place in the ring. */
  #lastAsked = Number.NaN;
  #slot = 0;
  /** The interval that it is of, NaN for none; whether it failed; and its ids, all 0 where it has none. */
  #number = new Float64Array(0);
  #failed = new Uint8Array(0);
  #ids = new Uint8Array(FIRST);

  /** `ring` is how many intervals are open at most. */
  constructor(ring: number) {
    this.#ring = ring;
  }

  get byteLength(): number {
    return this.#number.byteLength + this.#failed.byteLength + this.#ids.byteLength;
  }

  grow(capacity: number): void {
    const number = new Float64Array(capacity * this.#ring).fill(Number.NaN);
    const failed = new Uint8Array(capacity * this.#ring);
    const ids = new Uint8Array(FIRST + capacity * this.#ring * IDS);
    number.set(this.#number);
    failed.set(this.#failed);
    ids.set(this.#ids);
    this.#number = number;
    this.#failed = failed;
    this.#ids = ids;
  }

  clear(member: number): void {
    this.#number.fill(Number.NaN, member * this.#ring, (member + 1) * this.#ring);
  }

  #at(member: number, number: number): number {
    if (number !== this.#lastAsked) {
      this.#lastAsked = number;
      this.#slot = number % this.#ring;
    }
    return member * this.#ring + this.#slot;
  }

  /** Whether a row that failed, or did not (1 or 0), would be a better one. */
  wants(member: number, number: number, failed: number): boolean {
    const at = this.#at(member, number);
    return this.#number[at] !== number || this.#failed[at] < failed;
  }

  /** Takes a row whose ids are in the bytes at these places, 0 where there are none. */
  take(member: number, number: number, failed: number, bytes: Uint8Array, traceId: number, spanId: number): void {
    const at = this.#at(member, number);
    this.#number[at] = number;
    this.#failed[at] = failed;
    const own = FIRST + at * IDS;
    for (let i = 0; i < TRACE_ID; i++) this.#ids[own + i] = traceId === 0 ? 0 : bytes[traceId + i];
    for (let i = 0; i < IDS - TRACE_ID; i++) this.#ids[own + TRACE_ID + i] = spanId === 0 ? 0 : bytes[spanId + i];
  }

  /** Member `to` has the example of `from`. */
  copy(from: number, to: number, number: number): void {
    const own = FIRST + this.#at(from, number) * IDS;
    const failed = this.#failed[this.#at(from, number)];
    this.take(to, number, failed, this.#ids, own, own + TRACE_ID);
  }

  /** In hexadecimal; empty where there is none. */
  of(member: number, number: number): { traceId: string; spanId: string } {
    const at = this.#at(member, number);
    if (this.#number[at] !== number) return { traceId: "", spanId: "" };
    const own = FIRST + at * IDS;
    return { traceId: hex(this.#ids, own, TRACE_ID), spanId: hex(this.#ids, own + TRACE_ID, IDS - TRACE_ID) };
  }
}
