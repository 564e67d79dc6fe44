// Cuts one request into several of a bounded size; each item is in exactly one of them, what encloses it in each that needs it.
import type { Telemetry } from "../api/signals.ts";
import { enter, position, readTag, skip } from "./wire.ts";
import { Writer } from "./writer.ts";

/** A request of its own. */
export interface Part {
  readonly bytes: Uint8Array;
  readonly items: number;
}

/** Tags of Resource*, Scope*, the rows of a scope (a Metric is one) and the points of a metric. */
const RESOURCE = 0x0a;
const SCOPE = 0x12;
const ROW = 0x12;
const POINT = 0x0a;
/** Gauge, sum, histogram, exponential histogram, summary: members of one oneof. */
const MEMBERS: ReadonlySet<number> = new Set([0x2a, 0x3a, 0x4a, 0x52, 0x5a]);
/** Most bytes by which the tag and length of a container are larger once it is closed. */
const PREFIX = 6;

/**
 * Parts of at most `max` items, or of at most `max` bytes where single items allow it, in the order of the request. All that
 * is not on the way to another item (resource, scope, a metric's name and temporality, unknown fields) is in each part that
 * has items of it; what encloses no item is in one. Throws DecodeError.
 */
export function splitRequest(signal: Telemetry, bytes: Uint8Array, max: number, sizer: "items" | "bytes"): Part[] {
  return new Cutter(bytes, max, sizer).cut(signal === "metrics");
}

/** Data points, log records or spans of a request that is only skimmed, not checked. Throws DecodeError. */
export function countItems(signal: Telemetry, bytes: Uint8Array): number {
  let items = 0;
  each(bytes, 0, bytes.length, RESOURCE, (start, end) =>
    each(bytes, start, end, SCOPE, (from, to) =>
      each(bytes, from, to, ROW, (row, rowEnd) => {
        if (signal !== "metrics") items++;
        else points(bytes, row, rowEnd, () => items++);
      }),
    ),
  );
  return items;
}

/** Calls back with the content of every field of that tag, and with where the field itself starts. */
function each(
  bytes: Uint8Array,
  start: number,
  end: number,
  wanted: number,
  found: (start: number, end: number, field: number) => void,
): void {
  for (let p = start; p < end; ) {
    const field = p;
    const tag = readTag(bytes, p, end);
    const to = tag === wanted ? enter(bytes, position, end) : skip(bytes, tag, position, end);
    if (tag === wanted) found(position, to, field);
    p = to;
  }
}

/** Calls back with every point of a metric, as `each` does. */
function points(
  bytes: Uint8Array,
  start: number,
  end: number,
  found: (start: number, end: number, field: number) => void,
): void {
  const { member, first } = dataOf(bytes, start, end);
  if (member !== 0) each(bytes, first, end, member, (from, to) => each(bytes, from, to, POINT, found));
}

/** The member that counts where several are set, the last, and where the run of its occurrences begins, which are merged. */
function dataOf(bytes: Uint8Array, start: number, end: number): { member: number; first: number } {
  let member = 0;
  let first = end;
  for (let p = start; p < end; ) {
    const tag = readTag(bytes, p, end);
    if (MEMBERS.has(tag)) {
      if (tag !== member) first = p;
      member = tag;
    }
    p = skip(bytes, tag, position, end);
  }
  return { member, first };
}

/** What a container holds beside what it contains: ranges of bytes, from and to in turn. */
class Frame {
  readonly field: number;
  readonly ranges: number[] = [];
  size = 0;
  /** Whether any part has it. */
  written = false;

  constructor(tag: number) {
    this.field = tag >>> 3;
  }

  /** Adds the fields of bytes[start, end) that `inside` does not say are contained. */
  add(bytes: Uint8Array, start: number, end: number, inside: (tag: number) => boolean): this {
    for (let p = start; p < end; ) {
      const field = p;
      const tag = readTag(bytes, p, end);
      p = skip(bytes, tag, position, end);
      if (inside(tag)) continue;
      if (this.ranges.at(-1) === field) this.ranges[this.ranges.length - 1] = p;
      else this.ranges.push(field, p);
      this.size += p - field;
    }
    return this;
  }
}

class Cutter {
  readonly #bytes: Uint8Array;
  readonly #max: number;
  readonly #sizer: "items" | "bytes";
  readonly #parts: Part[] = [];
  readonly #writer = new Writer(4096);
  #items = 0;
  /** Frame of the request itself. */
  readonly #request: Frame;
  /** Containers being walked, outermost first, and where those of them begin that the current part has. */
  readonly #path: Frame[] = [];
  readonly #opened: number[] = [];

  constructor(bytes: Uint8Array, max: number, sizer: "items" | "bytes") {
    this.#bytes = bytes;
    this.#max = max;
    this.#sizer = sizer;
    this.#request = new Frame(0).add(bytes, 0, bytes.length, (tag) => tag === RESOURCE);
  }

  cut(metrics: boolean): Part[] {
    const bytes = this.#bytes;
    this.#write(this.#request);
    each(bytes, 0, bytes.length, RESOURCE, (start, end) => {
      this.#enter(new Frame(RESOURCE).add(bytes, start, end, (tag) => tag === SCOPE));
      each(bytes, start, end, SCOPE, (from, to) => {
        this.#enter(new Frame(SCOPE).add(bytes, from, to, (tag) => tag === ROW));
        each(bytes, from, to, ROW, (row, rowEnd, field) => {
          if (metrics) this.#metric(row, rowEnd);
          else this.#item(field, rowEnd);
        });
        this.#leave();
      });
      this.#leave();
    });
    this.#end();
    return this.#parts;
  }

  #metric(start: number, end: number): void {
    const bytes = this.#bytes;
    this.#enter(new Frame(ROW).add(bytes, start, end, (tag) => MEMBERS.has(tag)));
    const { member, first } = dataOf(bytes, start, end);
    if (member !== 0) {
      const data = new Frame(member);
      each(bytes, first, end, member, (from, to) => data.add(bytes, from, to, (tag) => tag === POINT));
      this.#enter(data);
      points(bytes, start, end, (_, to, field) => this.#item(field, to));
      this.#leave();
    }
    this.#leave();
  }

  #enter(frame: Frame): void {
    this.#path.push(frame);
  }

  #leave(): void {
    const frame = this.#path[this.#path.length - 1];
    if (!frame.written) {
      if (this.#sizer === "bytes") this.#room(0);
      this.#open();
    }
    if (this.#opened.length === this.#path.length) this.#writer.close(this.#opened.pop() as number);
    this.#path.pop();
  }

  #item(start: number, end: number): void {
    this.#room(end - start);
    this.#open();
    this.#writer.append(this.#bytes.subarray(start, end));
    this.#items++;
  }

  /** Begins a new part when the current one has no room for an item of so many bytes. */
  #room(size: number): void {
    if (this.#items === 0) return;
    if (this.#sizer === "items") {
      if (this.#items >= this.#max) this.#end();
      return;
    }
    let total = this.#writer.length + size + PREFIX * this.#path.length;
    for (let i = this.#opened.length; i < this.#path.length; i++) total += this.#path[i].size;
    if (total > this.#max) this.#end();
  }

  #open(): void {
    for (let i = this.#opened.length; i < this.#path.length; i++) {
      this.#opened.push(this.#writer.open(this.#path[i].field));
      this.#write(this.#path[i]);
    }
  }

  #write(frame: Frame): void {
    frame.written = true;
    const { ranges } = frame;
    for (let i = 0; i < ranges.length; i += 2) this.#writer.append(this.#bytes.subarray(ranges[i], ranges[i + 1]));
  }

  /** Ends the current part; what is open goes on in the next one once there is more of it. */
  #end(): void {
    while (this.#opened.length > 0) this.#writer.close(this.#opened.pop() as number);
    this.#parts.push({ bytes: this.#writer.finish(), items: this.#items });
    this.#writer.length = 0;
    this.#items = 0;
    this.#write(this.#request);
  }
}
